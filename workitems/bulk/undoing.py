"""Undoes a bulk change: a bulk change of its own, on the items that are still as the first one left them.

Reviews are undone by the opposite. What was cancelled is requeued to where it stood. A requeue can't be undone: workers
may have taken up the items.
"""

from collections import Counter
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pharos.accounts.models import User

from ..audit_log import query_entries
from ..lifecycle import MOVES, requeue_stages
from ..listing import COUNT_LIMIT
from ..models import BulkChange, WorkItem, find_served_stages
from ..vocabulary import Status
from .preview import Preview
from .run import Selection, read_marker, restart_stage, scope_of

UNDO_MOVES = {"review": "unreview", "unreview": "review", "cancel": "requeue"}
CHANGED_SINCE: dict[str, str | Promise] = {  # by the move of the undo
    "review": _("changed since they were marked"),
    "unreview": _("changed since they were marked"),
    "requeue": _("changed since they were cancelled"),
}
NOT_TAKEN_UP = _("the queue takes up no items at the stage where they stood")


class _Left(NamedTuple):
    """An item that a bulk change has changed, as that left it, and as it is now."""

    number: int  # the item's version after the bulk change
    stage_before: str
    action: str
    status: str
    version: int

    @property
    def is_unchanged(self) -> bool:
        return self.version == self.number


def can_undo(change: BulkChange, user: User) -> bool:
    """Returns whether this user can undo it: their own finished bulk review or, for everyone who can requeue, a finished
    bulk cancel. An undo can't be undone.
    """
    move = UNDO_MOVES.get(change.move)
    if move is None or change.is_undo or not change.finished_at or not change.changed:
        return False
    return MOVES[move].is_granted_to(user.role) and (move == "requeue" or change.by_id == user.pk)


def find_undo(change: BulkChange) -> BulkChange | None:
    """Returns the bulk change that undoes this one, or None."""
    return change.undos.select_related("by").first()


def undo(change: BulkChange, user: User, *, note: str = "") -> BulkChange:
    """Starts to undo the bulk change; `run_slice` carries it out. If somebody has already started it, that one is returned."""
    values = {
        "by": user,
        "move": UNDO_MOVES[change.move],
        "selection": {"undo": str(change.pk)},
        "note": note,
        "query": change.query,
        "total": change.changed,
        **scope_of(user),
    }
    return BulkChange.objects.get_or_create(values, undoes=change)[0]


def dry_run_of_undo(change: BulkChange, user: User) -> Preview:
    """Returns what undoing a bulk cancel would do now. Changes nothing.

    Of more than COUNT_LIMIT items, the figures cover only the first ones.
    """
    items = _read(change, user)
    counted = Counter(_obstacle(item) for item in items.values())
    counted[CHANGED_SINCE["requeue"]] += min(change.changed, COUNT_LIMIT) - len(items)
    affected = counted.pop(None, 0)
    skipped = [(reason, number) for reason, number in counted.items() if reason and number]
    made = [(Status.CANCELLED.value, affected)] if affected else []
    return Preview(change.changed, affected, 0, made, skipped, change.changed <= COUNT_LIMIT)


def _obstacle(item: _Left) -> str | Promise | None:
    """Returns why an undo would leave the item alone, or None."""
    if not item.is_unchanged:
        return CHANGED_SINCE["requeue"]
    possible = requeue_stages(item.action, item.stage_before, find_served_stages(item.action))
    return None if restart_stage(item.action, item.stage_before) in possible else NOT_TAKEN_UP


class CancelledItems(NamedTuple):
    """Of the items that a bulk change has cancelled: those that are unchanged since, and how many are still cancelled."""

    unchanged: Selection
    still_cancelled: int


def find_cancelled(change: BulkChange, user: User) -> CancelledItems | None:
    """Returns which items are still cancelled; None if the bulk change has cancelled more than COUNT_LIMIT."""
    if change.changed > COUNT_LIMIT:
        return None
    mark = read_marker()
    items = _read(change, user)
    ids = [pk for pk, item in items.items() if item.is_unchanged]
    still = sum(item.status == Status.CANCELLED for item in items.values())
    return CancelledItems(Selection({"ids": ids, "mark": mark}, len(ids), f"act={change.pk}"), still)


def _read(change: BulkChange, user: User) -> dict[int, _Left]:
    """Returns {id: item} for the first COUNT_LIMIT items that the bulk change has changed and this user can see."""
    entries = query_entries("item_id", "number", "stage_before", act=change.pk).order_by("item_id")[:COUNT_LIMIT]
    left = {pk: (number, stage) for pk, number, stage in entries}
    items = WorkItem.objects.visible_to(user).with_ids(left).order_by("pk")
    now = items.values_list("pk", "action", "status", "version")
    return {pk: _Left(*left[pk], action, status, version) for pk, action, status, version in now}
