"""A worker's note is never refused: what a database can't hold is replaced, and what is too long is cut."""

import json

import pytest

from workitems.models import WorkItem

from ..factories import make_item
from ..stored_items import last_entry
from .api_client import Caller

MOST = 2000


@pytest.fixture
def worker(client, wally):
    return Caller(client, wally)


@pytest.fixture
def item(virginia):
    return make_item(virginia, stage="Validate", status="Started")


def fail(worker, item, note, address="/api/v2/items/{}/"):
    return worker.put(address.format(item.pk), {"status": "Failed", "stage": "Validate", "retry": False, "note": note})


@pytest.mark.parametrize("address", ["/api/v2/items/{}/", "/admin-api/v3/items/update/{}"])
@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("read 7 bytes: a\0b\0", "read 7 bytes: a\ufffdb\ufffd"),
        ("whole: \U0001f4a5", "whole: \U0001f4a5"),
        ("\0", "\ufffd"),
    ],
)
def test_what_cannot_be_stored_is_replaced(worker, item, address, sent, stored):
    answer = fail(worker, item, sent, address)
    assert (answer.status, answer.body["note"]) == (200, stored)
    row = WorkItem.objects.get(pk=item.pk)
    assert (row.status, row.note, last_entry(row).note) == ("Failed", stored, stored)


def test_half_a_surrogate_pair_is_replaced(worker, item):
    body = json.dumps({"status": "Failed", "retry": False, "note": "a\ud800b"}).encode()
    assert worker.put(f"/api/v2/items/{item.pk}/", body=body).body["note"] == "a\ufffdb"


def test_a_repeated_save_of_such_a_note_is_recorded_once(worker, item):
    for note in ("a\0b", "x" * (MOST + 1)):
        fail(worker, item, note)
    version = WorkItem.objects.get(pk=item.pk).version
    assert fail(worker, item, "x" * (MOST + 1)).status in (200, 409)
    assert WorkItem.objects.get(pk=item.pk).version == version


@pytest.mark.parametrize("length", [MOST - 1, MOST, MOST + 1, 10 * MOST])
def test_a_note_that_is_too_long_is_cut_and_says_so(worker, item, settings, length):
    settings.WORKITEM_NOTE_CHARACTERS = MOST
    assert fail(worker, item, "é" * length).status == 200
    note = WorkItem.objects.get(pk=item.pk).note
    if length <= MOST:
        assert note == "é" * length
    else:
        assert len(note) == MOST
        assert note.endswith(f"\n[Cut off here: this note had {length:,} characters, and at most {MOST:,} are stored.]")
        assert set(note.partition("\n")[0]) == {"é"}
    # Sent again as it was, it's the same note.
    version = WorkItem.objects.get(pk=item.pk).version
    assert fail(worker, item, "é" * length).status == 200
    assert WorkItem.objects.get(pk=item.pk).version == version


def test_a_created_item_can_have_such_a_note(worker, virginia):
    sent = {"name": "a.tar", "action": "Ingest", "institution_id": virginia.pk, "note": "a\0b"}
    assert worker.post("/api/v2/items/", sent).body["note"] == "a\ufffdb"


@pytest.mark.parametrize("note", [1, ["a"], {"a": 1}, True])
def test_what_is_no_text_is_refused(worker, item, note):
    answer = fail(worker, item, note)
    assert (answer.status, answer.body["note"]) == (422, ["Use text."])
    assert WorkItem.objects.get(pk=item.pk).status == "Started"
