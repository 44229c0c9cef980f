"""Saves complete records: infers the move that each of them means, and makes it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from pharos.accounts.models import User

from ..lifecycle import (
    IMMUTABLE_FIELDS,
    SAVEABLE_FIELDS,
    Refused,
    check_immutable,
    check_not_stale,
    infer_move,
    is_same_time,
    normalize_etag,
)
from ..models import HistoryEntry, WorkItem
from .batch import PlannedMove, TransitionBatch, TransitionResult, effective_role
from .related import is_abandoned


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

    def inferred_move(row: WorkItem, restarts: Mapping[str, datetime], now: datetime) -> PlannedMove:
        stored = {name: getattr(row, name) for name in {*IMMUTABLE_FIELDS, *SAVEABLE_FIELDS}}
        record = {name: _as_stored(value, stored.get(name)) for name, value in records[row.pk].items()}
        if record.get("etag"):
            record["etag"] = normalize_etag(record["etag"])
        try:
            check_immutable(record, stored)
            check_not_stale(
                row.lifecycle_state,
                record,
                stored,
                requeued_at=restarts.get("requeue"),
                is_retried="retry" in restarts,
                stage_entered_at=row.stage_entered_at,
                is_abandoned=is_abandoned(row, now),
            )
            return infer_move(row.lifecycle_state, record, stored, role=effective_role(by))
        except Refused as refused:
            return refused

    def plans(rows: Mapping[int, WorkItem], now: datetime) -> dict[int, PlannedMove]:
        restarts = _last_restarts(rows, records)
        return {pk: inferred_move(row, restarts.get(pk, {}), now) for pk, row in rows.items()}

    with transaction.atomic():
        results = TransitionBatch(by, via, at).run(list(records), plans, {}, WorkItem.objects.visible_to(by))
        for index, result in enumerate(results):
            if result.refused:
                raise SaveRefused(index, result.refused)
    return results


def _as_stored(sent: Any, stored: Any) -> Any:
    """Returns the stored time where the one that was sent is the same with fewer digits, which is no change."""
    both = isinstance(sent, datetime) and isinstance(stored, datetime)
    return stored if both and is_same_time(sent, stored) else sent


def _last_restarts(
    rows: Mapping[int, WorkItem], records: Mapping[int, Mapping[str, Any]]
) -> dict[int, dict[str, datetime]]:
    """Returns {item id: {"requeue" or "retry": when it was last made}}, with a retry only if no requeue came after it.

    Only items are looked up whose record has a different stage start than the row. The archive isn't read, because
    its entries are at least a year old.
    """
    asked = [pk for pk, row in rows.items() if records[pk].get("stage_started_at") not in (None, row.stage_started_at)]
    found: dict[int, dict[str, datetime]] = {}
    if asked:
        entries = HistoryEntry.objects.filter(item_id__in=asked, move__in=("requeue", "retry")).order_by("number")
        for pk, move, at in entries.values_list("item_id", "move", "at"):
            former = {} if move == "requeue" else found.get(pk, {})
            found[pk] = {**former, move: at}
    return found
