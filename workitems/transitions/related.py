"""Facts that a move depends on beyond the item's row: other uploads of the bag, the item's history, and the time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from pharos.accounts.models import User
from pharos.accounts.roles import Permission

from ..audit_log import query_entries
from ..lifecycle import Refused
from ..models import WorkItem
from ..vocabulary import Status


def find_reached_stage(item: WorkItem) -> str:
    """Returns the last stage that an item has reached: for a cancelled item, its stage before the cancellation."""
    if item.status != Status.CANCELLED:
        return item.stage
    cancels = query_entries("number", "stage_before", item_id=item.pk, move="cancel").order_by("-number")
    last = cancels.first()
    return last.stage_before if last else item.stage


def related_facts(
    rows: dict[int, WorkItem],
    plans: Mapping[int, tuple[str, Any] | Refused],
    by: User,
    now: datetime,
) -> dict[int, dict[str, Any]]:
    """Returns {item id: {field of ItemState: value}}, queried only if the move depends on them."""
    ids_by_move: dict[str, list[int]] = defaultdict(list)
    for pk, plan in plans.items():
        if not isinstance(plan, Refused):
            ids_by_move[plan[0]].append(pk)
    found: dict[int, dict[str, Any]] = {}
    if ids_by_move["cancel"] and not by.can(Permission.CANCEL):
        found |= {pk: {"is_replaced": True} for pk in _replaced(ids_by_move["cancel"])}
    if ids_by_move["requeue"]:
        found |= {
            pk: {"stage_before_cancel": stage}
            for pk, stage in _stages_before_cancel(rows[pk] for pk in ids_by_move["requeue"]).items()
        }
    found |= {pk: {"is_abandoned": is_abandoned(rows[pk], now)} for pk in ids_by_move["retry"]}
    if ids_by_move["notify"]:
        found |= {pk: {"is_notified": True} for pk in _notified(ids_by_move["notify"])}
    return found


def is_abandoned(item: WorkItem, now: datetime) -> bool:
    """Returns whether the item is unchanged for so long that another process of the same node can take it over."""
    return now - item.updated_at >= timedelta(minutes=settings.WORKITEM_TAKEOVER_MINUTES)


def _replaced(ids: list[int]) -> set[int]:
    """Returns which of the items are replaced by another upload."""
    asked = WorkItem.objects.filter(pk__in=ids)
    return {*asked.superseded().values_list("pk", flat=True), *asked.duplicates().values_list("pk", flat=True)}


def _stages_before_cancel(rows: Iterable[WorkItem]) -> dict[int, str]:
    """Returns {item id: its stage before the cancellation} for the cancelled items."""
    return {row.pk: find_reached_stage(row) for row in rows if row.status == Status.CANCELLED}


def _notified(ids: list[int]) -> set[int]:
    """Returns for which of the items staff have already been notified."""
    return {pk for [pk] in query_entries("item_id", item_id__in=ids, move="notify")}
