"""Running an import: incomplete files, batches, what stops it, and what the command prints."""

import gzip
import io
import json
import os
import threading

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import OperationalError, connection

from pharos.accounts.models import Institution
from workitems import transitions
from workitems.import_export import ImportStopped, UnreadableFile, export_lines, import_files
from workitems.import_export.importing import sources
from workitems.models import HistoryEntry, WorkItem

from ..stored_items import rolled_back
from .importing_samples import INSTITUTIONS, counts, json_lines, list_reply, pharos, registry_csv, taker, write

pytestmark = pytest.mark.django_db


@pytest.fixture
def take(tmp_path):
    return taker(tmp_path)


# --- files that are not whole, or nothing


@pytest.mark.parametrize(
    "cut", [json.dumps([pharos(id=1), pharos(id=2)])[:-30], list_reply(pharos(id=1), pharos(id=2))[:-60]]
)
def test_a_truncated_document(take, cut):
    summary = take(cut)
    assert counts(summary) == (1, 0, 0, 0, 0)
    assert "after item 1" in summary.cut_short[0]
    assert not summary.is_complete


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[%s, ]", "a value should be there"),
        ("[%s] 7", "“[” should be there"),
        ('[%s "x"]', "“,” should be there"),
        ('[%s, "not closed]', "has no end"),
        ('{"results": [%s], 7: 8}', "a name in quotes should be there"),
        ('{"results": [%s], "next" 8}', "“:” should be there"),
        ('{"results": [%s], "next":', "but the end is"),
    ],
)
def test_a_document_that_becomes_invalid_json(take, content, reason):
    summary = take(content % json.dumps(pharos(), indent=1))
    assert counts(summary) == (1, 0, 0, 0, 0)
    assert "after item 1" in summary.cut_short[0]
    assert reason in summary.cut_short[0]


def test_an_unterminated_item_does_not_fill_the_memory(take, monkeypatch):
    monkeypatch.setattr("workitems.import_export.importing.json_documents.LONGEST_ROW", 100_000)
    monkeypatch.setattr("workitems.import_export.importing.json_documents._PIECE", 10_000)
    summary = take(json.dumps([pharos(), pharos(id=2, note="x" * 200_000)]))
    assert counts(summary) == (1, 0, 0, 0, 0)
    assert "after item 1 is longer than 100000 characters" in summary.cut_short[0]


def test_a_truncated_compressed_file(take):
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
        ("hello,world\n1,2\n", "not in a format that can be imported"),
        (b"\x00\x01\x02", "binary data of an unknown kind"),
        (INSTITUTIONS, "table of institutions"),
        ('{"format": "pharos-work-items", "version": 99}\n', "version 99"),
        (registry_csv().replace(",institution_id", ""), "lacks institution_id"),
        (registry_csv().replace("stage,status,", "").replace(",name", ""), "lacks name, stage, status"),
        (registry_csv().replace(",size", ",size,name,note"), r"items\.json names name, note twice"),
        (gzip.compress(json_lines(pharos()).encode(), mtime=0)[:30], r"compressed file \S+items\.json is damaged"),
        (b"\x1f\x8b rubbish", r"compressed file \S+items\.json is damaged"),
    ],
)
def test_unreadable_files(take, content, reason):
    with pytest.raises(UnreadableFile, match=reason):
        take(content)


def test_a_required_format(take):
    assert take(json_lines(pharos()), format="pharos-json").created == 1
    with pytest.raises(UnreadableFile, match="looks like pharos-json, not registry-csv"):
        take(json_lines(pharos()), format="registry-csv")


def test_nothing_is_imported_if_a_file_is_missing(tmp_path):
    with pytest.raises(UnreadableFile, match="No such file"):
        import_files([write(tmp_path, "a.json", json_lines(pharos())), tmp_path / "b.json"])
    assert not WorkItem.objects.exists()


def test_an_empty_list_is_fine(take):
    assert counts(take(list_reply())) == (0, 0, 0, 0, 0)


# --- how it runs


