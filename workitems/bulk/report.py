"""Reports on bulk changes: lists them, what each did to which item, and which items it skipped."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pharos.accounts.models import User
from pharos.accounts.roles import Permission

from ..audit_log import query_entries
from ..models import ArchivedEntry, BulkChange, HistoryEntry, WorkItem, WorkItemQuerySet
from .preview import SKIPPED, UNSERVED
from .undoing import CHANGED_SINCE, NOT_TAKEN_UP

_CHANGED = _("changed since the list was opened")
_FORBIDDEN = _("the role no longer allows it")
_ILLEGAL = {
    "review": _("not finished yet"),
    "unreview": _("not finished yet"),
    "cancel": _("already finished"),
    "requeue": _("already succeeded"),
}


def can_continue(change: BulkChange, user: User) -> bool:
    """Returns whether this user can continue it: whoever started it, or an admin."""
    return change.by_id == user.pk or user.can(Permission.CANCEL)


def list_changes(user: User, before: tuple[datetime, UUID] | None, number: int) -> list[BulkChange]:
    """Returns at most `number` bulk changes, newest first, older than the one given as (when it started, its id)."""
    changes = BulkChange.objects.visible_to(user).select_related("by").order_by("-created_at", "-id")
    if before:
        at, pk = before
        changes = changes.filter(Q(created_at__lt=at) | Q(created_at=at, id__lt=pk))
    return list(changes[:number])


def skip_reasons(change: BulkChange) -> list[tuple[str | Promise, int]]:
    """Returns (reason, number of items) for the items that a bulk change skipped."""
    reasons: dict[str, str | Promise] = {"changed": _CHANGED, "forbidden": _FORBIDDEN}
    reasons["illegal"] = reasons["invalid"] = _ILLEGAL[change.move]
    reasons["missing"], reasons["unserved"], reasons["damaged"] = _CHANGED, UNSERVED, SKIPPED["damaged"]
    if change.is_undo:
        reasons["changed"] = CHANGED_SINCE[change.move]
    if change.is_undo and change.move == "requeue":
        reasons["invalid"] = reasons["unserved"] = NOT_TAKEN_UP
    counted = Counter[str | Promise]()
    for reason, number in sorted(change.skipped.items()):
        counted[reasons[reason]] += number
    return list(counted.items())


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
    if not change.finished_at or change.changed == change.total or "query" in change.selection:
        return []
    return list(left_alone(change, user).for_rows().order_by("pk")[:number])


def left_alone(change: BulkChange, user: User) -> WorkItemQuerySet:
    """Returns the items of a selection by ids, or of an undo, that the bulk change hasn't changed."""
    items = WorkItem.objects.visible_to(user)
    for entries in (HistoryEntry.objects, ArchivedEntry.objects):  # an anti-join each, however many entries there are
        items = items.filter(~Exists(entries.filter(act=change.pk, item=OuterRef("pk"))))
    if change.is_undo:
        return items.filter(pk__in=query_entries("item_id", act=change.selection["undo"]))
    return items.with_ids(change.selection["ids"])
