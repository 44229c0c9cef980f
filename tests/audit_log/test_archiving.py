"""Old history is archived without its readers noticing; the database prevents losses and forgeries."""

import io
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core import signing
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from workitems import audit_log, transitions
from workitems.audit_log import TooRecent, archive_histories, archiving, latest_entries
from workitems.bulk import report, run, undoing
from workitems.import_export import IncompleteHistory, export_lines, import_files
from workitems.lifecycle import Refused, TransitionRequest
from workitems.listing import ItemList
from workitems.models import AppendOnly, ArchivedEntry, HistoryEntry, WorkItem

from ..factories import make_item
from ..pages.page_elements import parse_page

LONG_AGO = datetime(2019, 12, 30, 12, tzinfo=UTC)
SINCE = datetime(2021, 1, 1, tzinfo=UTC)


def moved(before=SINCE, **options):
    done = archive_histories(before, now=timezone.now(), **options)
    return done.items, done.entries


def make_finished_item(institution, wally, *, at=LONG_AGO, **fields):
    """Makes an ingest with three entries from two different years."""
    item = make_item(institution, at=at, **fields)
    transitions.progress(item, by=wally, stage="Validate", node="w1", pid=7, at=at + timedelta(days=1))
    return transitions.fail(item, by=wally, note="No manifest.", retry=False, at=at + timedelta(days=3))


@pytest.fixture
def old(virginia, wally):
    return make_finished_item(virginia, wally)


@pytest.fixture
def archived(old):
    assert moved() == (1, 3)
    return old


def numbers(table, item):
    return [*table.objects.filter(item=item).order_by("number").values_list("number", flat=True)]


def values(entries):
    """Returns every column of each entry, from either table."""
    return [
        {column.attname: getattr(entry, column.attname) for column in HistoryEntry._meta.concrete_fields}
        for entry in entries
    ]


def read_page(client, item):
    return parse_page(client.get(reverse("item", args=[item.pk]))).one("section", aria_labelledby="history").words


# --- what is archived


def test_an_old_history_is_archived_unchanged(old):
    before, row = values(latest_entries(old, 200)), WorkItem.objects.values().get()
    assert moved() == (1, 3)
    assert (numbers(HistoryEntry, old), numbers(ArchivedEntry, old)) == ([], [1, 2, 3])
    assert values(latest_entries(old, 200)) == before
    assert WorkItem.objects.values().get() == row
    assert moved() == (0, 0)


def test_open_or_recently_changed_items_are_not_archived(virginia, wally, stan):
    make_item(virginia, at=LONG_AGO)
    transitions.suspend(make_item(virginia, at=LONG_AGO), by=wally, note="Wait.", at=LONG_AGO)
    transitions.fail(make_item(virginia, at=LONG_AGO), by=wally, note="Later.", retry=True, at=LONG_AGO)
    transitions.review(make_finished_item(virginia, wally), by=stan, at=SINCE)
    transitions.review(make_finished_item(virginia, wally), by=stan)
    assert moved() == (0, 0)
    assert moved(SINCE + timedelta(seconds=1)) == (1, 4)


def test_only_histories_older_than_a_year_are_archived(old):
    now = timezone.now()
    with pytest.raises(TooRecent, match="at least a year old"):
        archive_histories(now - timedelta(days=364), now=now)
    assert numbers(HistoryEntry, old) == [1, 2, 3]


def test_all_items_are_examined_in_batches(virginia, wally, monkeypatch):
    monkeypatch.setattr(archiving, "_WINDOW_SIZE", 3)
    monkeypatch.setattr(archiving, "_BATCH_SIZE", 6)  # two items
    items = [make_finished_item(virginia, wally) for _ in range(7)]
    make_item(virginia)
    steps, pieces = [], []
    move_piece = archiving._archive_batch
    monkeypatch.setattr(archiving, "_archive_batch", lambda ids, before: pieces.append(ids) or move_piece(ids, before))
    assert moved(advance=steps.append) == (7, 21)
    assert sum(steps) == archiving.last_item_id()
    assert [len(ids) for ids in pieces] == [2, 1, 2, 1, 1]
    assert all(numbers(ArchivedEntry, item) == [1, 2, 3] for item in items)


def test_an_interrupted_run_is_continued(virginia, wally, monkeypatch):
    monkeypatch.setattr(archiving, "_WINDOW_SIZE", 2)
    for _ in range(5):
        make_finished_item(virginia, wally)
    so_far = archiving.ArchiveResult()

    def stop(numbers):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        moved(moved=so_far, advance=stop)
    assert (so_far.items, so_far.entries) == (2, 6)
    assert ArchivedEntry.objects.count() == 6
    assert moved() == (3, 9)
    assert (HistoryEntry.objects.count(), ArchivedEntry.objects.count()) == (0, 15)


