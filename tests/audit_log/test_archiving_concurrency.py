"""Archiving next to writers: nobody waits for more than one batch, and the migration blocks nobody."""

import importlib
import threading
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone

from workitems import transitions
from workitems.audit_log import archive_histories, latest_entries
from workitems.models import ArchivedEntry, HistoryEntry, WorkItem

from ..factories import make_item

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = datetime(2018, 5, 6, tzinfo=UTC)
SINCE = datetime(2019, 1, 1, tzinfo=UTC)
migration = importlib.import_module("workitems.migrations.0009_archive")


def run_on_another_connection(act):
    """Runs it on its own connection and returns when it is done."""
    raised = []

    def run():
        try:
            act()
        except Exception as error:
            raised.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


class OpenTransaction:
    """A transaction on another connection that has written to an item and stays open until `end`."""

    def __init__(self, item):
        self._begun, self._ends = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, args=[item.pk])
        self._thread.start()
        self._begun.wait()

    def _run(self, pk):
        try:
            with transaction.atomic():
                WorkItem.objects.filter(pk=pk).update(outcome="held")
                self._begun.set()
                self._ends.wait()
        finally:
            self._begun.set()
            connections.close_all()

    def end(self):
        self._ends.set()
        self._thread.join()


def closed_long_ago(virginia, wally):
    return transitions.fail(make_item(virginia, at=LONG_AGO), by=wally, note="No.", retry=False, at=LONG_AGO)


def test_locked_items_are_left_for_the_next_run(on_postgresql, virginia, wally):
    busy, free = (closed_long_ago(virginia, wally) for _ in range(2))
    archive_histories(SINCE, now=timezone.now())  # creates the partition, which waits for writers
    busy, free = (closed_long_ago(virginia, wally) for _ in range(2))
    holder = OpenTransaction(busy)
    try:
        moved = archive_histories(SINCE, now=timezone.now())
    finally:
        holder.end()
    assert (moved.items, moved.entries, moved.busy) == (1, 2, 1)
    assert HistoryEntry.objects.filter(item=busy).count() == 2
    assert ArchivedEntry.objects.filter(item=free).count() == 2
    assert archive_histories(SINCE, now=timezone.now()).items == 1


def test_readers_and_writers_of_other_items_do_not_wait(on_postgresql, virginia, wally, ada, item):
    """While a batch has been moved but not committed."""
    old = closed_long_ago(virginia, wally)
    archive_histories(SINCE, now=timezone.now())
    old = closed_long_ago(virginia, wally)
    with transaction.atomic():
        assert archive_histories(SINCE, now=timezone.now()).items == 1
        run_on_another_connection(
            lambda: transitions.progress(WorkItem.objects.get(pk=item.pk), by=wally, stage="Fetch")
        )
        seen = []
        run_on_another_connection(lambda: seen.extend(latest_entries(WorkItem.objects.get(pk=old.pk), 200)))
    assert [entry.number for entry in seen] == [2, 1]
    assert [entry.number for entry in latest_entries(old, 200)] == [2, 1]
    assert item.history.count() == 2


def test_a_requeue_and_archiving_at_the_same_time(virginia, wally, ada):
    """Whichever is first, no entry is lost and the numbers stay consecutive."""
    items = [closed_long_ago(virginia, wally) for _ in range(6)]
    begun = threading.Barrier(2)

    def requeue():
        begun.wait()
        for item in items:
            transitions.requeue(WorkItem.objects.get(pk=item.pk), by=ada)

    def archive():
        begun.wait()
        archive_histories(SINCE, now=timezone.now())

    threads = [threading.Thread(target=run_on_another_connection, args=[act]) for act in (requeue, archive)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for item in WorkItem.objects.filter(pk__in=[item.pk for item in items]):
        assert [entry.number for entry in latest_entries(item, 200)] == [3, 2, 1]


class WithoutArchive:
    """The database as it was before the archive's migration, for the duration of a test."""

    def __enter__(self):
        with connection.schema_editor() as editor:
            editor.execute(migration.POSTGRESQL_BACKWARD, params=None)

    def __exit__(self, *error):
        if "workitems_archivedentry" not in connection.introspection.table_names():
            with connection.schema_editor() as editor:
                editor.execute(migration.POSTGRESQL_FORWARD, params=None)


def test_the_migration_does_not_block_writers(on_postgresql, item, theirs, wally):
    """When the lock it needs is taken, it lets go, others write, and it succeeds once the lock is free."""
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        run_on_another_connection(
            lambda: transitions.progress(WorkItem.objects.get(pk=theirs.pk), by=wally, stage="Fetch")
        )
        holder.end()

    with WithoutArchive():
        holder = OpenTransaction(item)
        try:
            with connection.schema_editor() as editor:
                migration.patiently(editor, migration.POSTGRESQL_FORWARD, pause)
        finally:
            holder.end()
    assert len(pauses) == 1
    assert theirs.history.count() == 2
    assert "workitems_archivedentry" in connection.introspection.table_names()


def test_history_can_be_read_during_the_migration(on_postgresql, item, ada):
    """Before it commits, too: the history table isn't locked for readers."""
    read = []
    with WithoutArchive(), connection.schema_editor() as editor:
        editor.execute(migration.POSTGRESQL_FORWARD, params=None)
        run_on_another_connection(lambda: read.extend(HistoryEntry.objects.filter(item_id=item.pk)))
    assert [entry.number for entry in read] == [1]


def test_the_migration_cannot_be_reversed_while_the_archive_has_entries(virginia, wally):
    old = closed_long_ago(virginia, wally)
    archive_histories(SINCE, now=timezone.now())
    [made, _guards] = migration.Migration.operations
    editor = connection.schema_editor(atomic=connection.vendor == "postgresql")
    with pytest.raises((DatabaseError, RuntimeError), match="would be lost"), editor:
        made.database_backwards("workitems", editor, None, None)
    assert ArchivedEntry.objects.filter(item=old).count() == 2
