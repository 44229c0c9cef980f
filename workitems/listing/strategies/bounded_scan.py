"""A bounded scan of the items that a list's filters match, ignoring its facets: the counts, and the rows if they are few."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections

from ...counts import FacetCounts, Kind, matches_any, read_summary
from ...models import KIND_COLUMNS, SearchedText, WorkItem
from ...search import has_trigrams, in_copies, is_indexed
from ..list_filter import IndexStrategy
from ..named_items import any_named
from ..ordering import after_cursor, column_expression, column_name, from_database, order_by_sql, up_to_cursor
from ..query import ItemList
from ..search_query import SearchQuery
from .result import Cursor

COUNT_LIMIT = 10_000  # items counted by one scan
SCAN_LIMIT = 100_000  # items examined when no index covers the filters
MATCH_LIMIT = 20_000  # matching texts; with more of them, scanning the items in order is no slower

# A row of the scan: item id, institution, kind, and the values in the columns of the order.
Row = tuple[Any, ...]
_CELL = slice(1, 2 + len(KIND_COLUMNS))
_KEYS = slice(2 + len(KIND_COLUMNS), None)


@dataclass(frozen=True)
class BoundedScan:
    """The result of a scan.

    - `rows`: at most COUNT_LIMIT, in the list's order
    - `is_complete`: whether these are all rows
    - `is_start`: whether these are the first rows of the list
    - `matches`: the items found by a text index
    """

    counts: FacetCounts
    rows: list[Row]
    is_complete: bool
    is_start: bool
    matches: "TextMatches | None"


@dataclass(frozen=True)
class TextMatches:
    """The items that a text index has found for the search filter with this name."""

    name: str
    ids: list[int]


def scan(listing: ItemList, *, with_facets: bool = False) -> BoundedScan:
    """Scans the list, ignoring its facets unless `with_facets`."""
    matches = _find_matches(listing)
    items = matching(listing, matches, () if with_facets else listing.facet_names)
    end, is_start = None, False
    if not (matches or IndexStrategy.NARROW in listing.strategies):
        order = scan_order(listing)
        is_start = order == listing.sort.columns
        if needs_scan_limit(listing):
            end = scan_limit_cursor(listing, order, None)
            items = items if end is None else items.filter(up_to_cursor(order, end))
        items = items.order_by(*order)
    rows = _read(items, listing)
    return BoundedScan(
        _count(listing, rows[:COUNT_LIMIT]),
        rows[:COUNT_LIMIT],
        end is None and len(rows) <= COUNT_LIMIT,
        is_start,
        matches,
    )


def _count(listing: ItemList, rows: Sequence[Row]) -> FacetCounts:
    kinds, owners = Counter[Kind](), Counter[int]()
    for (owner, *kind), number in Counter(row[_CELL] for row in rows).items():
        if listing.chosen_institutions is None or owner in listing.chosen_institutions:
            kinds[Kind(*kind)] += number
        if matches_any(Kind(*kind), listing.facet_conditions):
            owners[owner] += number
    return FacetCounts(kinds, owners)


def filter_by_facets(listing: ItemList, rows: Sequence[Row]) -> list[Row]:
    """Returns the rows that match the facets."""

    def is_chosen(owner: int, *kind: Any) -> bool:
        return (listing.chosen_institutions is None or owner in listing.chosen_institutions) and matches_any(
            Kind(*kind), listing.facet_conditions
        )

    cells = {cell for cell in {row[_CELL] for row in rows} if is_chosen(*cell)}
    return [row for row in rows if row[_CELL] in cells]


def cursor_of(listing: ItemList, row: Row) -> Cursor:
    values = zip(listing.sort.columns, row[_KEYS], strict=True)
    return Cursor(row[0], tuple(from_database(column, value) for column, value in values))


def matching(listing: ItemList, matches: TextMatches | None, without: Iterable[str] = ()) -> Any:
    """Returns the items of the list, ignoring the names in `without`. Uses `matches` instead of searching again."""
    if matches is None:
        return listing.items(without=without)
    return listing.items(without={*without, matches.name}).with_ids(matches.ids)


def _find_matches(listing: ItemList) -> TextMatches | None:
    """Returns the matches of a text index if there are few enough; otherwise None."""
    names = [name for name in listing.strategies.get(IndexStrategy.SEARCH, ()) if _is_indexable(listing, name)]
    if IndexStrategy.NARROW in listing.strategies or not names or not is_indexed(connections[listing.using]):
        return None
    for name in names:
        texts = SearchedText.objects.using(listing.using).filter(in_copies(listing.text_condition(name)))
        ids = {*texts.values_list("item", flat=True)[: MATCH_LIMIT + 1], *_named_ids(listing, name)}
        if len(ids) <= MATCH_LIMIT:
            return TextMatches(name, [*ids])
    return None


def _is_indexable(listing: ItemList, name: str) -> bool:
    """Returns whether a trigram index narrows the search: one of its words has trigrams in every spelling."""
    value = listing.cleaned_data[name]
    words = value.words if isinstance(value, SearchQuery) else [[value]]
    return any(all(map(has_trigrams, word)) for word in words)


def _named_ids(listing: ItemList, name: str) -> list[int]:
    """Returns the items that a search finds by their complete names, at most one more than can be used."""
    value = listing.cleaned_data[name]
    if not isinstance(value, SearchQuery) or not value.names:
        return []
    named = WorkItem.objects.using(listing.using).visible_to(listing.user).filter(any_named(value.names))
    return list(named.values_list("pk", flat=True)[: MATCH_LIMIT + 1])


def needs_scan_limit(listing: ItemList) -> bool:
    """Returns whether the scan examines items that may not match, in a scope with more than SCAN_LIMIT items."""
    looks = listing.strategies.keys() & {IndexStrategy.SCANNED, IndexStrategy.SEARCH} or len(listing.range_columns) > 1
    return bool(looks) and sum(read_summary(listing.scope, None, None, using=listing.using).kinds.values()) > SCAN_LIMIT


def scan_order(listing: ItemList) -> tuple[str, ...]:
    """Returns the order of the scan: that of the list, or newest first by the column of its range."""
    column = column_name(listing.sort.columns[0])
    ranges = listing.range_columns
    if (column in ranges or not ranges) and column in ("date", "updated_at"):
        return listing.sort.columns
    index_range = min(ranges, default="date")
    return (f"-{index_range}", "-id")


def scan_limit_cursor(listing: ItemList, order: Sequence[str], after: Sequence[Any] | None) -> list[Any] | None:
    """Returns the cursor of the last item that a scan starting after `after` examines; None if it reaches the end."""
    names = [
        name
        for name in listing.strategies.get(IndexStrategy.RANGE, ())
        if listing.column_of(name) == column_name(order[0])
    ]
    items = WorkItem.objects.using(listing.using).visible_to(listing.user)
    for name in names:
        items = items.filter(listing.condition(name))
    if after is not None:
        items = items.filter(after_cursor(order, after))
    place = (
        items.order_by(*order)
        .values_list(*(column_name(column) for column in order))[SCAN_LIMIT - 1 : SCAN_LIMIT]
        .first()
    )
    return None if place is None else list(place)


def _read(items: Any, listing: ItemList) -> list[Row]:
    """Returns at most COUNT_LIMIT + 1 of the items, in the list's order."""
    columns = listing.sort.columns
    keys = {f"key{n}": column_expression(column) for n, column in enumerate(columns)}
    found = items.values_list("pk", "institution_id", *KIND_COLUMNS).annotate(**keys)[: COUNT_LIMIT + 1]
    connection = connections[listing.using]
    once = "MATERIALIZED" if connection.vendor == "postgresql" else ""
    names = ", ".join(["pk", "institution_id", *KIND_COLUMNS, *keys])
    order = ", ".join(order_by_sql(column, f"key{n}") for n, column in enumerate(columns))
    try:
        inner, params = found.query.sql_with_params()
    except EmptyResultSet:  # a condition that can't be met
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"WITH found ({names}) AS {once} ({inner}) SELECT * FROM found ORDER BY {order}", params)
        return cursor.fetchall()


def read_rows(listing: ItemList, ids: Sequence[int]) -> list[Row]:
    """Returns these items, at most COUNT_LIMIT, in the list's order."""
    return _read(WorkItem.objects.using(listing.using).with_ids(ids), listing)


def ids_after(listing: ItemList, rows: Sequence[Row], values: Sequence[Any], *, back: bool) -> set[int]:
    """Returns the ids of the rows after this cursor, or before it with `back`. No row may be exactly at the cursor."""
    numbers = {row[0] for row in rows}
    those = WorkItem.objects.using(listing.using).with_ids(numbers)
    later = set(those.filter(after_cursor(listing.sort.columns, values)).values_list("pk", flat=True))
    return numbers - later if back else later
