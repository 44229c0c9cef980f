"""Exports: the current list as a file, and all items with their history."""

import csv
import io
import json
import threading
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from pharos.accounts.models import Institution
from pharos.accounts.roles import Permission
from workitems import transitions
from workitems.import_export import csv_lines, export_lines, import_files, json_lines, write_export
from workitems.lifecycle import TransitionRequest
from workitems.models import HistoryEntry, WorkItem

from ..factories import InstitutionFactory, make_item
from ..many_items import make_items
from ..stored_items import rolled_back

NOON = datetime(2024, 5, 6, 12, 0, 0, 123456, tzinfo=UTC)


def as_csv(user, rows=None):
    text = "".join(csv_lines(WorkItem.objects.order_by("id") if rows is None else rows, user=user))
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def as_json(user, rows=None):
    return json.loads("".join(json_lines(WorkItem.objects.order_by("id") if rows is None else rows, user=user)))


def test_a_csv_row_has_the_values_of_the_item(dora, virginia):
    item = make_item(virginia, at=NOON, name='a,b\n"c".tar', note="Wörter", date=NOON)
    [row] = as_csv(dora)
    assert row["id"] == str(item.pk)
    assert row["name"] == 'a,b\n"c".tar'
    assert row["note"] == "Wörter"
    assert row["institution"] == "virginia.edu"
    assert row["date"] == row["created_at"] == "2024-05-06T12:00:00.123456Z"
    assert (row["retry"], row["reviewed"], row["size"], row["user"]) == ("true", "false", "266240", "")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_csv_cell_is_never_a_formula(dora, virginia, start):
    make_item(virginia, name=f"{start}1+1.tar", note=f"{start}cmd")
    [row] = as_csv(dora)
    assert (row["name"], row["note"]) == (f"'{start}1+1.tar", f"'{start}cmd")


@pytest.mark.parametrize("as_file", [as_csv, as_json])
def test_node_and_pid_are_only_exported_for_those_who_can_see_them(cast, item, as_file):
    told = set()
    for name, person in cast.items():
        for row in as_file(person):
            told.add(name)
            assert (("node" in row), ("pid" in row)) == (person.can(Permission.SEE_PROCESS),) * 2, name
    assert {"dora", "ada", "wally"} <= told


def test_json_has_null_where_the_api_does(dora, virginia):
    make_item(virginia, etag="", bucket="", at=NOON, size=None)
    [row] = as_json(dora)
    assert (row["etag"], row["bucket"], row["note"]) == ("", "", "")
    assert (row["user"], row["outcome"], row["object_identifier"], row["size"]) == (None, None, None, None)
    assert (row["retry"], row["reviewed"], row["date"]) == (True, False, "2024-05-06T12:00:00.123456Z")


@pytest.mark.parametrize("number", [0, 1, 500, 501])
def test_every_row_in_the_requested_order(dora, virginia, number):
    WorkItem.objects.bulk_create(
        WorkItem(institution=virginia, name=f"{n}.tar", action="Ingest", stage="Receive", status="Pending", date=NOON)
        for n in range(number)
    )
    expected = [f"{n}.tar" for n in reversed(range(number))]
    rows = WorkItem.objects.order_by("-id")
    assert [row["name"] for row in as_json(dora, rows)] == expected
    assert [row["name"] for row in as_csv(dora, rows)] == expected


def test_computed_columns_do_not_affect_the_export(dora, item):
    [row] = as_json(dora, WorkItem.objects.visible_to(dora).with_uploads().select_related("institution"))
    assert row["id"] == item.pk


# --- everything, with history


def everything():
    return [json.loads(line) for line in "".join(export_lines()).splitlines()]


def whole_state():
    """Returns everything that an export must preserve, without row ids and values derived from the history."""
    items = [*WorkItem.objects.order_by("id").values()]
    owners = dict(Institution.objects.values_list("id", "identifier"))
    for row in items:
        row["institution_id"] = owners[row["institution_id"]]
        del row["stage_entered_at"]
    entries = [*HistoryEntry.objects.order_by("item", "number").values()]
    for row in entries:
        del row["id"]
    return items, entries, sorted(Institution.objects.values_list("identifier", "name"))


def moved_items(virginia, ada, stan):
    """Items with every kind of entry."""
    done = make_item(virginia, name="Größe.tar", at=NOON, date=NOON)
    transitions.progress(done, by=ada, stage="Validate", node="w1", pid=7, at=NOON + timedelta(microseconds=1))
    transitions.fail(done, by=ada, note="disk\nfull", retry=False, size=5)
    transitions.requeue(done, by=ada, note="again")
    transitions.succeed(done, by=ada, stage="Record", note="=fine")
    transitions.review(done, by=stan)
    other = make_item(virginia, name="b.tar", bag_date=NOON, stage_started_at=NOON)
    transitions.apply("cancel", [other.pk], TransitionRequest(note="no"), by=ada, act=uuid4())
    return done, other


