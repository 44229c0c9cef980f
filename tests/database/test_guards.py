"""What the database itself refuses, whoever writes."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import QuerySet

from pharos.postgresql.base import DatabaseWrapper
from workitems.counts import missing_triggers
from workitems.models import AppendOnly, HistoryEntry, WorkItem


@pytest.mark.parametrize("column", ["action", "stage", "status"])
def test_unknown_actions_stages_and_statuses_are_refused(item, column):
    with pytest.raises(IntegrityError), transaction.atomic():
        WorkItem.objects.filter(pk=item.pk).update(**{column: "Bogus"})


def test_an_open_item_cannot_be_reviewed(item):
    with pytest.raises(IntegrityError), transaction.atomic():
        WorkItem.objects.filter(pk=item.pk).update(reviewed=True)


def test_a_history_has_only_one_first_entry(item):
    with pytest.raises(IntegrityError), transaction.atomic():
        HistoryEntry.objects.create(
            item=item,
            number=1,
            at=item.date,
            who="x",
            via="api",
            move="create",
            stage_after="Fetch",
            status_after="Started",
        )


@pytest.mark.parametrize("number", [0, 2])
def test_only_the_first_entry_can_be_a_create(item, number):
    with pytest.raises(IntegrityError), transaction.atomic():
        HistoryEntry.objects.create(
            item=item,
            number=number,
            at=item.date,
            who="x",
            via="api",
            move="create",
            stage_after="Fetch",
            status_after="Started",
        )


# What migrations have added by hand. SQLite drops it with the table when Django remakes that for a change of the model.
BY_HAND = {
    "trigger": {
        *("archive_is_append_only_delete", "archive_is_append_only_update", "archive_takes_history"),
        *("count_changed", "count_gone", "count_new", "history_gives_to_archive"),
        *(f"history_is_append_only_{act}" for act in ("delete", "insert", "update")),
    },
    "index": {"item_searched", "item_searched_of_institution"},
}


@pytest.mark.parametrize("kind", BY_HAND)
def test_sqlite_keeps_its_triggers_and_indexes_after_all_migrations(on_sqlite, db, kind):
    """A migration that recreates such a table must recreate them (migrations 0005, 0009, 0010, and counts.triggers)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM sqlite_master WHERE type = %s", [kind])
        there = {name for (name,) in cursor.fetchall()}
    assert BY_HAND[kind] - there == set()
    assert kind == "index" or there == BY_HAND[kind]


def test_the_summary_works_after_all_migrations(db):
    assert missing_triggers(connection) == set()


def test_items_cannot_be_deleted(item):
    for attempt in (item.delete, WorkItem.objects.all().delete):
        with pytest.raises(AppendOnly):
            attempt()
    assert WorkItem.objects.get() == item


def test_the_orm_cannot_change_history(item):
    entry = item.history.get()
    entry.note = "forged"
    entries = HistoryEntry.objects.all()
    for attempt in (
        entry.save,
        entry.delete,
        entries.delete,
        lambda: entries.update(note="forged"),
        lambda: entries.bulk_update([entry], ["note"]),
        lambda: item.history.all().delete(),
    ):
        with pytest.raises(AppendOnly):
            attempt()
    assert item.history.get().note == ""


STATEMENTS = ["UPDATE workitems_historyentry SET note = 'forged'", "DELETE FROM workitems_historyentry"]
# SQLite has no TRUNCATE.
TRUNCATES = ["TRUNCATE workitems_historyentry", "TRUNCATE workitems_workitem CASCADE"]


def assert_refused(statement, item):
    with pytest.raises(DatabaseError, match="only ever added to"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert item.history.get().note == ""


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_database_refuses_to_change_history(item, statement):
    assert_refused(statement, item)


@pytest.mark.parametrize("statement", TRUNCATES)
def test_postgresql_refuses_to_empty_history(on_postgresql, item, statement):
    with connection.cursor() as cursor:
        # Or pending foreign keys would refuse it before our trigger does.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert_refused(statement, item)


def test_history_cannot_be_changed_without_its_queryset(item, theirs):
    """Django calls that bypass HistoryQuerySet are refused by either database."""
    entry = item.history.get()
    plain = QuerySet(HistoryEntry)
    forged = HistoryEntry(**{**plain.values().get(pk=entry.pk), "note": "forged"})
    upsert = {"update_conflicts": True, "unique_fields": ["id"], "update_fields": ["note"]}
    for attempt in (
        lambda: HistoryEntry.objects.bulk_create([forged], **upsert),
        lambda: plain.update(note="forged"),
        lambda: plain.filter(pk=entry.pk)._raw_delete("default"),
    ):
        with pytest.raises(DatabaseError, match="only ever added to"), transaction.atomic():
            attempt()
    for attempt in (
        lambda: HistoryEntry._base_manager.update(note="forged"),
        lambda: HistoryEntry._base_manager.all().delete(),
        lambda: theirs.history.add(entry),
    ):
        with pytest.raises(AppendOnly), transaction.atomic():
            attempt()
    assert (item.history.get().note, item.history.get()) == ("", entry)
    assert theirs.history.count() == 1


def test_a_name_is_never_empty_and_a_size_never_negative(item):
    for wrong in ({"name": ""}, {"size": -1}):
        with pytest.raises(IntegrityError), transaction.atomic():
            WorkItem.objects.filter(pk=item.pk).update(**wrong)
    WorkItem.objects.filter(pk=item.pk).update(size=None)


@pytest.mark.django_db(transaction=True)
class TestGuardsAfterTransactionalTest:
    """Cleaning up after a transactional test lifts the guard; afterward it must be back."""

    def test_first_migration_run(self, item):
        assert_refused(STATEMENTS[0], item)

    def test_second_migration_run(self, item):
        for statement in STATEMENTS:
            assert_refused(statement, item)
        assert HistoryEntry.objects.count() == 1


def test_a_pool_reconnects_after_the_server_closed_its_connections(on_postgresql, db):
    values = connection.settings_dict
    pool = {"min_size": 1, "max_size": 1}
    pooled = DatabaseWrapper({**values, "OPTIONS": {**values["OPTIONS"], "pool": pool}}, alias="pooled")

    def process():
        with pooled.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            [number] = cursor.fetchone()
        pooled.close()  # as at the end of a request: back into the pool
        return number

    try:
        first = process()
        assert process() == first
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
        assert process() != first
    finally:
        pooled.close_pool()


def test_names_longer_than_an_index_entry_are_stored(virginia):
    from ..factories import make_item

    name = "".join(chr(0x4E00 + (n * 7919) % 20000) for n in range(1000))
    make_item(virginia, name=name, object_identifier=f"virginia.edu/{name}")
    assert WorkItem.objects.get().name == name