def test_a_batch_is_archived_completely_or_not_at_all(old, monkeypatch):
    monkeypatch.setattr(archiving, "_MOVE", archiving._MOVE + " AND 1 = 1; SELECT * FROM no_such_table")
    with pytest.raises(Exception, match=r"no_such_table|one statement"), transaction.atomic():
        moved()
    assert (numbers(HistoryEntry, old), numbers(ArchivedEntry, old)) == ([1, 2, 3], [])


# --- readers of history


def test_the_item_page_shows_archived_entries(signed_in, ada, old):
    client = signed_in(ada)
    before = client.get(reverse("item", args=[old.pk])).text
    moved()
    assert client.get(reverse("item", args=[old.pk])).text.count("<li") == before.count("<li")
    assert "No manifest." in read_page(client, old)
    assert "not shown" not in read_page(client, old)


def test_the_archive_is_read_only_if_entries_are_missing(old, item, ada, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert len(latest_entries(item, 200)) == 1
    moved()
    transitions.requeue(old, by=ada)
    with django_assert_num_queries(1):
        assert [entry.number for entry in latest_entries(old, 1)] == [4]
    with django_assert_num_queries(2):
        assert [entry.number for entry in latest_entries(old, 3)] == [4, 3, 2]


def test_an_archived_history_is_continued(archived, ada, wally):
    transitions.requeue(archived, by=ada, stage="Fetch", at=SINCE)
    transitions.fail(archived, by=wally, note="Again.", retry=False, at=SINCE)
    assert (numbers(ArchivedEntry, archived), numbers(HistoryEntry, archived)) == ([1, 2, 3], [4, 5])
    assert [entry.number for entry in latest_entries(archived, 200)] == [5, 4, 3, 2, 1]
    assert moved(SINCE + timedelta(days=1)) == (1, 2)
    assert numbers(ArchivedEntry, archived) == [1, 2, 3, 4, 5]


def test_an_archived_cancel_still_tells_the_stage_before_it(virginia, wally, ada):
    item = make_item(virginia, at=LONG_AGO)
    transitions.progress(item, by=wally, stage="Validate", at=LONG_AGO)
    transitions.cancel(item, by=ada, note="No.", at=LONG_AGO)
    moved()
    assert transitions.find_reached_stage(item) == "Validate"
    with pytest.raises(Refused, match="had reached Validate"):
        transitions.requeue(item, by=ada, stage="Store")
    assert transitions.requeue(item, by=ada).stage == "Validate"


def test_staff_are_notified_once_even_if_that_is_archived(virginia, wally, ada):
    restored = {"action": "Restore", "object_identifier": "virginia.edu/a", "at": LONG_AGO}
    item = make_item(virginia, **restored)
    transitions.succeed(item, by=wally, stage="Record", at=LONG_AGO)
    transitions.notify(item, by=wally, at=LONG_AGO)
    assert moved() == (1, 3)
    transitions.notify(item, by=wally)
    assert (item.version, numbers(HistoryEntry, item)) == (3, [])


def test_the_admin_site_shows_archived_entries(signed_in, ada, archived):
    client = signed_in(ada)
    listed = client.get(reverse("admin:workitems_archivedentry_changelist"), {"q": archived.pk})
    assert [entry.number for entry in listed.context["cl"].result_list] == [3, 2, 1]
    entry = listed.context["cl"].result_list[0]
    change = reverse("admin:workitems_archivedentry_change", args=[entry.pk])
    assert "No manifest." in client.get(change).text
    assert client.post(change, {"note": "forged"}).status_code == 403


def test_an_export_contains_archived_entries(old, theirs):
    def lines():
        return "".join(export_lines()).splitlines()[1:]

    before = lines()
    moved()
    assert lines() == before
    assert [entry["number"] for entry in json.loads(before[-3])["history"]] == [1, 2, 3]


def test_an_import_compares_with_archived_entries(old, ada, tmp_path):
    path = tmp_path / "all.jsonl"
    path.write_text("".join(export_lines()))
    moved()
    assert import_files([path]).unchanged == 1
    transitions.requeue(old, by=ada)
    assert import_files([path]).newer_here == 1
    path.write_text(
        path.read_text().replace('"number":2,', '"number":2,"x":1,').replace('"who":"wally', '"who":"molly')
    )
    assert import_files([path]).rejected == 1


def test_an_archived_bulk_change_is_shown_and_undone(virginia, wally, stan, ada):
    items = [make_finished_item(virginia, wally, name=f"{n}.tar") for n in range(3)]
    act = run.start(run.Selection({"ids": [item.pk for item in items]}, 3, ""), "review", stan)
    transitions.apply(
        "review", [item.pk for item in items], TransitionRequest(), by=stan, act=act.pk, at=LONG_AGO + timedelta(days=9)
    )
    act.changed, act.finished_at = 3, timezone.now()
    act.save()
    transitions.edit(items[0], by=ada, note="Something else.")
    assert moved() == (2, 8)
    assert [entry[:3] for entry in report.changed_items(act, stan, 0, 100)] == [
        (item.pk, f"{n}.tar", "review") for n, item in enumerate(items)
    ]
    undo = run.run_slice(undoing.undo(act, stan))
    assert (undo.changed, undo.skipped) == (2, {"changed": 1})
    assert WorkItem.objects.get(reviewed=True) == items[0]


def test_an_old_snapshot_selects_nothing(stan, monkeypatch):
    """Changes since it was drawn could be in the archive, which isn't searched for them."""
    listing = ItemList(QueryDict(""), stan)
    token = run.sign_snapshot(listing, 3, [0])
    assert run.select_by_snapshot(token, stan).total == 3
    a_month_later = signing.time.time() + 31 * 86_400
    monkeypatch.setattr(signing.time, "time", lambda: a_month_later)
    with pytest.raises(run.InvalidSelection, match="select the items again"):
        run.select_by_snapshot(token, stan)
    assert run.SNAPSHOT_LIFETIME < archiving.MIN_AGE


# --- what the database refuses


def run_statement(statement, *arguments):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, arguments)


