"""Quoted text, also when what is quoted has apostrophes or quotes of its own."""

import re

_PAIRS = (("“", "”"), ("‘", "’"), ("«", "»"), ('"', '"'), ("'", "'"), ("`", "`"))


def _pattern(opening: str, closing: str) -> str:
    if opening != closing:
        return f"{opening}[^{opening}{closing}]*{closing}"
    # A closing quote has no word after it, and the quote that follows it opens again: it doesn't follow a word.
    inner = rf"(?:[^{opening}\n]|{opening}(?=\w)|{opening}(?=[^{opening}\n]*[^\s{opening}(\[{{<=:,]{opening}(?!\w)))"
    return rf"(?<!\w){opening}{inner}{{0,500}}{opening}(?!\w)"


QUOTED = re.compile("|".join(_pattern(*pair) for pair in _PAIRS))
_MAX_QUOTING = 50_000  # characters; in a longer text, quotes aren't paired
_OPEN = re.compile(r"(?<!\w)(?:['\"`](?=\S)|“)")


def split_outside_quotes(separator: str, text: str) -> list[str]:
    """Splits a text at a pattern, but not within quotes."""
    parts = re.split(separator, text)
    if len(parts) == 1 or len(text) > _MAX_QUOTING or not _OPEN.search(text):
        return parts
    spans = [found.span() for found in QUOTED.finditer(text)]
    found, start = [], 0
    for at in re.finditer(separator, text):
        while spans and spans[0][1] <= at.start():
            spans.pop(0)
        if not spans or at.end() <= spans[0][0]:
            found.append(text[start : at.start()])
            start = at.end()
    return [*found, text[start:]]
