"""Items of other systems come in whole, once, and say what could not."""

import csv
import gzip
import io
import json
import os
import threading
from datetime import UTC, datetime

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, OperationalError, connection, transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pharos.accounts.models import Institution
from workitems import door
from workitems.importing import Stopped, Unreadable, import_files
from workitems.importing.rows import READERS
from workitems.models import HistoryEntry, WorkItem

from .factories import make_item
from .importing_samples import INSTITUTIONS, json_lines, list_reply, pharos, registry, registry_csv, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def take(tmp_path):
    """Imports a file with this content; further words go to import_files."""

    def run(content, name="items.json", **options):
        return import_files([write(tmp_path, name, content)], **options)

    return run


@pytest.fixture
def refused(tmp_path):
    """The rows of the rejects file."""

    def read(name="items.rejects.csv"):
        with (tmp_path / name).open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    return read


def counts(summary):
    return (summary.created, summary.updated, summary.unchanged, summary.newer_here, summary.rejected)


# --- what is read


TWO = [pharos(), pharos(id=72, name="Größe & Co.tar")]


@pytest.mark.parametrize(
    "content",
    [
        list_reply(*TWO),
        list_reply(*TWO, indent=2),
        list_reply(TWO[0]) + "\n" + list_reply(TWO[1]),
        json.dumps(TWO),
        json.dumps(TWO, indent=2),
        json_lines(*TWO),
        json_lines(*TWO).replace("\n", "\r\n\r\n"),
        json.dumps(TWO[0], indent=1) + "\n" + json.dumps(TWO[1], indent=1),
        "\ufeff" + json.dumps(TWO),
        gzip.compress(json_lines(*TWO).encode()),
        registry_csv(registry(), registry(id="72", name="Größe & Co.tar")),
        "\ufeff" + registry_csv(registry(), registry(id="72", name="Größe & Co.tar")),
    ],
)
def test_every_format_is_told_by_its_content(take, tmp_path, content):
    write(tmp_path, "institutions.csv", INSTITUTIONS)
    assert counts(take(content)) == (2, 0, 0, 0, 0)
    assert list(WorkItem.objects.order_by("id").values_list("id", "name", "institution__identifier")) == [
        (71, "ncsu.1840.16-1004.tar", "ncsu.edu"),
        (72, "Größe & Co.tar", "ncsu.edu"),
    ]


def test_the_values_of_a_reply(take):
    take(json_lines(pharos(pid=0, size="", queued_at="2021-03-04T05:06:07+00:00", node="w1", needs_admin_review=True)))
    item = WorkItem.objects.get()
    assert item.created_at == datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert item.updated_at == datetime(2021, 3, 5, 5, 6, 7, 123456, tzinfo=UTC)
    assert item.date == datetime(2021, 3, 4, 5, 6, 7, 500000, tzinfo=UTC)
    assert item.bag_date is None
    assert (item.user, item.outcome, item.object_identifier, item.size, item.pid) == ("", "", "", None, None)
    assert (item.retry, item.reviewed, item.needs_admin_review, item.node) == (True, False, True, "w1")
    assert item.queued_at == item.created_at
    assert "ncsu.1840.16-1004.tar" in item.search_text


def test_the_values_of_a_dump(take, tmp_path):
    write(tmp_path, "INSTITUTIONS.csv", INSTITUTIONS)
    summary = take(
        registry_csv(registry(intellectual_object_id="9", retry="f", note='said "no"\nand\r\nwent')), "dump.csv"
    )
    item = WorkItem.objects.get()
    assert item.created_at == datetime(2021, 3, 4, 5, 6, 7, 123456, tzinfo=UTC)
    assert item.updated_at == datetime(2021, 3, 5, 5, 6, 7, tzinfo=UTC)
    assert item.date == datetime(2021, 3, 4, 5, 6, 7, 500000, tzinfo=UTC)
    assert (item.size, item.pid, item.retry, item.note) == (21200000000, None, False, 'said "no"\nand\r\nwent')
    assert summary.ignored_columns == {"intellectual_object_id"}
    assert item.institution.name == "North Carolina State University"


