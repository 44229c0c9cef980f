"""What lies in other rows and decides about a move: other uploads of the bag, and what the item's history says."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from pharos.accounts.models import User
from pharos.accounts.roles import Permission

from ..audit_log import every_entry
from ..lifecycle import Refused
from ..models import WorkItem
from ..vocabulary import Status


def stopped_at(item: WorkItem) -> str:
    """How far an item has come: of a cancelled one, the stage before the cancel."""
    if item.status != Status.CANCELLED:
        return item.stage
    cancels = every_entry("number", "stage_before", item_id=item.pk, move="cancel").order_by("-number")
    last = cancels.first()
    return last.stage_before if last else item.stage


def related_facts(
    rows: dict[int, WorkItem],
    plans: Mapping[int, tuple[str, Any] | Refused],
    by: User,
) -> dict[int, dict[str, Any]]:
    """What lies in other rows and decides: {item: facts of it}. Asked only where the move depends on it."""
    making: dict[str, list[int]] = defaultdict(list)
    for pk, plan in plans.items():
        if not isinstance(plan, Refused):
            making[plan[0]].append(pk)
    found: dict[int, dict[str, Any]] = {}
    if making["cancel"] and not by.can(Permission.CANCEL):
        found |= {pk: {"is_replaced": True} for pk in _replaced(making["cancel"])}
    if making["requeue"]:
        found |= {pk: {"stopped_at": stage} for pk, stage in _stopped(rows[pk] for pk in making["requeue"]).items()}
    if making["notify"]:
        found |= {pk: {"is_told": True} for pk in _told(making["notify"])}
    return found


def _replaced(ids: list[int]) -> set[int]:
    """Which of the items another upload stands in for."""
    asked = WorkItem.objects.filter(pk__in=ids)
    return {*asked.superseded().values_list("pk", flat=True), *asked.duplicates().values_list("pk", flat=True)}


def _stopped(rows: Iterable[WorkItem]) -> dict[int, str]:
    """Where the cancelled ones among the items stood before."""
    return {row.pk: stopped_at(row) for row in rows if row.status == Status.CANCELLED}


def _told(ids: list[int]) -> set[int]:
    """Of which of the items the institution's staff were told already."""
    return {pk for [pk] in every_entry("item_id", item_id__in=ids, move="notify")}
