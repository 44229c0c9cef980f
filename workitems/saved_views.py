"""Saved views: a list's address with a name. Whoever opens one sees what it asks for among the items that they may see."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Count, Window
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _t

from pharos.accounts.models import User
from pharos.accounts.roles import Permission, Role

from .conditions import Finding, ItemFilter
from .counting import Kind, Mask, fits, tally
from .filters import OF_PROCESS, SHOWN_AS, ItemList
from .prepared import fetched
from .saved_view import QUERY_LIMIT, Reach, SavedView

MOST_OF_ONE = 50  # that one person may have
MOST_IN_COLUMN = 15


SHARING = {
    Reach.PRIVATE: Permission.BROWSE,
    Reach.INSTITUTION: Permission.SHARE,
    Reach.EVERYBODY: Permission.SHARE_WITH_ALL,
}


class ViewRefused(ValueError):
    """A view cannot be saved; `field` is what has to be changed, or None."""

    def __init__(self, sentence: str, field: str | None = None):
        super().__init__(sentence)
        self.field = field


def reaches_of(user: User, view: SavedView | None = None) -> list[Reach]:
    """Whom this person may save views for, or this view: another's is not made private, since then it would be nobody's here."""
    is_others = view is not None and view.owner_id != user.pk
    return [reach for reach in Reach if user.can(SHARING[reach]) and not (is_others and reach == Reach.PRIVATE)]


def some_cannot_open(view: SavedView) -> bool:
    """Whether not all who see this view can open it: it names what is not for every role and institution."""
    asked = QueryDict(view.query).keys()
    return view.reach == Reach.EVERYBODY and bool(asked & {"institution", "institution_id", *OF_PROCESS})


def views_of(user: User) -> list[SavedView]:
    """Every view that this person sees, in order."""
    return list(SavedView.objects.visible_to(user).in_order())


class Line(NamedTuple):
    """A view as the page of all of them shows it to one reader. `number`: see Counted; `listing`: what it asks for."""

    view: SavedView
    number: int | None
    listing: ItemList
    may_change: bool


def lines(user: User) -> list[Line]:
    """Every view that this person sees."""
    everything = ItemList({}, user)
    shown = SavedView.objects.visible_to(user).in_order().select_related("owner", "institution")
    return [
        Line(view, number, everything.beside(view.query), may_change(view, user))
        for view, number in counted(shown, everything)
    ]


def may_change(view: SavedView, user: User) -> bool:
    """Of a private one its owner; of a shared one whoever may share with the same people, since owners leave."""
    if view.reach == Reach.PRIVATE:
        return view.owner_id == user.pk
    is_theirs = view.reach == Reach.EVERYBODY or view.institution_id == user.institution_id
    return is_theirs and user.can(SHARING[Reach(view.reach)])


def save_view(user: User, *, name: str, query: str, reach: str, replace: bool = False) -> SavedView:
    """A new view of this person's; or the one that those who shall see it have by this name, replaced. Raises ViewRefused.

    A view of the same name that others see stays as it is.
    """
    if len(query) > QUERY_LIMIT:
        raise ViewRefused(
            _("The address of this list is too long to be saved: at most %(most)d characters.") % {"most": QUERY_LIMIT}
        )
    visible = SavedView.objects.visible_to(user)
    with transaction.atomic():
        former = visible.select_for_update().filter(name=name, reach=reach).first()
        if former and not replace:
            raise ViewRefused(
                _TAKEN[Reach(reach)] + " " + _("Take another name, or tick the box to replace it."), "name"
            )
        if former is None and visible.filter(owner=user).count() >= MOST_OF_ONE:
            raise ViewRefused(_("You have %(most)d views. Delete one before you save another.") % {"most": MOST_OF_ONE})
        view = former or SavedView(name=name, reach=reach)
        return _saved(view, query=query, owner_id=user.pk, institution_id=user.institution_id)


_TAKEN = {
    Reach.PRIVATE: _t("You have a view of this name."),
    Reach.INSTITUTION: _t("Your institution sees a view of this name."),
    Reach.EVERYBODY: _t("Everybody sees a view of this name."),
}


def change_view(view: SavedView, user: User, *, name: str, reach: str) -> SavedView:
    """Another name or reach, by whoever may. Raises ViewRefused. Who saved it stays as it is."""
    with transaction.atomic():
        return _saved(view, name=name, reach=reach, institution_id=user.institution_id)


def _saved(view: SavedView, **values: str | int) -> SavedView:
    for column, value in values.items():
        setattr(view, column, value)
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        raise ViewRefused(_TAKEN[Reach(view.reach)] + " " + _("Take another name."), "name") from None
    return view


def delete_view(view: SavedView) -> None:
    """For everybody who sees it; whoever's list began with it begins with all items again."""
    with transaction.atomic():
        User.objects.filter(start_view=view.pk).update(start_view=None)
        view.delete()


