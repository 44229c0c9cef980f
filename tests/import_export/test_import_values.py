"""What programs do to values on their way: undone where it is certain, and named where it is not."""

from datetime import UTC, datetime, timedelta

import pytest

from workitems import transitions
from workitems.import_export import summary_lines
from workitems.import_export.importing.remarks import Noted, Remark, describe_ids
from workitems.import_export.importing.times import is_before, is_same_time
from workitems.models import HistoryEntry, WorkItem

from .importing_samples import (
    INSTITUTIONS,
    counts,
    json_lines,
    pharos,
    reader_of_rejects,
    registry,
    registry_csv,
    taker,
    write,
)

pytestmark = pytest.mark.django_db
LATER = "2022-01-01T00:00:00Z"


@pytest.fixture
def take(tmp_path):
    write(tmp_path, "institutions.csv", INSTITUTIONS)
    return taker(tmp_path)


@pytest.fixture
def refused(tmp_path):
    return reader_of_rejects(tmp_path)


# --- numbers, words, and times


@pytest.mark.parametrize(
    ("written", "meant", "remark"),
    [
        ("1000.0", 1000, Remark.WITH_POINT),
        ("1000,00", 1000, Remark.WITH_POINT),
        ("5e+12", 5_000_000_000_000, Remark.SCIENTIFIC),
        ("5,26E+012", 5_260_000_000_000, Remark.SCIENTIFIC),
        ("9007199254740993", 2**53 + 1, Remark.BEYOND_EXACT),
        *((word, None, Remark.NOT_SET) for word in ("NA", "NaN", "null", r"\N", "None", "#N/A", "nan")),
    ],
)
def test_whole_numbers_as_programs_write_them(take, written, meant, remark):
    summary = take(registry_csv(registry(size=written)))
    assert WorkItem.objects.get().size == meant
    assert summary.remarks[remark].ids == [71]


@pytest.mark.parametrize(
    ("exact", "written", "stays"),
    [
        (5_260_181_590_830, "5.26018E+12", True),
        (5_260_181_590_830, "5,26E+12", True),
        (5_260_181_590_830, "5.27E+12", False),
        (5_260_181_590_830, "5260181590831.0", False),
        (2**53 + 1, "9007199254740992", True),
        (2**53 + 1, "9007199254740999", False),
    ],
)
def test_a_rounded_number_does_not_replace_the_exact_one(take, exact, written, stays):
    take(registry_csv(registry(size=str(exact))))
    summary = take(registry_csv(registry(size=written, updated_at=LATER)))
    assert (WorkItem.objects.get().size == exact) is stays
    assert (Remark.KEPT_NUMBER in summary.remarks) is stays


@pytest.mark.parametrize("written", ["1.5", "5.5e+0", "1e+30", "9007199254740993.0", "1.234", "1e-3", "1e999999999"])
def test_a_number_that_may_be_another_stays_out(take, refused, written):
    assert counts(take(registry_csv(registry(size=written)))) == (0, 0, 0, 0, 1)
    assert f'size is "{written}", not a whole number' in refused()[0]["reason"]


@pytest.mark.parametrize("column", ["id", "size", "institution_id"])
@pytest.mark.parametrize("written", ["1,000", "21.000", "266,000", "-1,000"])
def test_a_number_that_may_have_a_separator_of_thousands_stays_out(take, refused, column, written):
    assert counts(take(registry_csv(registry(**{column: written})))) == (0, 0, 0, 0, 1)
    assert f'{column} is "{written}", which is' in refused()[0]["reason"]


@pytest.mark.parametrize("written", ["1000.000", "1,00", "1.0000", "0.000"])
def test_zeros_that_cannot_be_thousands_are_after_the_point(take, written):
    take(registry_csv(registry(size=written)))
    assert WorkItem.objects.get().size == float(written.replace(",", "."))


@pytest.mark.parametrize(
    ("written", "meant"),
    [("1.0", True), ("0.0", False), ("True", True), ("FALSE", False), ("WAHR", True), ("FALSCH", False), ("NA", False)],
)
def test_yes_and_no_as_programs_write_them(take, written, meant):
    take(registry_csv(registry(retry=written)))
    assert WorkItem.objects.get().retry is meant


