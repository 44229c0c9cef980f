"""The ingest worker: finds its bag, claims it with node and pid, and PUTs the complete record at every step."""

import pytest

from tests.factories import make_item
from tests.http_clients import NEVER, GoClient, check, connection, escaped, whole_record
from workitems import transitions

pytestmark = pytest.mark.django_db(transaction=True)
STEPS = [
    "Fetch",
    "Validate",
    "Reingest Check",
    "Copy To Staging",
    "Format Identification",
    "Store",
    "Storage Validation",
    "Record",
]
OBJECT = "virginia.edu/virginia.edu.uva-lib_2274642"


@pytest.fixture
def worker(real_server, wally):
    return GoClient(real_server, wally)


@pytest.fixture
def read(worker, item):
    """The item as the worker has read it."""
    return worker.get(f"/api/v2/items/{item.pk}")


@pytest.fixture
def save(worker, item):
    """A function that PUTs the record with changes, checks the status `code`, and returns the reply."""

    def put(record, code=200, end="/", **changes):
        return worker.put(f"/api/v2/items/{item.pk}{end}", whole_record(record, **changes), status=code)

    return put


def state(item):
    item.refresh_from_db()
    return item.stage, item.status, item.node, item.pid, item.retry, item.note


def moves(item):
    return list(item.history.values_list("move", flat=True))


def test_it_finds_its_bag(worker, virginia, item):
    make_item(virginia, name="other.tar")
    answer = worker.get(f"/api/v2/items/?item_action=Ingest&name={escaped(item.name)}&per_page=20&sort=date")
    assert (answer["count"], answer["next"], answer["results"][0]["id"]) == (1, None, item.pk)
    assert answer["results"][0] == worker.get(f"/api/v2/items/{item.pk}/")


def test_a_bag_from_receipt_to_success(item, read, save):
    record = read
    for end, stage in zip(["", "/", "?", "/?"] * 2, STEPS, strict=True):
        claim = {"node": "10.0.0.7", "pid": 4711, "note": f"{stage} & more", "queued_at": "2026-05-04T12:00:00.5Z"}
        started = {"stage": stage, "status": "Started", "stage_started_at": "2026-05-04T12:00:01.123456789Z"}
        record = save(record, end=end, **claim, **started)
        assert state(item) == (stage, "Started", "10.0.0.7", 4711, True, f"{stage} & more")
        assert (record["stage"], record["status"], record["node"], record["pid"]) == (
            stage,
            "Started",
            "10.0.0.7",
            4711,
        )
        record = save(record, stage=stage, status="Pending", node="", pid=0, note="Waits.")
        assert state(item) == (stage, "Pending", "", None, True, "Waits.")
        assert record["pid"] is None
    record = save(record, stage="Cleanup", status="Started", node="10.0.0.7", pid=4711)
    done = {"status": "Success", "outcome": "Success", "note": "Finished cleanup. Ingest complete.", "retry": True}
    record = save(record, **done, object_identifier=OBJECT)
    assert state(item)[:2] == ("Cleanup", "Success")
    assert (item.retry, item.outcome, record["retry"]) == (False, "Success", False)
    assert record["object_identifier"] == item.object_identifier == OBJECT
    assert moves(item) == ["create", *["progress"] * 17, "succeed"]


def test_the_object_identifier_is_set_if_the_worker_leaves_it_empty(item, read, save):
    assert save(read, stage="Record", status="Success")["object_identifier"] == OBJECT
    assert state(item)[:2] == ("Record", "Success")
    assert item.object_identifier == OBJECT


def test_a_temporary_problem_leaves_it_open(item, read, save):
    record = save(read, stage="Fetch", status="Started", node="10.0.0.7", pid=1)
    record = save(record, status="Failed", note="S3 timed out <again>.", node="", pid=0, retry=True)
    assert state(item) == ("Fetch", "Failed", "", None, True, "S3 timed out <again>.")
    save(record, status="Started", node="10.0.0.8", pid=2)
    assert state(item)[1:4] == ("Started", "10.0.0.8", 2)
    assert moves(item) == ["create", "progress", "fail", "progress"]


