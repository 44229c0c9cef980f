"""Rows as they are in a file, and the errors for files that can't be read."""

import codecs
import json
from dataclasses import dataclass
from typing import Any

LONGEST_ROW = 64 * 1024 * 1024
NOT_UTF8 = "\ufdd0not UTF-8\ufdd0"  # replaces a byte that isn't UTF-8; no real text contains this

codecs.register_error("workitems-mark", lambda error: (NOT_UTF8, error.end))  # type: ignore[attr-defined]


class UnreadableFile(Exception):
    """A file that can't be imported at all. The sentence says which file, why, and what to do."""


class ImportStopped(Exception):
    """The run can't continue. What was stored remains and is counted in `summary`; another run continues from there."""

    summary: Any = None


class TruncatedFile(Exception):
    """The file ends, or becomes invalid, before it is complete."""


@dataclass(slots=True)
class RawRow:
    """One row of a file: its value or what is wrong with it, and its text for the rejects file."""

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
    """Returns a value as short, printable JSON for error messages."""
    try:
        whole = json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "something nested too deep"
    return printable(whole if len(whole) <= longest else whole[:longest] + "…")


def printable(text: str) -> str:
    """Escapes half surrogates, which can't be written to files or terminals."""
    return text.encode("utf-8", "backslashreplace").decode()


def describe_limit(error: ValueError | RecursionError) -> str:
    """Describes a limit of the JSON parser that valid JSON exceeded. The parser's own message is for programmers."""
    return "it is nested too deep" if isinstance(error, RecursionError) else "a number in it has too many digits"


def first_line(error: BaseException) -> str:
    text = str(error.args[0]) if error.args else ""
    return text.strip().split("\n", 1)[0] or type(error).__name__
