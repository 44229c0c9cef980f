"""One spelling for one etag: S3 lists them in quotes, HTTP has weak ones, and programs write either case."""

import re

# The MD5 of the file, or of the MD5s of its parts with their number.
_ETAG = re.compile(r'(?:W/)?(?P<quote>"?)(?P<digits>[0-9a-f]{32}(?:-[0-9]{1,6})?)(?P=quote)', re.ASCII | re.IGNORECASE)


def normalize_etag(text: str) -> str:
    """Returns an etag bare and in lower case. Any other text is returned unchanged."""
    found = _ETAG.fullmatch(text.strip())
    return found["digits"].lower() if found else text


def is_md5_etag(text: str) -> bool:
    """Whether an etag is worked out from a file's contents by MD5, so that a file can be compared with it."""
    return bool(_ETAG.fullmatch(text))