def test_json_false_is_false(worker, virginia):
    item = make_item(virginia, retry=True, needs_admin_review=True, stage="Fetch", status="Started")
    path = f"/api/v2/items/{item.pk}/"
    answer = worker.put(path, whole_record(worker.get(path), retry=False, needs_admin_review=False))
    item.refresh_from_db()
    assert (answer["retry"], answer["needs_admin_review"]) == (item.retry, item.needs_admin_review) == (False, False)
    worker.put(path, whole_record(answer, retry=True, needs_admin_review=True))
    item.refresh_from_db()
    assert (item.retry, item.needs_admin_review) == (True, True)


def test_a_fatal_problem_closes_it_and_it_stays_closed(worker, item, read, save):
    record = save(read, stage="Validate", status="Started", node="10.0.0.7", pid=1)
    fatal = {"status": "Failed", "retry": False, "needs_admin_review": True, "note": "md5 & sha256 do not match."}
    record = save(record, **fatal)
    ended = ("Validate", "Failed", "10.0.0.7", 1, False, "md5 & sha256 do not match.")
    assert state(item) == ended
    assert item.needs_admin_review is True
    said = save(record, 409, stage="Store", status="Started", retry=True, note="On and on.")
    assert said.pop("error")
    assert said == worker.get(f"/api/v2/items/{item.pk}/")
    save(record)  # the same again is a repetition, not a change
    assert state(item) == ended
    assert moves(item) == ["create", "progress", "fail"]


def test_a_save_repeated_five_times_is_one_entry(item, read, save):
    for _try in range(5):
        save(read, stage="Fetch", status="Started", node="10.0.0.7", pid=1, stage_started_at="2026-05-04T12:00:01.9Z")
    assert moves(item) == ["create", "progress"]


def test_a_save_repeated_after_a_lost_reply_is_one_entry(worker, item, read, save):
    claim = {"stage": "Fetch", "status": "Started", "node": "10.0.0.7", "pid": 1, "note": "Fetching."}
    with connection(worker.server) as (opened, _stream):
        opened.sendall(worker.request("PUT", f"/api/v2/items/{item.pk}", whole_record(read, **claim)))
    answer = save(read, **claim)
    assert (answer["stage"], answer["status"], answer["note"]) == ("Fetch", "Started", "Fetching.")
    assert state(item) == ("Fetch", "Started", "10.0.0.7", 1, True, "Fetching.")
    assert moves(item) == ["create", "progress"]


def test_a_cancel_wins_over_the_next_save(item, read, save, ada, worker):
    record = save(read, stage="Fetch", status="Started", node="10.0.0.7", pid=1)
    item.refresh_from_db()
    transitions.cancel(item, by=ada, note="Uploaded by mistake.")
    cancelled = state(item)
    for end in ("", "/"):
        said = save(record, 409, end, stage="Validate")
        assert (said["id"], said["stage"], said["status"]) == (item.pk, "Resolve", "Cancelled")
        assert (said["note"], said["retry"]) == ("Uploaded by mistake.", False)
        assert said.pop("error")
        assert said == worker.get(f"/api/v2/items/{item.pk}/")
    assert state(item) == cancelled
    assert moves(item) == ["create", "progress", "cancel"]


def test_going_back_is_refused_with_the_current_item(item, read, save):
    record = save(read, stage="Store", status="Started", node="10.0.0.7", pid=1)
    said = save(record, 409, stage="Fetch", status="Pending")
    assert (said["stage"], said["status"], said["node"], said["pid"]) == ("Store", "Started", "10.0.0.7", 1)
    assert "Store" in said["error"]
    assert state(item)[:4] == ("Store", "Started", "10.0.0.7", 1)


def test_success_too_early_is_refused(item, read, save):
    said = save(read, 409, stage="Fetch", status="Success")
    assert (said["stage"], said["status"]) == ("Receive", "Pending")
    assert state(item)[:2] == ("Receive", "Pending")


WRONG = [
    ("name", "other.tar"),
    ("name", ""),
    ("etag", "0"),
    ("action", "Restore"),
    ("institution_id", 10**9),
    ("bag_date", "2020-01-01T00:00:00Z"),
    ("stage", "Shelve"),
    ("status", "Done"),
    ("retry", "perhaps"),
    ("size", -1),
    ("pid", "one"),
    ("node", "x" * 256),
    ("note", {"a": 1}),
    ("queued_at", "soon"),
    ("statsu", "Started"),
]


