"""What is worth saying about rows that were imported: kinds of remarks, with how many rows and which."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

_MAX_IDS = 400
_MAX_EXAMPLES = 5


class Remark(StrEnum):
    """The sentence after “12 rows ”."""

    ODD_PATH = "with a stage or a success that their action does not have; imported as they are"
    DAMAGED_ETAG = "with an etag damaged by a spreadsheet; imported as it is"
    MENDED_ETAG = "had a damaged etag here, which was replaced by the sound one"
    KEPT_ETAG = "with an etag damaged by a spreadsheet; the sound one here stays"
    WITHOUT_DATE = "without a date of receipt; the creation date is used instead"
    FUTURE_DATE = (
        "received more than a day from now, so they count as the latest uploads of their bags; imported as they are"
    )
    REVIEWED_DROPPED = "marked as reviewed but still open; imported as not reviewed"
    NEWER_HERE = "skipped because the item is newer here; what differs"
    SCIENTIFIC = "with a number in scientific notation, which may have lost digits"
    KEPT_NUMBER = "with a rounded number; the exact one here stays"
    WITH_POINT = (
        "with “.0” after a whole number, so a program has read the columns as numbers, and may have emptied texts such "
        "as NA or null"
    )
    BEYOND_EXACT = "with a number beyond 9,007,199,254,740,991, which many programs round"
    NOT_SET = "with a word for a missing value in a column of numbers, times, or yes and no; imported as not set"
    WORD_KEPT = "with a text that is only a word for a missing value; imported as it is"
    YEAR_2001 = "with the time 2001-01-01 00:00:00, which some programs (csvkit) make of the year 1, “not set”; imported as it is"
    CUT_BY_SHEET = "with a text of exactly 32,767 characters, where a spreadsheet has cut it; imported as it is"
    SHEET_ERROR = "with an error of a spreadsheet, which took a text for a formula; imported as it is"
    GUARDED = (
        "with a text that starts with an apostrophe before =, +, - or @, which programs add for spreadsheets; imported as "
        "it is"
    )
    CUT_BY_LIST = "with a note that the list's CSV has cut; the complete one here stays"
    CUT_NOTE_NEW = "with a note that the list's CSV has cut; imported without its end, because the item is new here"
    BACKSLASHES = (
        "with backslashes or quotes that can be read in two ways; backslashes stay as they are (--backslashes escaped "
        "undoes them), and quotes around a cell are removed"
    )
    OWNER_GUESSED = "without an institution; it was taken from the object identifier or the bucket"
    SAME_LINE_ENDS = "with another kind of line breaks in the same text; the text here stays"
    SAME_TIMES = "with a time that has more or fewer digits here, and is the same otherwise; the time here stays"


@dataclass
class Noted:
    """The rows of one kind: how many, the ids of the first, and examples."""

    rows: int = 0
    ids: list[int] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)
    groups: dict[str, list[int]] = field(default_factory=dict)  # {example: the ids that have it}

    def add(self, number: int, example: str) -> None:
        self.rows += 1
        if len(self.ids) < _MAX_IDS:
            self.ids.append(number)
            self.groups.setdefault(example, []).append(number)
        if example and len(self.examples) < _MAX_EXAMPLES:
            self.examples.append(f"{example} (id {number})")

    @property
    def unnamed(self) -> int:
        return self.rows - len(self.ids)


def count_rows(rows: int) -> str:
    return "1 row" if rows == 1 else f"{rows:,} rows"


def describe_ids(noted: Noted) -> str:
    """Returns the ids as ranges: “ids 5, 7–9 and 12 more”."""
    return f"{_named(noted.ids)}{_more(noted)}"


def describe_groups(noted: Noted) -> str:
    """Returns the ids by example: “note (ids 5, 7–9), retry (id 6) and 12 more”."""
    return f"{', '.join(f'{example} ({_named(ids)})' for example, ids in noted.groups.items())}{_more(noted)}"


def _named(ids: list[int]) -> str:
    ranges = list(_ranges(sorted(set(ids))))
    return f"{'id' if len(ranges) == 1 and '–' not in ranges[0] else 'ids'} {', '.join(ranges)}"


def _more(noted: Noted) -> str:
    return f" and {noted.unnamed:,} more" if noted.unnamed else ""


def _ranges(ids: list[int]) -> Iterator[str]:
    start = 0
    for place in range(1, len(ids) + 1):
        if place == len(ids) or ids[place] != ids[place - 1] + 1:
            first, last = ids[start], ids[place - 1]
            yield str(first) if first == last else f"{first}–{last}"
            start = place
