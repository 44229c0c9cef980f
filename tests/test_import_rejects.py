"""What cannot go in stays out alone, and says why."""

import json

import pytest
from django.db import IntegrityError, transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workitems import door
from workitems.importing import Unreadable, import_files
from workitems.importing.rows import READERS
from workitems.models import HistoryEntry, WorkItem

from .importing_samples import (
    INSTITUTIONS,
    counts,
    json_lines,
    list_reply,
    pharos,
    reader_of_rejects,
    registry,
    registry_csv,
    taker,
    write,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def take(tmp_path):
    return taker(tmp_path)


@pytest.fixture
def refused(tmp_path):
    return reader_of_rejects(tmp_path)


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
