"""Traces that a program left in a whole file, where no single value shows what it did.

A table straight from a database has microseconds, tells an empty text from a missing one, and keeps each text's line
breaks. Where a file has none of that, a program on the way may have dropped it, and the summary says so.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import models

from ...models import WorkItem
from .parsing import READERS, ImportedItem
from .raw_rows import NOT_UTF8
from .remarks import Noted, Remark, count_rows, describe_ids
from .times import UNITS, unit_of

_FEWEST_ROWS = 5  # whose times say something about how a file was written
_TEXTS = frozenset(
    column.name
    for column in WorkItem._meta.concrete_fields
    if column.name in READERS and isinstance(column, models.CharField | models.TextField)
)


class Traces:
    """What the rows of one file have in common. `marks_empty`: whether it tells empty texts from missing ones; None if
    its rows show that.
    """

    def __init__(self, name: str, *, marks_empty: bool | None) -> None:
        self.name = name
        self.shows_empty = marks_empty is None
        self.marks_empty = bool(marks_empty)
        self._units: dict[str, tuple[str, int]] = {}  # {column: (finest unit, rows)}
        self._without_text = Noted()
        self._line_breaks = Noted()
        self._has_crlf = self._has_lf = False
        self._not_utf8 = 0
        self._from_sheet = Noted()

    def add(self, arrival: ImportedItem, row: Mapping[str, Any]) -> None:
        times = {name: value for name, value in arrival.fields.items() if isinstance(value, datetime)}
        for name, time in (times | {"created_at": arrival.created_at, "updated_at": arrival.updated_at}).items():
            finest, rows = self._units.get(name, ("s", 0))
            unit = finest if finest == UNITS[-1] else max(finest, unit_of(time), key=UNITS.index)
            self._units[name] = unit, rows + 1
        texts = [row[name] for name in row.keys() & _TEXTS]
        if any(text in ("", None) for text in texts):
            self._without_text.add(arrival.id, "")
        self.marks_empty |= self.shows_empty and "" in texts
        if any(isinstance(text, str) and "\n" in text for text in texts):
            self._line_breaks.add(arrival.id, "")
            self._has_crlf |= any(isinstance(text, str) and "\r\n" in text for text in texts)
            self._has_lf |= any(isinstance(text, str) and "\n" in text.replace("\r\n", "") for text in texts)
        if not {Remark.SHEET_ERROR, Remark.DAMAGED_ETAG}.isdisjoint(arrival.remarks):
            self._from_sheet.add(arrival.id, "")

    def add_unreadable(self, source: str | bytes) -> None:
        """Takes in a row that was rejected."""
        text = source if isinstance(source, str) else source.decode("utf-8", "workitems-mark")
        self._not_utf8 += NOT_UTF8 in text

    def sentences(self) -> Iterator[str]:
        for unit, word in (("s", "seconds"), ("ms", "milliseconds")):
            columns = [name for name, (finest, rows) in self._units.items() if finest == unit and rows >= _FEWEST_ROWS]
            if columns:
                rows = max(self._units[name][1] for name in columns)
                yield (
                    f"All times in {', '.join(columns)} of {self.name} ({count_rows(rows)}) are in whole {word}. If they had more "
                    "digits, a program has cut them off."
                )
        if not self.marks_empty and self._without_text.rows:
            yield (
                f"{self.name} does not tell empty texts from missing ones, so a program such as pandas or csvkit may have "
                f"emptied texts such as NA or null. Texts without a value are in {count_rows(self._without_text.rows)}: "
                f"{describe_ids(self._without_text)}."
            )
        if self._line_breaks.rows and not (self._has_crlf and self._has_lf):
            kind = "Unix line breaks (LF)" if self._has_crlf else "Windows line breaks (CRLF)"
            yield (
                f"No text in {self.name} has {kind}. If some had, a program has replaced them. "
                f"Texts of several lines are in {count_rows(self._line_breaks.rows)}: {describe_ids(self._line_breaks)}."
            )
        if self._not_utf8:
            yield (
                f"{self.name} is not in UTF-8: {count_rows(self._not_utf8)} rejected for that. In the other rows, characters "
                "that its encoding does not have may be missing or question marks. Write it again in UTF-8."
            )
        if self._from_sheet.rows:
            yield (
                f"{self.name} went through a spreadsheet, or another program that takes texts for numbers and formulas, to judge "
                f"by {count_rows(self._from_sheet.rows)}: {describe_ids(self._from_sheet)}. It may also have calculated texts "
                "that start with =, +, - or @, and rewritten texts that look like numbers, dates, or true and false."
            )
