"""JSON as psql shows it on a screen: it pads each line of a value and ends it with a plus sign."""

import re
from collections.abc import Iterator
from typing import Any

from .sources import buffered

_MARK = re.compile(rb"[ \t]*\+\r?\n\Z")
_FIRST_LINE = re.compile(rb"\s*[\[{].*[\[{,][ \t]*\+\r?\n")


def has_marks(head: bytes) -> bool:
    return _FIRST_LINE.match(head) is not None or re.match(rb"\s*[\[{][ \t]*\+\r?\n", head) is not None


def without_marks(stream: Any) -> Any:
    """No text of JSON has a line break in it, so a plus sign before one is never part of a value."""
    return buffered(_lines(stream))


def _lines(stream: Any) -> Iterator[bytes]:
    for line in stream:
        yield _MARK.sub(b"\n", line)
