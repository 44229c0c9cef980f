"""A row that can't be imported is rejected with a reason, and the other rows are imported."""

import json

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import example, given, settings
from hypothesis import strategies as st

from workitems import transitions
from workitems.import_export import ImportStopped, UnreadableFile, import_files
from workitems.import_export.importing.parsing import READERS
from workitems.import_export.importing.raw_rows import RawRow
from workitems.import_export.importing.rejects import Rejects
from workitems.models import HistoryEntry, WorkItem

from ..factories import make_item
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
        ({"id": 2**52 + 1}, "the largest is"),
        ({"id": True}, "id is true"),
        ({"name": ""}, "no name"),
        ({"name": 5}, "name is 5, not text"),
        ({"name": "a\0b"}, "name contains a NUL"),
        ({"name": "x" * 1001}, "name has 1001 characters"),
        ({"note": "\ud800"}, "note contains half a surrogate"),
        ({"etag": "x" * 256}, "etag has 256"),
        ({"action": "Bogus"}, 'unknown action "Bogus"'),
        ({"stage": "Bogus"}, 'unknown stage "Bogus"'),
        ({"status": "Bogus"}, 'unknown status "Bogus"'),
        ({"status": None}, "no status"),
        ({"date": "yesterday"}, "date is"),
        ({"date": "2021-02-30T00:00:00Z"}, "date is"),
        ({"date": 12}, "date is 12"),
        ({"created_at": None, "date": None, "updated_at": None}, "created_at"),
        ({"bag_date": "9999-12-31T23:59:59-01:00"}, "bag_date is"),
        ({"date": "9999-12-31T23:59:59Z"}, "the years 1900 to 9000"),
        ({"updated_at": "9001-01-01T00:00:00Z"}, "updated_at is"),
        ({"created_at": "1899-12-31T23:59:59Z"}, "created_at is"),
        ({"bag_date": "0001-03-01T00:00:00+23:00"}, "bag_date is"),
        ({"size": -5}, "size is -5"),
        ({"size": 2**63}, "size is"),
        ({"size": 1.5}, "size is 1.5"),
        ({"size": {}}, "size is {}"),
        ({"size": float("inf")}, "size is Infinity"),
        ({"retry": "maybe"}, 'retry is "maybe"'),
        ({"retry": {}}, "retry is {}"),
    ],
    ids=lambda one: json.dumps(one)[:30],
)
@pytest.mark.parametrize("shape", [json_lines, list_reply])
def test_only_the_invalid_row_is_rejected(take, refused, shape, fields, reason):
    good = pharos(id=1)
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
def test_a_line_that_is_not_an_item_is_rejected(take, refused, line):
    line = line if isinstance(line, bytes) else line.encode()
    content = json_lines(pharos()).encode() + line + b"\n" + json_lines(pharos(id=2)).encode()
    assert counts(take(content)) == (2, 0, 0, 0, 1)
    [row] = refused()
    assert row["number"] == "2"
    assert row["reason"]


NESTED = "[" * 5000 + "]" * 5000


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("9" * 6000, "too many digits"),
        ("-" + "9" * 6000, "too many digits"),
        ("1e99999999999999999999", "size is Infinity, not a whole number"),
        ("-1e999999", "size is -Infinity"),
        (NESTED, "nested too deep"),
        (NESTED.replace("[", '{"a":[').replace("]", "]}"), "nested too deep"),
        (r'"a\ud800b"', "not a whole number"),
        ("bad", "is not JSON"),
        ('"a "{quoted}" word"', "is not JSON"),
        ("1 2", "is not JSON"),
        ('"\n"', "is not JSON"),
    ],
    ids=range(11),
)
@pytest.mark.parametrize(
    "shape", [list_reply, lambda *rows: json.dumps(rows), lambda *rows: json.dumps(rows, indent=2)]
)
def test_a_hostile_item_of_a_document_is_rejected_alone(take, refused, shape, value, reason):
    good = [pharos(id=1, name="1.tar", note="{["), pharos(id=3, name="3.tar", note='"]}\\')]
    content = shape(good[0], pharos(id=2, size="HERE"), good[1]).replace('"HERE"', value)
    assert counts(take(content)) == (2, 0, 0, 0, 1)
    [row] = refused()
    assert row["number"] == "2"
    assert reason in row["reason"]
    assert [*WorkItem.objects.order_by("id").values_list("note", flat=True)] == ["{[", '"]}\\']


@pytest.mark.parametrize("value", ["9" * 6000, "1e99999999999999999999", NESTED], ids=range(3))
def test_a_hostile_unknown_field_is_ignored(take, value):
    summary = take(json.dumps([pharos(other="HERE"), pharos(id=2, name="2.tar")]).replace('"HERE"', value))
    assert summary.created + summary.rejected == 2
    assert WorkItem.objects.filter(name="2.tar").exists()