@pytest.mark.parametrize(
    "written",
    [
        "0001-01-01 00:00:00",
        "0001-12-31 19:03:58-04:56:02 BC",
        "0001-01-01 05:30:00+05:30",
        "0001-01-02T00:00:00+14:00",
        "0000-00-00 00:00:00",
        "NaT",
        "NA",
    ],
)
def test_times_that_mean_not_set(take, written):
    take(registry_csv(registry(bag_date=written)))
    assert WorkItem.objects.get().bag_date is None


def test_the_year_that_csvkit_makes_of_year_1_is_named(take):
    summary = take(registry_csv(registry(bag_date="2001-01-01T00:00:00")))
    assert summary.remarks[Remark.YEAR_2001].ids == [71]
    assert WorkItem.objects.get().bag_date == datetime(2001, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("word", ["NA", "null", r"\N"])
def test_a_word_for_a_missing_value_stays_a_text(take, word):
    summary = take(registry_csv(registry(note=word)))
    assert WorkItem.objects.get().note == word
    assert summary.remarks[Remark.WORD_KEPT].examples[0].startswith("note ")


@pytest.mark.parametrize(("length", "is_told"), [(32_767, True), (32_766, False), (32_768, False)])
def test_a_note_that_a_spreadsheet_has_cut(take, length, is_told):
    summary = take(registry_csv(registry(note="x" * length)))
    assert (Remark.CUT_BY_SHEET in summary.remarks) == is_told


def test_the_error_of_a_spreadsheet(take, refused):
    summary = take(registry_csv(registry(name="#NAME?"), registry(id="72", note="#WERT!")))
    assert counts(summary) == (1, 0, 0, 0, 1)
    assert "took it for a formula" in refused()[0]["reason"]
    assert summary.remarks[Remark.SHEET_ERROR].ids == [72]
    assert any("went through a spreadsheet" in line for line in summary.notices)


def rows_of(number=6, **fields):
    return registry_csv(*(registry(id=str(n), name=f"{n}.tar", **fields) for n in range(1, number + 1)))


def test_times_that_were_cut_are_told(take):
    summary = take(rows_of(created_at="2021-03-04 05:06:07", date_processed="2021-03-04 05:06:07.123"))
    told = " ".join(summary.notices)
    assert "All times in created_at, updated_at of" in told
    assert "(6 rows) are in whole seconds" in told
    assert "All times in date of" in told
    assert "milliseconds" in told


def test_line_breaks_that_were_replaced_are_told(take):
    assert any("Windows line breaks" in line for line in take(rows_of(note="a\nb")).notices)
    assert not any("Windows line breaks" in line for line in take(rows_of(note="a\r\nb")).notices)


def test_texts_that_may_have_been_emptied_are_told(take):
    assert any("ids 1–6" in line for line in take(rows_of(node="")).notices if "emptied texts" in line)
    marked = rows_of(node="").replace(",,", ',"",', 1)
    assert not any("emptied texts" in line for line in take(marked).notices)


@pytest.mark.parametrize("note", ["'=1+1", "'-5", "'+49", "'@x", "'\tx"])
def test_an_apostrophe_for_spreadsheets_in_a_dump_is_told(take, note):
    """A list of ours is the only file in which it is certainly ours."""
    summary = take(registry_csv(registry(note=note), registry(id="72", note="'quoted'")))
    assert WorkItem.objects.get(pk=71).note == note
    assert summary.remarks[Remark.GUARDED].ids == [71]


def test_programs_that_put_every_text_in_quotes_may_have_emptied_some(take):
    """PostgreSQL puts only empty texts in quotes, and no header. R and pyarrow put all in quotes, and NA in none."""
    quoted = rows_of(node="").replace("id,", '"id",', 1).replace(",,", ',"",', 1)
    assert any("emptied texts" in line for line in take(quoted).notices)


@pytest.mark.parametrize(
    ("note", "kind"), [("a\nb", "Windows line breaks"), ("a\r\nb", "Unix line breaks"), ("a\nb\r\nc", "")]
)
def test_line_breaks_that_may_have_been_replaced_are_told(take, note, kind):
    said = [line for line in take(rows_of(note=note)).notices if "line breaks" in line]
    assert [kind in line for line in said] == ([True] if kind else [])


def test_a_file_that_is_not_utf8_may_lack_characters(take, refused):
    rows = [registry(id="1", name="Größe.tar"), registry(id="2", name="?? 2.tar")]
    summary = take(registry_csv(*rows).encode("latin-1"))
    assert counts(summary) == (1, 0, 0, 0, 1)
    assert "name is not UTF-8" in refused()[0]["reason"]
    assert any("is not in UTF-8: 1 row rejected" in line for line in summary.notices)


# --- clocks


T = datetime(2021, 3, 4, 5, 6, 7, 123_456, tzinfo=UTC)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (T, T, True),
        (T, T.replace(microsecond=123_000), True),
        (T.replace(microsecond=123_500), T.replace(microsecond=124_000), True),
        (T, T.replace(microsecond=124_000), False),
        (T, T.replace(microsecond=0), True),
        (T.replace(microsecond=500_000), T.replace(microsecond=0, second=8), True),
        (T, T.replace(microsecond=123_457), False),
        (T, T.replace(microsecond=125_000), False),
        (T, T.replace(microsecond=0, second=9), False),
        (T, None, False),
    ],
)
def test_times_are_equal_down_to_the_coarser_precision(one, other, same):
    assert is_same_time(one, other) is same
    if other:
        assert is_before(one, other) is (not same and one < other)


