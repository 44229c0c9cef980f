"""Choosing the way, and the ways."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...counts import ANYTHING, Kind, Tally, fits, tally
from ..filterset import IndexStrategy
from ..ordering import SORTS, Sort, as_stored, falls, path
from ..query import ItemList
from . import bounded_scan
from .by_kind import COLUMNS, IndexRange, rows_of_kinds
from .keyset_walk import Walk
from .result import Cursor, Found

DEFAULT = SORTS["date"]


def counted(listing: ItemList) -> Found | None:
    """What is found of a list that only what the summary knows narrows; None for any other, and where no index has its order."""
    if listing.ways.keys() <= {IndexStrategy.COUNTED} and is_by_index(listing.sort):
        return _counted(listing)
    return None


def find(listing: ItemList) -> Found:
    """What is found of a valid list. ValueError of another: without what is wrong in it, it would ask for something else."""
    if not listing.is_valid():
        raise ValueError(f"this list is not valid: {listing.errors}")
    if listing.ways.keys() <= {IndexStrategy.COUNTED}:
        return _counted(listing)
    first = bounded_scan.over(listing)
    if first.is_whole:
        return InHand(listing, first.tally, bounded_scan.chosen(listing, first.rows))
    found = _too_many(listing, first, listing.sort if is_by_index(listing.sort) else DEFAULT)
    found.is_exact = False
    return found


def _counted(listing: ItemList) -> Found:
    counted = tally(listing.scope, listing.chosen, listing.masks if listing.sees_all else None, using=listing.using)
    base, masks = listing.base_masks, listing.masks
    counted = Tally({kind: number for kind, number in counted.kinds.items() if fits(kind, base)}, counted.institutions)
    kinds = [kind for kind in counted.kinds if fits(kind, masks)]
    total = sum(counted.kinds[kind] for kind in kinds)
    if is_by_index(listing.sort):
        return ByKinds(listing, counted, total, kinds, listing.sort)
    by_kinds = ByKinds(listing, counted, total, kinds, DEFAULT)
    if total > bounded_scan.MOST:
        return by_kinds
    ids = [row.pk for row in by_kinds.beyond(None, total)]
    return InHand(listing, counted, bounded_scan.rows_of(listing, ids))


def _too_many(listing: ItemList, first: bounded_scan.Pass, sort: Sort) -> Found:
    """The way for a list that one pass has not come to the end of."""
    if listing.ways.keys() <= {IndexStrategy.COUNTED, IndexStrategy.RANGE} and listing.stretch_columns <= {
        path(sort.columns[0])
    }:
        seen = tally(listing.scope, listing.chosen, None, using=listing.using)
        kinds = [kind for kind in seen.kinds if fits(kind, listing.masks)]
        by_kinds = ByKinds(listing, first.tally, 0, kinds, sort)
        counted = len(by_kinds.beyond(None, bounded_scan.MOST + 1))
        by_kinds.total, by_kinds.is_whole = min(counted, bounded_scan.MOST), counted <= bounded_scan.MOST
        return by_kinds
    if listing.left:
        second = bounded_scan.over(listing, with_left=True)
        if second.is_whole:
            return InHand(listing, first.tally, second.rows)
        first = replace(first, rows=second.rows, begins=second.begins)
    return Walk(listing, first, sort)


def is_by_index(sort: Sort) -> bool:
    """Whether an index has the rows of every kind in this order."""
    column, *rest = sort.columns
    return path(column) in COLUMNS and rest == ["-id" if falls(column) else "id"]


class ByKinds(Found):
    """All of it is known by the summary, or a stretch of an index; the rows come kind by kind."""

    def __init__(self, listing: ItemList, counted: Tally, total: int, kinds: Sequence[Kind], sort: Sort):
        super().__init__(listing, counted, total, is_whole=True, sort=sort)
        # Where nothing asks for a kind, the order alone is enough.
        self.kinds = None if listing.masks == ANYTHING else kinds
        self.institutions = listing.chosen if listing.chosen is not None else listing.scope

    def beyond(self, values: Sequence[Any] | None, number: int, *, back: bool = False) -> list[Cursor]:
        column = self.sort.columns[0]
        stretch = IndexRange(path(column), falls(column) != back, values, self.listing.bounds)
        rows = rows_of_kinds(self.kinds, self.institutions, stretch, number, self.listing.using)
        return [Cursor(pk, (as_stored(column, value), pk)) for value, pk in rows]


class InHand(Found):
    """All rows are in hand: there are no more than one pass reads."""

    def __init__(self, listing: ItemList, counted: Tally, rows: Sequence[bounded_scan.Row]):
        super().__init__(listing, counted, len(rows), is_whole=True, sort=listing.sort)
        self.rows = rows

    def at(self, start: int, number: int) -> list[Cursor]:
        return [bounded_scan.place_of(self.listing, row) for row in self.rows[start : start + number]]

    def beyond(self, values: Sequence[Any] | None, number: int, *, back: bool = False) -> list[Cursor]:
        rows = self.rows[::-1] if back else self.rows
        start = 0 if values is None else self._start(rows, values, back=back)
        return [bounded_scan.place_of(self.listing, row) for row in rows[start : start + number]]

    def _start(self, rows: Sequence[bounded_scan.Row], values: Sequence[Any], *, back: bool) -> int:
        """Where the rows after this place begin. Every order ends with the item's number."""
        for index, row in enumerate(rows):
            if row[0] == values[-1] and bounded_scan.place_of(self.listing, row).values == tuple(values):
                return index + 1
        later = bounded_scan.those_beyond(
            self.listing, rows, values, back=back
        )  # that row has gone, or is elsewhere now
        return next((index for index, row in enumerate(rows) if row[0] in later), len(rows))
