"""The present workers (Registry's): each write has the registry's numbers, zero or blank where they are not known."""

import pytest

from tests.http_clients import NEVER, GoClient
from workitems.models import WorkItem

pytestmark = pytest.mark.django_db(transaction=True)
UNKNOWN = {"deletion_request_id": 0, "generic_file_id": 0, "intellectual_object_id": 0, "storage_option": ""}
KNOWN = {
    "deletion_request_id": 67,
    "generic_file_id": 345,
    "intellectual_object_id": 12,
    "storage_option": "Glacier-OH",
}


@pytest.fixture
def worker(real_server, wally):
    return GoClient(real_server, wally)


def new(**changes):
    """A record as these workers send it, with year 1 for every time that is not set."""
    times = dict.fromkeys(("created_at", "updated_at", "queued_at", "stage_started_at", "bag_date"), NEVER)
    named = {"name": "virginia.edu.bag.tar", "action": "Ingest", "stage": "Receive", "status": "Pending", "retry": True}
    return {**UNKNOWN, **times, **named, "id": 0, "etag": "", "size": 0, "user": "", "node": "", "pid": 0, **changes}


def test_an_ingest_begins_without_numbers_and_gets_them_later(worker, virginia):
    made = worker.post(f"/admin-api/v3/items/create/{virginia.pk}", new())
    assert {name: made[name] for name in UNKNOWN} == {
        **dict.fromkeys(UNKNOWN),
        "storage_option": "",
    }
    address = f"/admin-api/v3/items/update/{made['id']}"
    saved = worker.put(address, {**made, **KNOWN, "stage": "Record", "status": "Started", "node": "w1", "pid": 7})
    assert {name: saved[name] for name in KNOWN} == KNOWN
    # One that does not know them takes none away.
    again = worker.put(address, {**saved, **UNKNOWN, "stage": "Cleanup", "created_at": NEVER, "updated_at": NEVER})
    assert {name: again[name] for name in KNOWN} == KNOWN
    item = WorkItem.objects.get()
    assert {name: getattr(item, name) for name in KNOWN} == KNOWN
    assert item.history.latest("number").changes == {}


@pytest.mark.parametrize("kind", ["Delete", "Restore File"])
def test_what_a_request_is_about_comes_with_it(worker, virginia, dora, kind):
    file = {"generic_file_identifier": "virginia.edu/bag/data/1"} if kind == "Restore File" else {}
    sent = new(action=kind, stage="Requested", object_identifier="virginia.edu/bag", **file) | KNOWN
    made = worker.post(f"/admin-api/v3/items/create/{virginia.pk}", sent)
    assert {name: made[name] for name in KNOWN} == KNOWN
    member = GoClient(worker.server, dora)
    for name, value in KNOWN.items():
        listed = member.get(f"/member-api/v3/items?{name}={value}")
        assert [one["id"] for one in listed["results"]] == [made["id"]], name
    assert member.get("/member-api/v3/items?generic_file_id__is_null=true")["count"] == 0


def test_what_items_never_hold_is_no_filter(worker):
    for name in ("alt_identifier", "bag_group_identifier", "bagit_profile_identifier"):
        refused = worker.get(f"/admin-api/v3/items?{name}=x", status=400)
        assert "don't record" in refused["error"]
        assert name in refused


def test_when_it_finished_is_read_filtered_and_sorted(worker, virginia):
    first, second = (worker.post(f"/admin-api/v3/items/create/{virginia.pk}", new(name=name)) for name in ("a", "b"))
    done = worker.put(
        f"/admin-api/v3/items/update/{second['id']}",
        {**second, "stage": "Cleanup", "status": "Success", "note": "Done."},
    )
    assert first["finished_at"] is None
    at = done["finished_at"]
    for query, found in (
        (f"finished_at__gteq={at}", [second["id"]]),
        (f"finished_at__lteq={at}", [second["id"]]),
        ("finished_at__gteq=2999-01-01", []),
        ("sort=finished_at__desc", [second["id"], first["id"]]),
    ):
        assert [one["id"] for one in worker.get(f"/admin-api/v3/items?{query}")["results"]] == found, query


@pytest.mark.parametrize("name", ["deletion_request_id", "generic_file_id", "intellectual_object_id"])
def test_requests_that_differ_in_a_number_only_are_not_taken_for_one_that_is_repeated(worker, virginia, name):
    path, sent = f"/admin-api/v3/items/create/{virginia.pk}", new(action="Delete", stage="Requested")
    made = [worker.post(path, {**sent, name: number}) for number in (1, 2, 1, 0)]
    assert [answer[name] for answer in made] == [1, 2, 1, None]
    assert made[0]["id"] == made[2]["id"]
    assert WorkItem.objects.count() == 3