@pytest.mark.parametrize(
    "rounded", ["2021-03-05T05:06:07.523Z", "2021-03-05T05:06:07.524Z", "2021-03-05T05:06:07Z", "2021-03-05T05:06:08Z"]
)
def test_an_edited_sheet_with_rounded_times_is_taken(take, rounded):
    take(json_lines(pharos(updated_at="2021-03-05T05:06:07.523500Z", queued_at="2021-03-04T05:06:07.999999Z")))
    summary = take(json_lines(pharos(updated_at=rounded, queued_at="2021-03-04T05:06:08Z", note="edited")))
    assert (summary.updated, summary.newer_here) == (1, 0)
    assert summary.remarks[Remark.SAME_TIMES].groups == {"queued_at": [71]}
    item = WorkItem.objects.get()
    assert item.note == "edited"
    assert item.queued_at.microsecond == 999_999
    assert item.history.get(number=2).changes == {}
    assert item.updated_at > datetime(2021, 3, 6, tzinfo=UTC)  # the edit is made now, and callers must see it


def test_the_file_before_the_edit_does_not_undo_it(take):
    take(json_lines(pharos()))
    take(json_lines(pharos(note="edited")))
    assert counts(take(json_lines(pharos()))) == (0, 0, 0, 1, 0)
    assert WorkItem.objects.get().note == "edited"


def test_milliseconds_are_no_change(take):
    take(json_lines(pharos(date="2021-03-04T05:06:07.5Z")))
    before = list(WorkItem.objects.values())
    assert counts(take(json_lines(pharos(date="2021-03-04T05:06:07Z")))) == (0, 0, 1, 0, 0)
    assert list(WorkItem.objects.values()) == before


def test_line_ends_are_no_change(take):
    take(json_lines(pharos(note="a\r\nb")))
    summary = take(json_lines(pharos(note="a\nb", updated_at=LATER)))
    assert (summary.unchanged, summary.rows_with(Remark.SAME_LINE_ENDS)) == (1, 1)
    assert WorkItem.objects.get().note == "a\r\nb"


