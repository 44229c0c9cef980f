"""Keyset pagination for lists that no index covers and that are too long for one scan."""

from collections.abc import Sequence
from typing import Any

from ..ordering import Sort, after_cursor, column_name, reversed_columns, up_to_cursor
from ..query import ItemList
from .bounded_scan import COUNT_LIMIT, BoundedScan, cursor_of, matching, needs_scan_limit, scan_limit_cursor
from .result import Cursor, ListResult


class KeysetWalk(ListResult):
    def __init__(self, listing: ItemList, first: BoundedScan, sort: Sort):
        super().__init__(listing, first.counts, len(first.rows), is_complete=False, sort=sort)
        self.matches = first.matches
        self.first = first.rows if first.is_start else None
        self.is_bounded = first.matches is None and needs_scan_limit(listing)
        self.can_go_back = not self.is_bounded

    def rows_after(self, values: Sequence[Any] | None, number: int, *, back: bool = False) -> list[Cursor]:
        if values is None and not back and self.first is not None and number <= COUNT_LIMIT:
            return [cursor_of(self.listing, row) for row in self.first[:number]]  # the scan has already read them
        columns = reversed_columns(self.sort.columns) if back else self.sort.columns
        items = matching(self.listing, self.matches)
        if values is not None:
            items = items.filter(after_cursor(columns, values))
        if self.is_bounded and (end := scan_limit_cursor(self.listing, columns, values)) is not None:
            items = items.filter(up_to_cursor(columns, end))
        names = [column_name(column) for column in columns]
        rows = items.order_by(*columns).values_list("pk", *names)[:number]
        return [Cursor(pk, tuple(place)) for pk, *place in rows]

    def scanned_until(self, values: Sequence[Any] | None) -> Sequence[Any] | None:
        return scan_limit_cursor(self.listing, self.sort.columns, values) if self.is_bounded else None