@pytest.mark.parametrize("escape", [r"\ud800", r"\uDFFF", r"\udc00\ud800", r"\\\ud800"])
@pytest.mark.parametrize("shape", [json_lines, list_reply, lambda *rows: json.dumps(rows)])
def test_half_a_surrogate_pair_rejects_its_row(take, refused, shape, escape):
    rows = [pharos(id=1, name="1.tar", note="HERE"), pharos(id=2, name="2.tar", note=r"\ud800"), pharos(id=3, note="𝄞")]
    assert counts(take(shape(*rows).replace("HERE", escape))) == (2, 0, 0, 0, 1)
    assert refused()[0]["reason"] == "note contains half a surrogate pair, which is not a valid character"
    assert [*WorkItem.objects.order_by("id").values_list("note", flat=True)] == [r"\ud800", "𝄞"]


def test_an_item_that_spans_two_chunks(take, monkeypatch):
    """Wherever the text is split: in a word, a number, an escape, or a character."""
    monkeypatch.setattr("workitems.import_export.importing.json_documents._PIECE", 7)
    rows = [pharos(id=number, name=f"{number}.tar", note='ä𝄞"\\}' * number, size=12345) for number in range(1, 8)]
    assert counts(take(list_reply(*rows, indent=1))) == (7, 0, 0, 0, 0)
    assert counts(take("\n".join(json.dumps(row, indent=1, ensure_ascii=False) for row in rows))) == (0, 0, 7, 0, 0)
    assert counts(take(json.dumps(rows))) == (0, 0, 7, 0, 0)


@pytest.fixture
def counter_put_back():
    """PostgreSQL's id sequence isn't rolled back with a test."""
    yield
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT setval(pg_get_serial_sequence('workitems_workitem', 'id'), 1000000)")


def test_the_largest_id(take, virginia, counter_put_back):
    take(json_lines(pharos(id=2**52)))
    assert make_item(virginia).pk == 2**52 + 1


def test_the_year_that_means_unset(take):
    take(json_lines(pharos(date="0001-01-01T00:00:00Z", bag_date="0001-01-01 00:00:00")))
    assert WorkItem.objects.get().bag_date is None


def test_invalid_utf8_rejects_one_row_of_an_array(take, refused):
    content = json.dumps([pharos(id=1, name="MARK.tar"), pharos(id=2)]).encode().replace(b"MARK", b"\xff\xfe")
    assert counts(take(content)) == (1, 0, 0, 0, 1)
    assert refused()[0]["reason"] == "name is not UTF-8"


def test_invalid_rows_of_a_dump(take, tmp_path, refused):
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


def test_a_row_refused_by_the_database_is_rejected_alone(take, refused, monkeypatch):
    kept = transitions.store_imported

    def strict(ids, judge, **options):
        if 3 in ids:
            raise IntegrityError("row 3 is not wanted\nDETAIL")
        kept(ids, judge, **options)

    monkeypatch.setattr(transitions, "store_imported", strict)
    rows = [pharos(id=number, name=f"{number}.tar") for number in range(1, 6)]
    assert counts(take(json_lines(*rows))) == (4, 0, 0, 0, 1)
    [row] = refused()
    assert (row["id"], row["reason"]) == ("3", "the database rejects it: row 3 is not wanted")
    assert HistoryEntry.objects.count() == 4


def test_without_rejects_there_is_no_file(take, tmp_path):
    take(json_lines(pharos()))
    assert [path.name for path in tmp_path.iterdir()] == ["items.json"]


def test_the_rejects_file_of_an_earlier_run_is_removed(take, tmp_path):
    take(json_lines(pharos(id=None)))
    summary = take(json_lines(pharos()))
    assert summary.old_rejects == [tmp_path / "items.rejects.csv"]
    assert [path.name for path in tmp_path.iterdir()] == ["items.json"]
    assert take(json_lines(pharos())).old_rejects == []


@pytest.mark.parametrize("rows", [[pharos()], [pharos(id=None)]])
def test_rejects_never_replace_a_file_that_is_not_ours(take, tmp_path, rows):
    theirs = write(tmp_path, "items.rejects.csv", "number,id\n1,2\n")
    with pytest.raises(
        UnreadableFile, match=r"items\.rejects\.csv: there is a file that no import has written.*--rejects"
    ):
        take(json_lines(*rows))
    assert theirs.read_text() == "number,id\n1,2\n"
    assert not WorkItem.objects.exists()


@pytest.mark.parametrize("is_there", [True, False])
def test_rejects_never_follow_a_link(take, tmp_path, is_there):
    target = tmp_path / "target"
    if is_there:
        write(tmp_path, "target", '"number","id","reason","text"\n')
    (tmp_path / "items.rejects.csv").symlink_to(target)
    with pytest.raises(UnreadableFile, match="it is a link"):
        take(json_lines(pharos(id=None)))
    assert target.exists() == is_there


