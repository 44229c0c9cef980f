"""Rows as they are in a file, and the errors that keep a file from being read."""

import codecs
import json
from dataclasses import dataclass
from typing import Any

LONGEST_ROW = 128 * 1024 * 1024  # an export's line can hold a worker's state
NOT_UTF8 = (
    "\ufdd0not UTF-8\ufdd0"  # replaces a byte that isn't UTF-8; no text has these words between two noncharacters
)

codecs.register_error("workitems-mark", lambda error: (NOT_UTF8, error.end))  # type: ignore[attr-defined]


class UnreadableFile(Exception):
    """A file that can't be imported at all: the sentence says which, why, and what to do."""


class ImportStopped(Exception):
    """The run can't continue. What was stored stays, as the summary says; another run continues from there."""

    summary: Any = None


class TruncatedFile(Exception):
    """The file ends, or becomes invalid, before it is complete."""


@dataclass(slots=True)
class RawRow:
    """One row as it is in the file: its value, or what is wrong with it, and its text for the rejects file."""

    number: int
    value: Any
    source: str | bytes
    problem: str = ""
    kind: str = "item"  # an export also has institutions

    def text(self) -> str:
        source = self.source
        if isinstance(source, bytes):
            source = source.decode("utf-8", "backslashreplace")
        return source.rstrip("\r\n")


def quote_value(value: Any, longest: int = 60) -> str:
    """A value as JSON, for people; always printable."""
    try:
        whole = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "something nested too deep"
    return printable(whole if len(whole) <= longest else whole[:longest] + "…")


def printable(text: str) -> str:
    """The same text with half surrogates escaped, which neither files nor terminals accept."""
    return text.encode("utf-8", "backslashreplace").decode()


def describe_limit(error: ValueError | RecursionError) -> str:
    """A limit of the JSON parser that valid JSON exceeds. Its own message is for programmers."""
    return "it is nested too deep" if isinstance(error, RecursionError) else "a number in it has too many digits"


def first_line(error: BaseException) -> str:
    text = str(error.args[0]) if error.args else ""
    return text.strip().split("\n", 1)[0] or type(error).__name__
