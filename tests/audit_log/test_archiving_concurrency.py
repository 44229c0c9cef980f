"""Archiving beside writers: nobody waits for more than a piece, and the migration that makes the archive blocks nobody."""

import importlib
import threading
from datetime import UTC, datetime

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone

from workitems import transitions
from workitems.audit_log import latest, move_out
from workitems.models import ArchivedEntry, HistoryEntry, WorkItem

from ..factories import make_item

pytestmark = pytest.mark.django_db(transaction=True)

LONG_AGO = datetime(2018, 5, 6, tzinfo=UTC)
SINCE = datetime(2019, 1, 1, tzinfo=UTC)
migration = importlib.import_module("workitems.migrations.0009_archive")


def elsewhere(act):
    """Does it on a connection of its own, and returns once it is done."""
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


class Held:
    """A transaction on another connection that has written to an item, and stays open until `end`."""

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


def test_an_item_that_is_being_changed_is_left_for_the_next_run(on_postgresql, virginia, wally):
    busy, free = (closed_long_ago(virginia, wally) for _ in range(2))
    move_out(SINCE, now=timezone.now())  # so that the year is there: making it waits for writers
    busy, free = (closed_long_ago(virginia, wally) for _ in range(2))
    holder = Held(busy)
    try:
        moved = move_out(SINCE, now=timezone.now())
    finally:
        holder.end()
    assert (moved.items, moved.entries, moved.busy) == (1, 2, 1)
    assert HistoryEntry.objects.filter(item=busy).count() == 2
    assert ArchivedEntry.objects.filter(item=free).count() == 2
    assert move_out(SINCE, now=timezone.now()).items == 1


def test_whoever_reads_or_changes_other_items_does_not_wait(on_postgresql, virginia, wally, ada, item):
    """While a piece is moved and not yet committed."""
    old = closed_long_ago(virginia, wally)
    move_out(SINCE, now=timezone.now())
    old = closed_long_ago(virginia, wally)
    with transaction.atomic():
        assert move_out(SINCE, now=timezone.now()).items == 1
        elsewhere(lambda: transitions.progress(WorkItem.objects.get(pk=item.pk), by=wally, stage="Fetch"))
        seen = []
        elsewhere(lambda: seen.extend(latest(WorkItem.objects.get(pk=old.pk), 200)))
    assert [entry.number for entry in seen] == [2, 1]
    assert [entry.number for entry in latest(old, 200)] == [2, 1]
    assert item.history.count() == 2


def test_a_requeue_and_a_move_at_the_same_time(virginia, wally, ada):
    """Whichever is first: nothing is lost, and the numbers go on."""
    items = [closed_long_ago(virginia, wally) for _ in range(6)]
    begun = threading.Barrier(2)

    def requeue():
        begun.wait()
        for item in items:
            transitions.requeue(WorkItem.objects.get(pk=item.pk), by=ada)

    def archive():
        begun.wait()
        move_out(SINCE, now=timezone.now())

    threads = [threading.Thread(target=elsewhere, args=[act]) for act in (requeue, archive)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for item in WorkItem.objects.filter(pk__in=[item.pk for item in items]):
        assert [entry.number for entry in latest(item, 200)] == [3, 2, 1]


class Unmade:
    """The archive as it was before its migration, for the time of a test."""

    def __enter__(self):
        with connection.schema_editor() as editor:
            editor.execute(migration.POSTGRESQL_BACKWARD, params=None)

    def __exit__(self, *error):
        if "workitems_archivedentry" not in connection.introspection.table_names():
            with connection.schema_editor() as editor:
                editor.execute(migration.POSTGRESQL_FORWARD, params=None)


def test_the_migration_does_not_block_writers(on_postgresql, item, theirs, wally):
    """It needs a lock that somebody holds: it lets go, others write, and once the holder is done it is through."""
    pauses = []

    def pause(seconds):
        pauses.append(seconds)
        elsewhere(lambda: transitions.progress(WorkItem.objects.get(pk=theirs.pk), by=wally, stage="Fetch"))
        holder.end()

    with Unmade():
        holder = Held(item)
        try:
            with connection.schema_editor() as editor:
                migration.patiently(editor, migration.POSTGRESQL_FORWARD, pause)
        finally:
            holder.end()
    assert len(pauses) == 1
    assert theirs.history.count() == 2
    assert "workitems_archivedentry" in connection.introspection.table_names()


def test_while_the_migration_is_at_work_history_is_read(on_postgresql, item, ada):
    """Before it has committed, too: the history's own table is not locked for readers."""
    read = []
    with Unmade(), connection.schema_editor() as editor:
        editor.execute(migration.POSTGRESQL_FORWARD, params=None)
        elsewhere(lambda: read.extend(HistoryEntry.objects.filter(item_id=item.pk)))
    assert [entry.number for entry in read] == [1]


def test_the_archive_cannot_be_unmade_while_it_holds_something(virginia, wally):
    old = closed_long_ago(virginia, wally)
    move_out(SINCE, now=timezone.now())
    [made, _guards] = migration.Migration.operations
    editor = connection.schema_editor(atomic=connection.vendor == "postgresql")
    with pytest.raises((DatabaseError, RuntimeError), match="would be lost"), editor:
        made.database_backwards("workitems", editor, None, None)
    assert ArchivedEntry.objects.filter(item=old).count() == 2
