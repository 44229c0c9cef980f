"""POST: a new item, with the names of versions 2 and 3."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import UserFactory
from tests.http_clients import BODY, NEVER
from tests.stored_items import last_entry
from workitems import transitions
from workitems.api import v2
from workitems.models import WorkItem

from .api_client import Caller
from .simultaneous_calls import call_simultaneously

ITEMS = "/api/v2/items/"
SHOWN = {
    *BODY,
    "id",
    "created_at",
    "updated_at",
    "institution",
    "reviewed",
    "work_item_state_id",
}


@pytest.fixture
def worker(client, wally):
    return Caller(client, wally)


@pytest.fixture
def body(virginia):
    """The 23 keys as a Go client sends them, with zero values for unknown ones."""
    return {**BODY, "institution_id": virginia.pk}


def as_json(value):
    return json.dumps(value).encode()


def v3(body, **changes):
    """Returns the same record with the names of version 3."""
    sent = {**body, **changes}
    sent["date_processed"] = sent.pop("date")
    return sent


def test_a_complete_record_with_23_keys(worker, virginia, wally, body):
    assert len(body) == 23
    answer = worker.post(ITEMS, body)
    assert answer.status == 201
    assert set(answer.body) == set(v2.ADMIN.record.by_name) >= SHOWN
    item = WorkItem.objects.get()
    assert answer.body == worker.get(f"{ITEMS}{item.pk}/").body
    sent_back = {name: answer.body[name] for name in body}
    assert sent_back == {
        **body,
        "date": body["date"].replace("Z", ".000Z"),
        "user": "wally@aptrust.org",
        "bag_date": None,
        **dict.fromkeys(["node", "pid", "object_identifier", "generic_file_identifier"]),
        **dict.fromkeys(["inst_approver", "aptrust_approver"]),
    }
    assert (answer.body["institution"], answer.body["reviewed"], answer.body["work_item_state_id"]) == (
        "virginia.edu",
        False,
        None,
    )
    entry = last_entry(item)
    assert (entry.move, entry.via, entry.who, entry.note) == ("create", "api", "wally@aptrust.org", body["note"])
    assert (entry.stage_before, entry.stage_after, entry.status_after) == ("", "Receive", "Pending")
    assert item.institution == virginia


@pytest.mark.parametrize("nothing", ["", None])
def test_empty_values_become_the_default_or_unset(worker, virginia, nothing):
    body = dict.fromkeys(BODY, nothing) | {"name": "bag.tar", "action": "Delete", "institution_id": virginia.pk}
    before = timezone.now()
    answer = worker.post(ITEMS, body)
    assert answer.status == 201
    item = WorkItem.objects.get()
    assert (item.stage, item.status, item.retry, item.needs_admin_review) == ("Requested", "Pending", True, False)
    assert (item.etag, item.bucket, item.note, item.node, item.outcome) == ("", "", "", "", "")
    assert (item.pid, item.size, item.bag_date, item.queued_at, item.stage_started_at) == (None,) * 5
    assert item.user == "wally@aptrust.org"
    assert before <= item.date <= timezone.now()
    assert answer.body["note"] == ""


def test_zero_means_no_size_and_no_pid(worker, body):
    item = WorkItem.objects.get(pk=worker.post(ITEMS, {**body, "size": 0, "pid": 0}).body["id"])
    assert (item.size, item.pid) == (None, None)


def test_a_record_with_few_keys(worker, virginia):
    answer = worker.post(ITEMS, {"name": "bag.tar", "action": "Ingest", "institution_id": virginia.pk})
    assert (answer.status, answer.body["stage"], answer.body["user"]) == (201, "Receive", "wally@aptrust.org")


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (NEVER, None),
        ("0001-01-01T00:00:00+00:00", None),
        ("2021-03-04T05:06:07Z", "2021-03-04T05:06:07.000Z"),
        ("2021-03-04T05:06:07.1Z", "2021-03-04T05:06:07.100Z"),
        ("2021-03-04T05:06:07.123456789Z", "2021-03-04T05:06:07.123Z"),
        ("2021-03-04T05:06:07.000000001-05:00", "2021-03-04T10:06:07.000Z"),
        ("2021-03-04T05:06:07+05:45", "2021-03-03T23:21:07.000Z"),
        ("2021-12-31T23:30:00-01:00", "2022-01-01T00:30:00.000Z"),
    ],
)
def test_times(worker, body, sent, stored):
    answer = worker.post(ITEMS, {**body, "bag_date": sent, "queued_at": sent, "stage_started_at": sent})
    assert answer.status == 201
    assert [answer.body[name] for name in ("bag_date", "queued_at", "stage_started_at")] == [stored] * 3


@pytest.mark.parametrize(
    "sent",
    [
        "2021-03-04",
        "2021-03-04T05:06:07",
        "yesterday",
        1600000000,
        True,
        [],
        "2021-02-30T00:00:00Z",
        "2021-03-04T05:06:07.1234567890Z",
        "9999-12-31T23:59:59-14:00",
        "2021-03-04T05:06:07Z\n",
    ],
)
def test_no_times(worker, body, sent):
    answer = worker.post(ITEMS, {**body, "bag_date": sent})
    assert (answer.status, set(answer.body)) == (422, {"bag_date", "error"})
    assert "2021-03-04T05:06:07Z" in answer.body["bag_date"][0]


def test_the_requester_is_kept(worker, body):
    assert worker.post(ITEMS, {**body, "user": "kim@virginia.edu"}).body["user"] == "kim@virginia.edu"


def test_numbers_and_flags(worker, body):
    answer = worker.post(ITEMS, {**body, "size": 5 * 2**40, "pid": 2**31, "retry": False, "needs_admin_review": True})
    shown = answer.body
    assert (shown["size"], shown["pid"], shown["retry"], shown["needs_admin_review"]) == (5 * 2**40, 2**31, False, True)


@pytest.mark.parametrize(
    ("action", "stage", "status", "more"),
    [
        ("Ingest", "Validate", "Started", {"node": "w1", "pid": 7}),
        ("Ingest", "Record", "Success", {}),
        ("Ingest", "Validate", "Failed", {"retry": False, "note": "No manifest."}),
        ("Ingest", "Fetch", "Suspended", {"note": "Ask."}),
        ("Restore", "Available in S3", "Success", {}),
        ("Delete", "Resolve", "Cancelled", {"note": "Not wanted."}),
        ("Fixity Check", "Fetch", "Pending", {}),
    ],
)
def test_items_created_at_a_later_stage_or_closed(worker, body, action, stage, status, more):
    answer = worker.post(ITEMS, {**body, "action": action, "stage": stage, "status": status, **more})
    assert (answer.status, answer.body["stage"], answer.body["status"]) == (201, stage, status)
    item = WorkItem.objects.get()
    assert last_entry(item).status_after == status
    assert item.object_identifier == (
        "virginia.edu/virginia.edu.bag_1" if (action, status) == ("Ingest", "Success") else ""
    )
    assert item.retry is (status in ("Started", "Pending"))
    assert item.needs_admin_review is (status == "Suspended")
    assert (item.stage_started_at is not None) == (status == "Started")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"stage": "Package"}, "stage"),
        ({"stage": "Requested"}, "stage"),
        ({"stage": "Fetch", "status": "Success"}, "stage"),
        ({"action": "Restore", "stage": "Receive"}, "stage"),
        ({"action": "Restore Object"}, "action"),
        ({"action": "ingests"}, "action"),
        ({"stage": "Somewhere"}, "stage"),
        ({"status": "pend"}, "status"),
        ({"status": 1}, "status"),
        ({"action": ["Ingest"]}, "action"),
        ({"name": " "}, "name"),
        ({"name": 7}, "name"),
        ({"name": "n" * 1001}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"etag": "e" * 256}, "etag"),
        ({"bucket": "b" * 60_000}, "bucket"),
        ({"user": "u" * 256}, "user"),
        ({"node": "n" * 256}, "node"),
        ({"outcome": {"a": 1}}, "outcome"),
        ({"note": ["a"]}, "note"),
        ({"object_identifier": "o" * 1301}, "object_identifier"),
        ({"generic_file_identifier": "g" * 2501}, "generic_file_identifier"),
        ({"size": -1}, "size"),
        ({"size": 2**63}, "size"),
        ({"size": 10**400}, "size"),
        ({"size": "5"}, "size"),
        ({"size": 5.0}, "size"),
        ({"size": True}, "size"),
        ({"pid": -1}, "pid"),
        ({"retry": "false"}, "retry"),
        ({"retry": 0}, "retry"),
        ({"needs_admin_review": "no"}, "needs_admin_review"),
        ({"institution_id": 987_654}, "institution_id"),
        ({"institution_id": 2**63 - 1}, "institution_id"),
        ({"institution_id": 0}, "institution_id"),
        ({"institution_id": "virginia.edu"}, "institution_id"),
        ({"id": 12}, "id"),
        ({"created_at": "2021-03-04T05:06:07Z"}, "created_at"),
        ({"institution": "virginia.edu"}, "institution"),
        ({"reviewed": True}, "reviewed"),
        ({"date_processed": "2021-03-04T05:06:07Z"}, "date_processed"),
        ({"surprise": 3}, "surprise"),
        ({"": "nameless"}, ""),
    ],
)
def test_a_wrong_value_is_named_and_nothing_is_stored(worker, body, wrong, field):
    answer = worker.post(ITEMS, {**body, **wrong})
    assert answer.status == 422
    assert set(answer.body) == {field, "error"}
    assert isinstance(answer.body[field], list)
    assert answer.body[field][0] in answer.body["error"]
    assert not WorkItem.objects.exists()


@pytest.mark.parametrize("field", ["name", "outcome", "action", "status", "date"])
def test_half_a_surrogate_pair_is_reported(worker, body, field):
    sent = as_json({**body, field: "HALF"}).replace(b"HALF", rb"\ud800")
    answer = worker.post(ITEMS, body=sent)
    assert (answer.status, set(answer.body)) == (422, {field, "error"})
    strange = as_json({**body, "HALF": 1}).replace(b"HALF", rb"\udfff")
    assert worker.post(ITEMS, body=strange).status == 422


def test_all_invalid_fields_are_reported_together(worker):
    answer = worker.post(ITEMS, {"size": "many", "retry": 1, "colour": "red", "bag_date": "?"})
    assert answer.status == 422
    assert set(answer.body) == {
        "name", "action", "institution_id", "size", "retry", "colour", "bag_date", "error"
    }  # fmt: skip
    assert set(worker.post(ITEMS, {}).body) == {"name", "action", "institution_id", "error"}
    assert not WorkItem.objects.exists()


def test_approvers_and_read_only_zero_values_are_ignored(worker, body):
    sent = {
        **body,
        "inst_approver": "me@virginia.edu",
        "aptrust_approver": "me@aptrust.org",
        "id": 0,
        "reviewed": False,
        "created_at": None,
        "updated_at": "2021-03-04T05:06:07Z",
        "work_item_state_id": None,
    }
    answer = worker.post(ITEMS, sent)
    assert (answer.status, answer.body["inst_approver"], answer.body["aptrust_approver"]) == (201, None, None)
    item = WorkItem.objects.get()
    assert (item.inst_approver, item.aptrust_approver) == ("", "")
    assert item.updated_at == item.created_at > datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "name",
    ["a & b <c>.tar", "Ünï “q” '\"\\.tar", "a/b.tar", "line\nbreak.tar", "n" * 1000, " x ", "\u2028.tar", "🜁.tar"],
)
def test_names_of_any_kind(worker, body, name):
    answer = worker.post(ITEMS, {**body, "name": name, "note": f"one\r\n{name}"})
    assert (answer.status, answer.body["name"], answer.body["note"]) == (201, name, f"one\r\n{name}")
    assert WorkItem.objects.get().name == name


@pytest.mark.parametrize(("who", "status"), [("ada", 201), ("wally", 201), ("dora", 403), ("stan", 403), ("olga", 403)])
@pytest.mark.parametrize("version", ["v2", "v3"])
def test_which_roles_can_create(client, cast, virginia, body, who, status, version):
    caller = Caller(client, cast[who])
    path = ITEMS if version == "v2" else f"/admin-api/v3/items/create/{virginia.pk}"
    assert caller.post(path, body if version == "v2" else v3(body)).status == status
    assert WorkItem.objects.count() == (status == 201)
    assert caller.post("/member-api/v2/items/", body).status in (403, 405)
    assert caller.post("/member-api/v3/items", v3(body)).status in (403, 405)
    assert WorkItem.objects.count() == (status == 201)


# Version 3


@pytest.mark.parametrize(
    ("word", "action", "file", "shown"),
    [
        ("Ingest", "Ingest", "", "Ingest"),
        ("Restore Object", "Restore", "", "Restore Object"),
        ("Restore File", "Restore", "virginia.edu/x/data/1", "Restore File"),
        ("Glacier Restore", "Glacier Restore", "", "Glacier Restore"),
        ("Delete", "Delete", "", "Delete"),
    ],
)
def test_a_record_of_version_3(worker, virginia, body, word, action, file, shown):
    sent = v3(body, action=word, generic_file_identifier=file, stage="", institution_id=0)
    answer = worker.post(f"/admin-api/v3/items/create/{virginia.pk}", sent)
    assert answer.status == 201
    assert (answer.body["action"], answer.body["institution_id"]) == (shown, virginia.pk)
    assert answer.body["date_processed"] == body["date"].replace("Z", ".000000Z")
    assert "date" not in answer.body
    assert (answer.body["institution_identifier"], answer.body["institution_name"]) == (
        "virginia.edu",
        "University of Virginia",
    )
    item = WorkItem.objects.get()
    assert (item.action, item.generic_file_identifier, item.institution) == (action, file, virginia)
    assert (last_entry(item).move, last_entry(item).via) == ("create", "api")


def test_v3_takes_the_owner_from_the_address(worker, virginia, body):
    sent = v3(body)
    del sent["institution_id"]
    assert worker.post(f"/admin-api/v3/items/create/{virginia.pk}/", sent).body["institution_id"] == virginia.pk


def test_v3_refuses_contradicting_owners(worker, virginia, jhu, body):
    answer = worker.post(f"/admin-api/v3/items/create/{jhu.pk}", v3(body))
    assert (answer.status, set(answer.body)) == (422, {"institution_id", "error"})
    assert not WorkItem.objects.exists()


@pytest.mark.parametrize("number", ["0", "987654", str(10**30)])
def test_v3_unknown_owner(worker, body, number):
    assert worker.post(f"/admin-api/v3/items/create/{number}", v3(body)).status in (404, 422)
    assert not WorkItem.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"action": "Restore"}, "action"),
        ({"action": "Restore File"}, "generic_file_identifier"),
        ({"action": "Restore Object", "generic_file_identifier": "virginia.edu/x/1"}, "generic_file_identifier"),
        ({"date_processed": "?"}, "date_processed"),
        ({"date": "2021-03-04T05:06:07Z"}, "date"),
        ({"name": ""}, "name"),
    ],
)
def test_v3_wrong_values(worker, virginia, body, wrong, field):
    answer = worker.post(f"/admin-api/v3/items/create/{virginia.pk}", {**v3(body), "stage": "", **wrong})
    assert (answer.status, set(answer.body)) == (422, {field, "error"})
    assert not WorkItem.objects.exists()


# The same POST again


def age(item, seconds):
    """Moves the item's creation into the past."""
    then = item.created_at - timedelta(seconds=seconds)
    WorkItem.objects.filter(pk=item.pk).update(created_at=then)


