from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from workitems import transitions
from workitems.lifecycle import Refused
from workitems.models import WorkItem

from ..stored_items import as_stored, last_entry

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


def test_a_new_item_never_takes_the_place_of_another(wally, virginia):
    item = create(wally, virginia)
    before = as_stored(item)
    with pytest.raises(IntegrityError), transaction.atomic():
        create(wally, virginia, id=item.pk, name="other.tar")
    assert as_stored(item) == before


def test_an_unknown_institution_is_named(wally):
    with pytest.raises(Refused) as caught:
        transitions.create(by=wally, institution_id=987_654, action="Ingest", name="bag.tar")
    assert (caught.value.reason, caught.value.field) == ("invalid", "institution_id")
    assert "987654" in caught.value.sentence


WINDOW = timedelta(minutes=10)


def ask_again(by, institution, *, at=LONG_AGO, **fields):
    """A client that lost the answer sends its request once more."""
    return create(by, institution, at=at, deduplicate_within=WINDOW, **fields)


def test_a_repeated_request_returns_the_item_that_it_made(wally, virginia):
    first = create(wally, virginia, at=LONG_AGO)
    create(wally, virginia, at=LONG_AGO)  # on purpose: without a window, the same is made twice
    transitions.succeed(first, stage="Record", by=wally)  # which gives it an identifier
    before = as_stored(first)
    for later in (timedelta(0), WINDOW):
        assert ask_again(wally, virginia, at=LONG_AGO + later) == first
    assert WorkItem.objects.count() == 2
    assert as_stored(first) == before


def test_a_request_after_the_window_makes_another_item(wally, virginia):
    first = ask_again(wally, virginia)
    assert ask_again(wally, virginia, at=LONG_AGO + WINDOW + timedelta(microseconds=1)) != first


@pytest.mark.parametrize(
    "other", [{"name": "other.tar"}, {"etag": "other"}, {"action": "DPN"}, {"date": LONG_AGO + timedelta(days=1)}]
)
def test_a_different_request_makes_another_item(wally, virginia, other):
    first = ask_again(wally, virginia)
    second = ask_again(wally, virginia, **other)
    assert second != first
    assert ask_again(wally, virginia, **other) == second


def test_requests_of_others_and_for_others_make_items_of_their_own(wally, ada, virginia, jhu):
    mine = ask_again(wally, virginia)
    transitions.progress(mine, stage="Fetch", by=ada)  # she worked on it, but did not make it
    for_jhu, of_ada = ask_again(wally, jhu), ask_again(ada, virginia)
    assert len({mine.pk, for_jhu.pk, of_ada.pk}) == 3
    assert ask_again(ada, virginia) == of_ada


def test_two_files_of_an_object_are_two_requests(wally, virginia):
    object_ = {"action": "Restore", "object_identifier": "virginia.edu/bag"}
    whole, other = ask_again(wally, virginia, **object_), ask_again(wally, virginia, action="Restore")
    one, two = (ask_again(wally, virginia, **object_, generic_file_identifier=f"virginia.edu/bag/{n}") for n in "12")
    assert len({whole.pk, other.pk, one.pk, two.pk}) == 4
    assert ask_again(wally, virginia, **object_, generic_file_identifier="virginia.edu/bag/2") == two
    assert ask_again(wally, virginia, **object_) == whole
