"""One file, one etag: clients write the same MD5 in quotes, in upper case, or with a mark for weak validators."""

import re

_MD5 = re.compile(r'(?:W/)?"?([0-9a-f]{32}(?:-\d+)?)"?', re.IGNORECASE | re.ASCII)


def normalize_etag(text: str) -> str:
    """Without quotes and in lower case if it is 32 hex digits, with or without a number of parts; otherwise unchanged."""
    found = _MD5.fullmatch(text.strip())
    return found[1].lower() if found else text