COLUMNS = ", ".join(column.attname for column in HistoryEntry._meta.concrete_fields)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE workitems_archivedentry SET note = 'forged'", "DELETE FROM workitems_archivedentry"],
)
def test_the_archive_cannot_be_changed(archived, statement):
    before = values(latest_entries(archived, 9))
    with pytest.raises(DatabaseError, match="only ever added to"):
        run_statement(statement)
    assert values(latest_entries(archived, 9)) == before


def test_the_orm_cannot_change_the_archive(archived):
    entry = ArchivedEntry.objects.get(number=2)
    everything = ArchivedEntry.objects.all()
    for forge in (
        entry.save,
        entry.delete,
        everything.delete,
        lambda: everything.update(note="forged"),
        lambda: everything.bulk_update([entry], ["note"]),
        lambda: archived.archived_history.all().delete(),
    ):
        with pytest.raises(AppendOnly):
            forge()
    assert ArchivedEntry.objects.count() == 3


def test_only_entries_of_the_history_can_be_archived(old, item):
    """A row must equal an entry of the history in every column."""
    entry = HistoryEntry.objects.get(item=old, number=2)
    row = {column.attname: getattr(entry, column.attname) for column in HistoryEntry._meta.concrete_fields}
    if connection.vendor == "postgresql":
        archiving._create_partitions([old.pk], archiving._existing_years())
    for name, value in (("note", "forged"), ("act", uuid4()), ("changes", {"pid": [1, 2]}), ("item_id", item.pk)):
        with pytest.raises(DatabaseError, match="takes only what is in the history"), transaction.atomic():
            ArchivedEntry.objects.create(**{**row, name: value})
    assert (HistoryEntry.objects.count(), ArchivedEntry.objects.count()) == (4, 0)
    ArchivedEntry.objects.create(**row)
    assert (numbers(HistoryEntry, old), numbers(ArchivedEntry, old)) == ([1, 3], [2])
    with pytest.raises(DatabaseError, match="takes only what is in the history"), transaction.atomic():
        ArchivedEntry.objects.create(**row)


def test_the_history_stays_append_only(archived, ada):
    transitions.requeue(archived, by=ada)
    for statement in ("DELETE FROM workitems_historyentry", "UPDATE workitems_historyentry SET number = number + 9"):
        with pytest.raises(DatabaseError, match="history of work items is only ever added to"):
            run_statement(statement)
    assert numbers(HistoryEntry, archived) == [4]


