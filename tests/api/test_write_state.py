"""item_state: a worker's state, saved by POST and PUT, large, compressed, and shown nowhere else."""

import gzip
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import make_item
from tests.stored_items import as_stored, worker_state_text
from workitems import transitions
from workitems.api.resources import WorkerStateView
from workitems.models import WorkItemState
from workitems.transitions import worker_state

from .api_client import Caller

STATES = "/api/v2/item_state/"
TEXT = json.dumps({"bag": "Ünï & <c> “d”\n \\u0026 🜁", "files": ["secret-of-the-state"] * 20}, ensure_ascii=False)


@pytest.fixture
def worker(client, wally):
    return Caller(client, wally)


def record(item, text=TEXT, **more):
    return {"id": 0, "work_item_id": item.pk, "action": "Ingest", "state": text, **more}


@pytest.mark.parametrize("who", ["ada", "wally"])
def test_a_state_is_created_read_and_replaced(client, cast, item, who):
    caller = Caller(client, cast[who])
    before = as_stored(item)
    assert caller.get(f"/api/v2/items/{item.pk}/").body["work_item_state_id"] is None
    made = caller.post(STATES, record(item))
    assert (made.status, made.body) == (201, {**record(item), "id": item.pk})
    assert caller.get(f"/api/v2/items/{item.pk}/").body["work_item_state_id"] == item.pk
    assert caller.get(f"{STATES}{item.pk}/").body == made.body
    saved = caller.put(f"{STATES}{item.pk}/", {**made.body, "state": "{}", "action": "Restore"})
    assert (saved.status, saved.body) == (200, {**record(item, "{}"), "id": item.pk, "action": "Restore"})
    assert caller.get(f"{STATES}{item.pk}").body == saved.body
    assert as_stored(item) == before


def test_a_repeated_post_is_the_same_state(worker, item):
    first = worker.post(STATES, record(item))
    again = worker.post(STATES, record(item))
    assert (again.status, again.body) == (201, first.body)
    later = worker.post(STATES, record(item, "later", id=item.pk))
    assert (later.status, later.body["id"], later.body["state"]) == (201, item.pk, "later")
    assert WorkItemState.objects.count() == 1


def test_each_item_has_its_own(worker, item, theirs):
    worker.post(STATES, record(item, "ours"))
    worker.post(STATES, record(theirs, "theirs"))
    assert [worker.get(f"{STATES}{one.pk}/").body["state"] for one in (item, theirs)] == ["ours", "theirs"]


def test_a_missing_state_is_404(worker, item):
    for number in (0, item.pk, 987_654, 2**63, 10**40):
        for path in (f"{STATES}{number}/", f"{STATES}{number}"):
            assert worker.get(path).status == 404
            assert worker.put(path, record(item)).status == 404
    assert not WorkItemState.objects.exists()


@pytest.mark.parametrize("nothing", ["", None])
def test_an_empty_state_is_an_empty_text(worker, item, nothing):
    made = worker.post(STATES, {"id": nothing, "work_item_id": item.pk, "action": nothing, "state": nothing})
    assert (made.status, made.body) == (201, record(item, "", id=item.pk))
    assert worker.get(f"{STATES}{item.pk}/").body == made.body
    least = worker.post(STATES, {"work_item_id": item.pk})
    assert (least.status, least.body) == (201, made.body)


