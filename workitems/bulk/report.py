"""Reports on bulk changes: lists them, what each did to which item, and which items it skipped."""

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
from .run import INVERSE_MOVES

_CHANGED = _("changed since the list was opened")
_FORBIDDEN = _("the role no longer allows it")
_ILLEGAL = {
    "review": _("not finished yet"),
    "unreview": _("not finished yet"),
    "cancel": _("already finished"),
    "requeue": _("already succeeded"),
}
_UNDONE = _("changed since they were marked")


def visible_changes(user: User) -> QuerySet[BulkChange]:
    """Returns the bulk changes this user can see: all for an admin, otherwise those made within the user's institution."""
    changes = BulkChange.objects.select_related("by")
    if not user.can(Permission.REVIEW):
        return changes.none()
    if user.can(Permission.SEE_EVERY_INSTITUTION):
        return changes
    return changes.filter(institution_id=user.institution_id, is_of_all=False)


def can_continue(change: BulkChange, user: User) -> bool:
    """Returns whether this user can continue it: whoever started it, or an admin."""
    return change.by_id == user.pk or user.can(Permission.CANCEL)


def can_undo(change: BulkChange, user: User) -> bool:
    """Returns whether this user can undo it: only their own finished bulk review, and not an undo."""
    is_done = change.finished_at and change.changed and "undo" not in change.selection
    return bool(change.move in INVERSE_MOVES and change.by_id == user.pk and is_done)


def list_changes(user: User, before: tuple[datetime, UUID] | None, number: int) -> list[BulkChange]:
    """Returns at most `number` bulk changes, newest first, older than the one given as (when it started, its id)."""
    changes = visible_changes(user).order_by("-created_at", "-id")
    if before:
        at, pk = before
        changes = changes.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=pk))
    return list(changes[:number])


def skip_reasons(change: BulkChange) -> list[tuple[str | Promise, int]]:
    """Returns (reason, number of items) for the items that a bulk change skipped."""
    reasons = {"changed": _UNDONE if "undo" in change.selection else _CHANGED, "forbidden": _FORBIDDEN}
    reasons["illegal"] = reasons["invalid"] = _ILLEGAL[change.move]
    reasons["missing"] = _CHANGED
    return [(reasons[reason], number) for reason, number in sorted(change.skipped.items())]


class ChangedItem(NamedTuple):
    """What a bulk change did to one item."""

    item_id: int
    name: str
    move: str
    stage_after: str
    status_after: str


def changed_items(change: BulkChange, user: User, after: int, number: int) -> list[ChangedItem]:
    """Returns at most `number` of the items that a bulk change has changed, by id, after the given id.

    The name is empty for items that this user can't see.
    """
    # Without a join, entries are read in the order of an index, however many there are.
    columns = ("item_id", "move", "stage_after", "status_after")
    shown = list(query_entries(*columns, act=change.pk, item__gt=after).order_by("item_id")[:number])
    names = _names(user, (entry.item_id for entry in shown))
    return [ChangedItem(entry.item_id, names.get(entry.item_id, ""), *entry[1:]) for entry in shown]


def _names(user: User, ids: Iterable[int]) -> dict[int, str]:
    return dict(WorkItem.objects.visible_to(user).with_ids(ids).values_list("pk", "name"))


def unchanged_items(change: BulkChange, user: User, number: int) -> list[WorkItem]:
    """Returns at most `number` selected items that weren't changed, as they are now; none if the selection is a query.

    They had changed in the meantime, or the move wasn't allowed, or it was already done.
    """
    ids = change.selection.get("ids")
    if not change.finished_at or not ids or change.changed == len(ids):
        return []
    changed = {pk for [pk] in query_entries("item_id", act=change.pk)}
    others = [pk for pk in ids if pk not in changed]
    return list(WorkItem.objects.visible_to(user).with_ids(others).for_rows().order_by("pk")[:number])