def test_a_new_item_begins_its_history(take):
    take(json_lines(pharos()))
    entry = HistoryEntry.objects.get()
    assert (entry.item_id, entry.number, entry.move, entry.via, entry.who) == (71, 1, "import", "import", "import")
    assert (entry.stage_before, entry.stage_after, entry.status_after) == ("", "Receive", "Pending")
    assert entry.note == "Bag is in the receiving bucket."


@pytest.mark.parametrize("action", ["Restore Object", "Restore File"])
def test_registry_has_two_words_for_restore(take, action):
    take(json_lines(pharos(action=action, stage="Requested")))
    assert WorkItem.objects.get().action == "Restore"


def test_a_successful_ingest_gets_its_object(take):
    done = {"stage": "Cleanup", "status": "Success"}
    take(json_lines(pharos(**done, name="a.b01.of02.tar"), pharos(id=72, **done, object_identifier="ncsu.edu/other")))
    assert list(WorkItem.objects.order_by("id").values_list("object_identifier", flat=True)) == [
        "ncsu.edu/a",
        "ncsu.edu/other",
    ]


def test_what_is_odd_goes_in_and_is_counted(take):
    summary = take(
        json_lines(
            pharos(id=1, action="Delete", stage="Store"),
            pharos(id=2, stage="Receive", status="Success"),
            pharos(id=3, etag="1.01E+18"),
            pharos(id=4, date=None),
            pharos(id=5, reviewed=True),
            pharos(id=6, state="{}", date="0001-01-01T00:00:00Z"),
        )
    )
    assert counts(summary) == (6, 0, 0, 0, 0)
    assert (summary.odd_paths, summary.damaged_etags, summary.without_date, summary.reviewed_dropped) == (2, 1, 2, 1)
    assert summary.damaged_examples == ["1.01E+18 (id 3)"]
    assert summary.ignored_columns == {"state"}
    assert WorkItem.objects.get(pk=3).etag == "1.01E+18"
    assert WorkItem.objects.get(pk=4).date == WorkItem.objects.get(pk=4).created_at
    assert not WorkItem.objects.get(pk=5).reviewed


def test_new_items_get_ids_beyond_the_imported_ones(take, virginia):
    take(json_lines(pharos(id=1)))
    assert make_item(virginia).pk > 1
    take(json_lines(pharos(id=9000, name="b.tar")))
    assert make_item(virginia).pk > 9000
    take(json_lines(pharos(id=8000, name="c.tar")))
    assert make_item(virginia).pk > 9001


# --- again


def test_again_changes_nothing(take, tmp_path):
    write(tmp_path, "institutions.csv", INSTITUTIONS)
    rows = registry_csv(registry(), registry(id="72", stage="Cleanup", status="Success", date_processed=""))
    take(rows, "dump.csv")
    before = list(WorkItem.objects.order_by("id").values())
    assert counts(take(rows, "dump.csv")) == (0, 0, 2, 0, 0)
    assert list(WorkItem.objects.order_by("id").values()) == before
    assert HistoryEntry.objects.count() == 2


def test_what_moved_is_updated_with_history(take):
    take(json_lines(pharos()))
    moved = pharos(
        stage="Validate", status="Failed", retry=False, note="No.", size=7, updated_at="2021-03-06T00:00:00Z", node="w2"
    )
    assert counts(take(json_lines(moved))) == (0, 1, 0, 0, 0)
    item = WorkItem.objects.get()
    assert (item.stage, item.status, item.retry, item.note, item.size) == ("Validate", "Failed", False, "No.", 7)
    assert item.updated_at == datetime(2021, 3, 6, tzinfo=UTC)
    assert item.version == 2
    entry = item.history.get(number=2)
    assert (entry.move, entry.via, entry.who, entry.note) == ("import", "import", "import", "No.")
    assert (entry.stage_before, entry.status_before) == ("Receive", "Pending")
    assert (entry.stage_after, entry.status_after) == ("Validate", "Failed")
    assert entry.changes == {"retry": [True, False], "size": [None, 7]}


