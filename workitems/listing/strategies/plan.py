"""Chooses the strategy for a list."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...counts import ANY_KIND, FacetCounts, Kind, matches_any, read_summary
from ..list_filter import IndexStrategy
from ..ordering import SORTS, Sort, column_name, from_database, is_descending
from ..query import ItemList
from . import bounded_scan
from .by_kind import COLUMNS, IndexRange, merge_kinds
from .keyset_walk import KeysetWalk
from .result import Cursor, ListResult

DEFAULT_SORT = SORTS["date"]


def count_from_summary(listing: ItemList) -> ListResult | None:
    """Returns the result if the summary table answers all filters of the list and its order has an index; otherwise None."""
    if listing.strategies.keys() <= {IndexStrategy.COUNTED} and has_order_index(listing.sort):
        return _by_summary(listing)
    return None


def find(listing: ItemList) -> ListResult:
    """Returns the result for a valid list. Raises ValueError for an invalid one, whose items would be wrong."""
    if not listing.is_valid():
        raise ValueError(f"this list is not valid: {listing.errors}")
    if listing.strategies.keys() <= {IndexStrategy.COUNTED}:
        return _by_summary(listing)
    first = bounded_scan.scan(listing)
    if first.is_complete:
        return InMemoryResult(listing, first.counts, bounded_scan.filter_by_facets(listing, first.rows))
    found = _too_many(listing, first, listing.sort if has_order_index(listing.sort) else DEFAULT_SORT)
    found.is_exact = False
    return found


def _by_summary(listing: ItemList) -> ListResult:
    counted = read_summary(
        listing.scope,
        listing.chosen_institutions,
        listing.kind_conditions if listing.sees_all else None,
        using=listing.using,
    )
    base, conditions = listing.base_conditions, listing.kind_conditions
    counted = FacetCounts(
        {kind: number for kind, number in counted.kinds.items() if matches_any(kind, base)}, counted.institutions
    )
    kinds = [kind for kind in counted.kinds if matches_any(kind, conditions)]
    total = sum(counted.kinds[kind] for kind in kinds)
    if has_order_index(listing.sort):
        return ByKindResult(listing, counted, total, kinds, listing.sort)
    by_kinds = ByKindResult(listing, counted, total, kinds, DEFAULT_SORT)
    if total > bounded_scan.COUNT_LIMIT:
        return by_kinds
    ids = [row.pk for row in by_kinds.rows_after(None, total)]
    return InMemoryResult(listing, counted, bounded_scan.read_rows(listing, ids))


def _too_many(listing: ItemList, first: bounded_scan.BoundedScan, sort: Sort) -> ListResult:
    """Returns the result for a list that is too long for one scan."""
    if listing.strategies.keys() <= {IndexStrategy.COUNTED, IndexStrategy.RANGE} and listing.range_columns <= {
        column_name(sort.columns[0])
    }:
        seen = read_summary(listing.scope, listing.chosen_institutions, None, using=listing.using)
        kinds = [kind for kind in seen.kinds if matches_any(kind, listing.kind_conditions)]
        by_kinds = ByKindResult(listing, first.counts, len(first.rows), kinds, sort)
        counted = len(by_kinds.rows_after(None, bounded_scan.COUNT_LIMIT + 1))
        by_kinds.total, by_kinds.is_complete = (
            min(counted, bounded_scan.COUNT_LIMIT),
            counted <= bounded_scan.COUNT_LIMIT,
        )
        return by_kinds
    if listing.facet_names:
        second = bounded_scan.scan(listing, with_facets=True)
        if second.is_complete:
            return InMemoryResult(listing, first.counts, second.rows)
        first = replace(first, rows=second.rows, is_start=second.is_start)
    return KeysetWalk(listing, first, sort)


def has_order_index(sort: Sort) -> bool:
    """Returns whether an index has the rows of every kind in this order."""
    column, *rest = sort.columns
    return column_name(column) in COLUMNS and rest == ["-id" if is_descending(column) else "id"]


class ByKindResult(ListResult):
    """Counts from the summary table or a range of an index; the rows are read kind by kind."""

    def __init__(self, listing: ItemList, counted: FacetCounts, total: int, kinds: Sequence[Kind], sort: Sort):
        super().__init__(listing, counted, total, is_complete=True, sort=sort)
        # Without a filter on kinds, an index on the order is enough.
        self.kinds = None if listing.kind_conditions == ANY_KIND else kinds
        self.institutions = listing.chosen_institutions if listing.chosen_institutions is not None else listing.scope

    def rows_after(self, values: Sequence[Any] | None, number: int, *, back: bool = False) -> list[Cursor]:
        column = self.sort.columns[0]
        index_range = IndexRange(column_name(column), is_descending(column) != back, values, self.listing.range_bounds)
        rows = merge_kinds(self.kinds, self.institutions, index_range, number, self.listing.using)
        return [Cursor(pk, (from_database(column, value), pk)) for value, pk in rows]


class InMemoryResult(ListResult):
    """All rows are in memory, because one scan could read them."""

    def __init__(self, listing: ItemList, counted: FacetCounts, rows: Sequence[bounded_scan.Row]):
        super().__init__(listing, counted, len(rows), is_complete=True, sort=listing.sort)
        self.rows = rows

    def rows_from(self, start: int, number: int) -> list[Cursor]:
        return [bounded_scan.cursor_of(self.listing, row) for row in self.rows[start : start + number]]

    def rows_after(self, values: Sequence[Any] | None, number: int, *, back: bool = False) -> list[Cursor]:
        rows = self.rows[::-1] if back else self.rows
        start = 0 if values is None else self._start(rows, values, back=back)
        return [bounded_scan.cursor_of(self.listing, row) for row in rows[start : start + number]]

    def _start(self, rows: Sequence[bounded_scan.Row], values: Sequence[Any], *, back: bool) -> int:
        """Returns the index of the first row after this cursor. Every order ends with the item's id."""
        for index, row in enumerate(rows):
            if row[0] == values[-1] and bounded_scan.cursor_of(self.listing, row).values == tuple(values):
                return index + 1
        later = bounded_scan.ids_after(
            self.listing, rows, values, back=back
        )  # the row at the cursor is gone or has moved
        return next((index for index, row in enumerate(rows) if row[0] in later), len(rows))
