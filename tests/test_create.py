from datetime import UTC, datetime

import pytest
from django.utils import timezone

from workitems.lifecycle import Refused
from workitems.models import WorkItem

from .stored import last

LONG_AGO = datetime(2024, 2, 29, 23, 59, tzinfo=UTC)


def create(by, institution, **fields):
    values = {"action": "Ingest", "name": "bag.b001.of002.tar", "etag": "d18720b9ec3c24e0e6370fb4ff42b132", **fields}
    return WorkItem.objects.create_item(by=by, institution=institution, **values)


@pytest.mark.parametrize("who", ["wally", "ada"])
def test_a_new_item_waits_at_the_first_stage(cast, virginia, who):
    before = timezone.now()
    item = create(cast[who], virginia)
    item.refresh_from_db()
    assert (item.stage, item.status, item.retry, item.reviewed, item.version) == ("Receive", "Pending", True, False, 1)
    assert item.object_identifier == ""
    assert before <= item.date <= timezone.now()
    entry = last(item)
    assert (entry.move, entry.who, entry.via) == ("create", cast[who].email, "api")
    assert (entry.stage_before, entry.status_before) == ("", "")


@pytest.mark.parametrize("action", ["Restore", "Glacier Restore", "Delete", "Fixity Check", "DPN"])
def test_other_actions_begin_as_requested(wally, virginia, action):
    assert create(wally, virginia, action=action).stage == "Requested"


def test_one_that_is_further_on(wally, virginia):
    item = create(wally, virginia, stage="Store", status="Started", note="took over", at=LONG_AGO)
    assert item.stage_started_at == item.created_at == item.date == LONG_AGO
    assert last(item).note == "took over"
    sent = create(wally, virginia, stage="Store", status="Started", stage_started_at=LONG_AGO)
    assert sent.stage_started_at == LONG_AGO


def test_one_that_has_succeeded_is_complete(wally, virginia):
    item = create(wally, virginia, stage="Cleanup", status="Success", retry=True)
    item.refresh_from_db()
    assert item.object_identifier == "virginia.edu/bag"
    assert "virginia.edu/bag" in item.search_text
    assert not item.retry
    assert create(wally, virginia, action="Restore", stage="Record", status="Success").object_identifier == ""
    known = create(wally, virginia, stage="Record", status="Success", object_identifier="virginia.edu/other")
    assert known.object_identifier == "virginia.edu/other"


def test_one_that_is_held_or_cancelled(wally, virginia):
    held = create(wally, virginia, stage="Store", status="Suspended")
    assert (held.retry, held.needs_admin_review) == (False, True)
    cancelled = create(wally, virginia, stage="Receive", status="Cancelled")
    assert (cancelled.stage, cancelled.retry) == ("Receive", False)
    again = create(wally, virginia, stage="Fetch", status="Failed")
    assert again in WorkItem.objects.open()


@pytest.mark.parametrize("who", ["dora", "stan"])
def test_depositors_and_staff_may_not(cast, virginia, who):
    with pytest.raises(Refused) as caught:
        create(cast[who], virginia)
    assert caught.value.reason == "forbidden"
    assert not WorkItem.objects.exists()


def test_somebody_who_was_switched_off_may_not(wally, virginia):
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
def test_what_does_not_fit_is_refused(wally, virginia, fields, field):
    with pytest.raises(Refused) as caught:
        create(wally, virginia, **fields)
    assert (caught.value.reason, caught.value.field) == ("invalid", field)
    assert not WorkItem.objects.exists()


def test_the_same_upload_may_come_again(wally, virginia):
    assert create(wally, virginia).pk != create(wally, virginia).pk