def test_what_is_searched_follows_an_update(take):
    take(json_lines(pharos()))
    take(
        json_lines(
            pharos(
                stage="Record", status="Success", object_identifier="ncsu.edu/ÄRGER", updated_at="2022-01-01T00:00:00Z"
            )
        )
    )
    assert "ncsu.edu/ärger" in WorkItem.objects.get().search_text


def test_what_a_file_does_not_say_stays(take):
    take(json_lines(pharos(node="w1", size=5, status="Success", stage="Record", reviewed=True)))
    short = pharos(status="Success", stage="Cleanup", updated_at="2022-01-01T00:00:00Z")
    del short["reviewed"]
    take(json_lines(short))
    item = WorkItem.objects.get()
    assert (item.stage, item.node, item.size, item.reviewed) == ("Cleanup", "w1", 5, True)


def test_an_item_opened_again_elsewhere_is_not_reviewed_any_more(take):
    closed = pharos(status="Cancelled", stage="Resolve", reviewed=True)
    take(json_lines(closed))
    opened = pharos(updated_at="2022-01-01T00:00:00Z")
    del opened["reviewed"]
    assert counts(take(json_lines(opened))) == (0, 1, 0, 0, 0)
    item = WorkItem.objects.get()
    assert not item.reviewed
    assert item.history.get(number=2).changes["reviewed"] == [True, False]


def test_what_is_newer_here_stays(take, stan):
    take(json_lines(pharos(status="Cancelled", stage="Resolve")))
    WorkItem.objects.get().review(by=stan, via="page")
    assert counts(take(json_lines(pharos(status="Cancelled", stage="Resolve")))) == (0, 0, 0, 1, 0)
    assert WorkItem.objects.get().reviewed


@pytest.mark.parametrize(
    "other",
    [{"name": "b.tar"}, {"etag": "1"}, {"action": "Delete"}, {"institution": "jhu.edu"}],
    ids=lambda one: next(iter(one)),
)
def test_an_id_that_is_another_item_here(take, refused, other):
    take(json_lines(pharos()))
    assert counts(take(json_lines(pharos(**other, updated_at="2030-01-01T00:00:00Z")))) == (0, 0, 0, 0, 1)
    [row] = refused()
    assert row["id"] == "71"
    assert f"another item here: its {next(iter(other))}" in row["reason"]
    assert WorkItem.objects.get().name == pharos()["name"]


def test_the_same_id_twice_in_a_file(take):
    later = {"stage": "Fetch", "updated_at": "2022-01-01T00:00:00Z"}
    earlier = {"stage": "Unpack", "updated_at": "2020-01-01T00:00:00Z"}
    assert counts(take(json_lines(pharos(), pharos(**later), pharos(**earlier)))) == (1, 1, 0, 1, 0)
    assert WorkItem.objects.get().stage == "Fetch"


# --- institutions


def test_the_institution_of_a_row_without_one(take):
    rows = [
        pharos(id=1, institution=None, object_identifier="Jhu.edu/a"),
        pharos(id=2, institution="", bucket="aptrust.restore.columbia.edu"),
        pharos(id=3, institution="Virginia.EDU"),
    ]
    assert take(json_lines(*rows)).institutions_created == 3
    owners = WorkItem.objects.order_by("id").values_list("institution__identifier", flat=True)
    assert list(owners) == ["jhu.edu", "columbia.edu", "virginia.edu"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"institution": None, "bucket": "elsewhere"}, "--institution-map"),
        ({"institution": "not a domain"}, "no domain"),
        ({"institution": 17, "bucket": ""}, "--institution-map"),
        ({"institution": ["x"]}, "institution"),
        ({"institution_id": "x"}, "institution_id"),
    ],
)
def test_an_institution_that_cannot_be_told(take, refused, fields, reason):
    assert counts(take(json_lines(pharos(**fields)))) == (0, 0, 0, 0, 1)
    assert reason in refused()[0]["reason"]
    assert not Institution.objects.exists()


