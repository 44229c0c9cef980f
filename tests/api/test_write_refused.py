"""PUT of one item: what is refused, what the answer says, and that nothing is stored."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests.factories import make_item
from tests.http_clients import NEVER
from tests.stored_items import as_stored, last_entry
from workitems import transitions

from .api_client import Caller
from .saving_items import FETCHING, assert_untouched, item_address, read_item


@pytest.fixture
def worker(client, wally):
    return Caller(client, wally)


@pytest.fixture
def admin(client, ada):
    return Caller(client, ada)


FIXED = [
    ("name", "other.tar"),
    ("name", ""),
    ("name", None),
    ("name", "BAG.tar"),
    ("etag", "0" * 32),
    ("etag", ""),
    ("action", "Delete"),
    ("bag_date", "2021-03-04T05:06:08Z"),
    ("bag_date", None),
    ("bag_date", NEVER),
    ("institution_id", 0),
    ("id", 1),
    ("created_at", "2021-03-04T05:06:07Z"),
    ("reviewed", True),
    ("institution", "jhu.edu"),
]


@pytest.mark.parametrize(("field", "value"), FIXED)
def test_immutable_fields_cannot_change(worker, admin, virginia, field, value):
    item = make_item(virginia, name="bag.tar", bag_date=timezone.now() - timedelta(days=1), pk=77)
    before = as_stored(item)
    for caller in (worker, admin):
        record = {**read_item(caller, item, **FETCHING), field: value}
        told = assert_untouched(item, caller.put(item_address(item), record), 422, field, before=before)
        assert told[field][0] in told["error"]


def test_another_owner(worker, item, jhu):
    assert_untouched(
        item,
        worker.put(item_address(item), read_item(worker, item, institution_id=jhu.pk)),
        422,
        "institution_id",
        before=as_stored(item),
    )


def test_the_same_time_in_another_spelling(worker, virginia):
    item = make_item(virginia, bag_date=datetime(2021, 3, 4, 5, 6, 7, 120_000, tzinfo=UTC), at=timezone.now())
    answer = worker.put(
        item_address(item),
        {**worker.get(item_address(item)).body, "bag_date": "2021-03-04T06:06:07.12+01:00", "stage": "Fetch"},
    )
    assert answer.status == 200
    short = answer.body["created_at"].replace("Z", "000Z")
    assert worker.put(item_address(item), {"created_at": short, "stage": "Store"}).body["stage"] == "Store"


# What is refused


def test_a_save_over_a_cancelled_item(worker, ada, virginia):
    item = make_item(virginia, **FETCHING)
    stale = read_item(worker, item)
    transitions.cancel(item, note="Wrong bag.", by=ada)
    before = as_stored(item)
    now = worker.get(item_address(item)).body
    for new in (
        {"stage": "Validate"},
        {},
        {"status": "Pending"},
        {"stage": "Record", "status": "Success"},
        {"status": "Failed", "note": "Bad."},
        {"status": "Suspended", "note": "Ask."},
        {"stage": "Resolve", "status": "Cancelled", "note": "Mine."},
    ):
        told = assert_untouched(item, worker.put(item_address(item), {**stale, **new}), 409, before=before)
        assert {**told, "error": ""} == {**now, "error": ""}
        assert "Resolve / Cancelled" in told["error"]


@pytest.mark.parametrize(
    "made",
    [
        {"stage": "Record", "status": "Success", "note": "Done."},
        {"stage": "Fetch", "status": "Failed", "retry": False, "note": "Bad."},
        {"stage": "Fetch", "status": "Suspended", "note": "Ask."},
        {"stage": "Resolve", "status": "Cancelled", "note": "No."},
    ],
)
@pytest.mark.parametrize("who", ["ada", "wally"])
def test_no_save_reopens_an_item(client, cast, virginia, made, who):
    caller = Caller(client, cast[who])
    item = make_item(virginia, **made)
    before = as_stored(item)
    for status in ("Pending", "Started"):
        for stage in ("Receive", item.stage):
            assert_untouched(
                item,
                caller.put(item_address(item), read_item(caller, item, stage=stage, status=status)),
                409,
                before=before,
            )
    again = caller.put(item_address(item), read_item(caller, item, retry=True))
    assert again.status == (409 if (made["status"], who) == ("Failed", "ada") else 200)
    assert as_stored(item) == before


@pytest.mark.parametrize(
    ("made", "new", "status", "field"),
    [
        (FETCHING, {"stage": "Receive"}, 409, "stage"),
        (FETCHING, {"stage": "Receive", "status": "Failed", "note": "x"}, 409, "stage"),
        (FETCHING, {"stage": "Package"}, 422, "stage"),
        (FETCHING, {"stage": "Requested"}, 422, "stage"),
        (FETCHING, {"status": "Success"}, 409, "stage"),
        (FETCHING, {"stage": "Validate", "status": "Suspended", "note": "Ask."}, 409, "stage"),
        (FETCHING, {"status": "Suspended", "note": " "}, 422, "note"),
        (FETCHING, {"status": "Failed", "note": ""}, 422, "note"),
        (FETCHING, {"status": "Failed", "note": None}, 422, "note"),
        (FETCHING, {"status": "Cancelled", "note": ""}, 422, "note"),
        (FETCHING, {"status": "Done"}, 422, "status"),
        (FETCHING, {"stage": "fetched"}, 422, "stage"),
        (FETCHING, {"outcome": "a\0b"}, 422, "outcome"),
        (FETCHING, {"node": "n" * 256}, 422, "node"),
        (FETCHING, {"size": -1}, 422, "size"),
        (FETCHING, {"size": "1"}, 422, "size"),
        (FETCHING, {"retry": "false"}, 422, "retry"),
        (FETCHING, {"queued_at": "now"}, 422, "queued_at"),
        (FETCHING, {"colour": "red"}, 422, "colour"),
        (FETCHING, {"date_processed": "2021-03-04T05:06:07Z"}, 422, "date_processed"),
    ],
)
def test_refused_saves(worker, virginia, made, new, status, field):
    item = make_item(virginia, **made)
    before = as_stored(item)
    told = assert_untouched(
        item, worker.put(item_address(item), read_item(worker, item, **new)), status, field, before=before
    )
    if status == 409:
        assert told["stage"] == "Fetch"
        assert "Fetch / Started" in told["error"]


def test_all_invalid_fields_are_reported_together(worker, item):
    told = assert_untouched(
        item,
        worker.put(item_address(item), read_item(worker, item, size="x", retry=1, stage="Nowhere", colour=1)),
        422,
        *("size", "retry", "stage", "colour"),
        before=as_stored(item),
    )
    assert all(name in told["error"] for name in ("size", "retry", "stage", "colour"))


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'"x"', b"{", b"\xff", b'{"size": NaN}', b"[" * 20_000])
def test_bodies_that_are_not_records(worker, item, body):
    assert_untouched(item, worker.put(item_address(item), body=body), 400, before=as_stored(item))


def test_an_admin_cannot_empty_the_note(admin, virginia):
    item = make_item(virginia, stage="Record", status="Success", note="Done.")
    assert_untouched(
        item, admin.put(item_address(item), read_item(admin, item, note="")), 422, "note", before=as_stored(item)
    )


def test_a_suspended_item_keeps_needs_admin_review(admin, virginia):
    item = make_item(virginia, stage="Fetch", status="Suspended", note="Ask.")
    before = as_stored(item)
    assert (
        admin.put(item_address(item), read_item(admin, item, needs_admin_review=False)).body["needs_admin_review"]
        is True
    )
    assert as_stored(item) == before


def test_a_worker_can_cancel_a_superseded_upload(worker, virginia):
    item = make_item(virginia, name="bag.tar", **FETCHING)
    make_item(virginia, name="bag.tar")
    record = read_item(worker, item, status="Cancelled", note="A newer upload counts.", retry=True)
    answer = worker.put(item_address(item), record)
    assert (answer.status, answer.body["stage"], answer.body["status"]) == (200, "Fetch", "Cancelled")
    assert answer.body["retry"] is False
    assert (last_entry(item).move, last_entry(item).stage_after) == ("cancel", "Fetch")
    assert worker.put(item_address(item), record).body == answer.body
    assert last_entry(item).number == 2
