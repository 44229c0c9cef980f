"""The saved views as one reader sees them: re-scoped to what they may see, with numbers, and without what is not for them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from django.http import QueryDict

from pharos.accounts.models import User
from pharos.accounts.roles import Role

from ..counts import Kind, KindCondition, matches_any, read_summary
from ..database import fetch_prepared
from ..listing import PRESENTATION_NAMES, IndexStrategy, ItemList, ListFilterSet
from ..models import Reach, SavedView
from .editing import may_change

MOST_IN_COLUMN = 15
MOST_LOOKED_AT = 200  # of the views that somebody sees, to choose those from


class Line(NamedTuple):
    """A view as the page of all of them shows it to one reader. `label`, `number`: see Shown; `listing`: what it asks for."""

    view: SavedView
    label: str
    number: int | None
    listing: ItemList
    may_change: bool


def lines(user: User) -> list[Line]:
    """Every view that this person sees. What they can neither open nor change is not for them."""
    everything = ItemList({}, user)
    seen = list(SavedView.objects.visible_to(user).in_order().select_related("owner", "institution"))
    listings = everything.for_queries(view.query for view in seen)
    names, numbers = labels(seen), _numbers([view.query for view in seen], everything)
    found = [
        Line(view, names[view.pk], numbers[view.query], listing, may_change(view, user))
        for view, listing in zip(seen, listings, strict=True)
    ]
    return [line for line in found if line.may_change or line.listing.is_valid()]


def choices(user: User) -> list[tuple[int, str]]:
    """(number, label) of every view that this person can open."""
    return [(line.view.pk, line.label) for line in lines(user) if line.listing.is_valid()]


def can_open(view: SavedView, user: User) -> bool:
    """Whether what the view asks for is there for this person."""
    return ItemList({}, user).for_query(view.query).is_valid()


def labels(views: Iterable[Any]) -> Mapping[int, str]:
    """{a view's number: its name}; with who sees it, where one reader sees several of the same name."""
    views = list(views)
    number = Counter(view.name for view in views)
    return {
        view.pk: f"{view.name} ({Reach(view.reach).label})" if number[view.name] > 1 else view.name for view in views
    }


class _Row(NamedTuple):
    """As much of a view as a list needs."""

    pk: int
    name: str
    query: str
    reach: str


class Shown(NamedTuple):
    """A view beside a list. `label`: its name, so that it can be told from the others there.

    `number`: how many items its reader sees in it; None where the summary does not know that, and it has to be asked for.
    """

    pk: int
    label: str
    query: str
    number: int | None


class Column(NamedTuple):
    """The views beside a list, and how many there are in all."""

    views: list[Shown]
    total: int


def beside(listing: ItemList) -> Column:
    """Those that stand in the left column of a list. The numbers of all of them are one statement, the causes in them another."""
    views = SavedView.objects.visible_to(listing.user).in_order().values_list("pk", "name", "query", "reach")
    rows = [_Row(*row) for row in fetch_prepared(listing.using, *views[:MOST_LOOKED_AT].query.sql_with_params())]
    unknown = [row for row in rows if masks_of(row.query) is None]
    others = listing.for_queries(row.query for row in unknown)
    closed = {row.pk for row, other in zip(unknown, others, strict=True) if not other.is_valid()}
    opened = [row for row in rows if row.pk not in closed]
    first = opened[:MOST_IN_COLUMN]
    names, numbers = labels(opened), _numbers([row.query for row in first], listing)
    return Column([Shown(row.pk, names[row.pk], row.query, numbers[row.query]) for row in first], len(opened))


def _numbers(queries: list[str], listing: ItemList) -> dict[str, int | None]:
    """{query: number} for the reader of this list, as far as the summary knows it."""
    masks = {query: masks_of(query) for query in queries}
    if not any(masks.values()):
        return dict.fromkeys(queries)
    kinds = read_summary(listing.user.scope, None, None, using=listing.using).kinds
    return {query: _number(kinds, asked) for query, asked in masks.items()}


def _number(kinds: dict[Kind, int], masks: tuple[KindCondition, ...] | None) -> int | None:
    return None if masks is None else sum(number for kind, number in kinds.items() if matches_any(kind, masks))


_ANYBODY = User(role=Role.DEPOSITOR)


@lru_cache(maxsize=2000)
def masks_of(query: str) -> tuple[KindCondition, ...] | None:
    """What a query string asks of an item's kind, where that is all that it asks, whoever asks it; else None."""
    listing = ItemList(QueryDict(query), _ANYBODY)
    for name in listing.params:
        is_of_kinds = ListFilterSet.declared_filters[name].strategy is IndexStrategy.COUNTED
        if name in ("institution", "institution_id") or not (is_of_kinds or name in PRESENTATION_NAMES):
            return None
    return listing.kind_conditions if listing.is_valid() else None
