"""Bulk acts as they are told of: which there were, what each has done, item by item, and what it has left alone."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pharos.accounts.models import User
from pharos.accounts.roles import Permission

from ..audit_log import query_entries
from ..models import BulkChange, WorkItem
from .run import UNDO_OF

_CHANGED = _("changed since the list was opened")
_FORBIDDEN = _("the role does not allow it any more")
_ILLEGAL = {
    "review": _("not finished yet"),
    "unreview": _("not finished yet"),
    "cancel": _("finished already"),
    "requeue": _("succeeded already"),
}
_UNDONE = _("changed since they were marked")


def visible_acts(user: User) -> QuerySet[BulkChange]:
    """Those that this person may know of: an admin every one, others those of people who saw then only what they see now."""
    acts = BulkChange.objects.select_related("by")
    if not user.can(Permission.REVIEW):
        return acts.none()
    if user.can(Permission.SEE_EVERY_INSTITUTION):
        return acts
    return acts.filter(institution_id=user.institution_id, is_of_all=False)


def may_go_on(act: BulkChange, user: User) -> bool:
    """Whether this person may have it gone on with: whoever began it, or an admin."""
    return act.by_id == user.pk or user.can(Permission.CANCEL)


def may_undo(act: BulkChange, user: User) -> bool:
    """Whether this person may set back what a review has set: whoever did it, once it is done, and if it was none itself."""
    is_done = act.finished_at and act.changed and "undo" not in act.selection
    return bool(act.move in UNDO_OF and act.by_id == user.pk and is_done)


def some_acts(user: User, before: tuple[datetime, UUID] | None, number: int) -> list[BulkChange]:
    """So many of the acts, the last begun first, from the one before this (when it began, its id) on."""
    acts = visible_acts(user).order_by("-created_at", "-id")
    if before:
        at, pk = before
        acts = acts.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=pk))
    return list(acts[:number])


def skipped_of(act: BulkChange) -> list[tuple[str | Promise, int]]:
    """(why, how many) of the items that an act has left alone."""
    reasons = {"changed": _UNDONE if "undo" in act.selection else _CHANGED, "forbidden": _FORBIDDEN}
    reasons["illegal"] = reasons["invalid"] = _ILLEGAL[act.move]
    reasons["missing"] = _CHANGED
    return [(reasons[reason], number) for reason, number in sorted(act.skipped.items())]


class Done(NamedTuple):
    """What an act has made of one item."""

    item_id: int
    name: str
    move: str
    stage_after: str
    status_after: str


def entries_of(act: BulkChange, user: User, after: int, number: int) -> list[Done]:
    """So many of the history entries that an act has made, by item, from the one after this item on; without what this person may not see."""
    # The items are not joined here: then they are read in the order of an index, however much the act has done.
    columns = ("item_id", "move", "stage_after", "status_after")
    shown = list(query_entries(*columns, act=act.pk, item__gt=after).order_by("item_id")[:number])
    names = _names(user, (entry.item_id for entry in shown))
    return [Done(entry.item_id, names.get(entry.item_id, ""), *entry[1:]) for entry in shown]


def _names(user: User, ids: Iterable[int]) -> dict[int, str]:
    return dict(WorkItem.objects.visible_to(user).with_ids(ids).values_list("pk", "name"))


def left_alone(act: BulkChange, user: User, number: int) -> list[WorkItem]:
    """So many of the items that were chosen and nothing was done with, as they are now; none where only their list is known.

    They have changed since, or the move was not for them, or they were so already.
    """
    ids = act.selection.get("ids")
    if not act.finished_at or not ids or act.changed == len(ids):
        return []
    changed = {pk for [pk] in query_entries("item_id", act=act.pk)}
    others = [pk for pk in ids if pk not in changed]
    return list(WorkItem.objects.visible_to(user).with_ids(others).for_rows().order_by("pk")[:number])
