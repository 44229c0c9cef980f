"""Stores imported items. The rules of the lifecycle don't apply, because the changes already happened elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.db import connection, transaction

from ..audit_log import read_histories
from ..database import insert_many
from ..failures import FailureRecord, failed_items, record_failures
from ..models import HistoryEntry, WorkItem
from ..vocabulary import Status


@dataclass(frozen=True)
class ImportedRows:
    """What an import stores: new rows, existing rows with new values, and the history entries for both."""

    new: list[WorkItem]
    changed: list[WorkItem]
    entries: list[HistoryEntry]


def store_imported(
    ids: Sequence[int],
    reconcile: Callable[[dict[int, WorkItem], dict[int, list[tuple[Any, ...]]]], ImportedRows],
    *,
    history: Sequence[str] = (),
) -> None:
    """Stores imported items with their history in one transaction, all or nothing.

    `reconcile` is called with the stored rows of these ids, locked, and their histories, each entry as its values in the
    columns of `history` (empty without columns), and returns what to write.
    """
    with transaction.atomic():
        locked = WorkItem.objects.select_for_update(of=("self",)).select_related("institution").filter(pk__in=ids)
        stored = {row.pk: row for row in locked.order_by("pk")}
        versions = {pk: row.version for pk, row in stored.items()} if history else {}
        arrivals = reconcile(stored, read_histories(versions, history) if versions else {})
        _advance_sequence(arrivals.new)
        insert_many(arrivals.new)
        if arrivals.changed:
            # One statement for rows with different values. They are locked, so each of them exists.
            columns = [column.name for column in WorkItem._meta.concrete_fields if not column.primary_key]
            WorkItem.objects.bulk_create(
                arrivals.changed, update_conflicts=True, unique_fields=["id"], update_fields=columns
            )
        insert_many(arrivals.entries)
        _record_imported_failures(arrivals)


def _record_imported_failures(arrivals: ImportedRows) -> None:
    """Records each item's last failure, with the time from its history if that is imported, too.

    Items without imported history are recorded if their status is Failed; a failure time already known stays.
    """
    rows = {row.pk: row for row in [*arrivals.new, *arrivals.changed]}
    last: dict[int, FailureRecord] = {}
    for entry in sorted(arrivals.entries, key=attrgetter("number")):
        if entry.status_after != Status.FAILED or entry.move == "import":
            continue
        if entry.move == "fail" or entry.status_before != Status.FAILED:
            last[entry.item_id] = FailureRecord(entry.item_id, rows[entry.item_id].institution_id, entry.note, entry.at)
        elif entry.item_id in last:  # its note was edited
            last[entry.item_id] = last[entry.item_id]._replace(note=entry.note)
    record_failures(last.values())
    record_failures(failed_items(row for pk, row in rows.items() if pk not in last), is_new=False)


def _advance_sequence(new: list[WorkItem]) -> None:
    """Moves PostgreSQL's id sequence past ids that came with the rows. SQLite derives ids from the rows."""
    if not new or connection.vendor != "postgresql":
        return
    highest = max(row.pk for row in new)
    table = WorkItem._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
        [sequence] = cursor.fetchone()
        # Never backward, because another writer may be ahead. An unused sequence has the value 1 and would return it
        # once more.
        ahead = f"SELECT setval(%s, %s) FROM {sequence} WHERE last_value < %s OR NOT is_called"  # noqa: S608
        cursor.execute(ahead, [sequence, highest, highest])
