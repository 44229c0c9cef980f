"""Worker state: JSON text in a JSON string, many MB long, loaded and saved next to the item."""

import json

import pytest

from tests.factories import make_item
from tests.http_clients import Curl, GoClient, PythonClient, go_json
from tests.stored_items import worker_state_text
from workitems import transitions

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = json.dumps({"Bag": 'a & b <c> "d" \\ päck 楽 \u2028', "Files": list(range(50))}, ensure_ascii=False)


@pytest.fixture
def worker(real_server, wally):
    return GoClient(real_server, wally)


def body(item, text=TEXT, number=0):
    return {"id": number, "work_item_id": item.pk, "action": item.action, "state": text}


@pytest.mark.parametrize("end", ["", "/", "?", "/?"])
def test_saved_and_loaded(worker, item, end):
    assert worker.get(f"/api/v2/items/{item.pk}")["work_item_state_id"] is None
    made = worker.post(f"/api/v2/item_state{end}", body(item))
    assert made["work_item_id"] == item.pk
    assert {**made, "state": None} == {"id": made["id"], "work_item_id": item.pk, "action": "Ingest", "state": None}
    assert worker_state_text(item) == TEXT
    assert worker.get(f"/api/v2/items/{item.pk}")["work_item_state_id"] == made["id"]
    assert worker.get(f"/api/v2/item_state/{made['id']}{end}") == {**body(item), "id": made["id"]}

    worker.put(f"/api/v2/item_state/{made['id']}{end}", body(item, '{"Files":[]}', made["id"]))
    assert worker_state_text(item) == '{"Files":[]}'
    assert worker.get(f"/api/v2/item_state/{made['id']}")["state"] == '{"Files":[]}'
    assert item.history.count() == 1


@pytest.mark.parametrize("end", ["", "/"])
def test_a_missing_state_is_404(worker, item, end):
    for number in (0, item.pk, 10**9):
        worker.get(f"/api/v2/item_state/{number}{end}", status=404)
    worker.put(f"/api/v2/item_state/0{end}", body(item), status=404)
    assert worker_state_text(item) == ""


def test_a_large_state_with_and_without_100_continue(worker, real_server, wally, item):
    text = json.dumps([f"file {number} & co: {number * 7919 % 1_000_003}" for number in range(150_000)])
    number = worker.post("/api/v2/item_state/", body(item, text))["id"]
    assert len(text) > 4_000_000
    assert worker_state_text(item) == text
    assert worker.get(f"/api/v2/item_state/{number}/")["state"] == text

    class JsonCurl(Curl):
        kind = "application/json"

    longer = f"{text[:-1]}, 1]"
    JsonCurl(real_server, wally).put(
        f"/api/v2/item_state/{number}/", go_json(body(item, longer, number)), "Expect: 100-continue"
    )
    assert worker_state_text(item) == longer


def test_a_state_above_the_limit_is_413_and_the_former_one_stays(worker, item):
    number = worker.post("/api/v2/item_state/", body(item, "[1]"))["id"]
    sent = b'{"id":%d,"work_item_id":%d,"action":"Ingest","state":"%s"}'
    for path, method in ((f"/api/v2/item_state/{number}/", "PUT"), ("/api/v2/item_state/", "POST")):
        answer = worker.ask(
            method, path, sent % (number, item.pk, b"x" * (transitions.WORKER_STATE_LIMIT + 1)), status=413
        )
        assert "64" in answer["error"]
    assert worker_state_text(item) == "[1]"


def test_a_post_repeated_after_a_lost_reply_keeps_one_state(worker, item):
    made = [worker.post("/api/v2/item_state/", body(item, text)) for text in ("[1]", "[1]", "[2]")]
    assert len({one["id"] for one in made}) == 1
    assert worker_state_text(item) == "[2]"


def test_a_state_for_an_unknown_item_is_reported(worker, item):
    said = worker.post("/api/v2/item_state/", {**body(item), "work_item_id": 0}, status=422)
    assert said["work_item_id"]
    number = worker.post("/api/v2/item_state/", body(item))["id"]
    other = make_item(item.institution)
    said = worker.put(f"/api/v2/item_state/{number}/", body(other, number=number), status=422)
    assert said["work_item_id"]
    assert worker_state_text(other) == ""


def test_members_cannot_see_states(real_server, worker, dora, stan, item):
    number = worker.post("/api/v2/item_state/", body(item))["id"]
    for person in (dora, stan):
        member = PythonClient(real_server, person)
        member.get(f"/api/v2/item_state/{number}/", status=403)
        member.post("/api/v2/item_state/", body(item, "[]"), status=403)
        member.put(f"/api/v2/item_state/{number}/", body(item, "[]"), status=403)
    assert worker_state_text(item) == TEXT