def test_a_forged_entry_cannot_replace_an_archived_one(archived):
    """An entry forged under an archived number can be neither deleted nor archived over it."""
    HistoryEntry.objects.create(
        item=archived,
        number=2,
        at=LONG_AGO,
        who="x",
        via="api",
        move="fail",
        stage_after="Fetch",
        status_after="Failed",
    )
    with pytest.raises(DatabaseError, match="only ever added to"):
        run_statement("DELETE FROM workitems_historyentry")
    before = values(ArchivedEntry.objects.order_by("number"))
    with pytest.raises(IntegrityError), transaction.atomic():
        run_statement(f"INSERT INTO workitems_archivedentry ({COLUMNS}) SELECT {COLUMNS} FROM workitems_historyentry")
    assert values(ArchivedEntry.objects.order_by("number")) == before


def test_sqlites_replace_cannot_replace_an_entry(on_sqlite, archived, item):
    """SQLite's REPLACE deletes conflicting rows without firing DELETE triggers."""
    for table in ("workitems_historyentry", "workitems_archivedentry"):
        forged = COLUMNS.replace("note", "'forged'", 1)
        for clash in (forged, forged.replace("id", "id + 1000", 1)):
            with pytest.raises(IntegrityError, match=r"only ever added to|only what is in the history"):
                run_statement(f"REPLACE INTO {table} ({COLUMNS}) SELECT {clash} FROM {table}")
    assert not HistoryEntry.objects.filter(note="forged").exists()
    assert not ArchivedEntry.objects.filter(note="forged").exists()


def test_both_tables_have_the_same_columns(db):
    """Rows are compared as a whole; a column in only one table would make archiving fail."""
    with connection.cursor() as cursor:
        described = [
            {one.name for one in connection.introspection.get_table_description(cursor, table._meta.db_table)}
            for table in (HistoryEntry, ArchivedEntry)
        ]
    assert described[0] == described[1] == {column.column for column in HistoryEntry._meta.concrete_fields}


# --- the command


def command(*arguments):
    out = io.StringIO()
    call_command("archive_history", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_archives(old):
    assert command("--before", "2021-01-01") == "Archived: 3 entries of 1 items.\n"
    assert numbers(ArchivedEntry, old) == [1, 2, 3]


@pytest.mark.parametrize("date", ["", "yesterday", "2021-13-01", "2999-01-01"])
def test_the_command_refuses_invalid_dates(old, date):
    with pytest.raises(CommandError, match="Use a d"):
        command("--before", date)
    assert numbers(HistoryEntry, old) == [1, 2, 3]


def test_the_command_reports_an_interruption(old, monkeypatch):
    def interrupted(before, *, now, moved, advance):
        moved.items, moved.entries, moved.busy = 7, 70, 1
        raise KeyboardInterrupt

    monkeypatch.setattr(audit_log, "archive_histories", interrupted)
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("archive_history", "--before", "2021-01-01", stdout=out)
    assert ended.value.code == 130
    assert "70 entries of 7 items" in out.getvalue()
    assert "being changed: 1 items" in out.getvalue()
    assert "Run the same command to continue" in out.getvalue()


# --- years, on PostgreSQL


def test_a_year_can_be_detached_and_attached(on_postgresql, signed_in, ada, archived):
    client = signed_in(ada)
    run_statement("ALTER TABLE workitems_archivedentry DETACH PARTITION workitems_archivedentry_2019")
    for statement in ("UPDATE {} SET note = 'forged'", "DELETE FROM {}", "TRUNCATE {}"):
        with pytest.raises(DatabaseError, match="only ever added to"):
            run_statement(statement.format("workitems_archivedentry_2019"))
    assert numbers(ArchivedEntry, archived) == [3]
    assert "2 older entries are not shown." in read_page(client, archived)
    with pytest.raises(IncompleteHistory, match="reattach it"):
        "".join(export_lines())
    transitions.requeue(archived, by=ada)
    assert numbers(HistoryEntry, archived) == [4]
    bounds = "FROM ('2019-01-01+00') TO ('2020-01-01+00')"
    run_statement(
        f"ALTER TABLE workitems_archivedentry ATTACH PARTITION workitems_archivedentry_2019 FOR VALUES {bounds}"
    )
    assert numbers(ArchivedEntry, archived) == [1, 2, 3]
    assert "not shown" not in read_page(client, archived)


@pytest.mark.parametrize("table", ["workitems_archivedentry", "workitems_archivedentry_2019"])
def test_no_year_can_be_emptied(on_postgresql, archived, table):
    run_statement("SET CONSTRAINTS ALL IMMEDIATE")
    for statement in (f"TRUNCATE {table}", f"DELETE FROM {table}", f"UPDATE {table} SET note = 'forged'"):
        with pytest.raises(DatabaseError, match="archived history of work items is only ever added to"):
            run_statement(statement)
    assert ArchivedEntry.objects.count() == 3