def test_a_repeated_post(worker, body):
    first = worker.post(ITEMS, body)
    again = worker.post(ITEMS, body)
    assert (again.status, again.body) == (201, first.body)
    item = WorkItem.objects.get()
    assert last_entry(item).number == 1
    age(item, 55)
    assert worker.post(ITEMS, body).body["id"] == item.pk
    age(WorkItem.objects.get(), 10)
    assert worker.post(ITEMS, body).body["id"] != item.pk
    assert WorkItem.objects.count() == 2


def test_a_repeated_post_without_a_date(worker, body):
    first = worker.post(ITEMS, {**body, "date": NEVER})
    again = worker.post(ITEMS, {**body, "date": None})
    assert (again.status, again.body["id"]) == (201, first.body["id"])
    assert worker.post(ITEMS, body).body["id"] != first.body["id"]
    assert WorkItem.objects.count() == 2


def test_a_repeated_post_in_v3(worker, virginia, body):
    path = f"/admin-api/v3/items/create/{virginia.pk}"
    assert worker.post(path, v3(body)).body["id"] == worker.post(path, v3(body)).body["id"]
    assert WorkItem.objects.count() == 1


@pytest.mark.parametrize(
    "other",
    [
        {"date": "2026-03-04T05:06:08Z"},
        {"date": "2026-03-04T05:06:07.000001Z"},
        {"etag": "0" * 32},
        {"name": "VIRGINIA.edu.bag_1.tar"},
        {"action": "Delete", "stage": "Requested"},
    ],
)
def test_a_post_with_another_value_creates_another_item(worker, body, other):
    assert worker.post(ITEMS, body).body["id"] != worker.post(ITEMS, {**body, **other}).body["id"]
    assert WorkItem.objects.count() == 2


