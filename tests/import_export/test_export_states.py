"""Worker states go out with everything, and come back."""

import base64
import io
import json
import zlib

import pytest
from django.core.management import call_command

from workitems import transitions
from workitems.import_export import NOT_EXPORTED, export_lines, import_files
from workitems.models import WorkItem, WorkItemState

from ..factories import make_item
from ..stored_items import rolled_back
from .importing_samples import json_lines, pharos, reader_of_rejects, write
from .test_export import NOON

pytestmark = pytest.mark.django_db

TEXT = json.dumps({"files": ["Größe.txt", "\\", "\n"]}) * 1000


def save(item, by, *, text=TEXT, now=NOON):
    transitions.save_worker_state(item, text=text, action="ingest", by=by, now=now)


def states():
    return list(WorkItemState.objects.order_by("pk").values())


def test_states_come_back_the_same(virginia, ada, tmp_path):
    with rolled_back():
        make_item(virginia)
        save(make_item(virginia, name="b.tar"), ada)
        path = write(tmp_path, "all.jsonl", "".join(export_lines()))
        before = states()
    summary = import_files([path])
    assert (summary.created, summary.rejected, summary.states) == (2, 0, 1)
    assert states() == before
    assert transitions.read_worker_state(WorkItem.objects.get(name="b.tar")) == ("ingest", TEXT)
    assert import_files([path]).unchanged == 2
    assert states() == before


def test_a_state_that_is_newer_here_stays(item, ada, tmp_path):
    save(item, ada)
    path = write(tmp_path, "all.jsonl", "".join(export_lines()))
    save(item, ada, text="{}", now=NOON.replace(year=2025))
    import_files([path])
    assert transitions.read_worker_state(item) == ("ingest", "{}")


def test_a_state_that_is_newer_there_comes_in(item, ada, tmp_path):
    with rolled_back():
        save(item, ada, text="{}", now=NOON.replace(year=2025))
        path = write(tmp_path, "all.jsonl", "".join(export_lines()))
    save(item, ada)
    assert import_files([path]).unchanged == 1
    assert transitions.read_worker_state(item) == ("ingest", "{}")


def packed(data):
    return base64.b64encode(zlib.compress(data)).decode()


@pytest.mark.parametrize(
    "changes",
    [
        {"data": "x"},
        {"data": None},
        {"data": base64.b64encode(b"no zlib").decode()},
        {"data": packed(b"\xff")},
        {"data": packed(b"a\0b")},
        {"data": packed(b"text")[:-4]},
        {"updated_at": None},
        {"action": "x" * 33},
    ],
)
def test_a_state_that_is_not_right_keeps_its_item_out(virginia, ada, tmp_path, changes):
    with rolled_back():
        save(make_item(virginia), ada)
        lines = [json.loads(line) for line in "".join(export_lines()).splitlines()]
    lines[-2]["state"] |= changes
    assert import_files([write(tmp_path, "all.jsonl", json_lines(*lines))]).rejected == 1
    assert "its worker's state can't be used" in reader_of_rejects(tmp_path)("all.rejects.csv")[0]["reason"]
    assert not WorkItem.objects.exists()


def test_a_state_that_unpacks_without_end_is_not_unpacked(virginia, ada, tmp_path, monkeypatch):
    monkeypatch.setattr("workitems.import_export.importing.export_parsing.WORKER_STATE_LIMIT", 1000)
    test_a_state_that_is_not_right_keeps_its_item_out(virginia, ada, tmp_path, {"data": packed(b"x" * 1001)})


def test_a_file_of_the_first_version_comes_in(virginia, ada, tmp_path):
    """It has no column that came later. When an item was finished follows from its history."""
    with rolled_back():
        transitions.cancel(make_item(virginia), by=ada, note="No.", at=NOON)
        lines = [json.loads(line) for line in "".join(export_lines()).splitlines()]
    lines[0]["version"] = 1
    for name in ("finished_at", "intellectual_object_id", "generic_file_id", "deletion_request_id", "storage_option"):
        del lines[-2]["item"][name]
    assert import_files([write(tmp_path, "all.jsonl", json_lines(*lines))]).created == 1
    assert WorkItem.objects.get().finished_at == NOON


def test_the_command_says_what_is_not_in_the_file(item, tmp_path):
    said = io.StringIO()
    call_command("export_workitems", str(tmp_path / "all.jsonl"), stderr=said)
    assert NOT_EXPORTED in said.getvalue()
    assert "people" in NOT_EXPORTED
    assert json.loads((tmp_path / "all.jsonl").read_text().splitlines()[0])["version"] == 2


def test_a_row_of_a_list_has_no_state(tmp_path):
    import_files([write(tmp_path, "items.json", json_lines(pharos(state="{}")))])
    assert not WorkItemState.objects.exists()
