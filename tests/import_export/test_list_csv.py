"""A list as CSV opens right in a spreadsheet, and comes back from it."""

import csv
import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from workitems.import_export import csv_lines, import_files
from workitems.import_export.importing.remarks import Remark
from workitems.import_export.lists import LIST_COLUMNS, PROCESS_COLUMNS
from workitems.import_export.reading import DERIVED_COLUMNS
from workitems.import_export.spreadsheet_cells import NOTE_LIMIT, guard, is_shortened, shorten, unguard
from workitems.models import WorkItem

from ..factories import make_item
from .importing_samples import counts, write

pytestmark = pytest.mark.django_db

TEXTS = st.text(st.sampled_from("=+-@＝'\" ;|\t\r\na1e0"), max_size=30) | st.text(max_size=30)


@given(TEXTS)
@example("5260181590830171234567890123456")
@example("'5260181590830171234567890123456")
@example("1234567890123456789012345678e123")
@example("'007")
@example("''true")
@example("\n\n'=x")
@example("a;'=1")
def test_the_guard_can_be_taken_off(text):
    assert unguard(guard(text)) == text


@given(TEXTS)
@example('a;"=1+1"')
@example("line\n =1+1")
@example("a\t@SUM(A1)")
@example("＝1+1")
def test_no_cell_is_a_formula_however_the_line_is_split(text):
    line = io.StringIO(newline="")
    csv.writer(line).writerow(["x", guard(text), "y"])
    for separator in ";\t|":
        for cell in re.split(rf"[{re.escape(separator)}\r\n]", line.getvalue())[1:]:
            assert cell.lstrip('" ')[:1] not in tuple("=+-@＝"), (separator, cell)


@pytest.mark.parametrize(
    "text", ["52601815908301712345678901234567", "1234567890123456789012345678e123", "007", "1e5", "true", "2021-03-04"]
)
def test_what_a_spreadsheet_would_rewrite_is_guarded(text):
    assert guard(text) == f"'{text}"


@pytest.mark.parametrize("text", ["12345", "0", "d18720b9ec3c24e0e6370fb4ff42b132", "a note of 2021-03-04", ""])
def test_what_stays_in_a_spreadsheet_is_not_guarded(text):
    assert guard(text) == text


@pytest.mark.parametrize(("length", "is_cut"), [(NOTE_LIMIT, False), (NOTE_LIMIT + 1, True), (100_000, True)])
def test_a_note_fits_a_cell(length, is_cut):
    cell = shorten("é" * length, "https://pharos.example.org/items/7")
    assert len(cell) < 32_767
    assert cell.endswith("\n[…] https://pharos.example.org/items/7") == is_cut
    assert is_shortened(cell, 7) == is_cut
    assert not is_shortened(cell, 8)


def test_a_note_of_many_bullets_fits_a_cell():
    assert len(shorten("- x\n" * 8000, "/items/7")) < 32_767


def test_every_column_of_an_item_is_in_the_list_or_left_out_on_purpose():
    columns = {column.name for column in WorkItem._meta.concrete_fields}
    assert {*LIST_COLUMNS, *PROCESS_COLUMNS} == columns - DERIVED_COLUMNS


def as_file(user, **options):
    return "".join(csv_lines(WorkItem.objects.order_by("id"), user=user, **options))


def in_a_semicolon_country(text):
    """As a spreadsheet saves it there: without the mark, other separators, times rounded to seconds."""
    rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerows(
        [re.sub(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.\d+Z$", r"\1Z", cell) for cell in row] for row in rows
    )
    return out.getvalue()


@pytest.mark.parametrize("saved", [str, in_a_semicolon_country])
@pytest.mark.parametrize("who", ["dora", "ada"])
def test_a_list_comes_back_unchanged(request, virginia, tmp_path, who, saved):
    make_item(virginia, name="=1+1.tar", note="- one\n- two;=x", etag="52601815908301712345678901234567")
    make_item(virginia, name="'quoted.tar", note="x" * 40_000, node="w1", pid=7)
    before = list(WorkItem.objects.order_by("id").values())
    text = saved(as_file(request.getfixturevalue(who)))
    summary = import_files([write(tmp_path, "list.csv", text)])
    assert counts(summary) == (0, 0, 2, 0, 0)
    assert summary.rows_with(Remark.CUT_BY_LIST) == 1
    assert list(WorkItem.objects.order_by("id").values()) == before


@pytest.mark.parametrize("saved", [str, in_a_semicolon_country])
def test_an_edited_list_comes_back(virginia, ada, tmp_path, saved):
    make_item(virginia, note="old; =guarded")
    text = saved(as_file(ada)).replace("old", "new")
    assert counts(import_files([write(tmp_path, "list.csv", text)])) == (0, 1, 0, 0, 0)
    item = WorkItem.objects.get()
    assert item.note == "new; =guarded"
    assert item.history.get(number=2).note == item.note


def test_a_cut_note_of_an_item_that_is_new_is_named(virginia, ada, tmp_path):
    item = make_item(virginia, note="x" * 40_000)
    text = as_file(ada).replace(f"\r\n{item.pk},", "\r\n999999,").replace(f"/items/{item.pk}", "/items/999999")
    summary = import_files([write(tmp_path, "list.csv", text)])
    assert summary.remarks[Remark.CUT_NOTE_NEW].ids == [999_999]


def test_the_page_gives_the_whole_address(client, dora, item):
    WorkItem.objects.filter(pk=item.pk).update(note="x" * 40_000)
    client.force_login(dora)
    reply = client.get("/items/?format=csv")
    text = b"".join(reply.streaming_content).decode()
    assert text.startswith("\ufeffid,")
    assert f"\n[…] http://testserver/items/{item.pk}" in text