def test_a_number_means_one_institution_in_a_run(take, refused):
    take(json_lines(pharos(id=1, institution_id=4), pharos(id=2, institution_id=4, institution="jhu.edu")))
    assert "institution_id 4 is ncsu.edu elsewhere, but jhu.edu here" in refused()[0]["reason"]


def test_a_number_that_the_table_lacks(take, tmp_path, refused):
    table = write(tmp_path, "their institutions.csv", INSTITUTIONS)
    summary = take(registry_csv(registry(), registry(id="72", institution_id="99")), institution_map=table)
    assert counts(summary) == (1, 0, 0, 0, 1)
    assert "institution_id 99 is not in their institutions.csv" in refused()[0]["reason"]


def test_no_institution_is_made_for_a_row_that_stays_out(take):
    take(json_lines(pharos()))
    take(json_lines(pharos(institution="stranger.edu")))
    assert [*Institution.objects.values_list("identifier", flat=True)] == ["ncsu.edu"]


def test_a_dump_needs_its_table(take):
    with pytest.raises(Unreadable, match="--institution-map"):
        take(registry_csv(registry()), "dump.csv")


# --- what stays out


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"id": None}, "no id"),
        ({"id": "x"}, 'id is "x", not a whole number'),
        ({"id": -1}, "id is -1"),
        ({"id": 2**63}, "id is"),
        ({"id": 2**60}, "the largest is"),
        ({"id": True}, "id is true"),
        ({"name": ""}, "no name"),
        ({"name": 5}, "name is 5, not text"),
        ({"name": "a\0b"}, "name contains a NUL"),
        ({"name": "x" * 1001}, "name has 1001 characters"),
        ({"note": "\ud800"}, "note contains half a surrogate"),
        ({"etag": "x" * 256}, "etag has 256"),
        ({"action": "Bogus"}, 'the action "Bogus" is not known'),
        ({"stage": "Bogus"}, 'the stage "Bogus" is not known'),
        ({"status": "Bogus"}, 'the status "Bogus" is not known'),
        ({"status": None}, "no status"),
        ({"date": "yesterday"}, "date is"),
        ({"date": "2021-02-30T00:00:00Z"}, "date is"),
        ({"date": 12}, "date is 12"),
        ({"created_at": None, "date": None, "updated_at": None}, "created_at"),
        ({"bag_date": "9999-12-31T23:59:59-01:00"}, "bag_date is"),
        ({"size": -5}, "size is -5"),
        ({"size": 2**63}, "size is"),
        ({"size": 1.5}, "size is 1.5"),
        ({"size": {}}, "size is {}"),
        ({"retry": "maybe"}, 'retry is "maybe"'),
    ],
    ids=lambda one: json.dumps(one)[:30],
)
@pytest.mark.parametrize("shape", [json_lines, list_reply])
def test_a_bad_row_stays_out_alone(take, refused, shape, fields, reason):
    good = pharos(id=1)
    if shape is list_reply and "\ud800" in str(fields.get("note")):
        fields, reason = {"name": ""}, "no name"  # that parser makes a "?" of it
    assert counts(take(shape(pharos(**fields), good))) == (1, 0, 0, 0, 1)
    [row] = refused()
    assert reason in row["reason"]
    assert row["number"] == "1"
    assert json.loads(row["text"])["bucket"] == good["bucket"]
    assert [*WorkItem.objects.values_list("id", flat=True)] == [1]


@pytest.mark.parametrize(
    "line",
    [
        "{bad",
        "17",
        "null",
        '"text"',
        "[1]",
        '{"id": NaN}',
        b'{"id": "\xff"}',
        "[" * 100_000,
        '{"id": ' + "9" * 5000 + "}",
    ],
    ids=range(9),
)
def test_a_line_that_is_no_item(take, refused, line):
    line = line if isinstance(line, bytes) else line.encode()
    content = json_lines(pharos()).encode() + line + b"\n" + json_lines(pharos(id=2)).encode()
    assert counts(take(content)) == (2, 0, 0, 0, 1)
    [row] = refused()
    assert row["number"] == "2"
    assert row["reason"]


