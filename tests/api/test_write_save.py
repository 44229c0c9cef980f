"""PUT of one item: the complete record with changes, for every move, and by every address of an item."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests.factories import make_item
from tests.http_clients import NEVER, TIMES, escaped, whole_record
from tests.stored_items import as_stored, last_entry
from workitems import transitions
from workitems.api.fields import read_time
from workitems.lifecycle import TransitionRequest

from .api_client import Caller
from .saving_items import FETCHING, assert_untouched, item_address, read_item


@pytest.fixture
def worker(client, wally):
    return Caller(client, wally)


@pytest.fixture
def admin(client, ada):
    return Caller(client, ada)


NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
# What: how the item is made; who saves; what is new in the record; the move; what is stored then.
SAVES = {
    "take it up": ({}, "wally", FETCHING, "progress", FETCHING | {"retry": True}),
    "note and flags": (
        FETCHING,
        "wally",
        {"note": "Half of it & more.", "retry": False, "needs_admin_review": True, "outcome": "o"},
        "progress",
        {"note": "Half of it & more.", "retry": False, "needs_admin_review": True, "node": "w1", "outcome": "o"},
    ),
    "skip": (FETCHING, "wally", {"stage": "Store"}, "progress", {"stage": "Store", "status": "Started"}),
    "clear flags": (
        FETCHING | {"needs_admin_review": True},
        "wally",
        {"retry": False, "needs_admin_review": False},
        "progress",
        {"retry": False, "needs_admin_review": False},
    ),
    "hand on": (
        FETCHING,
        "wally",
        {"stage": "Validate", "status": "Pending"},
        "progress",
        {"stage": "Validate", "status": "Pending", "node": "", "pid": None, "stage_started_at": None},
    ),
    "hand back": (FETCHING, "wally", {"status": "Pending"}, "progress", {"stage": "Fetch", "node": "", "pid": None}),
    "queue": (
        {},
        "wally",
        {"queued_at": "2026-03-04T05:06:07.123456789Z"},
        "progress",
        {"status": "Pending", "node": "", "pid": None},
    ),
    "correct": (
        FETCHING,
        "wally",
        {"size": 2**40, "bucket": "b", "user": "", "date": "2026-03-04T05:06:07Z", "generic_file_identifier": "f"},
        "progress",
        {"size": 2**40, "bucket": "b", "user": "", "generic_file_identifier": "f"},
    ),
    "succeed": (
        FETCHING,
        "wally",
        {"stage": "Cleanup", "status": "Success", "note": "Done.", "node": "", "pid": 0, "retry": True},
        "succeed",
        {"stage": "Cleanup", "status": "Success", "retry": False, "object_identifier": "virginia.edu/bag", "pid": None},
    ),
    "succeed, named": (
        FETCHING,
        "wally",
        {"stage": "Record", "status": "Success", "object_identifier": "virginia.edu/other"},
        "succeed",
        {"stage": "Record", "status": "Success", "object_identifier": "virginia.edu/other"},
    ),
    "succeed, restored": (
        {"action": "Restore"},
        "wally",
        {"stage": "Available in S3", "status": "Success", "note": "There."},
        "succeed",
        {"stage": "Available in S3", "status": "Success", "object_identifier": ""},
    ),
    "fail for now": (
        FETCHING,
        "wally",
        {"status": "Failed", "note": "S3 timed out.", "retry": True},
        "fail",
        {"stage": "Fetch", "status": "Failed", "retry": True, "node": "w1"},
    ),
    "fail for good": (
        FETCHING,
        "wally",
        {"stage": "Validate", "status": "Failed", "note": "No manifest.", "retry": False, "needs_admin_review": True},
        "fail",
        {"stage": "Validate", "status": "Failed", "retry": False, "needs_admin_review": True},
    ),
    "again after a failure": (
        {"stage": "Fetch", "status": "Failed", "note": "S3 timed out."},
        "wally",
        {"status": "Started", "node": "w2", "pid": 8, "note": ""},
        "progress",
        {"status": "Started", "node": "w2", "note": ""},
    ),
    "suspend": (
        FETCHING,
        "wally",
        {"status": "Suspended", "note": "Ask."},
        "suspend",
        {"stage": "Fetch", "status": "Suspended", "needs_admin_review": True, "retry": False},
    ),
    "suspend by an admin": (
        FETCHING,
        "ada",
        {"status": "Suspended", "note": "Ask."},
        "suspend",
        {"stage": "Fetch", "status": "Suspended", "needs_admin_review": True, "retry": False},
    ),
    "cancel by an admin": (
        FETCHING,
        "ada",
        {"status": "Cancelled", "note": "Wrong bag.", "node": "", "pid": 0},
        "cancel",
        {"stage": "Resolve", "status": "Cancelled", "retry": False, "note": "Wrong bag.", "node": ""},
    ),
    "cancel what is held": (
        {"stage": "Fetch", "status": "Suspended", "note": "Ask."},
        "ada",
        {"status": "Cancelled", "note": "Wrong bag."},
        "cancel",
        {"stage": "Resolve", "status": "Cancelled"},
    ),
    "flags of a success": (
        {"stage": "Record", "status": "Success", "node": "w1", "pid": 9, "needs_admin_review": True},
        "ada",
        {"node": "", "pid": 0, "needs_admin_review": False, "note": "Looked at."},
        "edit",
        {"node": "", "pid": None, "needs_admin_review": False, "note": "Looked at.", "status": "Success"},
    ),
    "flags of a failure": (
        {"stage": "Fetch", "status": "Failed", "retry": False, "needs_admin_review": True, "note": "Bad."},
        "ada",
        {"needs_admin_review": False},
        "edit",
        {"needs_admin_review": False, "retry": False, "status": "Failed", "note": "Bad."},
    ),
}


@pytest.mark.parametrize("name", SAVES)
def test_every_move_and_its_repetition(client, cast, virginia, name):
    made, who, new, move, then = SAVES[name]
    caller = Caller(client, cast[who])
    item = make_item(virginia, name="bag.tar", **made)
    stage, status = item.stage, item.status
    record = read_item(caller, item, **new)
    answer = caller.put(item_address(item), record)
    assert answer.status == 200, answer.body
    assert answer.body == caller.get(item_address(item)).body
    item.refresh_from_db()
    assert {field: getattr(item, field) for field in then} == then
    entry = last_entry(item)
    assert (entry.move, entry.number, entry.via, entry.who) == (move, 2, "api", cast[who].email)
    assert (entry.stage_before, entry.status_before, entry.note) == (stage, status, item.note)
    assert answer.body["note"] == item.note
    stored = as_stored(item)
    for _try in range(5):
        again = caller.put(item_address(item), record)
        assert (again.status, again.body) == (200, answer.body)
        assert as_stored(item) == stored


def as_values(new):
    """Returns the changes of a record as arguments of the transition."""
    empty = {"pid": None, "size": None}
    return {
        name: read_time(value) if name in TIMES else (value or empty.get(name, value)) for name, value in new.items()
    }


@pytest.mark.parametrize("name", SAVES)
def test_a_save_has_the_effect_of_the_transition(client, cast, virginia, name):
    made, who, new, move, _then = SAVES[name]
    item, twin = (make_item(virginia, name="bag.tar", etag="e", at=NOON, **made) for _ in range(2))
    caller = Caller(client, cast[who])
    assert caller.put(item_address(item), read_item(caller, item, **new)).status == 200
    values = as_values(new)
    words = {word: values.pop(word, None) for word in ("stage", "status", "note")}
    words["status"] = None if move == "edit" else words["status"] or twin.status
    values = {field: value for field, value in values.items() if field != "user"}
    [result] = transitions.apply(move, [twin.pk], TransitionRequest(**words, fields=values), by=cast[who], via="api")
    assert result.changed
    rows, entries = zip(as_stored(item), as_stored(twin), strict=True)
    for row in rows:
        assert row.pop("id")
        assert row.pop("updated_at") > NOON
        begun = row.pop("stage_started_at")
        row["has_begun"] = begun and begun > NOON
        row["is_there_since_then"] = row.pop("stage_entered_at") > NOON
    assert rows[0] == rows[1]
    for history in entries:
        assert len(history) == 2
        for own in ("id", "item_id", "at"):
            del history[1][own]
    assert entries[0][1] == entries[1][1]


def test_an_empty_user_does_not_clear_the_requester(worker, virginia):
    item = make_item(virginia, action="Restore", user="kim@virginia.edu")
    for nothing in ("", None):
        answer = worker.put(item_address(item), read_item(worker, item, user=nothing, note=f"as {nothing}"))
        assert (answer.status, answer.body["user"]) == (200, "kim@virginia.edu")
    assert (
        worker.put(item_address(item), read_item(worker, item, user="lee@virginia.edu")).body["user"]
        == "lee@virginia.edu"
    )


def test_a_new_stage_starts_now_unless_the_client_sends_a_time(worker, virginia):
    item = make_item(virginia)
    before = timezone.now()
    first = worker.put(item_address(item), read_item(worker, item, **FETCHING)).body
    item.refresh_from_db()
    assert before <= item.stage_started_at <= timezone.now()
    fetched = item.stage_started_at
    record = whole_record(first, stage="Validate")
    assert read_time(record["stage_started_at"]) == fetched
    worker.put(item_address(item), record)
    item.refresh_from_db()
    assert item.stage_started_at > fetched
    told = worker.put(
        item_address(item), {**record, "stage": "Store", "stage_started_at": "2026-03-04T05:06:07.5+01:00"}
    )
    assert told.body["stage_started_at"] == "2026-03-04T04:06:07.500000Z"


def test_times_can_be_cleared(worker, virginia):
    item = make_item(virginia, queued_at=timezone.now())
    assert read_item(worker, item)["queued_at"]
    for nothing in (None, "", NEVER):
        answer = worker.put(item_address(item), read_item(worker, item, queued_at=nothing))
        assert (answer.status, answer.body["queued_at"]) == (200, None)
        worker.put(item_address(item), read_item(worker, item, queued_at="2026-03-04T05:06:07Z"))
        item.refresh_from_db()
        assert item.queued_at


def test_the_date_is_stored_but_never_cleared(worker, item):
    answer = worker.put(item_address(item), read_item(worker, item, date="2026-03-04T05:06:07.000001Z"))
    assert answer.body["date"] == "2026-03-04T05:06:07.000001Z"
    for nothing in (None, "", NEVER):
        answer = worker.put(item_address(item), read_item(worker, item, date=nothing))
        assert (answer.status, answer.body["date"]) == (200, "2026-03-04T05:06:07.000001Z")


def test_an_unchanged_record_can_be_sent_back(worker, admin, virginia):
    for made in ({}, FETCHING, {"stage": "Record", "status": "Success"}, {"stage": "Fetch", "status": "Suspended"}):
        item = make_item(virginia, bag_date=timezone.now() - timedelta(days=1), **made)
        before = as_stored(item)
        for caller in (worker, admin):
            whole = caller.get(item_address(item)).body
            assert caller.put(item_address(item), whole).body == whole
            assert caller.put(item_address(item), whole_record(whole)).status == 200
            assert caller.put(item_address(item), {}).body == whole
        assert as_stored(item) == before


def test_missing_fields_keep_their_values(worker, virginia):
    item = make_item(virginia, **FETCHING, note="On the way.", outcome="o", queued_at=timezone.now())
    before = whole_record(worker.get(item_address(item)).body)
    after = worker.put(item_address(item), {"stage": "Validate"}).body
    changed = {"stage", "stage_started_at"}
    assert {k: v for k, v in whole_record(after).items() if k not in changed} == {
        k: v for k, v in before.items() if k not in changed
    }
    assert after["stage"] == "Validate"


def test_a_failure_saved_again_keeps_its_reason(worker, virginia):
    item = make_item(virginia, stage="Fetch", status="Failed", note="S3 timed out.")
    answer = worker.put(item_address(item), {"node": "w2"})
    assert (answer.status, answer.body["node"], answer.body["note"]) == (200, "w2", "S3 timed out.")


def test_approvers_are_ignored(worker, item):
    before = as_stored(item)
    answer = worker.put(
        item_address(item), read_item(worker, item, inst_approver="a@b.edu", aptrust_approver="c@d.edu")
    )
    assert (answer.status, answer.body["inst_approver"], answer.body["aptrust_approver"]) == (200, None, None)
    assert as_stored(item) == before


# The other ways to an item


def test_saving_by_upload(worker, virginia):
    item = make_item(
        virginia, name="a/b & “c”.tar", etag="abc-2", bag_date=datetime(2021, 3, 4, 5, 6, 7, 900_000, tzinfo=UTC)
    )
    path = f"/api/v2/items/abc-2/{escaped(item.name)}/2021-03-04T05:06:07Z"
    record = read_item(worker, item, **FETCHING)
    answer = worker.put(path, record)
    assert (answer.status, answer.body["id"], answer.body["stage"]) == (200, item.pk, "Fetch")
    assert worker.get(path).body == worker.get(item_address(item)).body == answer.body
    assert worker.put(f"{path}/", record).body == answer.body
    before = as_stored(item)
    assert_untouched(item, worker.put(path, {**record, "etag": "abc-3"}), 422, "etag", before=before)
    assert_untouched(item, worker.put(path, {**record, "stage": "Receive"}), 409, before=before)
    assert_untouched(item, worker.put(path.replace("abc-2", "abc-3"), record), 404, before=before)
    assert_untouched(item, worker.put(path.replace("07Z", "08Z"), record), 404, before=before)


def test_saving_by_upload_with_a_line_break_and_no_date(worker, virginia):
    item = make_item(virginia, name="line\nbreak.tar", etag="abc")
    answer = worker.put(f"/api/v2/items/abc/{escaped(item.name)}/{NEVER}", {"stage": "Fetch"})
    assert (answer.status, answer.body["id"], answer.body["stage"]) == (200, item.pk, "Fetch")


def v3(record, **changes):
    sent = {**record, **changes}
    sent["date_processed"] = sent.pop("date")
    return sent


def test_saving_with_version_3(worker, virginia):
    item = make_item(virginia, action="Restore", object_identifier="virginia.edu/bag")
    path = f"/admin-api/v3/items/update/{item.pk}"
    record = v3(read_item(worker, item), action="Restore Object", stage="Fetch", status="Started")
    answer = worker.put(path, {**record, "date_processed": "2026-03-04T05:06:07Z"})
    assert (answer.status, answer.body["stage"]) == (200, "Fetch")
    assert answer.body["date_processed"] == "2026-03-04T05:06:07Z"
    assert answer.body == worker.get(f"/admin-api/v3/items/show/{item.pk}").body
    assert (last_entry(item).move, last_entry(item).via, last_entry(item).who) == (
        "progress",
        "api",
        "wally@aptrust.org",
    )
    whole = answer.body
    assert worker.put(path, whole).body == whole
    before = as_stored(item)
    assert_untouched(item, worker.put(path, {**whole, "action": "Delete"}), 422, "action", before=before)
    assert_untouched(item, worker.put(path, {**whole, "action": "Restore"}), 422, "action", before=before)
    assert_untouched(
        item,
        worker.put(path, {**whole, "action": "Restore File"}),
        422,
        "action",
        "generic_file_identifier",
        before=before,
    )
    assert_untouched(item, worker.put(path, {"action": "Restore File", "note": "x"}), 422, "action", before=before)
    assert_untouched(
        item, worker.put(path, {**whole, "bag_date": "2026-03-04T05:06:07Z"}), 422, "bag_date", before=before
    )
    assert_untouched(item, worker.put(path, {**whole, "institution_name": "x"}), 422, "institution_name", before=before)
    assert_untouched(item, worker.put(path, {**whole, "date": None}), 422, "date", before=before)
    told = assert_untouched(item, worker.put(path, {**whole, "stage": "Requested"}), 409, before=before)
    assert {**told, "error": ""} == {**whole, "error": ""}


@pytest.mark.parametrize("number", [0, 987_654, 2**63 - 1, 2**63, 10**40])
@pytest.mark.parametrize("path", ["/api/v2/items/{}/", "/admin-api/v3/items/update/{}"])
def test_unknown_items(worker, item, number, path):
    assert_untouched(item, worker.put(path.format(number), {"stage": "Fetch"}), 404, before=as_stored(item))
    assert_untouched(item, worker.put(path.format(number), {"id": 5}), 404, before=as_stored(item))


@pytest.mark.parametrize("who", ["dora", "stan", "olga"])
def test_members_cannot_save(client, cast, worker, item, who):
    member = Caller(client, cast[who])
    record = read_item(worker, item, **FETCHING)
    before = as_stored(item)
    assert "node" not in assert_untouched(item, member.put(item_address(item), record), 403, before=before)
    assert_untouched(item, member.put(f"/admin-api/v3/items/update/{item.pk}", v3(record)), 403, before=before)
    assert_untouched(item, member.put("/api/v2/items/", {"work_items": {"items": [record]}}), 403, before=before)
    for path in (f"/member-api/v2/items/{item.pk}/", f"/member-api/v3/items/show/{item.pk}", "/member-api/v2/items/"):
        assert member.put(path, record).status in (403, 405)
    assert as_stored(item) == before


def test_another_method(worker, item):
    before = as_stored(item)
    for method in ("PATCH", "DELETE", "POST", "OPTIONS"):
        assert_untouched(item, worker.ask(method, item_address(item), json={"stage": "Fetch"}), 405, before=before)
