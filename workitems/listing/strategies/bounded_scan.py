"""One bounded pass over what a list asks for beside its left column: the counts, and the rows if they are few."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections

from ...counts import Kind, Tally, fits, tally
from ...models import KIND, SearchedText, WorkItem
from ...search import has_trigrams, is_indexed
from ..filterset import IndexStrategy
from ..ordering import after_cursor, as_stored, expression, in_sql, path, up_to
from ..query import ItemList
from .result import Cursor

MOST = 10_000  # items that one pass counts
REACH = 100_000  # items that are looked at, where no index knows what is asked for
MOST_HITS = 20_000  # texts that hold what is searched for; beyond, looking at the items in their order is no worse

# As the database brings it: the item's id, its institution, its kind, and its values in the columns of the order.
Row = tuple[Any, ...]
_CELL = slice(1, 2 + len(KIND))
_KEYS = slice(2 + len(KIND), None)


@dataclass(frozen=True)
class Pass:
    """`rows`: at most MOST, in the list's order. `is_whole`: there are no more; `begins`: these are the first of the list.

    `hits`: the items that an index of texts has given.
    """

    tally: Tally
    rows: list[Row]
    is_whole: bool
    begins: bool
    hits: "Hits | None"


@dataclass(frozen=True)
class Hits:
    """The items in whose text an index has found what the list searches for by this name."""

    name: str
    ids: list[int]


def over(listing: ItemList, *, with_left: bool = False) -> Pass:
    """The pass over the list as it would be without its left column, or with it."""
    hits = _hits(listing)
    items = matching(listing, hits, () if with_left else listing.left)
    end, begins = None, False
    if not (hits or IndexStrategy.NARROW in listing.ways):
        order = pass_order(listing)
        begins = order == listing.sort.columns
        if needs_reach(listing):
            end = end_of_reach(listing, order, None)
            items = items if end is None else items.filter(up_to(order, end))
        items = items.order_by(*order)
    rows = _read(items, listing)
    return Pass(_tally(listing, rows[:MOST]), rows[:MOST], end is None and len(rows) <= MOST, begins, hits)


def _tally(listing: ItemList, rows: Sequence[Row]) -> Tally:
    kinds, owners = Counter[Kind](), Counter[int]()
    for (owner, *kind), number in Counter(row[_CELL] for row in rows).items():
        if listing.chosen is None or owner in listing.chosen:
            kinds[Kind(*kind)] += number
        if fits(Kind(*kind), listing.left_masks):
            owners[owner] += number
    return Tally(kinds, owners)


def chosen(listing: ItemList, rows: Sequence[Row]) -> list[Row]:
    """The rows that the left column leaves."""

    def is_chosen(owner: int, *kind: Any) -> bool:
        return (listing.chosen is None or owner in listing.chosen) and fits(Kind(*kind), listing.left_masks)

    cells = {cell for cell in {row[_CELL] for row in rows} if is_chosen(*cell)}
    return [row for row in rows if row[_CELL] in cells]


def place_of(listing: ItemList, row: Row) -> Cursor:
    values = zip(listing.sort.columns, row[_KEYS], strict=True)
    return Cursor(row[0], tuple(as_stored(column, value) for column, value in values))


def matching(listing: ItemList, hits: Hits | None, without: Iterable[str] = ()) -> Any:
    """The items of the list, without what these names ask; what an index of texts has answered is not looked for again."""
    if hits is None:
        return listing.items(without=without)
    return listing.items(without={*without, hits.name}).with_numbers(hits.ids)


def _hits(listing: ItemList) -> Hits | None:
    """Of what the list searches for, what an index of texts answers with not too many items; None where it does not."""
    names = [name for name in listing.ways.get(IndexStrategy.SEARCH, ()) if has_trigrams(listing.value_of[name])]
    if IndexStrategy.NARROW in listing.ways or not names or not is_indexed(connections[listing.using]):
        return None
    for name in names:
        [(_lookup, pattern)] = listing.comparisons(name)
        texts = SearchedText.objects.using(listing.using).filter(text__like=pattern)
        ids = list(texts.values_list("item", flat=True)[: MOST_HITS + 1])
        if len(ids) <= MOST_HITS:
            return Hits(name, ids)
    return None


def needs_reach(listing: ItemList) -> bool:
    """Whether items are looked at that need not match, and more than one pass may look at."""
    looks = listing.ways.keys() & {IndexStrategy.SCANNED, IndexStrategy.SEARCH} or len(listing.stretch_columns) > 1
    return bool(looks) and sum(tally(listing.scope, None, None, using=listing.using).kinds.values()) > REACH


def pass_order(listing: ItemList) -> tuple[str, ...]:
    """The order to look in: that of the list, or newest first of the column that the list has a stretch of."""
    column = path(listing.sort.columns[0])
    stretches = listing.stretch_columns
    if (column in stretches or not stretches) and column in ("date", "updated_at"):
        return listing.sort.columns
    stretch = min(stretches, default="date")
    return (f"-{stretch}", "-id")


def end_of_reach(listing: ItemList, order: Sequence[str], after: Sequence[Any] | None) -> list[Any] | None:
    """The place of the last item that is looked at from a place on; None where that is the end."""
    names = [name for name in listing.ways.get(IndexStrategy.RANGE, ()) if listing.column_of(name) == path(order[0])]
    items = WorkItem.objects.using(listing.using).visible_to(listing.user)
    for name in names:
        items = items.filter(listing.condition(name))
    if after is not None:
        items = items.filter(after_cursor(order, after))
    place = items.order_by(*order).values_list(*(path(column) for column in order))[REACH - 1 : REACH].first()
    return None if place is None else list(place)


def _read(items: Any, listing: ItemList) -> list[Row]:
    """At most MOST + 1 of the items, in the list's order."""
    columns = listing.sort.columns
    keys = {f"key{n}": expression(column) for n, column in enumerate(columns)}
    found = items.values_list("pk", "institution_id", *KIND).annotate(**keys)[: MOST + 1]
    connection = connections[listing.using]
    once = "MATERIALIZED" if connection.vendor == "postgresql" else ""
    names = ", ".join(["pk", "institution_id", *KIND, *keys])
    order = ", ".join(in_sql(column, f"key{n}") for n, column in enumerate(columns))
    try:
        inner, params = found.query.sql_with_params()
    except EmptyResultSet:  # a condition that nothing can meet
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"WITH found ({names}) AS {once} ({inner}) SELECT * FROM found ORDER BY {order}", params)
        return cursor.fetchall()


def rows_of(listing: ItemList, ids: Sequence[int]) -> list[Row]:
    """These items, at most MOST, in the list's order."""
    return _read(WorkItem.objects.using(listing.using).with_numbers(ids), listing)


def those_beyond(listing: ItemList, rows: Sequence[Row], values: Sequence[Any], *, back: bool) -> set[int]:
    """Which of the rows come after this place in the list's order, or before it. None of them is at the very place."""
    numbers = {row[0] for row in rows}
    those = WorkItem.objects.using(listing.using).with_numbers(numbers)
    later = set(those.filter(after_cursor(listing.sort.columns, values)).values_list("pk", flat=True))
    return numbers - later if back else later
