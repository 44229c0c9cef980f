"""Text in the cells of a CSV file that a spreadsheet opens: never a formula, never longer than a cell.

What is done to a text here can be undone, so that an edited sheet can be imported again.
"""

import re

# Characters that a spreadsheet keeps in a cell: 32,767. The rest is for the address and what the guard adds.
NOTE_LIMIT = 32_000
# A cell that starts like this is a formula to a spreadsheet. Where cells are separated by “;” or tabs, a comma file is
# split in the middle of its cells, and at every line break, so each such place is the start of a cell, too. Quotes and
# spaces before the sign don't help.
_SIGNS = r"=+@＝＋－＠\-"
# What a spreadsheet takes for yes or no, a date, or a number that it writes in another way: 007, 1e5, or many digits.
_REWRITTEN = r"'*(?:true|false|[\d.,:/ -]*\d(?:e[+-]?\d+)?)\Z"
_PLAIN_NUMBER = r"'*(?:0|[1-9]\d{0,14})\Z"
_AT_START = rf"(?=['\" ]*[{_SIGNS}\t\r]|{_REWRITTEN})(?!{_PLAIN_NUMBER})"
_INSIDE = rf"(?=['\" ]*[{_SIGNS}])"
_STARTS = re.compile(rf"\A{_AT_START}|(?<=[;|\t\r\n]){_INSIDE}", re.IGNORECASE | re.ASCII)
_GUARDED = re.compile(rf"\A'{_AT_START}|(?<=[;|\t\r\n])'{_INSIDE}", re.IGNORECASE | re.ASCII)
_CUT = re.compile(r"\n\[…\] \S*/items/(\d+)\s*\Z")


def guard(text: str) -> str:
    """Returns the text with an apostrophe wherever a spreadsheet could see the start of a formula."""
    return _STARTS.sub("'", text)


def unguard(text: str) -> str:
    """Returns the text as it was before `guard`."""
    return _GUARDED.sub("", text)


def shorten(note: str, address: str) -> str:
    """Returns a guarded note that fits a cell; if it was cut, its last line is the address of the item, where all of it is."""
    guarded = guard(note)
    return guarded if len(guarded) <= NOTE_LIMIT else f"{guarded[:NOTE_LIMIT]}\n[…] {address}"


def is_shortened(note: str, number: int) -> bool:
    """Whether `shorten` cut the note of this item."""
    found = _CUT.search(note)
    return found is not None and int(found[1]) == number
