"""One value in several spellings: times with fewer digits, words in any case, etags as storage services list them, null."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from tests.factories import make_item
from tests.stored_items import as_stored
from workitems import transitions
from workitems.models import WorkItem

from .api_client import Caller
from .saving_items import item_address, read_item

MADE = datetime(2026, 3, 4, 5, 6, 7, 383_659, tzinfo=UTC)
MD5 = "9c5a3e2b7d1f4860a1b2c3d4e5f60718"


@pytest.fixture
def worker(client, wally):
    return Caller(client, wally)


@pytest.fixture
def item(virginia, wally):
    item = make_item(virginia, name="bag.tar", etag=MD5, bag_date=MADE, date=MADE, queued_at=MADE, at=MADE)
    return transitions.progress(item, by=wally, stage="Fetch", node="w1", pid=7, stage_started_at=MADE, at=MADE)


@pytest.mark.parametrize(
    "spelled",
    ["2026-03-04T05:06:07.383Z", "2026-03-04T05:06:07.384Z", "2026-03-04T06:06:07.38+01:00", "2026-03-04T05:06:07Z"],
)
def test_a_time_with_fewer_digits_is_no_change(worker, item, spelled):
    before = as_stored(item)
    times = dict.fromkeys(("bag_date", "date", "queued_at", "stage_started_at"), spelled)
    assert worker.put(item_address(item), read_item(worker, item, **times)).status == 200
    assert as_stored(item) == before


def test_another_time_is_a_change(worker, item):
    answer = worker.put(item_address(item), read_item(worker, item, bag_date="2026-03-04T05:06:07.385Z"))
    assert answer.status == 422
    worker.put(item_address(item), read_item(worker, item, queued_at="2026-03-04T05:06:07.385Z"))
    item.refresh_from_db()
    assert item.queued_at == MADE.replace(microsecond=385_000)


@pytest.mark.parametrize(
    ("path", "digits"), [("/member-api/v1/items/", 3), ("/api/v2/items/", 3), ("/admin-api/v3/items", 6)]
)
def test_times_have_the_digits_that_each_versions_clients_read(client, ada, item, path, digits):
    [shown] = Caller(client, ada).get(path).body["results"]
    for name in {"created_at", "updated_at", "bag_date"} & shown.keys():
        assert shown[name].endswith("Z")
        assert len(shown[name].partition(".")[2]) == digits + 1, name


@pytest.mark.parametrize("nothing", [None, ""])
def test_nothing_in_a_field_that_only_the_system_sets_counts_as_left_out(worker, ada, client, item, nothing):
    before = as_stored(item)
    for caller, address, names in (
        (worker, item_address(item), ("id", "created_at", "institution", "reviewed", "work_item_state_id")),
        (worker, f"/admin-api/v3/items/update/{item.pk}", ("id", "created_at", "institution_name", "finished_at")),
    ):
        assert caller.put(address, dict.fromkeys(names, nothing)).status == 200
    assert as_stored(item) == before


def test_null_for_the_systems_fields_of_a_new_item(worker, virginia):
    empty = dict.fromkeys(("id", "created_at", "updated_at", "institution", "reviewed", "work_item_state_id"))
    sent = {**empty, "name": "bag.tar", "action": "Ingest", "institution_id": virginia.pk}
    assert worker.post("/api/v2/items/", sent).status == 201


def test_words_in_any_case_are_stored_as_they_are_listed(worker, virginia):
    sent = {"name": "bag.tar", "action": "ingest", "stage": "RECEIVE", "status": "pending"}
    made = worker.post("/api/v2/items/", {**sent, "institution_id": virginia.pk})
    assert made.status == 201
    stored = WorkItem.objects.get()
    assert (stored.action, stored.stage, stored.status) == ("Ingest", "Receive", "Pending")


@pytest.mark.parametrize(
    ("word", "file", "status", "shown"),
    [
        ("ingest", "", 201, "Ingest"),
        ("DELETE", "", 201, "Delete"),
        ("restore object", "", 201, "Restore Object"),
        ("restore FILE", "virginia.edu/x/data/1", 201, "Restore File"),
        ("restore file", "", 422, None),
        ("restore object", "virginia.edu/x/data/1", 422, None),
        ("restore", "", 422, None),
    ],
)
def test_registrys_actions_in_any_case(worker, virginia, word, file, status, shown):
    sent = {"name": "bag.tar", "action": word, "generic_file_identifier": file}
    made = worker.post(f"/admin-api/v3/items/create/{virginia.pk}", sent)
    assert (made.status, made.body.get("action") if shown else None) == (status, shown)
    if shown:
        saved = worker.put(
            f"/admin-api/v3/items/update/{made.body['id']}", {**made.body, "action": word, "note": "Seen."}
        )
        assert (saved.status, saved.body["action"]) == (200, shown)
        other = "Restore File" if shown == "Restore Object" else "restore object"
        assert worker.put(f"/admin-api/v3/items/update/{made.body['id']}", {"action": other}).status == 422


@pytest.mark.parametrize(
    ("path", "query", "count"),
    [
        ("/api/v2/items/", "action=ingest", 1),
        ("/api/v2/items/", "action=restore", 0),
        ("/api/v2/items/", "action=ingest&item_action=Ingest", 1),
        ("/api/v2/items/", "status=STARTED&stage=fetch", 1),
        ("/member-api/v1/items/", "action=ingest&item_action=ingest", 1),
        ("/member-api/v1/items/", "item_action=Ingest&status=Start", 1),
        ("/admin-api/v3/items", "action=INGEST&stage__in=fetch", 1),
    ],
)
def test_lists_take_words_in_any_case(client, ada, item, path, query, count):
    answer = Caller(client, ada).get(path, query)
    assert (answer.status, answer.body["count"]) == (200, count)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/v2/items/", "action=ingest&action=delete&item_action=Delete&item_action=INGEST"),
        ("/api/v2/items/", f"etag_like=%22{MD5.upper()}%22&etag_contains={MD5}"),
        ("/api/v2/items/", "updated_since=2026-01-01T00:00:00Z&updated_after=2026-01-01T01:00:00.000%2B01:00"),
        ("/admin-api/v3/items", "action=ingest&action=Delete&action__in=delete&action__in=ingest"),
        ("/admin-api/v3/items", "node__not_null=true&node__is_not_null=1"),
        ("/admin-api/v3/items", "generic_file_id__not_null=no&generic_file_id__is_not_null=false"),
    ],
)
def test_two_names_of_a_filter_can_say_the_same(client, ada, item, path, query):
    answer = Caller(client, ada).get(path, query)
    assert (answer.status, answer.body["count"]) == (200, 1)


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/admin-api/v3/items", "node__not_null=true&node__is_not_null=0"),
        ("/api/v2/items/", "updated_since=2026-01-01T00:00:00Z&updated_after=2026-01-01T00:00:01Z"),
        ("/api/v2/items/", "updated_since=soon&updated_after=2026-01-01"),
    ],
)
def test_two_names_of_a_filter_that_differ_are_an_error(client, ada, item, path, query):
    answer = Caller(client, ada).get(path, query)
    assert answer.status == 400
    assert "the same filter" in answer.body["error"]


@pytest.mark.parametrize("path", ["/api/v2/items/", "/member-api/v1/items/"])
def test_two_actions_that_differ_are_an_error(client, ada, item, path):
    answer = Caller(client, ada).get(path, "item_action=Ingest&action=delete")
    assert answer.status == 400
    assert "the same filter" in answer.body["error"]


SPELLED = [f'"{MD5}"', f'W/"{MD5}"', MD5.upper()]


@pytest.mark.parametrize("etag", SPELLED)
def test_an_etag_as_storage_services_list_it_is_the_same_file(worker, virginia, item, etag):
    made = worker.post(
        "/api/v2/items/", {"name": "other.tar", "action": "Ingest", "institution_id": virginia.pk, "etag": etag}
    ).body
    assert made["etag"] == MD5
    before = as_stored(item)
    assert worker.put(item_address(item), read_item(worker, item, etag=etag)).status == 200
    assert as_stored(item) == before
    for name in ("etag", "etag_like", "q"):
        found = worker.get("/api/v2/items/", [(name, etag)]).body["results"]
        assert {one["id"] for one in found} == {item.pk, made["id"]}, name


@pytest.mark.parametrize("etag", SPELLED)
def test_an_etag_in_an_address(worker, item, etag):
    """A weak one contains a slash."""
    shown = worker.get(item_address(item)).body
    for spelled in (quote(etag, safe=""), quote(etag, safe="/")):
        address = f"/api/v2/items/{spelled}/bag.tar/2026-03-04T05:06:07Z"
        assert worker.get(address).body == shown
        saved = worker.put(address, {"etag": etag, "note": f"Seen as {etag}."})
        assert (saved.status, saved.body["id"], saved.body["etag"]) == (200, item.pk, MD5)
        shown = saved.body


def test_a_name_that_looks_like_the_rest_of_a_weak_etag(worker, virginia):
    item = make_item(virginia, name=f'"{MD5}"', etag="W", bag_date=MADE)
    assert worker.get(f"/api/v2/items/W/%22{MD5}%22/2026-03-04T05:06:07Z").body["id"] == item.pk


def test_an_etag_of_another_form_stays_as_it_came(worker, virginia):
    sent = {"name": "other.tar", "action": "Ingest", "institution_id": virginia.pk, "etag": '"ABC1"'}
    assert worker.post("/api/v2/items/", sent).body["etag"] == '"ABC1"'


def test_an_item_by_its_upload_is_that_of_the_action_in_any_case(worker, virginia):
    of_upload = {"name": "bag.tar", "etag": MD5, "bag_date": MADE}
    ingest, deletion = make_item(virginia, **of_upload), make_item(virginia, action="Delete", **of_upload)
    address = f"/api/v2/items/{MD5.upper()}/bag.tar/2026-03-04T05:06:07Z"
    for word, item in (("delete", deletion), ("DELETE", deletion), ("ingest", ingest)):
        saved = worker.put(address, {"action": word, "note": f"Seen as {word}."})
        assert (saved.status, saved.body["id"]) == (200, item.pk), word
