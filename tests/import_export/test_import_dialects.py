"""However a program writes the same two rows, they come in with the same values, or the file is refused with a way out."""

import csv
import gzip
import io
import json

import pytest

from workitems.import_export import UnreadableFile, export_lines
from workitems.import_export.importing.remarks import Remark
from workitems.models import HistoryEntry, WorkItem

from .importing_samples import (
    INSTITUTIONS,
    REGISTRY_COLUMNS,
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

HARD = 'said "no"\nC:\\new\\table, and \\\\server; tab\t|\\'
PATH = r"C:\Users\x"
ROWS = [registry(id="71", name='"a".tar', note=HARD), registry(id="72", name="b;.tar", note=PATH)]


@pytest.fixture
def take(tmp_path):
    write(tmp_path, "institutions.csv", INSTITUTIONS)
    return taker(tmp_path)


@pytest.fixture
def refused(tmp_path):
    return reader_of_rejects(tmp_path)


def stored():
    return list(WorkItem.objects.order_by("id").values_list("name", "note"))


def written(rows=ROWS, **dialect):
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, REGISTRY_COLUMNS, **dialect)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def in_copy_text(rows=ROWS):
    """PostgreSQL's text format, with a header."""

    def cell(value):
        escaped = value.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
        return escaped or "\\N"

    lines = [REGISTRY_COLUMNS, *([cell(row[name]) for name in REGISTRY_COLUMNS] for row in rows)]
    return "".join("\t".join(line) + "\n" for line in lines)


def by_postgresql(rows=ROWS):
    """`with (format csv, header, escape '\\')`: escapes are in quotes only."""

    def cell(value):
        if not set(value) & set('",\n\r'):
            return value
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    lines = [REGISTRY_COLUMNS, *([cell(row[name]) for name in REGISTRY_COLUMNS] for row in rows)]
    return "".join(",".join(line) + "\n" for line in lines)


