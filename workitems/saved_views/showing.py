"""Saved views as one reader sees them: within the reader's scope, with counts, and without views they can't open."""

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
from .editing import can_change

MAX_IN_SIDEBAR = 15
MAX_CANDIDATES = 200  # visible views from which those of the sidebar are chosen


class ListedView(NamedTuple):
    """A view on the page of all saved views. `label` and `number`: see SidebarView. `listing`: the list it opens."""

    view: SavedView
    label: str
    number: int | None
    listing: ItemList
    can_change: bool


def list_views(user: User) -> list[ListedView]:
    """Returns every view this user can see, except those that the user can neither open nor change."""
    everything = ItemList({}, user)
    seen = list(SavedView.objects.visible_to(user).in_order().select_related("owner", "institution"))
    listings = everything.for_queries(view.query for view in seen)
    names, numbers = unique_labels(seen), _count_views([view.query for view in seen], everything)
    found = [
        ListedView(view, names[view.pk], numbers[view.query], listing, can_change(view, user))
        for view, listing in zip(seen, listings, strict=True)
    ]
    return [line for line in found if line.can_change or line.listing.is_valid()]


def view_choices(user: User) -> list[tuple[int, str]]:
    """Returns (id, label) of every view this user can open."""
    return [(line.view.pk, line.label) for line in list_views(user) if line.listing.is_valid()]


def can_open(view: SavedView, user: User) -> bool:
    """Returns whether the view's filters are valid for this user."""
    return ItemList({}, user).for_query(view.query).is_valid()


def unique_labels(views: Iterable[Any]) -> Mapping[int, str]:
    """Returns {view id: name}, with the reach added if several views have the same name."""
    views = list(views)
    number = Counter(view.name for view in views)
    return {
        view.pk: f"{view.name} ({Reach(view.reach).label})" if number[view.name] > 1 else view.name for view in views
    }


class _Row(NamedTuple):
    """The columns of a view that the sidebar needs."""

    pk: int
    name: str
    query: str
    reach: str


class SidebarView(NamedTuple):
    """A view in the sidebar of a list. `label`: its name, unique among the views there.

    `number`: how many items it has for the reader; None if the summary table can't tell and a script has to request it.
    """

    pk: int
    label: str
    query: str
    number: int | None


class Sidebar(NamedTuple):
    """The views in the sidebar, and how many views the reader has in total."""

    views: list[SidebarView]
    total: int


def sidebar_views(listing: ItemList) -> Sidebar:
    """Returns the views for the sidebar of a list. One statement gets all their counts, another the causes they name."""
    views = SavedView.objects.visible_to(listing.user).in_order().values_list("pk", "name", "query", "reach")
    rows = [_Row(*row) for row in fetch_prepared(listing.using, *views[:MAX_CANDIDATES].query.sql_with_params())]
    unknown = [row for row in rows if kind_conditions_of(row.query) is None]
    others = listing.for_queries(row.query for row in unknown)
    closed = {row.pk for row, other in zip(unknown, others, strict=True) if not other.is_valid()}
    opened = [row for row in rows if row.pk not in closed]
    first = opened[:MAX_IN_SIDEBAR]
    names, numbers = unique_labels(opened), _count_views([row.query for row in first], listing)
    return Sidebar([SidebarView(row.pk, names[row.pk], row.query, numbers[row.query]) for row in first], len(opened))


def _count_views(queries: list[str], listing: ItemList) -> dict[str, int | None]:
    """Returns {query: number of items} for the reader of this list; None where the summary table can't tell."""
    conditions = {query: kind_conditions_of(query) for query in queries}
    if not any(conditions.values()):
        return dict.fromkeys(queries)
    kinds = read_summary(listing.user.scope, None, None, using=listing.using).kinds
    return {query: _count_kinds(kinds, wanted) for query, wanted in conditions.items()}


def _count_kinds(kinds: dict[Kind, int], conditions: tuple[KindCondition, ...] | None) -> int | None:
    return (
        None if conditions is None else sum(number for kind, number in kinds.items() if matches_any(kind, conditions))
    )


_ANYBODY = User(role=Role.DEPOSITOR)


@lru_cache(maxsize=2000)
def kind_conditions_of(query: str) -> tuple[KindCondition, ...] | None:
    """Returns the conditions of a query string on an item's kind, or None if it has any other conditions."""
    listing = ItemList(QueryDict(query), _ANYBODY)
    for name in listing.params:
        is_of_kinds = ListFilterSet.declared_filters[name].strategy is IndexStrategy.COUNTED
        if name in ("institution", "institution_id") or not (is_of_kinds or name in PRESENTATION_NAMES):
            return None
    return listing.kind_conditions if listing.is_valid() else None