def test_an_export_imports_unchanged(virginia, jhu, ada, stan, tmp_path):
    path = tmp_path / "everything.jsonl"
    with rolled_back():
        moved_items(virginia, ada, stan)
        write_export(path, export_lines())
        before = whole_state()
    summary = import_files([path])
    assert (summary.created, summary.rejected, summary.cut_short) == (2, 0, [])
    assert whole_state() == before
    again = import_files([path])
    assert (again.unchanged, again.rejected) == (2, 0)
    assert whole_state() == before


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(
    name=TEXT.filter(str.strip),  # of white space alone there is none
    note=TEXT,
    etag=TEXT,
    date=MOMENTS,
    bag_date=st.none() | MOMENTS,
    size=st.none() | st.integers(0, 2**63 - 1),
)
@settings(max_examples=30)
def test_any_values_survive_export_and_import(db, name, note, etag, date, bag_date, size):
    with rolled_back():
        with rolled_back():
            owner = InstitutionFactory(identifier="virginia.edu")
            item = make_item(owner, name=name, note=note, etag=etag, bag_date=bag_date, size=size)
            WorkItem.objects.filter(pk=item.pk).update(date=date)  # an import takes any, even a future one
            text = "".join(export_lines())
            before = whole_state()
        import_files(["-"], stdin=io.BytesIO(text.encode()))
        items, entries, _institutions = whole_state()
        assert (items, entries) == before[:2]


def test_a_list_as_json_can_be_imported(virginia, ada, stan):
    with rolled_back():
        moved_items(virginia, ada, stan)
        text = "".join(json_lines(WorkItem.objects.order_by("-id"), user=ada))
        before = [*WorkItem.objects.order_by("id").values()]
    assert import_files(["-"], stdin=io.BytesIO(text.encode())).created == 2
    after = [*WorkItem.objects.order_by("id").values()]
    for row in (*before, *after):
        del row["version"], row["institution_id"], row["stage_entered_at"]  # its history is not in a list
    assert after == before


def test_the_export_ends_with_the_number_of_items(item, theirs):
    first, *institutions, one, two, end = everything()
    assert (first["format"], first["version"]) == ("pharos-work-items", 2)
    assert [line["institution"]["identifier"] for line in institutions] == ["aptrust.org", "jhu.edu", "virginia.edu"]
    assert [one["item"]["id"], two["item"]["id"]] == [item.pk, theirs.pk]
    assert end == {"end": {"items": 2}}


def from_export(tmp_path, lines):
    path = tmp_path / "export.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return import_files([path])


def test_a_truncated_export_is_detected(item, theirs, tmp_path):
    with_end = everything()
    summary = from_export(tmp_path, with_end[:-1])
    assert (summary.unchanged, summary.rejected) == (2, 0)
    assert "last line is missing" in summary.cut_short[0]
    summary = from_export(tmp_path, with_end[:-2] + with_end[-1:])
    assert "should have 2 items, but has 1" in summary.cut_short[0]


def test_importing_a_newer_export_adds_later_changes(virginia, ada, stan, tmp_path):
    item = make_item(virginia, at=NOON)
    with rolled_back():
        transitions.progress(WorkItem.objects.get(), by=ada, stage="Fetch", node="w1")
        transitions.fail(WorkItem.objects.get(), by=ada, note="No.", retry=False)
        lines = everything()
        later = whole_state()
    summary = from_export(tmp_path, lines)
    assert (summary.updated, summary.rejected) == (1, 0)
    assert whole_state()[:2] == later[:2]
    transitions.review(WorkItem.objects.get(), by=stan)
    summary = from_export(tmp_path, lines)
    assert (summary.newer_here, summary.rejected) == (1, 0)
    assert WorkItem.objects.get(pk=item.pk).reviewed