PLAIN = registry_csv(*ROWS)
FORMS = {
    "quoted": PLAIN,
    "semicolons": written(delimiter=";"),
    "tabs": written(delimiter="\t"),
    "bars": written(delimiter="|"),
    "every cell in quotes": written(quoting=csv.QUOTE_ALL),
    "escaped": written(doublequote=False, escapechar="\\"),
    "escaped, every cell in quotes": written(doublequote=False, escapechar="\\", quoting=csv.QUOTE_ALL, delimiter=";"),
    "escaped by PostgreSQL": by_postgresql(),
    "text format": in_copy_text(),
    "blank lines first": "\n\r\n" + PLAIN,
    "sep=": "sep=;\r\n" + written(delimiter=";"),
    "#TYPE": "#TYPE System.Data.DataRow\r\n" + written(quoting=csv.QUOTE_ALL),
    "capitals": ",".join(REGISTRY_COLUMNS).upper() + PLAIN[len(",".join(REGISTRY_COLUMNS)) :],
    "UTF-16": PLAIN.encode("utf-16"),
    "UTF-16 without a mark": PLAIN.encode("utf-16-le"),
    "UTF-32": PLAIN.encode("utf-32"),
    "compressed UTF-16": gzip.compress(written(delimiter="\t").encode("utf-16")),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_dialect_of_csv(take, form):
    summary = take(FORMS[form])
    assert counts(summary) == (2, 0, 0, 0, 0)
    assert stored() == [('"a".tar', HARD), ("b;.tar", PATH)]
    assert ("undone" in " ".join(summary.notices)) == (form.startswith("escaped") or form == "text format")


@pytest.mark.parametrize("header", ['"",', ",", "Unnamed: 0,", ""])
def test_a_column_that_only_numbers_the_rows(take, header):
    lines = PLAIN.replace('said ""no""\n', "said ").split("\r\n")
    text = "\r\n".join([header + lines[0], "1," + lines[1], "2," + lines[2], ""])
    summary = take(text)
    assert counts(summary) == (2, 0, 0, 0, 0)
    assert summary.ignored_columns == set()


def test_a_row_with_a_cell_too_many_is_no_row_name(take):
    text = registry_csv(registry(id="1"), registry(id="2")).replace("2021", "2021", 1)
    lines = text.split("\r\n")
    summary = take("\r\n".join([lines[0], "1," + lines[1], lines[2], ""]))
    assert counts(summary) == (1, 0, 0, 0, 1)


@pytest.mark.parametrize(
    ("notes", "delimiter", "reason"),
    [([r"\\\\a\\b"], ",", "come only in pairs"), ([r"a\nb", r"c\\d"], "\t", "may stand for line breaks")],
)
def test_backslashes_that_nothing_explains_stop_the_import(take, notes, delimiter, reason):
    text = written(
        [registry(id=str(n), name=f"{n}.tar", note=note) for n, note in enumerate(notes, 1)], delimiter=delimiter
    )
    with pytest.raises(UnreadableFile, match=f"{reason}.*format csv, header.*--backslashes"):
        take(text)
    assert not WorkItem.objects.exists()
    assert counts(take(text, backslashes="plain"))[0] == len(notes)
    assert [note for _name, note in stored()] == notes


def test_the_user_says_that_backslashes_are_escapes(take):
    take(written([registry(note=r"\\\\a\\b")]), backslashes="escaped")
    assert stored()[0][1] == r"\\a\b"


def test_single_backslashes_that_may_be_escapes_are_named(take):
    summary = take(registry_csv(registry(note=r"C:\new"), registry(id="72", name="b.tar")))
    assert stored()[0][1] == r"C:\new"
    assert summary.remarks[Remark.BACKSLASHES].ids == [71]


# --- JSON


JSON_ROWS = [
    {**pharos(id=71, name='"a".tar', note=HARD), "date": "2021-03-04T05:06:07", "updated_at": "2021-03-05T05:06:07"},
    {**pharos(id=72, name="b;.tar", note=PATH), "date": "2021-03-04T05:06:07", "updated_at": "2021-03-05T05:06:07"},
]
for row in JSON_ROWS:
    row |= {"created_at": "2021-03-04T05:06:07", "bag_date": None}


def copied(text):
    """What `\\copy` makes of each line of a result."""
    return text.replace("\\", "\\\\").replace("\n", "\\n") + "\n"


ROW_TO_JSON = "".join(copied(json.dumps(row)) for row in JSON_ROWS)
JSON_AGG = "[" + ", \n ".join(json.dumps(row) for row in JSON_ROWS) + "]"


@pytest.mark.parametrize(
    "text",
    [
        ROW_TO_JSON,
        copied(JSON_AGG),
        gzip.compress(ROW_TO_JSON.encode()),
        copied(json.dumps(JSON_ROWS[0])) + copied(json.dumps(JSON_ROWS[1])),
    ],
)
def test_backslashes_that_copy_doubled_are_undone(take, text):
    summary = take(text)
    assert counts(summary) == (2, 0, 0, 0, 0)
    assert stored() == [('"a".tar', HARD), ("b;.tar", PATH)]
    assert "doubled ones were undone" in summary.notices[0]


@pytest.mark.parametrize(
    "text", [json_lines(*JSON_ROWS), JSON_AGG, json.dumps(JSON_ROWS, indent=1), list_reply(*JSON_ROWS)]
)
def test_json_that_nobody_doubled_stays(take, text):
    summary = take(text)
    assert stored() == [('"a".tar', HARD), ("b;.tar", PATH)]
    assert summary.notices == []


def test_pairs_of_backslashes_that_nothing_explains_stop_the_import(take):
    """`\\\\n` is a line break that was doubled, or a backslash and an n."""
    text = json.dumps({**JSON_ROWS[1], "note": r"C:\new"}) + "\n"
    with pytest.raises(UnreadableFile, match=r"psql -At -c.*--backslashes escaped"):
        take(text)
    take(text, backslashes="plain")
    assert stored()[0][1] == r"C:\new"


def test_the_user_says_that_copy_wrote_it(take):
    take(json.dumps({**JSON_ROWS[1], "note": r"C:\new"}), backslashes="escaped")
    assert stored()[0][1] == "C:\new"


def test_a_reply_of_the_api_is_never_doubted(take):
    take(json_lines(pharos(note=r"C:\new")))
    assert stored()[0][1] == r"C:\new"


def test_plus_signs_of_psql(take):
    shown = "\n".join(f"{line:<2000}+" for line in JSON_AGG.split("\n"))
    summary = take(" " + shown[:-1].rstrip() + "\n\n")
    assert stored() == [('"a".tar', HARD), ("b;.tar", PATH)]
    assert "plus signs" in summary.notices[0]


@pytest.mark.parametrize("key", ["work_items", "items", "data"])
@pytest.mark.parametrize("indent", [None, 2])
def test_rows_under_another_key(take, key, indent):
    assert counts(take(json.dumps({"schema": {"a": 1}, key: JSON_ROWS}, indent=indent))) == (2, 0, 0, 0, 0)


def test_dumpdata(take):
    owner = {"model": "accounts.institution", "pk": 9, "fields": {"identifier": "columbia.edu", "name": "Columbia"}}
    user = {"model": "accounts.user", "pk": 1, "fields": {"email": "x"}}
    fields = {name: value for name, value in JSON_ROWS[0].items() if name not in ("id", "institution")} | {"user": ""}
    item = {"model": "workitems.workitem", "pk": 71, "fields": {**fields, "institution": 9}}
    summary = take(json.dumps([owner, user, item], indent=2))
    assert counts(summary) == (1, 0, 0, 0, 0)
    assert summary.ignored_tables == {"accounts.user": 1}
    assert not any("emptied" in line for line in summary.notices)
    item = WorkItem.objects.get()
    assert (item.pk, item.note, item.institution.identifier, item.institution.name) == (
        71,
        HARD,
        "columbia.edu",
        "Columbia",
    )


@pytest.mark.parametrize("shape", ["jq .", "jq -s ."])
def test_an_export_that_was_reformatted(take, shape):
    take(json_lines(*JSON_ROWS))
    lines = [json.loads(line) for line in "".join(export_lines()).splitlines()]
    text = (
        json.dumps(lines, indent=2) if shape == "jq -s ." else "\n".join(json.dumps(line, indent=2) for line in lines)
    )
    summary = take(text)
    assert counts(summary) == (0, 0, 2, 0, 0)
    assert summary.is_complete
    assert HistoryEntry.objects.count() == 2
    cut = json.dumps(lines[:-1], indent=2)
    assert "last line is missing" in take(cut).cut_short[0]


# --- quotes that are part of a text, other quotes, and PostgreSQL's text format with other delimiters

QUOTES = [
    registry(id="71", name="a.tar", note='"all of it"'),
    registry(id="72", name="b.tar", note='said "no"'),
    registry(id="73", name="c.tar", note="it's 'so'"),
]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_quotes_without_quoting_are_part_of_the_text(take, delimiter):
    """As psql -A, sqlite3 -list, and other programs write that know no quotes."""
    lines = [REGISTRY_COLUMNS, *([row[name] for name in REGISTRY_COLUMNS] for row in QUOTES)]
    summary = take("".join(delimiter.join(line) + "\n" for line in lines))
    assert [note for _name, note in stored()] == ['"all of it"', 'said "no"', "it's 'so'"]
    assert "each quote is taken as part of a text" in summary.notices[0]


def test_quotes_inside_quoted_cells_are_no_sign_of_missing_quoting(take):
    take(written([registry(id="71", note='"all, of" it, a "b" c'), registry(id="72", name="b.tar", note='"x"')]))
    assert [note for _name, note in stored()] == ['"all, of" it, a "b" c', '"x"']


def test_quotes_that_may_be_part_of_a_text_are_told(take):
    """A program that puts only cells with a delimiter in quotes leaves no sign of what other quotes mean."""
    rows = written([registry(id="71", note="NOTE1"), registry(id="72", note="NOTE2"), registry(id="73", note="NOTE3")])
    rows = rows.replace("NOTE1", '"a, b"').replace("NOTE2", 'said "no"').replace("NOTE3", '"all of it"')
    summary = take(rows)
    assert [note for _name, note in stored()] == ["a, b", 'said "no"', "all of it"]
    assert summary.remarks[Remark.BACKSLASHES].ids == [71, 72, 73]


@pytest.mark.parametrize("note", ["it's 11; a, b", "two\nlines, it's", "\"x\", 'y'"])
def test_single_quotes_around_cells(take, note):
    take(written([registry(id="71", note=note)], quotechar="'"))
    assert stored() == [("ncsu.1840.16-1004.tar", note)]


def test_empty_texts_in_single_quotes(take):
    take(written([registry(id="71", note="")]).replace("Bag", "").replace(",,Ingest", ",'',Ingest"))
    assert stored()[0][1] == ""


def test_single_quotes_that_are_part_of_the_texts(take):
    rows = [registry(id="71", note="'a'"), registry(id="72", name="'b'.tar", note="'c")]
    take(written(rows))
    assert stored() == [("ncsu.1840.16-1004.tar", "'a'"), ("'b'.tar", "'c")]


@pytest.mark.parametrize("delimiter", [",", "|", ";"])
@pytest.mark.parametrize("null", [r"\N", ""])
def test_the_text_format_of_postgresql_with_another_delimiter(take, delimiter, null):
    def cell(value):
        escaped = value.replace("\\", "\\\\").replace("\n", "\\n").replace(delimiter, f"\\{delimiter}")
        return escaped.replace("\t", "\\t") or null

    lines = [REGISTRY_COLUMNS, *([cell(row[name]) for name in REGISTRY_COLUMNS] for row in ROWS)]
    take("".join(delimiter.join(line) + "\n" for line in lines))
    assert stored() == [('"a".tar', HARD), ("b;.tar", PATH)]


@pytest.mark.parametrize("delimiter", ["\t", ","])
def test_quoted_texts_beside_nulls_lose_their_quotes(take, delimiter):
    """MySQL's `INTO OUTFILE … ENCLOSED BY '"'`."""
    quoted = {"name", "note", "etag", "bucket", "user", "action", "stage", "status"}

    def cell(name, value):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\\n")
        return f'"{escaped}"' if name in quoted else value or r"\N"

    lines = [",".join(REGISTRY_COLUMNS).replace(",", delimiter)]
    lines += [delimiter.join(cell(name, row[name]) for name in REGISTRY_COLUMNS) for row in ROWS]
    take("\n".join(lines) + "\n")
    assert stored() == [('"a".tar', HARD), ("b;.tar", PATH)]


# --- files that are something else


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK\x03\x04...[Content_Types].xml...xl/workbook.xml", r"Excel workbook \(xlsx\).*CSV UTF-8"),
        (b"PK\x03\x04mimetypeapplication/vnd.oasis.opendocument.spreadsheet", r"\(ods\)"),
        (b"PK\x03\x04items.json", "zip archive.*Unpack"),
        (b"PAR1\x15\x04", "Parquet.*duckdb"),
        (b"SQLite format 3\0", "SQLite database.*sqlite3 -json"),
        (b"PGDMP\x01\x0e", "pg_dump archive.*pg_restore"),
        (b"--\n-- PostgreSQL database dump\n--\n", "SQL dump of PostgreSQL"),
        (b"PGCOPY\n\xff\r\n\0", "binary"),
        (b"\xfd7zXZ\0\0", "xz -d"),
        (b"BZh91AY", "bzip2 -d"),
        (b"\x28\xb5\x2f\xfd\x04", "zstd -d"),
        (b"x" * 257 + b"ustar\0", "tar archive"),
        (b"<!DOCTYPE html><title>Sign in", "web page.*login page"),
        (b"\xef\xbb\xbf<!-- saved --> <html><title>Sign in", "web page.*login page"),
        (b'<table border="1">\n  <tr>', "HTML"),
        (b"<?xml version='1.0'?>", "XML document"),
        (b"<work_items><row>", "XML document"),
        (b"---\n- id: 71\n  name: a.tar\n", "YAML document"),
        (b"\x04\x22\x4d\x18d", "lz4 -d"),
        (b"LZIP\x01", "lzip -d"),
        (b"]\0\0\x80\0", "lzma.*xz -d"),
        (b"\x1f\x9d\x90", "gzip -d"),
        (gzip.compress(gzip.compress(b"id,name", mtime=0), mtime=0), "gzip twice"),
        (b"Rar!\x1a\x07\x01\0", "RAR archive.*Unpack"),
        (b"PK\x05\x06" + bytes(18), "empty zip archive"),
        (b"Obj\x01\x04\x14avro.codec", "Avro"),
        (b"ORC\n\x0b\x03", "ORC"),
        (b"FEA1\0\0", "Feather"),
        (b"X\n\0\0\0\x03", r"R \(RDS\).*write\.csv"),
        (b"\0\x01\0\0Standard ACE DB\0", "Access database"),
        (b"{\\rtf1\\ansi id}", "RTF"),
        (b"ID;PSCALC3\n", "SYLK"),
        (b"\x01\x02\x03\0\x05", "binary data"),
        (b"-----BEGIN PGP MESSAGE-----\n", "gpg -d"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"/*M!999999 sandbox */ \n-- MariaDB dump 10.19", "dump of MySQL"),
        (b"-- a dump\n/* of */ BEGIN;\nCREATE TABLE", "SQL statements"),
        (b"COPY public.work_items (id, name) FROM stdin;\n", "SQL statements"),
        (b"INSERT INTO work_items VALUES", "SQL statements"),
        (b"%PDF-1.7", "PDF"),
        (b" id | name | action \n----+------+--------\n", "on a screen"),
        (b"+----+------+\n| id | name |\n+----+------+\n", "on a screen"),
        (b"1\t2021-01-01\tx" + b"\t\\N" * 20 + b"\n", "text format, which has no header"),
        (b'{"id":{"0":1},"name":{"0":"a"}}', r"orient='records'"),
        (b'{"columns":["id"],"index":[0],"data":[[1]]}', r"orient='records'"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("packed", [bytes, gzip.compress], ids=["bare", "gz"])
def test_a_file_that_is_something_else_is_named(take, content, reason, packed):
    with pytest.raises(UnreadableFile, match=reason):
        take(packed(content))
