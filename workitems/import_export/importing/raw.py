"""What every reader of a file gives: rows as they stand there, and words for what keeps a file from being read."""

import codecs
import json
from dataclasses import dataclass
from typing import Any

LONGEST_ROW = 64 * 1024 * 1024
NOT_UTF8 = (
    "\ufdd0not UTF-8\ufdd0"  # stands where a byte was no UTF-8; no text has these words between two non-characters
)

codecs.register_error("workitems-mark", lambda error: (NOT_UTF8, error.end))  # type: ignore[attr-defined]


class Unreadable(Exception):
    """A file that cannot be imported at all: the sentence says which, why, and what to do."""


class Stopped(Exception):
    """The run cannot go on. What was stored before stays, as the summary says; running it again goes on from there."""

    summary: Any = None


class CutShort(Exception):
    """The file ends, or stops making sense, before it is whole."""


@dataclass(slots=True)
class Raw:
    """One row as it stands in the file: its value, or what is wrong with it, and its text for the rejects file."""

    number: int
    value: Any
    source: str | bytes
    problem: str = ""
    kind: str = "item"  # an export has institutions too

    def text(self) -> str:
        source = self.source
        if isinstance(source, bytes):
            source = source.decode("utf-8", "backslashreplace")
        return source.rstrip("\r\n")


def shown(value: Any, longest: int = 60) -> str:
    """A value as JSON, for a person: whatever it holds, this can be printed."""
    try:
        whole = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "something nested too deep"
    return printable(whole if len(whole) <= longest else whole[:longest] + "…")


def printable(text: str) -> str:
    """The same text, with halves of surrogate pairs spelt out: no file and no terminal takes them."""
    return text.encode("utf-8", "backslashreplace").decode()


def too_much(error: ValueError | RecursionError) -> str:
    """What the JSON parser does not put up with though it is JSON. Its own words are for programmers."""
    return "it is nested too deep" if isinstance(error, RecursionError) else "a number in it has too many digits"


def first_line(error: BaseException) -> str:
    text = str(error.args[0]) if error.args else ""
    return text.strip().split("\n", 1)[0] or type(error).__name__
