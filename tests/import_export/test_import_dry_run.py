"""`--dry-run`: the summary of the import, and nothing written."""

import io
import json
import os
import sys

import pytest
from django.core.management import call_command
from django.db import connection

from pharos.accounts.models import Institution
from workitems import transitions
from workitems.import_export import export_lines, import_files
from workitems.management.closed_pipe import CLOSED_PIPE, quiet_when_closed
from workitems.models import HistoryEntry, WorkItem, WorkItemState

from ..factories import make_item
from ..stored_items import rolled_back
from .importing_samples import INSTITUTIONS, json_lines, pharos, registry, registry_csv, write

pytestmark = pytest.mark.django_db

LATER = {"stage": "Fetch", "updated_at": "2022-01-01T00:00:00Z"}
MIXED = json_lines(
    pharos(),
    pharos(id=72, name="b.tar", etag="5,26E+031"),
    pharos(id=None),
    pharos(**LATER),  # the first one again, moved on
    pharos(id=73, name="c.tar", institution="new.edu"),
    pharos(id=73, name="another.tar", institution="new.edu"),
    pharos(id=74, name="d.tar", status="Failed", institution="new.edu"),
    "not an item",
)


def everything():
    """Every row of the tables that an import writes."""
    with connection.cursor() as cursor:
        rows = {}
        for table in sorted(connection.introspection.table_names()):
            if table.startswith(("workitems_", "accounts_")):
                cursor.execute(f"SELECT * FROM {table}")
                rows[table] = sorted(map(repr, cursor.fetchall()))
        return rows


def summary_of(path, **options):
    summary = import_files([path], **options)
    names = ("read", "created", "updated", "unchanged", "newer_here", "rejected", "institutions_created", "states")
    return {name: getattr(summary, name) for name in names} | {"remarks": summary.remarks, "told": summary.notices}


@pytest.mark.parametrize("batch", [1, 2, 1000])
@pytest.mark.parametrize("has_items", [False, True])
def test_the_same_summary_and_nothing_written(tmp_path, batch, has_items):
    if has_items:
        import_files([write(tmp_path, "before.json", json_lines(pharos(note="old"), pharos(id=74, name="x.tar")))])
    path = write(tmp_path, "items.json", MIXED)
    before, files = everything(), sorted(tmp_path.iterdir())
    dry = summary_of(path, dry_run=True, batch=batch)
    assert everything() == before
    assert sorted(tmp_path.iterdir()) == files
    assert dry == summary_of(path, batch=batch)
    assert 0 not in (dry["created"], dry["updated"], dry["rejected"], dry["institutions_created"])


def test_two_exports_one_after_the_other(virginia, ada, tmp_path):
    with rolled_back():
        item = make_item(virginia)
        first = "".join(export_lines())
        transitions.progress(item, by=ada, stage="Fetch")
        transitions.fail(WorkItem.objects.get(), by=ada, note="No.", retry=False)
        second = "".join(export_lines())
    paths = [write(tmp_path, "1.jsonl", first), write(tmp_path, "2.jsonl", second)]
    before = everything()
    dry = import_files(paths, dry_run=True)
    assert everything() == before
    done = import_files(paths)
    assert (dry.created, dry.updated, dry.rejected) == (done.created, done.updated, done.rejected) == (1, 1, 0)


def test_a_dry_run_of_a_dump_and_its_rejects(tmp_path):
    write(tmp_path, "institutions.csv", INSTITUTIONS)
    path = write(tmp_path, "dump.csv", registry_csv(registry(), registry(id="x"), registry(id="2", institution_id="9")))
    summary = import_files([path], dry_run=True)
    assert summary.first_rejected[0] == 'Row 3 would be rejected: id is "x", not a whole number.'
    assert len(summary.first_rejected) == 2
    assert not (tmp_path / "dump.rejects.csv").exists()
    named = import_files([path], dry_run=True, rejects=tmp_path / "named.csv")
    assert named.rejects_files == [tmp_path / "named.csv"]
    assert not Institution.objects.exists()


def test_the_command_says_that_it_wrote_nothing(tmp_path):
    out = io.StringIO()
    call_command("import_workitems", str(write(tmp_path, "a.json", json_lines(pharos()))), dry_run=True, stdout=out)
    assert out.getvalue().startswith("Dry run: nothing was written.")
    assert "1 row read: 1 new" in out.getvalue()
    assert not WorkItem.objects.exists()
    assert not HistoryEntry.objects.exists()
    assert not WorkItemState.objects.exists()


# --- a reader that has had enough


def test_a_closed_pipe_ends_a_command_quietly(monkeypatch):
    readable, writable = os.pipe()
    os.close(readable)

    def write_much(pipe):
        with quiet_when_closed():
            pipe.write(json.dumps(["x" * 100_000]))
            pipe.flush()

    with os.fdopen(writable, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        with pytest.raises(SystemExit) as ended:
            write_much(pipe)
    assert ended.value.code == CLOSED_PIPE
