"""A note as a page can show it: without terminal codes, with marks for what can't be seen, and folded if it is long."""

import re
from dataclasses import dataclass

from .unwrapping import clean

# They turn the text around them, so that a file's name can look like another one.
_DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSEEN = re.compile(f"[{_DIRECTIONS}\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f]")

_NOT_IN_A_NAME = re.compile(f"{_UNSEEN.pattern}|[\\t\\n\\r\u2028\u2029]")


def make_readable(text: str) -> str:
    """Returns the text without terminal codes, each progress line in its last state, and marks for control characters."""
    return _UNSEEN.sub(lambda found: _mark(found[0]), clean(text))


def make_one_line(text: str) -> str:
    """Returns a name as one readable line: with marks for line breaks, tabs, and control characters."""
    return _NOT_IN_A_NAME.sub(lambda found: _mark(found[0]), text)


def _mark(character: str) -> str:
    number = ord(character)
    return chr(0x2400 + number) if number < 0x20 else f"[U+{number:04X}]"


@dataclass(frozen=True)
class FoldedNote:
    """A readable note. `head`: what is open; `rest`: what is folded; `is_cut`: whether there is still more than that.

    `rest_lines`: the lines of `rest`, or 0 if it begins within a line.
    """

    head: str
    rest: str = ""
    rest_lines: int = 0
    is_cut: bool = False


def fold_note(note: str, *, lines: int, characters: int, most: int) -> FoldedNote:
    """Folds a note after so many lines or characters. At most `most` characters are shown, all parts together."""
    is_cut = len(note) > most
    text = make_readable(note[:most]).rstrip("\n")
    rows = text.split("\n")
    head = "\n".join(rows[:lines])
    if len(head) <= characters:
        left = len(rows) - lines
        return FoldedNote(head, "\n".join(rows[lines:]), max(left, 0), is_cut)
    space = head.rfind(" ", characters // 2, characters)
    end = characters if space < 0 else space
    return FoldedNote(text[:end], text[end:].lstrip(" "), 0, is_cut)