def test_the_action_defaults_to_the_items(worker, virginia):
    item = make_item(virginia, action="Delete")
    assert worker.post(STATES, record(item, action="")).body["action"] == "Delete"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"work_item_id": 0}, "work_item_id"),
        ({"work_item_id": None}, "work_item_id"),
        ({"work_item_id": 987_654}, "work_item_id"),
        ({"work_item_id": 2**63}, "work_item_id"),
        ({"work_item_id": -1}, "work_item_id"),
        ({"work_item_id": "1"}, "work_item_id"),
        ({"work_item_id": True}, "work_item_id"),
        ({"work_item_id": [1]}, "work_item_id"),
        ({"id": "x"}, "id"),
        ({"id": 1.5}, "id"),
        ({"state": {"a": 1}}, "state"),
        ({"state": {}}, "state"),
        ({"state": []}, "state"),
        ({"state": 0}, "state"),
        ({"state": False}, "state"),
        ({"state": "a\0b"}, "state"),
        ({"action": 7}, "action"),
        ({"action": {}}, "action"),
        ({"action": "a" * 33}, "action"),
        ({"action": "a\0b"}, "action"),
        ({"node": "w1"}, "node"),
    ],
)
def test_invalid_values(worker, item, wrong, field):
    worker.post(STATES, record(item, "former"))
    answer = worker.post(STATES, {**record(item), **wrong})
    assert (answer.status, set(answer.body)) == (422, {field, "error"})
    if field != "work_item_id" or wrong[field] not in (None, 0):
        answer = worker.put(f"{STATES}{item.pk}/", {**record(item), **wrong})
        assert (answer.status, set(answer.body)) == (422, {field, "error"})
    assert worker_state_text(item) == "former"


def test_half_a_surrogate_pair(worker, item):
    sent = json.dumps(record(item, "HALF")).encode().replace(b"HALF", rb"\ud83d")
    answer = worker.post(STATES, body=sent)
    assert (answer.status, set(answer.body)) == (422, {"state", "error"})
    whole = json.dumps(record(item, "🜁")).encode()
    assert rb"\ud83d" in whole
    assert worker.post(STATES, body=whole).body["state"] == "🜁"


def test_a_state_stays_with_its_item(worker, item, theirs):
    worker.post(STATES, record(item, "ours"))
    for wrong in ({"work_item_id": theirs.pk}, {"id": theirs.pk}):
        answer = worker.put(f"{STATES}{item.pk}/", {**record(item, "moved"), **wrong})
        assert (answer.status, set(answer.body)) == (422, {*wrong, "error"})
    assert worker_state_text(item) == "ours"
    assert not WorkItemState.objects.filter(pk=theirs.pk).exists()


def test_escapes_of_go(worker, item):
    sent = (
        rb'{"id":0,"work_item_id":%d,"action":"Ingest","state":"{\"a\":\"\u0026\u003c\u003e\u2028\\u0026\"}"}' % item.pk
    )
    assert worker.post(STATES, body=sent).status == 201
    assert worker_state_text(item) == '{"a":"&<>\u2028\\u0026"}'
    assert worker.get(f"{STATES}{item.pk}/").body["state"] == worker_state_text(item)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"{", b'{"state":'])
def test_bodies_that_are_not_objects(worker, item, body):
    assert worker.post(STATES, body=body).status == 400
    assert not WorkItemState.objects.exists()


# Size


def test_the_limit_is_exactly_64_mib(worker, item):
    head = b'{"id":0,"work_item_id":%d,"action":"","state":"' % item.pk
    # Each quote is two bytes in the body.
    kept = worker.raw("POST", STATES, body=head + rb"\"" * transitions.WORKER_STATE_LIMIT + b'"}')
    assert kept.status_code == 201
    assert WorkItemState.objects.get().length == transitions.WORKER_STATE_LIMIT
    del kept
    answer = worker.post(STATES, body=head + b"a" * (transitions.WORKER_STATE_LIMIT + 1) + b'"}')
    assert answer.status == 413
    assert "67,108,865" in answer.body["error"]
    assert WorkItemState.objects.get().length == transitions.WORKER_STATE_LIMIT


def test_the_limit_counts_bytes_and_leaves_the_former_state(worker, item, monkeypatch):
    monkeypatch.setattr(worker_state, "WORKER_STATE_LIMIT", 100)
    assert worker.post(STATES, record(item, "é" * 50)).status == 201
    for answer in (
        worker.post(STATES, record(item, "é" * 50 + "a")),
        worker.put(f"{STATES}{item.pk}/", record(item, "é" * 51)),
    ):
        assert (answer.status, set(answer.body)) == (413, {"error"})
    assert worker_state_text(item) == "é" * 50