def test_a_byte_that_is_no_utf8_costs_one_row_of_an_array(take, refused):
    content = json.dumps([pharos(id=1, name="MARK.tar"), pharos(id=2)]).encode().replace(b"MARK", b"\xff\xfe")
    assert counts(take(content)) == (1, 0, 0, 0, 1)
    assert refused()[0]["reason"] == "name is not UTF-8"


def test_bad_rows_of_a_dump(take, tmp_path, refused):
    write(tmp_path, "institutions.csv", INSTITUTIONS)
    text = registry_csv(registry(id="1", note="two\nlines"), registry(id="2", name="MARK.tar"), registry(id="3"))
    lines = text.encode().replace(b"MARK", b"\xff").split(b"\r\n")
    lines[3:3] = [b"4,only,three", b'5,"never "closed" well",x']
    summary = take(b"\r\n".join(lines), "dump.csv")
    assert counts(summary) == (2, 0, 0, 0, 3)
    rows = refused("dump.rejects.csv")
    assert [(row["number"], row["reason"]) for row in rows] == [
        ("4", "name is not UTF-8"),
        ("5", "the row has 3 cells, the header 27"),
        ("6", "the row is not CSV: ',' expected after '\"'"),
    ]
    assert rows[1]["text"] == "4,only,three"


def test_what_only_the_database_refuses_costs_one_row(take, refused, monkeypatch):
    kept = door.take_in

    def strict(ids, judge, **options):
        if 3 in ids:
            raise IntegrityError("row 3 is not wanted\nDETAIL")
        kept(ids, judge, **options)

    monkeypatch.setattr(door, "take_in", strict)
    rows = [pharos(id=number, name=f"{number}.tar") for number in range(1, 6)]
    assert counts(take(json_lines(*rows))) == (4, 0, 0, 0, 1)
    [row] = refused()
    assert (row["id"], row["reason"]) == ("3", "the database refuses it: row 3 is not wanted")
    assert HistoryEntry.objects.count() == 4


def test_without_rejects_there_is_no_file(take, tmp_path):
    take(json_lines(pharos()))
    assert [path.name for path in tmp_path.iterdir()] == ["items.json"]


def test_several_files_share_a_rejects_file(tmp_path):
    paths = [write(tmp_path, name, json_lines(pharos(id=None))) for name in ("a.json", "b.json")]
    summary = import_files(paths, rejects=tmp_path / "bad.csv")
    assert summary.rejects_files == [tmp_path / "bad.csv"]
    text = (tmp_path / "bad.csv").read_text()
    assert text.count("number") == 1
    assert f'"{paths[0]}:1"' in text
    assert f'"{paths[1]}:1"' in text


def test_rejects_of_two_files_of_one_stem(tmp_path):
    paths = [write(tmp_path, name, json_lines(pharos(id=None))) for name in ("a.json", "a.jsonl")]
    assert [path.name for path in import_files(paths).rejects_files] == ["a.jsonl.rejects.csv", "a.rejects.csv"]


def test_rejects_never_overwrite_an_input(tmp_path):
    path = write(tmp_path, "items.json", json_lines(pharos(id=None)))
    with pytest.raises(Unreadable, match="written over"):
        import_files([path], rejects=path)
    assert path.read_text() == json_lines(pharos(id=None))


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["Fetch", "Failed", "2021-03-04"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from([*READERS, "id", "institution", "institution_id"]), JSON_VALUES, max_size=3))
@example({"note": "\ud800"})
@settings(max_examples=60)
def test_no_row_whatever_it_holds_breaks_the_run(db, tmp_path, fields):
    """It goes in or is rejected, and its neighbour goes in."""
    with transaction.atomic():
        path = write(tmp_path, "items.json", json_lines(pharos(**fields), pharos(id=3, name="good.tar")))
        summary = import_files([path])
        assert summary.created + summary.rejected == summary.read == 2
        assert WorkItem.objects.filter(name="good.tar").exists() or fields.get("id") == 3
        assert HistoryEntry.objects.count() == WorkItem.objects.count() == summary.created
        transaction.set_rollback(True)