def test_a_link_that_is_put_there_meanwhile_is_not_followed(tmp_path):
    target = write(tmp_path, "target", "precious")
    path = tmp_path / "x.rejects.csv"
    with Rejects(path) as rejects:
        path.symlink_to(target)
        with pytest.raises(ImportStopped, match="it is a link"):
            rejects.write(RawRow(1, {}, "text"), "why")
    assert target.read_text() == "precious"


def test_the_cells_of_rejects_are_no_formulas(take, refused):
    take(json_lines(pharos(id='=1+1;"', name="=HYPERLINK()"), "=cmd"))
    cells = [cell for row in refused() for cell in row.values()]
    assert [cell for cell in cells if cell.startswith("=")] == []
    assert refused()[0]["id"] == "'=1+1;\""


def test_a_truncated_input_keeps_earlier_rejects(take, tmp_path):
    take(json_lines(pharos(id=None)))
    assert take(json.dumps([pharos()])[:-1]).cut_short
    assert (tmp_path / "items.rejects.csv").exists()


def test_several_files_share_a_rejects_file(tmp_path):
    paths = [write(tmp_path, name, json_lines(pharos(id=None))) for name in ("a.json", "b.json")]
    summary = import_files(paths, rejects=tmp_path / "bad.csv")
    assert summary.rejects_files == [tmp_path / "bad.csv"]
    text = (tmp_path / "bad.csv").read_text()
    assert text.count("number") == 1
    assert f'"{paths[0]}:1"' in text
    assert f'"{paths[1]}:1"' in text


def test_rejects_of_two_inputs_with_the_same_stem(tmp_path):
    paths = [write(tmp_path, name, json_lines(pharos(id=None))) for name in ("a.json", "a.jsonl")]
    assert [path.name for path in import_files(paths).rejects_files] == ["a.jsonl.rejects.csv", "a.rejects.csv"]


def test_rejects_never_overwrite_an_input(tmp_path):
    path = write(tmp_path, "items.json", json_lines(pharos(id=None)))
    with pytest.raises(UnreadableFile, match="would overwrite"):
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
def test_no_row_can_break_the_run(db, tmp_path, fields):
    """It is imported or rejected, and the next row is imported."""
    with transaction.atomic():
        # The first row shows that the file names institutions; the one at issue is between two good ones.
        rows = [pharos(id=4, name="first.tar"), pharos(**fields), pharos(id=3, name="good.tar")]
        summary = import_files([write(tmp_path, "items.json", json_lines(*rows))])
        assert summary.created + summary.rejected == summary.read == 3
        assert WorkItem.objects.filter(name="good.tar").exists() or fields.get("id") == 3
        assert HistoryEntry.objects.count() == WorkItem.objects.count() == summary.created
        transaction.set_rollback(True)


@given(st.binary(max_size=60), st.integers(0, 1600), st.integers(0, 60), st.sampled_from([None, 0, 1]))
@settings(max_examples=100)
def test_no_bytes_in_a_document_can_break_the_run(db, tmp_path, rubbish, place, lost, indent):
    with transaction.atomic():
        text = list_reply(pharos(), pharos(id=72, name="b.tar"), indent=indent).encode()
        place = 12 + place % (len(text) - 12)
        summary = import_files([write(tmp_path, "items.json", text[:place] + rubbish + text[place + lost :])])
        assert summary.created + summary.rejected + summary.unchanged + summary.updated == summary.read
        assert HistoryEntry.objects.count() == summary.created + summary.updated
        assert WorkItem.objects.count() == summary.created
        transaction.set_rollback(True)


@given(st.binary(max_size=300), st.integers(0, 400))
@settings(max_examples=60)
def test_no_bytes_in_a_dump_can_break_the_run(db, tmp_path, rubbish, place):
    with transaction.atomic():
        write(tmp_path, "institutions.csv", INSTITUTIONS)
        text = registry_csv(registry(), registry(id="72", name="b.tar")).encode()
        header = text.index(b"\n") + 1
        place = min(header + place, len(text))
        summary = import_files(
            [write(tmp_path, "dump.csv", text[:place] + rubbish + text[place:])], backslashes="plain"
        )
        assert summary.created + summary.rejected + summary.unchanged + summary.updated == summary.read
        assert HistoryEntry.objects.count() == WorkItem.objects.count() == summary.created
        transaction.set_rollback(True)


@pytest.mark.parametrize(("named", "reason"), [("-", "name it with --rejects"), ("none/r.csv", "no such folder")])
def test_rejects_that_cannot_be_written_are_noticed_before_anything_is_imported(take, tmp_path, named, reason):
    with pytest.raises(UnreadableFile, match=reason):
        take(json_lines(pharos()), rejects=named if named == "-" else tmp_path / named)
    assert not WorkItem.objects.exists()