def start_with(view: SavedView | None, user: User) -> None:
    """What this person's list begins with: a view, or all items."""
    user.start_view = view.pk if view else None
    user.save(update_fields=["start_view"])


def start_of(user: User) -> SavedView | None:
    """The view that this person's list begins with; None where there is none, or not for this person any more."""
    return SavedView.objects.visible_to(user).filter(pk=user.start_view).first() if user.start_view else None


class Named(NamedTuple):
    """As much of a view as a list shows."""

    pk: int
    name: str
    query: str
    reach: str


class Column(NamedTuple):
    """The views beside a list, and how many there are in all."""

    views: "list[Counted]"
    total: int


def beside(listing: ItemList) -> Column:
    """Those that stand in the left column of a list: without shared ones that this reader cannot open."""
    views = SavedView.objects.visible_to(listing.user).in_order().values_list("pk", "name", "query", "reach")
    first = views.annotate(total=Window(Count("*")))[:MOST_IN_COLUMN]
    rows = fetched(listing.using, *first.query.sql_with_params())
    named = [Named(*row) for *row, _total in rows]
    return Column(counted([one for one in named if _opens(one, listing)], listing), rows[0][-1] if rows else 0)


def _opens(view: Named, listing: ItemList) -> bool:
    """What somebody has saved for themselves was valid then; and what the summary knows is so for everybody."""
    is_known = view.reach == Reach.PRIVATE or masks_of(view.query) is not None
    return is_known or listing.beside(view.query).is_valid()


class Counted(NamedTuple):
    """A view, and how many items its reader sees in it; None where the summary does not know that, and it has to be asked for."""

    view: Any
    number: int | None


def counted(views: Iterable[Any], listing: ItemList) -> list[Counted]:
    """The views with the numbers that the summary knows, for the reader of this list: one statement, however many they are."""
    masks = {view: masks_of(view.query) for view in views}
    if not any(masks.values()):
        return [Counted(view, None) for view in masks]
    scope = None if listing.sees_all else [listing.user.institution_id]
    kinds = tally(scope, None, None, using=listing.using).kinds
    return [Counted(view, _number(kinds, asked)) for view, asked in masks.items()]


def _number(kinds: dict[Kind, int], masks: tuple[Mask, ...] | None) -> int | None:
    return None if masks is None else sum(number for kind, number in kinds.items() if fits(kind, masks))


_ANYBODY = User(role=Role.DEPOSITOR)


@lru_cache(maxsize=2000)
def masks_of(query: str) -> tuple[Mask, ...] | None:
    """What a query string asks of an item's kind, where that is all that it asks, whoever asks it; else None."""
    listing = ItemList(QueryDict(query), _ANYBODY)
    for name in listing.params:
        is_of_kinds = ItemFilter.declared_filters[name].finding is Finding.COUNTED
        if name in ("institution", "institution_id") or not (is_of_kinds or name in SHOWN_AS):
            return None
    return listing.masks if listing.is_valid() else None