def test_another_owner_or_caller_makes_another_item(client, worker, ada, jhu, body):
    ids = {worker.post(ITEMS, body).body["id"], worker.post(ITEMS, {**body, "institution_id": jhu.pk}).body["id"]}
    ids.add(Caller(client, ada).post(ITEMS, body).body["id"])
    assert len(ids) == WorkItem.objects.count() == 3


def test_a_repeated_post_returns_the_current_item(worker, wally, body):
    first = worker.post(ITEMS, body).body
    transitions.progress(WorkItem.objects.get(), stage="Validate", node="w1", note="under way", by=wally)
    again = worker.post(ITEMS, body)
    assert (again.status, again.body["id"]) == (201, first["id"])
    assert (again.body["stage"], again.body["status"], again.body["note"]) == ("Validate", "Started", "under way")
    assert last_entry(WorkItem.objects.get()).number == 2


@pytest.mark.django_db(transaction=True)
def test_the_same_post_at_the_same_time_creates_one_item(wally, body):
    for number in range(5):
        sent = {**body, "name": f"bag-{number}.tar"}
        callers = [Caller(Client(), wally) for _ in range(3)]
        answers = call_simultaneously(
            *(lambda caller=caller, sent=sent: caller.post(ITEMS, sent) for caller in callers)
        )
        assert [answer.status for answer in answers] == [201] * 3
        assert len({answer.body["id"] for answer in answers}) == 1
        assert WorkItem.objects.filter(name=sent["name"]).count() == 1


@pytest.mark.django_db(transaction=True)
def test_posts_of_two_callers_at_the_same_time_create_two_items(wally, body):
    twin = UserFactory(email="wanda@aptrust.org", role="worker", institution=wally.institution)
    callers = [Caller(Client(), person) for person in (wally, twin)]
    answers = call_simultaneously(*(lambda caller=caller: caller.post(ITEMS, body) for caller in callers))
    assert [answer.status for answer in answers] == [201, 201]
    assert WorkItem.objects.count() == 2
