"""How a whole record is saved: the move that it means is worked out, and then made like any other."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from pharos.accounts.models import User

from ..lifecycle import CARRIED, FIXED, Refused, check_fixed, check_fresh, move_meant
from ..models import HistoryEntry, WorkItem
from .batch import Plan, Result, TransitionBatch, role_of


class Stopped(Exception):
    """One of several records cannot be saved, so that none was. `index`: which one; `refused`: why."""

    def __init__(self, index: int, refused: Refused):
        super().__init__(refused.sentence)
        self.index = index
        self.refused = refused


def save(
    records: Mapping[int, Mapping[str, Any]], *, by: User, via: str = "api", at: datetime | None = None
) -> list[Result]:
    """Saves whole records, {item's id: {column: value}}, each by the move that it means; all of them or none.

    Only what `by` may see is there to be saved. Raises Stopped at the first one that is refused.
    """

    def meant(row: WorkItem, requeued_at: datetime | None) -> Plan:
        record = records[row.pk]
        stored = {name: getattr(row, name) for name in {*FIXED, *CARRIED}}
        try:
            check_fixed(record, stored)
            check_fresh(row.facts, record, stored, requeued_at=requeued_at)
            return move_meant(row.facts, record, stored, role=role_of(by))
        except Refused as refused:
            return refused

    def plans(rows: Mapping[int, WorkItem]) -> dict[int, Plan]:
        requeued = _requeued(rows, records)
        return {pk: meant(row, requeued.get(pk)) for pk, row in rows.items()}

    with transaction.atomic():
        results = TransitionBatch(by, via, at).run(list(records), plans, {}, WorkItem.objects.visible_to(by))
        for index, result in enumerate(results):
            if result.refused:
                raise Stopped(index, result.refused)
    return results


def _requeued(rows: Mapping[int, WorkItem], records: Mapping[int, Mapping[str, Any]]) -> dict[int, datetime]:
    """When the items were requeued last; asked only of those whose record has another time than the row for its stage's beginning.

    The archive need not be asked: what it tells of lies before the item was last closed, at least a year ago.
    """
    asked = [pk for pk, row in rows.items() if records[pk].get("stage_started_at") not in (None, row.stage_started_at)]
    if not asked:
        return {}
    requeues = HistoryEntry.objects.filter(item_id__in=asked, move="requeue").order_by("number")
    return dict(requeues.values_list("item_id", "at"))  # of each item, the last one stays
