"""One bounded pass over what a list asks for beside its left column: the counts, and the rows if they are few."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet

from ..conditions import Finding
from ..counting import KIND, Kind, Tally, fits, tally
from ..filters import ItemList
from ..models import SearchedText, WorkItem
from ..orders import as_stored, beyond, path, turned, up_to
from ..search import has_trigrams
from ..searched import is_indexed
from .found import Place

MOST = 10_000  # items that one pass counts
REACH = 100_000  # items that are looked at, where no index knows what is asked for
MOST_HITS = 50_000  # texts that hold what is searched for; beyond, looking at the items in their order is no worse


@dataclass(frozen=True)
class Pass:
    """`rows`: at most MOST, in the list's order. `is_whole`: there are no more. `by_index`: the searches that an index answers."""

    tally: Tally
    rows: list[Place]
    is_whole: bool
    by_index: frozenset[str]
    is_chosen: Callable[[Place], bool]


def over(listing: ItemList, *, with_left: bool = False) -> Pass:
    """The pass over the list as it would be without its left column, or with it."""
    by_index = _searches_by_index(listing)
    without = frozenset() if with_left else frozenset(listing.left)
    items = matching(listing, by_index, without)
    end = None
    if not (by_index or Finding.NARROW in listing.ways):
        order = pass_order(listing)
        if needs_reach(listing):
            end = end_of_reach(listing, order, None)
            items = items if end is None else items.filter(up_to(order, end))
        items = items.order_by(*order)
    found = _read(items, listing)
    cells = {place.pk: (owner, kind) for place, owner, kind in found}
    masks = listing.left_masks
    chosen = None if listing.chosen is None else set(listing.chosen)

    def is_chosen(place: Place) -> bool:
        owner, kind = cells[place.pk]
        return (chosen is None or owner in chosen) and fits(kind, masks)

    taken = found[:MOST]
    kinds = Counter(kind for _place, owner, kind in taken if chosen is None or owner in chosen)
    owners = Counter(owner for _place, owner, kind in taken if fits(kind, masks))
    is_whole = end is None and len(found) <= MOST
    return Pass(Tally(kinds, owners), [place for place, *_cell in taken], is_whole, by_index, is_chosen)


def matching(listing: ItemList, by_index: frozenset[str], without: frozenset[str] = frozenset()) -> Any:
    """The items of the list; what is searched for by an index is said such that it is used."""
    items = listing.items(without=without | by_index)
    for name in by_index:
        items = items.filter(_in_texts(listing, name))
    return items


def _in_texts(listing: ItemList, name: str) -> Q:
    return Q(pk__in=_texts(listing, name).values("item"))


def _texts(listing: ItemList, name: str) -> QuerySet:
    [(_lookup, pattern)] = listing.comparisons(name)
    return SearchedText.objects.filter(text__like=pattern)


def _searches_by_index(listing: ItemList) -> frozenset[str]:
    """Of the searches, one that an index answers with not too many texts, if there is one."""
    names = [name for name in listing.ways.get(Finding.SEARCH, ()) if has_trigrams(listing.value_of[name])]
    if not names or not is_indexed(connection):
        return frozenset()
    for name in names:
        if _texts(listing, name).values("item")[: MOST_HITS + 1].count() <= MOST_HITS:
            return frozenset({name})
    return frozenset()


def needs_reach(listing: ItemList) -> bool:
    """Whether items are looked at that need not match, and more than one pass may look at."""
    looks = listing.ways.keys() & {Finding.SCANNED, Finding.SEARCH} or len(listing.stretch_columns) > 1
    return bool(looks) and sum(tally(listing.scope, None, None).kinds.values()) > REACH


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
    names = [name for name in listing.ways.get(Finding.RANGE, ()) if listing.column_of(name) == path(order[0])]
    items = WorkItem.objects.visible_to(listing.user)
    for name in names:
        items = items.filter(listing.condition(name))
    if after is not None:
        items = items.filter(beyond(order, after))
    place = items.order_by(*order).values_list(*(path(column) for column in order))[REACH - 1 : REACH].first()
    return None if place is None else list(place)


def _read(items: Any, listing: ItemList) -> list[tuple[Place, int, Kind]]:
    """(place, institution, kind) of at most MOST + 1 items, in the list's order."""
    columns = listing.sort.columns
    keys = {f"key{n}": F(path(column)) for n, column in enumerate(columns)}
    inner, params = (
        items.values_list("pk", "institution_id", *KIND).annotate(**keys)[: MOST + 1].query.sql_with_params()
    )
    once = "MATERIALIZED" if connection.vendor == "postgresql" else ""
    names = ", ".join(["pk", "institution_id", *KIND, *keys])
    order = ", ".join(
        f"key{n} {'DESC NULLS LAST' if column.startswith('-') else 'ASC NULLS FIRST'}"
        for n, column in enumerate(columns)
    )
    with connection.cursor() as cursor:
        cursor.execute(f"WITH found ({names}) AS {once} ({inner}) SELECT * FROM found ORDER BY {order}", params)
        rows = cursor.fetchall()
    return [
        (
            Place(pk, tuple(as_stored(column, value) for column, value in zip(columns, values[5:], strict=True))),
            owner,
            Kind(values[0], values[1], values[2], bool(values[3]), bool(values[4])),
        )
        for pk, owner, *values in rows
    ]


def rows_of(listing: ItemList, ids: Sequence[int]) -> list[Place]:
    """These items, at most MOST, in the list's order."""
    return [place for place, *_cell in _read(WorkItem.objects.with_numbers(ids), listing)]


def those_beyond(listing: ItemList, rows: Sequence[Place], values: Sequence[Any], *, back: bool) -> set[int]:
    """Which of the rows come after this place in the list's order, or before it."""
    columns = listing.sort.columns
    those = WorkItem.objects.with_numbers([row.pk for row in rows])
    later = those.filter(beyond(turned(columns) if back else columns, values))
    return set(later.values_list("pk", flat=True))
