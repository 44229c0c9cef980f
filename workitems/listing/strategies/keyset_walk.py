"""Rows of a list that no index knows and that are too many to be in hand: its order is walked, a bounded stretch at a time."""

from collections.abc import Sequence
from typing import Any

from ..ordering import Sort, after_cursor, path, turned, up_to
from ..query import ItemList
from .bounded_scan import MOST, Pass, end_of_reach, matching, needs_reach, place_of
from .result import Cursor, Found


class Walk(Found):
    def __init__(self, listing: ItemList, first: Pass, sort: Sort):
        super().__init__(listing, first.tally, len(first.rows), is_whole=False, sort=sort)
        self.hits = first.hits
        self.first = first.rows if first.begins and sort == listing.sort else None
        self.is_bounded = first.hits is None and needs_reach(listing)
        self.goes_back = not self.is_bounded

    def beyond(self, values: Sequence[Any] | None, number: int, *, back: bool = False) -> list[Cursor]:
        if values is None and not back and self.first is not None and number <= MOST:
            return [place_of(self.listing, row) for row in self.first[:number]]  # the pass has read as far
        columns = turned(self.sort.columns) if back else self.sort.columns
        items = matching(self.listing, self.hits)
        if values is not None:
            items = items.filter(after_cursor(columns, values))
        if self.is_bounded and (end := end_of_reach(self.listing, columns, values)) is not None:
            items = items.filter(up_to(columns, end))
        names = [path(column) for column in columns]
        rows = items.order_by(*columns).values_list("pk", *names)[:number]
        return [Cursor(pk, tuple(place)) for pk, *place in rows]

    def looked_until(self, values: Sequence[Any] | None) -> Sequence[Any] | None:
        return end_of_reach(self.listing, self.sort.columns, values) if self.is_bounded else None