def test_what_was_left_is_named(take):
    take(json_lines(pharos(updated_at=LATER), pharos(id=72, name="b.tar", updated_at=LATER)))
    summary = take(json_lines(pharos(note="x", retry=False), pharos(id=72, name="b.tar", note="y")))
    assert summary.newer_here == 2
    assert "2 rows skipped because the item is newer here; what differs: note, retry (id 71), note (id 72)." in [
        *summary_lines(summary)
    ]


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(days=400)])
def test_a_file_from_the_future_does_not_undo_what_is_done_here(take, ada, ahead):
    """Another server's clock is ahead; the same file comes again after an admin has cancelled the item."""
    future = (datetime.now(UTC) + ahead).isoformat()
    take(json_lines(pharos(updated_at=future)))
    before = WorkItem.objects.get().updated_at
    transitions.cancel(WorkItem.objects.get(), by=ada, note="No.")
    assert WorkItem.objects.get().updated_at > before
    for rounded in (future, future[:23] + "Z", future[:19] + "Z"):
        assert counts(take(json_lines(pharos(updated_at=rounded)))) == (0, 0, 0, 1, 0)
    assert WorkItem.objects.get().status == "Cancelled"


def test_a_clock_that_was_set_back_hides_no_change(item, ada):
    WorkItem.objects.filter(pk=item.pk).update(updated_at=T)
    for note in ("one", "two"):
        before = WorkItem.objects.get().updated_at
        transitions.edit(WorkItem.objects.get(), by=ada, note=note, at=T - timedelta(hours=1))
        assert WorkItem.objects.get().updated_at > before


def test_an_import_never_sets_updated_at_back(take):
    sound = "05260181590830171234567890123456"
    take(json_lines(pharos(updated_at="2999-01-01T00:00:00Z", etag="5,26E+030")))
    take(json_lines(pharos(etag=sound)))
    assert WorkItem.objects.get().etag == sound
    assert WorkItem.objects.get().updated_at > datetime(2999, 1, 1, tzinfo=UTC)
    assert HistoryEntry.objects.count() == 2


def test_ids_are_named_as_ranges():
    noted = Noted()
    for number in (9, 1, 2, 3, 7):
        noted.add(number, "")
    assert describe_ids(noted) == "ids 1–3, 7, 9"
    for number in range(100, 1000, 2):
        noted.add(number, "")
    assert describe_ids(noted).endswith("and 55 more")


# --- what an open restoration or deletion is about, and when an item was finished

DONE = {"stage": "Cleanup", "status": "Success"}


def test_the_numbers_of_the_registry_are_kept(take):
    numbers = {
        "intellectual_object_id": "12",
        "generic_file_id": "0",
        "deletion_request_id": "7",
        "storage_option": "Glacier-OH",
    }
    summary = take(
        registry_csv(registry() | {name: numbers.get(name, "") for name in numbers if name != "storage_option"})
    )
    item = WorkItem.objects.get()
    assert (item.intellectual_object_id, item.generic_file_id, item.deletion_request_id) == (12, None, 7)
    assert summary.ignored_columns == set()


@pytest.mark.parametrize(
    ("fields", "finished"),
    [
        ({**DONE, "finished_at": "2021-03-05T00:00:00Z"}, True),
        ({**DONE, "finished_at": None}, False),
        (DONE, False),
        ({"finished_at": "2021-03-05T00:00:00Z"}, False),  # an open item has not been finished
    ],
)
def test_when_an_item_was_finished(take, fields, finished):
    take(json_lines(pharos(**fields)))
    assert (WorkItem.objects.get().finished_at is not None) is finished
    assert counts(take(json_lines(pharos(**fields)))) == (0, 0, 1, 0, 0)


def test_an_item_that_is_opened_again_elsewhere_is_not_finished(take):
    take(json_lines(pharos(**DONE, finished_at="2021-03-05T00:00:00Z")))
    take(json_lines(pharos(updated_at=LATER)))
    assert WorkItem.objects.get().finished_at is None


def test_a_file_that_does_not_say_when_an_item_was_finished_leaves_it(take):
    take(json_lines(pharos(**DONE, finished_at="2021-03-05T00:00:00Z")))
    take(json_lines(pharos(**DONE, note="x", updated_at=LATER)))
    assert WorkItem.objects.get().finished_at == datetime(2021, 3, 5, tzinfo=UTC)
