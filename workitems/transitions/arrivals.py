"""Stores imported items. The rules of the lifecycle don't apply, because the changes already happened elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from django.db import transaction
from django.db.models import prefetch_related_objects

from ..audit_log import read_histories
from ..database import advance_sequence, insert_many
from ..failures import FailureRecord, failed_items, names_of, record_failures
from ..models import HistoryEntry, WorkItem, WorkItemState
from ..vocabulary import Status


@dataclass(frozen=True)
class ImportedRows:
    """What an import stores: new rows, existing rows with new values, the history entries for both, and worker states."""

    new: list[WorkItem]
    changed: list[WorkItem]
    entries: list[HistoryEntry]
    states: list[WorkItemState] = field(default_factory=list)


Histories = dict[int, list[tuple[Any, ...]]]


def read_for_import(
    ids: Sequence[int], *, history: Sequence[str] = (), locked: bool = False
) -> tuple[dict[int, WorkItem], Histories]:
    """Returns the stored rows of these ids, and their histories, each entry as its values in the columns of `history`
    (no histories without columns).
    """
    rows = WorkItem.objects.select_for_update(of=("self",)) if locked else WorkItem.objects.all()
    stored = {row.pk: row for row in rows.select_related("institution").filter(pk__in=ids).order_by("pk")}
    versions = {pk: row.version for pk, row in stored.items()} if history else {}
    return stored, read_histories(versions, history) if versions else {}


def store_imported(
    ids: Sequence[int],
    judge: Callable[[dict[int, WorkItem], Histories], ImportedRows],
    *,
    history: Sequence[str] = (),
) -> None:
    """Stores imported items with their history in one transaction, all or nothing.

    `judge` is called with what `read_for_import` returns, locked, and returns what to write. The rules of the lifecycle
    aren't checked.
    """
    with transaction.atomic():
        arrivals = judge(*read_for_import(ids, history=history, locked=True))
        if arrivals.new:
            advance_sequence(WorkItem, max(row.pk for row in arrivals.new))
        insert_many(arrivals.new)
        if arrivals.changed:
            # One statement for rows with different values. They are locked, so each of them exists.
            columns = [column.name for column in WorkItem._meta.concrete_fields if not column.primary_key]
            WorkItem.objects.bulk_create(
                arrivals.changed, update_conflicts=True, unique_fields=["id"], update_fields=columns
            )
        insert_many(arrivals.entries)
        if arrivals.states:
            _store_states(arrivals.states)
        _record_imported_failures(arrivals)


def _store_states(states: list[WorkItemState]) -> None:
    """Stores worker states, except where the one that is stored is as new."""
    times = dict(WorkItemState.objects.filter(pk__in=[one.pk for one in states]).values_list("pk", "updated_at"))
    newer = [one for one in states if one.pk not in times or times[one.pk] < one.updated_at]
    WorkItemState.objects.bulk_create(
        newer,
        batch_size=10,  # each can have tens of MB
        update_conflicts=True,
        unique_fields=["item"],
        update_fields=["action", "packed", "length", "created_at", "updated_at"],
    )


def _record_imported_failures(arrivals: ImportedRows) -> None:
    """Records each item's last failure, with the time from its history if that is imported, too.

    Items without imported history are recorded if their status is Failed; a failure time already known stays.
    """
    rows = {row.pk: row for row in [*arrivals.new, *arrivals.changed]}
    failed = {entry.item_id for entry in arrivals.entries if entry.status_after == Status.FAILED}
    prefetch_related_objects([rows[pk] for pk in failed], "institution")
    last: dict[int, FailureRecord] = {}
    for entry in sorted(arrivals.entries, key=attrgetter("number")):
        if entry.status_after != Status.FAILED or entry.move == "import":
            continue
        if entry.move == "fail" or entry.status_before != Status.FAILED:
            item = rows[entry.item_id]
            last[item.pk] = FailureRecord(item.pk, item.institution_id, entry.note, entry.at, names_of(item))
        elif entry.item_id in last:  # its note was edited
            last[entry.item_id] = last[entry.item_id]._replace(note=entry.note)
    record_failures(last.values())
    record_failures(failed_items(row for pk, row in rows.items() if pk not in last), is_new=False)