def test_a_body_over_the_request_limit_is_413(worker, item, monkeypatch):
    assert WorkerStateView.max_bytes > 2 * transitions.WORKER_STATE_LIMIT
    monkeypatch.setattr(WorkerStateView, "max_bytes", 2000)
    fits = json.dumps(record(item, "")).encode()
    fits += b" " * (2000 - len(fits))
    assert worker.post(STATES, body=fits).status == 201
    for method, path in (("POST", STATES), ("PUT", f"{STATES}{item.pk}/")):
        answer = worker.ask(method, path, body=fits + b" ")
        assert (answer.status, set(answer.body)) == (413, {"error"})
        assert "2,001" in answer.body["error"]
    assert worker_state_text(item) == ""


def test_a_large_state_is_compressed_if_the_client_accepts_it(worker, item):
    text = json.dumps([f"file {number} & co" for number in range(50_000)])
    worker.post(STATES, record(item, text))
    path = f"{STATES}{item.pk}/"
    zipped = worker.raw("GET", path, more={"Accept-Encoding": "gzip"})
    assert zipped["Content-Encoding"] == "gzip"
    assert len(zipped.content) == int(zipped["Content-Length"]) < len(text) / 3
    plain = worker.raw("GET", path)
    assert not plain.has_header("Content-Encoding")
    assert gzip.decompress(zipped.content) == plain.content
    assert json.loads(plain.content)["state"] == text
    made = worker.raw("POST", STATES, json=record(item, text), more={"Accept-Encoding": "gzip"})
    assert json.loads(gzip.decompress(made.content))["state"] == text


# Who sees it


@pytest.mark.parametrize("who", ["dora", "stan", "olga"])
def test_members_cannot_read_or_write_it(client, cast, worker, item, who):
    worker.post(STATES, record(item))
    member = Caller(client, cast[who])
    for answer in (
        member.get(f"{STATES}{item.pk}/"),
        member.get(f"{STATES}0/"),
        member.post(STATES, record(item, "mine")),
        member.put(f"{STATES}{item.pk}/", record(item, "mine")),
    ):
        assert (answer.status, set(answer.body)) == (403, {"error"})
    assert member.get(f"/member-api/v2/item_state/{item.pk}/").status == 404
    assert worker_state_text(item) == TEXT


@pytest.mark.parametrize("who", ["dora", "stan", "ada", "wally"])
def test_no_member_reply_mentions_it(client, cast, worker, item, who):
    worker.post(STATES, record(item))
    member = Caller(client, cast[who])
    for path in (
        "/member-api/v1/items/",
        "/member-api/v2/items/",
        f"/member-api/v2/items/{item.pk}/",
        "/member-api/v3/items",
        f"/member-api/v3/items/show/{item.pk}",
    ):
        content = member.raw("GET", path).content.decode()
        assert item.name in content
        assert "secret-of-the-state" not in content
        assert "state_id" not in content
        assert '"node"' not in content


@pytest.mark.parametrize(
    "path", ["/api/v2/items/", "/admin-api/v3/items", "/api/v2/items/{}/", "/admin-api/v3/items/show/{}"]
)
def test_reading_items_does_not_load_the_state(worker, item, path):
    worker.post(STATES, record(item))
    with CaptureQueriesContext(connection) as asked:
        answer = worker.get(path.format(item.pk))
    assert answer.status == 200
    shown = answer.body["results"][0] if "results" in answer.body else answer.body
    assert shown["work_item_state_id"] == item.pk
    statements = [one["sql"] for one in asked if "workitems_workitemstate" in one["sql"]]
    assert len(statements) == 1
    assert "packed" not in statements[0]


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "POST"])
def test_other_methods(worker, item, method):
    worker.post(STATES, record(item))
    assert worker.ask(method, f"{STATES}{item.pk}/", json=record(item, "x")).status == 405
    assert worker.get(STATES).status == 405
    assert worker_state_text(item) == TEXT
