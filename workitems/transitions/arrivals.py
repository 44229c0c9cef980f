"""What an import brings: what has happened elsewhere has happened, so that the lifecycle's rules are not asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from django.db import connection, transaction

from ..audit_log import whole
from ..database import load
from ..failures import FailureRecord, failures_among, record_failures
from ..models import HistoryEntry, WorkItem
from ..vocabulary import Status


@dataclass(frozen=True)
class Arrivals:
    """What an import wants stored: new rows, stored rows with new values, and the entries that say so."""

    new: list[WorkItem]
    changed: list[WorkItem]
    entries: list[HistoryEntry]


def take_in(
    ids: Sequence[int],
    judge: Callable[[dict[int, WorkItem], dict[int, list[tuple[Any, ...]]]], Arrivals],
    *,
    history: Sequence[str] = (),
) -> None:
    """Stores what an import brings, with its history, in one transaction: all of it or nothing.

    `judge` is given the rows that are stored under these ids, locked, and their histories, each entry as its values of the
    columns in `history`, if some are asked for; and says what to write. The rules of the lifecycle are not asked: what has happened elsewhere has happened.
    """
    with transaction.atomic():
        locked = WorkItem.objects.select_for_update(of=("self",)).select_related("institution").filter(pk__in=ids)
        stored = {row.pk: row for row in locked.order_by("pk")}
        versions = {pk: row.version for pk, row in stored.items()} if history else {}
        arrivals = judge(stored, whole(versions, history) if versions else {})
        _keep_ids_ahead(arrivals.new)
        load(arrivals.new)
        if arrivals.changed:
            # One statement for rows that all take other values. They are locked, so each of them does exist.
            columns = [column.name for column in WorkItem._meta.concrete_fields if not column.primary_key]
            WorkItem.objects.bulk_create(
                arrivals.changed, update_conflicts=True, unique_fields=["id"], update_fields=columns
            )
        load(arrivals.entries)
        _note_failures(arrivals)


def _note_failures(arrivals: Arrivals) -> None:
    """The last failure of each item: when its history says, where that comes along. Else one that is failed says it itself;
    and when it did, if that is known already, stays as it is."""
    rows = {row.pk: row for row in [*arrivals.new, *arrivals.changed]}
    last: dict[int, FailureRecord] = {}
    for entry in sorted(arrivals.entries, key=attrgetter("number")):
        if entry.item_id not in rows or entry.status_after != Status.FAILED or entry.move == "import":
            continue
        if entry.move == "fail" or entry.status_before != Status.FAILED:
            last[entry.item_id] = FailureRecord(entry.item_id, rows[entry.item_id].institution_id, entry.note, entry.at)
        elif entry.item_id in last:  # its note was edited
            last[entry.item_id] = last[entry.item_id]._replace(note=entry.note)
    record_failures(last.values())
    record_failures(failures_among(row for pk, row in rows.items() if pk not in last), is_new=False)


def _keep_ids_ahead(new: list[WorkItem]) -> None:
    """PostgreSQL hands out ids by a counter that does not see ids which come with a row; SQLite looks at the rows."""
    if not new or connection.vendor != "postgresql":
        return
    highest = max(row.pk for row in new)
    table = WorkItem._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
        [sequence] = cursor.fetchone()
        # Never backwards: another writer may be ahead. A counter that was never used says 1, and would give 1 again.
        ahead = f"SELECT setval(%s, %s) FROM {sequence} WHERE last_value < %s OR NOT is_called"  # noqa: S608
        cursor.execute(ahead, [sequence, highest, highest])