def test_contradicting_histories_are_rejected(virginia, ada, tmp_path):
    make_item(virginia)
    with rolled_back():
        transitions.fail(WorkItem.objects.get(), by=ada, note="there", retry=False)
        lines = everything()
    transitions.fail(WorkItem.objects.get(), by=ada, note="here", retry=False)
    assert from_export(tmp_path, lines).rejected == 1
    assert "from entry 2 on" in (tmp_path / "export.rejects.csv").read_text()
    assert WorkItem.objects.get().note == "here"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda line: line.pop("history"), "no history"),
        (lambda line: line["history"].clear(), "no history"),
        (lambda line: line["history"].pop(0), "entry 1 of its history has number 2"),
        (lambda line: line["history"].pop(1), "entry 2 of its history has number 3"),
        (lambda line: line["history"].append(7), "entry 4 of its history is incomplete"),
        (lambda line: line["history"][2].update(status_after="Failed"), "its history ends at"),
        (lambda line: line["history"][1].update(move="create"), "creates the item again"),
        (lambda line: line["history"][0].update(move="fail"), "entry 1 of its history is fail"),
        (lambda line: line["history"][1].update(at=None), "does not say when"),
        (lambda line: line["history"][1].update(stage_after="Bogus"), "a stage that is not known"),
        (lambda line: line["history"][1].update(changes=[]), "changes that are not an object"),
        (lambda line: line["history"][1].update(changes={"a": ["", "\0"]}), "NUL"),
        (lambda line: line["history"][1].update(changes={"a": [None, "\ud800"]}), "half a surrogate pair"),
        (lambda line: line["history"][1].update(changes={"\udfff": [1, 2]}), "half a surrogate pair"),
        (lambda line: line["history"][1].update(changes={"a": 1}), "before and after"),
        (lambda line: line["history"][1].update(changes={"a": ["x"]}), "before and after"),
        (lambda line: line["history"][1].update(changes={"a": ["x", []]}), "is [], not a text"),
        (lambda line: line["history"][1].update(changes={"a": ["x", float("nan")]}), "is NaN, not a text"),
        (lambda line: line["history"][1].update(at="9999-12-31T23:59:59Z"), "the years 1900 to 9000"),
        (lambda line: line["history"][1].update(act="x"), "not a UUID"),
        (lambda line: line["history"][1].update(who="x" * 256), "who has 256"),
        (lambda line: line["item"].pop("note"), "lacks note"),
        (lambda line: line["item"].update(date=None), "date is missing"),
        (lambda line: line["item"].update(reviewed=True), "not closed"),
        (lambda line: line["item"].update(institution="x"), "is not a domain"),
        (lambda line: line.pop("item"), "neither an item"),
    ],
    ids=range(26),
)
def test_an_invalid_exported_item_is_rejected(virginia, ada, tmp_path, spoil, reason):
    with rolled_back():
        transitions.progress(transitions.progress(make_item(virginia), by=ada, stage="Fetch"), by=ada, stage="Validate")
        lines = everything()
    spoil(lines[-2])
    assert from_export(tmp_path, lines).rejected == 1
    assert reason in (tmp_path / "export.rejects.csv").read_text()
    assert not WorkItem.objects.exists()


def test_the_number_of_queries_does_not_grow_with_the_items(django_assert_num_queries, virginia):
    """One for institutions, three for every 500 items, and one that finds no more."""
    for _ in range(3):
        make_item(virginia)
    with django_assert_num_queries(1 + 3 + 1):
        "".join(export_lines())


def test_batches_of_an_export_miss_nothing(virginia):
    sparse = [*range(1, 1100, 2), 5000]
    make_items(len(sparse), [virginia], numbers=sparse)
    assert [line["item"]["id"] for line in everything() if "item" in line] == sparse


def test_a_failed_export_keeps_the_existing_file(item, tmp_path):
    path = tmp_path / "all.jsonl"
    path.write_text("as it was")

    def broken():
        yield "half"
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_export(path, broken())
    assert path.read_text() == "as it was"
    assert [one.name for one in tmp_path.iterdir()] == ["all.jsonl"]


@pytest.mark.django_db(transaction=True)
def test_an_export_is_consistent(virginia, ada):
    """A concurrent writer doesn't wait and isn't in the export."""
    make_items(600, [virginia])
    pieces = export_lines()
    begun = [next(pieces) for _ in range(4)]  # header, two institutions, the first items

    def write():
        try:
            make_item(virginia, name="late.tar")
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    writer.join()
    text = "".join([*begun, *pieces])
    assert WorkItem.objects.filter(name="late.tar").exists()
    assert "late.tar" not in text
    assert json.loads(text.splitlines()[-1]) == {"end": {"items": 600}}


def test_the_command_writes_to_a_file_or_to_standard_output(item, tmp_path):
    out = io.StringIO()
    call_command("export_workitems", stdout=out)
    call_command("export_workitems", str(tmp_path / "all.jsonl"))
    written = (tmp_path / "all.jsonl").read_text()
    assert written.splitlines()[1:] == out.getvalue().splitlines()[1:]
    assert len(written.splitlines()) == 5


def test_the_command_reports_a_file_it_cannot_write(item, tmp_path):
    with pytest.raises(CommandError, match="can't be written"):
        call_command("export_workitems", str(tmp_path / "none" / "all.jsonl"))
