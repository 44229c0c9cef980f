"""Records that were read before another change: the later of two conflicting saves is refused, and nothing is lost silently."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from pharos.accounts import api_keys
from tests.factories import make_item
from tests.stored_items import as_stored, last_entry
from workitems import transitions
from workitems.models import WorkItem

from .api_client import Caller
from .saving_items import FETCHING, assert_untouched, item_address, read_item

OTHERS = {**FETCHING, "node": "w2", "pid": 9}


@pytest.fixture
def worker(client, wally):
    return Caller(client, wally)


def refused_as_stale(item, answer, before):
    told = assert_untouched(item, answer, 409, before=before)
    assert told["id"] == item.pk
    assert told["error"].endswith("Read it again before you continue.")


def test_the_second_of_two_claims_is_refused(worker, item):
    first, second = read_item(worker, item, **FETCHING), read_item(worker, item, **OTHERS)
    assert worker.put(item_address(item), first).status == 200
    refused_as_stale(item, worker.put(item_address(item), second), as_stored(item))
    assert worker.put(item_address(item), first).status == 200
    item.refresh_from_db()
    assert (item.node, item.pid, item.version) == ("w1", 7, 2)


def test_the_holder_of_an_item_can_release_it(worker, item):
    worker.put(item_address(item), read_item(worker, item, **FETCHING))
    released = read_item(worker, item, status="Pending", node="", pid=0)
    assert worker.put(item_address(item), released).body["node"] is None
    assert worker.put(item_address(item), read_item(worker, item, **OTHERS)).body["node"] == "w2"


def test_the_feeder_cannot_queue_a_claimed_item(worker, virginia):
    item = make_item(virginia, stage="Fetch")
    feeders = read_item(worker, item, queued_at="2026-03-04T05:06:07Z")
    assert worker.put(item_address(item), read_item(worker, item, **FETCHING)).status == 200
    refused_as_stale(item, worker.put(item_address(item), feeders), as_stored(item))


def test_a_save_from_before_a_requeue_is_refused(worker, item, ada):
    worker.put(item_address(item), read_item(worker, item, **FETCHING))
    validating = {**FETCHING, "stage": "Validate", "stage_started_at": _text(timezone.now())}
    worker.put(item_address(item), read_item(worker, item, **validating))
    late = read_item(worker, item, note="Nearly there.")
    transitions.requeue(item, by=ada, stage="Receive")
    refused_as_stale(item, worker.put(item_address(item), late), as_stored(item))
    taken_up = {**FETCHING, "stage_started_at": _text(timezone.now() + timedelta(seconds=1))}
    assert worker.put(item_address(item), read_item(worker, item, **taken_up)).status == 200
    refused_as_stale(item, worker.put(item_address(item), late), as_stored(item))


def _text(moment):
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("who", ["ada", "wally"])
def test_changes_to_a_closed_item_are_refused(client, cast, worker, item, who):
    done = read_item(worker, item, stage="Record", status="Success", note="Done.")
    assert worker.put(item_address(item), done).status == 200
    before = as_stored(item)
    told = assert_untouched(
        item, Caller(client, cast[who]).put(item_address(item), {**done, "size": 5, "outcome": "x"}), 409, before=before
    )
    assert told["error"].endswith("can no longer change: outcome, size.")
    assert worker.put(item_address(item), done).status == 200
    assert as_stored(item) == before


def test_a_cancel_needs_a_new_note(client, item, worker, ada, wally):
    transitions.progress(item, by=wally, note="Waiting.")
    admin = Caller(client, ada)
    assert_untouched(
        item,
        admin.put(item_address(item), read_item(admin, item, status="Cancelled")),
        422,
        "note",
        before=as_stored(item),
    )
    assert admin.put(item_address(item), read_item(admin, item, status="Cancelled", note="By mistake.")).status == 200
    assert last_entry(item).note == "By mistake."


def test_identifiers_can_be_set_once(worker, virginia):
    whose = {"object_identifier": "virginia.edu/bag", "generic_file_identifier": "virginia.edu/bag/data/a"}
    item = make_item(virginia, action="Delete", object_identifier=whose["object_identifier"])
    assert worker.put(item_address(item), whose).status == 200
    before = as_stored(item)
    for name in whose:
        assert_untouched(item, worker.put(item_address(item), {name: "jhu.edu/stolen"}), 422, name, before=before)
        assert worker.put(item_address(item), {name: ""}).body[name] == whose[name]


def test_requests_for_two_files_of_an_object_are_two_items(worker, virginia):
    asked = {"action": "Restore", "name": "bag.tar", "institution_id": virginia.pk}
    asked["object_identifier"] = "virginia.edu/bag"
    one, again, other = (
        worker.post("/api/v2/items/", {**asked, "generic_file_identifier": f"virginia.edu/bag/data/{name}"}).body
        for name in "aab"
    )
    assert one["id"] == again["id"] != other["id"]
    assert other["generic_file_identifier"].endswith("/b")


def test_a_save_by_upload_goes_to_the_item_of_its_action(worker, virginia):
    made = datetime(2021, 3, 4, 5, 6, 7, tzinfo=UTC)
    upload = {"name": "bag.tar", "etag": "e1", "bag_date": made}
    ingest, delete = (make_item(virginia, action=action, **upload) for action in ("Ingest", "Delete"))
    path = "/api/v2/items/e1/bag.tar/2021-03-04T05:06:07Z"
    assert worker.get(path).body["id"] == ingest.pk
    assert worker.put(path, {"action": "Ingest", "note": "one"}).body["id"] == ingest.pk
    assert worker.put(path, {"action": "Delete", "note": "two"}).body["id"] == delete.pk
    assert worker.put(path, {"note": "three"}).body["id"] == ingest.pk
    assert_untouched(ingest, worker.put(path, {"action": "Restore"}), 422, "action", before=as_stored(ingest))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v2/items/{}/"),
        ("PUT", "/api/v2/items/{}/"),
        ("PUT", "/api/v2/items/"),
        ("POST", "/api/v2/items/"),
        ("PUT", "/api/v2/items/{}/requeue/"),
        ("GET", "/admin-api/v3/items/show/{}"),
        ("GET", "/api/v2/objects/x"),
        ("GET", "/api/v2/item_state/{}/"),
    ],
)
def test_an_unexpected_parameter_is_reported(client, ada, item, method, path):
    before = as_stored(item)
    sent = {} if method == "GET" else {"json": {"note": "x"}}
    answer = Caller(client, ada).ask(method, path.format(item.pk), "item_stage=Receive", **sent)
    assert answer.status == 400
    assert set(answer.body) == {"item_stage", "error"}
    assert as_stored(item) == before


@pytest.mark.parametrize("what", ["create", "requeue", "save"])
def test_an_answer_that_fails_leaves_no_change(client, ada, item, virginia, monkeypatch, what):
    """If a client is told to try again, its first attempt must not have taken effect."""
    admin, before = Caller(client, ada), as_stored(item)
    from workitems.api.items import ItemView

    shown = ItemView.get_record
    asked = []

    def fails_at_last(view, pk):
        asked.append(pk)
        if what == "requeue" and len(asked) == 1:
            return shown(view, pk)
        raise OperationalError("the connection is gone")

    monkeypatch.setattr(ItemView, "get_record", fails_at_last)
    answer = {
        "create": lambda: admin.post(
            "/api/v2/items/", {"action": "Ingest", "name": "n.tar", "institution_id": virginia.pk}
        ),
        "requeue": lambda: admin.put(f"/api/v2/items/{item.pk}/requeue/", {"item_stage": "Receive"}),
        "save": lambda: admin.put(item_address(item), {"note": "x"}),
    }[what]()
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert as_stored(item) == before
    assert WorkItem.objects.count() == 1


def test_a_call_that_cannot_be_counted_is_answered(worker, item, monkeypatch):
    def busy(*args, **kwargs):
        raise OperationalError("database is locked")

    monkeypatch.setattr(api_keys, "count_call", busy)
    assert worker.get(item_address(item)).status == 200