def test_batches_and_a_pipe(db):
    """A pipe can't be read twice, and returns a little at a time."""
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

    Those are two; PostgreSQL's counter of ids takes two more.
    """
    Institution.objects.create(identifier="ncsu.edu", name="N")
    rows = json_lines(*(pharos(id=number, name=f"{number}.tar") for number in range(1, 301)))
    with django_assert_num_queries(1 + 3 * (5 + (4 if connection.vendor == "postgresql" else 2))):
        take(rows, batch=100)
    with django_assert_num_queries(1 + 3 * 5):
        take(rows, batch=100)


def test_ctrl_c_keeps_complete_batches_and_the_next_run_continues(take, monkeypatch):
    kept = transitions.store_imported
    calls = []

    def interrupted(ids, judge, **options):
        kept(ids, judge, **options)
        calls.append(ids)
        if len(calls) == 3:
            raise KeyboardInterrupt

    rows = json_lines(*(pharos(id=number, name=f"{number}.tar") for number in range(1, 51)))
    with monkeypatch.context() as patch:
        patch.setattr(transitions, "store_imported", interrupted)
        summary = take(rows, batch=10)
    assert summary.is_interrupted
    assert summary.created == 20
    assert WorkItem.objects.count() == HistoryEntry.objects.count() == 20
    there = [*WorkItem.objects.order_by("pk").values()]
    assert counts(take(rows, batch=10)) == (30, 0, 20, 0, 0)
    assert [*WorkItem.objects.order_by("pk").values()[:20]] == there
    assert WorkItem.objects.count() == HistoryEntry.objects.count() == 50


def test_a_database_that_fails_stops_the_run(take, monkeypatch):
    def broken(*_arguments, **_options):
        raise OperationalError("the disk is full")

    monkeypatch.setattr(transitions, "store_imported", broken)
    with pytest.raises(ImportStopped, match="the disk is full") as stopped:
        take(json_lines(pharos()))
    assert stopped.value.summary.created == 0


def test_a_named_pipe_is_read_only_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    feeder = threading.Thread(target=write, args=(tmp_path, "pipe", json_lines(pharos())))
    feeder.start()
    summary = import_files([tmp_path / "pipe"])
    feeder.join()
    assert counts(summary) == (1, 0, 0, 0, 0)


def test_a_read_error_in_the_middle_of_a_file(monkeypatch):
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
    assert "can't be read any further: input/output error" in summary.cut_short[0]


# --- the command


def run_command(*arguments):
    """Returns the exit status and the output."""
    out = io.StringIO()
    try:
        call_command("import_workitems", *map(str, arguments), stdout=out)
    except SystemExit as ended:
        return ended.code, out.getvalue()
    return 0, out.getvalue()


def test_the_command_prints_the_results(tmp_path):
    status, said = run_command(write(tmp_path, "a.json", json_lines(pharos(), pharos(id=72, etag="1.01E+18"))))
    assert status == 0
    assert "2 rows read: 2 new, 0 updated, 0 unchanged, 0 skipped because they are newer here, 0 rejected." in said
    assert "1 row with an etag damaged by a spreadsheet; imported as it is: 1.01E+18 (id 72)." in said


def page(following, *rows):
    return json.dumps({"count": 99, "next": following, "results": rows, "previous": None})


@pytest.mark.parametrize("indent", [None, 2])
def test_the_command_warns_about_one_page_of_a_longer_list(tmp_path, indent):
    reply = json.dumps(json.loads(page("/items?page=2", pharos())), indent=indent)
    status, said = run_command(write(tmp_path, "a.json", reply))
    assert status == 0
    assert "a.json is one page of a longer list, so there are more items: its “next” is /items?page=2." in said


def test_the_command_warns_about_several_pages(tmp_path):
    paths = [write(tmp_path, f"{n}.json", page(f"/items?page={n + 1}", pharos(id=n, name="x"))) for n in (1, 2)]
    assert "2 files are each one page of a longer list." in run_command(*paths)[1]


def test_the_last_page_gives_no_warning(tmp_path):
    text = page("/items?page=2", pharos()) + "\n" + page(None, pharos(id=72))
    assert "longer list" not in run_command(write(tmp_path, "a.json", text))[1]


def test_the_output_is_always_printable(tmp_path):
    path = write(tmp_path, "a.json", page("\ud800", pharos(**{"\udfff": 1})))
    status, said = run_command(path)
    assert status == 0
    assert said.encode()


def test_the_command_reports_removed_rejects(tmp_path):
    run_command(write(tmp_path, "a.json", json_lines(pharos(id=None))))
    status, said = run_command(write(tmp_path, "a.json", json_lines(pharos())))
    assert status == 0
    assert "removed the rejects of an earlier run" in said


def test_the_exit_status_shows_rejects(tmp_path):
    status, said = run_command(write(tmp_path, "a.json", json_lines(pharos(id=None))))
    assert status == 1
    assert "1 rejected" in said
    assert "a.rejects.csv" in said


def test_the_command_reports_unreadable_files(tmp_path):
    with pytest.raises(CommandError, match="can't be read: No such file"):
        run_command(tmp_path / "none.json")


def test_the_command_reports_its_progress_when_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "workitems.import_export.importing.rejects._id", lambda value: (_ for _ in ()).throw(OSError("disk full"))
    )
    path = write(tmp_path, "a.json", json_lines(pharos(), pharos(id=None)))
    out = io.StringIO()
    with pytest.raises(CommandError, match=r"disk full.*--rejects.*run the same command to continue"):
        call_command("import_workitems", str(path), stdout=out)
    assert "1 new" in out.getvalue()


def test_the_exit_status_shows_an_interruption(tmp_path, monkeypatch):
    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr(transitions, "store_imported", interrupted)
    status, said = run_command(write(tmp_path, "a.json", json_lines(pharos())))
    assert status == 130
    assert "Interrupted" in said


def test_an_interruption_while_input_is_read(db):
    """Ctrl-C at a program that writes into the pipe reaches the import, too."""

    class Interrupted(io.BytesIO):
        def read(self, size=-1):
            raise KeyboardInterrupt

    summary = import_files(["-"], stdin=Interrupted())
    assert summary.is_interrupted
    assert not WorkItem.objects.exists()


def test_an_interruption_after_the_last_row(take, monkeypatch):
    def interrupted(*_arguments, **_options):
        raise KeyboardInterrupt

    with rolled_back():
        take(json_lines(pharos()))
        exported = "".join(export_lines())
    monkeypatch.setattr("workitems.durations.rebuild_durations", interrupted)
    summary = take(exported)
    assert (summary.created, summary.is_interrupted) == (1, True)


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "stdin is empty"), (b"hello", "stdin is not in a format"), (b"PAR1", "stdin is a Parquet")],
)
def test_standard_input_has_a_name(db, content, said):
    with pytest.raises(UnreadableFile, match=f"^{said}"):
        import_files(["-"], stdin=io.BytesIO(content))


def test_a_summary_that_cannot_be_written(tmp_path):
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(28, "No space left on device")

    path = write(tmp_path, "a.json", json_lines(pharos()))
    with pytest.raises(CommandError, match="were imported, but the summary can't be written: No space left"):
        call_command("import_workitems", str(path), stdout=Full())
    assert WorkItem.objects.count() == 1


def test_a_disk_that_fails_in_the_middle_keeps_what_was_read(tmp_path, monkeypatch):
    path = write(tmp_path, "items.json", json_lines(*(pharos(id=n, name=f"{n}.tar") for n in range(1, 3001))))
    whole = sources.read_pieces

    def failing(stream):
        pieces = whole(stream)
        yield next(pieces)
        raise OSError("input/output error")

    monkeypatch.setattr(sources, "read_pieces", failing)
    summary = import_files([path], batch=50)
    assert 0 < summary.created < 3000
    assert "can't be read any further: input/output error" in summary.cut_short[0]


@pytest.mark.parametrize("name", ["none.json", "."])
def test_an_input_that_cannot_be_opened(tmp_path, name):
    with pytest.raises(UnreadableFile, match="can't be read: "):
        import_files([tmp_path / name])