def test_an_invalid_value_names_its_field(worker, item, read):
    before = state(item)
    for field, value in WRONG:
        reply = worker.reply("PUT", f"/api/v2/items/{item.pk}", whole_record(read, **{field: value}))
        assert reply.status == 422, (field, value, reply.plain)
        said = check(reply, 422)
        assert set(said) == {field, "error"}
        assert isinstance(said[field], list)
        assert all(isinstance(sentence, str) and sentence for sentence in said[field])
    assert state(item) == before
    assert moves(item) == ["create"]


def test_several_invalid_values_are_reported_together(item, read, save):
    said = save(read, 422, status="Done", size=-1, bag_date="yesterday")
    assert set(said) == {"status", "size", "bag_date", "error"}


def test_a_failure_without_a_note_is_refused(item, read, save):
    assert set(save(read, 422, status="Failed", retry=False, note="")) >= {"note", "error"}
    assert state(item)[:2] == ("Receive", "Pending")


def test_null_and_empty_are_the_same_in_both_directions(worker, item, read):
    texts = ("user", "node", "outcome", "object_identifier", "generic_file_identifier", "note")
    body = whole_record(read)
    nulls = {**body, **{name: None for name in texts if body[name] == ""}, "pid": None, "bag_date": None}
    years = {**body, "queued_at": NEVER, "stage_started_at": NEVER, "bag_date": NEVER}
    for sent in (nulls, years, body):
        worker.put(f"/api/v2/items/{item.pk}/", sent)
    assert state(item) == ("Receive", "Pending", "", None, True, "")
    assert (item.queued_at, item.stage_started_at, item.bag_date) == (None, None, None)
    assert moves(item) == ["create"]


def test_approvers_are_ignored(item, read, save):
    save(read, note="Seen.", inst_approver="a@b.c", aptrust_approver="a@b.c")
    item.refresh_from_db()
    assert (item.note, item.inst_approver, item.aptrust_approver) == ("Seen.", "", "")


def test_the_complete_reply_can_be_sent_back(worker, item, read):
    assert worker.put(f"/api/v2/items/{item.pk}/", {**read, "note": "Sent back."})["note"] == "Sent back."
    assert state(item)[5] == "Sent back."


def test_an_unknown_item_is_404(worker, item, read):
    for number in ("0", "999999999", "99999999999999999999999"):
        worker.get(f"/api/v2/items/{number}/", status=404)
        worker.put(f"/api/v2/items/{number}", whole_record(read, note="Lost."), status=404)
    assert state(item)[5] == ""


def test_a_worker_cancels_a_replaced_upload(worker, virginia):
    old = make_item(virginia, name="bag.tar", etag="1", stage="Copy To Staging")
    new = make_item(virginia, name="bag.tar", etag="2", stage="Copy To Staging")
    for item, code in ((old, 200), (new, 409)):
        path = f"/api/v2/items/{item.pk}/"
        body = whole_record(worker.get(path), status="Cancelled", retry=False, note="A newer upload is there.")
        worker.put(path, body, status=code)
    assert state(old)[:2] == ("Copy To Staging", "Cancelled")
    assert state(new)[:2] == ("Copy To Staging", "Pending")


def batch(*records):
    return {"work_items": {"items": list(records)}}


@pytest.mark.parametrize("end", ["", "/"])
def test_a_batch_is_saved_completely_or_not_at_all(worker, virginia, end):
    items = [make_item(virginia) for _n in range(3)]
    records = [worker.get(f"/api/v2/items/{item.pk}") for item in items]
    claimed = [{"id": r["id"], **whole_record(r, stage="Fetch", status="Started", node="n", pid=1)} for r in records]
    answer = worker.put(f"/api/v2/items{end}", batch(*claimed))
    assert (answer["count"], answer["next"], answer["previous"]) == (3, None, None)
    assert [found["id"] for found in answer["results"]] == [item.pk for item in items]
    assert [state(item)[:4] for item in items] == [("Fetch", "Started", "n", 1)] * 3

    back = [{**record, "stage": "Store"} for record in claimed]
    back[1]["stage"] = "Receive"
    said = worker.put(f"/api/v2/items{end}", batch(*back), status=409)
    assert (said["id"], said["index"]) == (items[1].pk, 1)
    back[1]["stage"], back[2]["status"] = "Store", "Done"
    said = worker.put(f"/api/v2/items{end}", batch(*back), status=422)
    assert (said["id"], said["index"]) == (items[2].pk, 2)
    assert said["status"]
    assert [state(item)[:4] for item in items] == [("Fetch", "Started", "n", 1)] * 3