@given(st.binary(max_size=300), st.integers(0, 400))
@settings(max_examples=60)
def test_no_bytes_in_a_dump_break_the_run(db, tmp_path, rubbish, place):
    with transaction.atomic():
        write(tmp_path, "institutions.csv", INSTITUTIONS)
        text = registry_csv(registry(), registry(id="72", name="b.tar")).encode()
        header = text.index(b"\n") + 1
        place = min(header + place, len(text))
        summary = import_files([write(tmp_path, "dump.csv", text[:place] + rubbish + text[place:])])
        assert summary.created + summary.rejected + summary.unchanged + summary.updated == summary.read
        assert HistoryEntry.objects.count() == WorkItem.objects.count() == summary.created
        transaction.set_rollback(True)


# --- files that are not whole, or nothing


@pytest.mark.parametrize(
    "cut", [json.dumps([pharos(id=1), pharos(id=2)])[:-30], list_reply(pharos(id=1), pharos(id=2))[:-60]]
)
def test_a_document_that_is_cut_short(take, cut):
    summary = take(cut)
    assert counts(summary) == (1, 0, 0, 0, 0)
    assert "after item 1" in summary.cut_short[0]
    assert not summary.is_whole


def test_a_compressed_file_that_is_cut_short(take):
    # Random names, or the compressed file would be one block.
    rows = json_lines(*(pharos(id=number, name=f"{os.urandom(400).hex()}.tar") for number in range(1, 1001)))
    summary = take(gzip.compress(rows.encode())[:-5000])
    assert 0 < summary.created < 1000
    assert summary.cut_short


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("hello,world\n1,2\n", "none of the formats"),
        (b"\x00\x01\x02", "none of the formats"),
        (INSTITUTIONS, "table of institutions"),
        ("id,name,etag,institution,action,stage,status\n", "spreadsheet"),
        ('{"format": "pharos-work-items", "version": 99}\n', "version 99"),
    ],
)
def test_a_file_that_is_nothing(take, content, reason):
    with pytest.raises(Unreadable, match=reason):
        take(content)


def test_a_format_that_is_insisted_on(take):
    assert take(json_lines(pharos()), format="pharos-json").created == 1
    with pytest.raises(Unreadable, match="looks like pharos-json, not like registry-csv"):
        take(json_lines(pharos()), format="registry-csv")


def test_nothing_goes_in_when_one_file_is_missing(tmp_path):
    with pytest.raises(Unreadable, match="No such file"):
        import_files([write(tmp_path, "a.json", json_lines(pharos())), tmp_path / "b.json"])
    assert not WorkItem.objects.exists()


def test_an_empty_list_is_fine(take):
    assert counts(take(list_reply())) == (0, 0, 0, 0, 0)


# --- how it runs


def test_batches_and_a_pipe(db):
    """A pipe cannot be read twice, and gives a little at a time."""
    readable, writable = os.pipe()
    text = json_lines(*(pharos(id=number, name=f"{number}.tar") for number in range(1, 1201)))

    def feed():
        with os.fdopen(writable, "wb") as pipe:
            pipe.write(text.encode())

    feeder = threading.Thread(target=feed)
    feeder.start()
    with os.fdopen(readable, "rb") as stream:
        summary = import_files(["-"], stdin=stream, batch=100)
    feeder.join()
    assert counts(summary) == (1200, 0, 0, 0, 0)
    assert WorkItem.objects.count() == HistoryEntry.objects.count() == 1200


def test_the_number_of_queries_follows_the_batches(take, django_assert_num_queries):
    """Institutions; then per batch two transactions, one in the other (4), the rows that are stored (1), and the inserts.

    Those are two on PostgreSQL, and two for its counter of ids; on SQLite three for items and two for entries.
    """
    Institution.objects.create(identifier="ncsu.edu", name="N")
    rows = json_lines(*(pharos(id=number, name=f"{number}.tar") for number in range(1, 301)))
    with django_assert_num_queries(1 + 3 * (5 + (4 if connection.vendor == "postgresql" else 5))):
        take(rows, batch=100)
    with django_assert_num_queries(1 + 3 * 5):
        take(rows, batch=100)


