"""Saves complete records: infers the move that each of them means, and makes it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from pharos.accounts.models import User

from ..lifecycle import IMMUTABLE_FIELDS, SAVEABLE_FIELDS, Refused, check_immutable, check_not_stale, infer_move
from ..models import HistoryEntry, WorkItem
from .batch import PlannedMove, TransitionBatch, TransitionResult, effective_role


class SaveRefused(Exception):
    """One of several records can't be saved, so none was. `index`: its position; `refused`: the reason."""

    def __init__(self, index: int, refused: Refused):
        super().__init__(refused.sentence)
        self.index = index
        self.refused = refused


def save(
    records: Mapping[int, Mapping[str, Any]], *, by: User, via: str = "api", at: datetime | None = None
) -> list[TransitionResult]:
    """Saves complete records, {item id: {column: value}}, each with the move that it means; all or none.

    Only items that `by` can see can be saved. Raises SaveRefused for the first record that is refused.
    """

    def inferred_move(row: WorkItem, requeued_at: datetime | None) -> PlannedMove:
        record = records[row.pk]
        stored = {name: getattr(row, name) for name in {*IMMUTABLE_FIELDS, *SAVEABLE_FIELDS}}
        try:
            check_immutable(record, stored)
            check_not_stale(row.lifecycle_state, record, stored, requeued_at=requeued_at)
            return infer_move(row.lifecycle_state, record, stored, role=effective_role(by))
        except Refused as refused:
            return refused

    def plans(rows: Mapping[int, WorkItem]) -> dict[int, PlannedMove]:
        requeued = _last_requeues(rows, records)
        return {pk: inferred_move(row, requeued.get(pk)) for pk, row in rows.items()}

    with transaction.atomic():
        results = TransitionBatch(by, via, at).run(list(records), plans, {}, WorkItem.objects.visible_to(by))
        for index, result in enumerate(results):
            if result.refused:
                raise SaveRefused(index, result.refused)
    return results


def _last_requeues(rows: Mapping[int, WorkItem], records: Mapping[int, Mapping[str, Any]]) -> dict[int, datetime]:
    """Returns {item id: when it was last requeued}, only for items whose record has a different stage start than the row.

    The archive isn't read, because its entries are at least a year old.
    """
    asked = [pk for pk, row in rows.items() if records[pk].get("stage_started_at") not in (None, row.stage_started_at)]
    if not asked:
        return {}
    requeues = HistoryEntry.objects.filter(item_id__in=asked, move="requeue").order_by("number")
    return dict(requeues.values_list("item_id", "at"))  # the last one of each item remains
