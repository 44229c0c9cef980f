from datetime import UTC, datetime

import pytest
from django.utils import timezone

from workitems import transitions
from workitems.lifecycle import Refused
from workitems.models import WorkItem

from ..stored_items import last_entry

LONG_AGO = datetime(2024, 2, 29, 23, 59, tzinfo=UTC)


def create(by, institution, **fields):
    values = {"action": "Ingest", "name": "bag.b001.of002.tar", "etag": "d18720b9ec3c24e0e6370fb4ff42b132", **fields}
    return transitions.create(by=by, institution=institution, **values)


@pytest.mark.parametrize("who", ["wally", "ada"])
def test_a_new_item_waits_at_the_first_stage(cast, virginia, who):
    before = timezone.now()
    item = create(cast[who], virginia)
    item.refresh_from_db()
    assert (item.stage, item.status, item.retry, item.reviewed, item.version) == ("Receive", "Pending", True, False, 1)
    assert item.object_identifier == ""
    assert before <= item.date <= timezone.now()
    entry = last_entry(item)
    assert (entry.move, entry.who, entry.via) == ("create", cast[who].email, "api")
    assert (entry.stage_before, entry.status_before) == ("", "")


@pytest.mark.parametrize("action", ["Restore", "Glacier Restore", "Delete", "Fixity Check", "DPN"])
def test_other_actions_start_as_requested(wally, virginia, action):
    assert create(wally, virginia, action=action).stage == "Requested"


def test_a_new_item_can_be_further_along(wally, virginia):
    item = create(wally, virginia, stage="Store", status="Started", note="took over", at=LONG_AGO)
    assert item.stage_started_at == item.created_at == item.date == LONG_AGO
    assert last_entry(item).note == "took over"
    sent = create(wally, virginia, stage="Store", status="Started", stage_started_at=LONG_AGO)
    assert sent.stage_started_at == LONG_AGO


def test_a_new_item_that_succeeded_is_complete(wally, virginia):
    item = create(wally, virginia, stage="Cleanup", status="Success", retry=True)
    item.refresh_from_db()
    assert item.object_identifier == "virginia.edu/bag"
    assert "virginia.edu/bag" in item.search_text
    assert not item.retry
    assert create(wally, virginia, action="Restore", stage="Record", status="Success").object_identifier == ""
    known = create(wally, virginia, stage="Record", status="Success", object_identifier="virginia.edu/other")
    assert known.object_identifier == "virginia.edu/other"


def test_a_new_item_can_be_held_or_cancelled(wally, virginia):
    held = create(wally, virginia, stage="Store", status="Suspended")
    assert (held.retry, held.needs_admin_review) == (False, True)
    cancelled = create(wally, virginia, stage="Receive", status="Cancelled")
    assert (cancelled.stage, cancelled.retry) == ("Receive", False)
    again = create(wally, virginia, stage="Fetch", status="Failed")
    assert again in WorkItem.objects.open()


@pytest.mark.parametrize("who", ["dora", "stan"])
def test_depositors_and_staff_cannot_create_items(cast, virginia, who):
    with pytest.raises(Refused) as caught:
        create(cast[who], virginia)
    assert caught.value.reason == "forbidden"
    assert not WorkItem.objects.exists()


def test_inactive_accounts_cannot_create_items(wally, virginia):
    wally.is_active = False
    with pytest.raises(Refused) as caught:
        create(wally, virginia)
    assert caught.value.reason == "forbidden"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"action": "Bogus"}, "action"),
        ({"stage": "Bogus"}, "stage"),
        ({"stage": "Package"}, "stage"),
        ({"status": "Bogus"}, "status"),
        ({"stage": "Store", "status": "Success"}, "stage"),
    ],
)
def test_inconsistent_values_are_refused(wally, virginia, fields, field):
    with pytest.raises(Refused) as caught:
        create(wally, virginia, **fields)
    assert (caught.value.reason, caught.value.field) == ("invalid", field)
    assert not WorkItem.objects.exists()


def test_the_same_upload_can_be_received_again(wally, virginia):
    assert create(wally, virginia).pk != create(wally, virginia).pk


FITS_NOT = [
    ("name", ""),
    ("name", " \n"),
    ("name", None),
    ("name", 7),
    ("name", "n" * 1001),
    ("name", "a\0b"),
    ("name", "\ud800"),
    ("etag", "e" * 256),
    ("object_identifier", "o" * 1301),
    ("note", "a\0b"),
    ("note", None),
    ("size", -1),
    ("size", 2**63),
    ("size", "7"),
    ("size", 7.5),
    ("size", True),
    ("pid", -1),
    ("retry", None),
    ("retry", "false"),
    ("needs_admin_review", 1),
    ("reviewed", True),
    ("date", "yesterday"),
    ("bag_date", LONG_AGO.replace(tzinfo=None)),
    ("queued_at", datetime.max.replace(tzinfo=timezone.get_fixed_timezone(-60))),
    ("institution", None),
]


@pytest.mark.parametrize(("field", "value"), FITS_NOT)
def test_values_that_no_column_can_hold_are_refused(wally, virginia, field, value):
    with pytest.raises(Refused) as caught:
        transitions.create(
            **{"by": wally, "institution": virginia, "action": "Ingest", "name": "bag.tar", field: value}
        )
    assert (caught.value.reason, caught.value.field) == ("invalid", field)
    assert f"“{field}”" in caught.value.sentence
    assert not WorkItem.objects.exists()


def test_the_largest_values_fit(wally, virginia):
    edge = {"name": "n" * 1000, "etag": "e" * 255, "size": 2**63 - 1, "pid": 0, "note": "%(field)s {limit} é 🗼"}
    item = create(wally, virginia, **edge)
    assert WorkItem.objects.filter(pk=item.pk, **edge).exists()
    assert create(wally, virginia, size=0).size == 0


def test_the_caller_cannot_set_the_version(wally, virginia):
    item = create(wally, virginia, version=9)
    assert (item.version, last_entry(item).number) == (1, 1)
    transitions.progress(item, by=wally)
    assert last_entry(item).number == 2


def test_a_new_closed_item_can_be_reviewed(wally, virginia):
    assert create(wally, virginia, stage="Resolve", status="Success", reviewed=True).reviewed


@pytest.mark.parametrize("status", ["Cancelled", "Failed", "Suspended"])
def test_a_new_closed_item_needs_no_note(wally, virginia, status):
    assert create(wally, virginia, stage="Fetch", status=status).note == ""