def test_ctrl_c_keeps_whole_batches(take, monkeypatch):
    kept = door.take_in
    calls = []

    def interrupted(ids, judge, **options):
        kept(ids, judge, **options)
        calls.append(ids)
        if len(calls) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(door, "take_in", interrupted)
    summary = take(json_lines(*(pharos(id=number, name=f"{number}.tar") for number in range(1, 51))), batch=10)
    assert summary.is_interrupted
    assert summary.created == 20
    assert WorkItem.objects.count() == HistoryEntry.objects.count() == 20


def test_a_database_that_fails_stops_the_run(take, monkeypatch):
    def broken(*_arguments, **_options):
        raise OperationalError("the disk is full")

    monkeypatch.setattr(door, "take_in", broken)
    with pytest.raises(Stopped, match="the disk is full") as stopped:
        take(json_lines(pharos()))
    assert stopped.value.summary.created == 0


def test_a_pipe_with_a_name_is_read_only_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    feeder = threading.Thread(target=write, args=(tmp_path, "pipe", json_lines(pharos())))
    feeder.start()
    summary = import_files([tmp_path / "pipe"])
    feeder.join()
    assert counts(summary) == (1, 0, 0, 0, 0)


def test_a_file_that_cannot_be_read_on(monkeypatch):
    class Failing(io.RawIOBase):
        """A disk that fails after 100,000 bytes."""

        def __init__(self):
            self.left = io.BytesIO(
                json_lines(*(pharos(id=n, name=f"{n}.tar") for n in range(1, 1001))).encode()[:100_000]
            )

        def read(self, size=-1):
            if piece := self.left.read(size):
                return piece
            raise OSError("input/output error")

    summary = import_files(["-"], stdin=Failing(), batch=50)
    assert 0 < summary.created < 1000
    assert "cannot be read on: input/output error" in summary.cut_short[0]


# --- the command


def run_command(*arguments):
    """Exit status and what was said."""
    out = io.StringIO()
    try:
        call_command("import_workitems", *map(str, arguments), stdout=out)
    except SystemExit as ended:
        return ended.code, out.getvalue()
    return 0, out.getvalue()


def test_the_command_says_what_it_did(tmp_path):
    status, said = run_command(write(tmp_path, "a.json", json_lines(pharos(), pharos(id=72, etag="1.01E+18"))))
    assert status == 0
    assert "2 rows read: 2 new, 0 updated, 0 unchanged, 0 newer here and left as they are, 0 rejected." in said
    assert "1 row with an etag that a spreadsheet has damaged, kept as it is: 1.01E+18 (id 72)." in said


def test_the_command_tells_of_rejects_by_its_status(tmp_path):
    status, said = run_command(write(tmp_path, "a.json", json_lines(pharos(id=None))))
    assert status == 1
    assert "1 rejected" in said
    assert "a.rejects.csv" in said


def test_the_command_says_what_cannot_be_read(tmp_path):
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        run_command(tmp_path / "none.json")


def test_the_command_says_how_far_it_came(tmp_path, monkeypatch):
    monkeypatch.setattr("workitems.importing.rejects._id", lambda value: (_ for _ in ()).throw(OSError("disk full")))
    path = write(tmp_path, "a.json", json_lines(pharos(), pharos(id=None)))
    out = io.StringIO()
    with pytest.raises(CommandError, match=r"disk full.*--rejects.*goes on from there"):
        call_command("import_workitems", str(path), stdout=out)
    assert "1 new" in out.getvalue()


def test_the_command_ends_as_interrupted(tmp_path, monkeypatch):
    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(door, "take_in", interrupted)
    status, said = run_command(write(tmp_path, "a.json", json_lines(pharos())))
    assert status == 130
    assert "Interrupted" in said
