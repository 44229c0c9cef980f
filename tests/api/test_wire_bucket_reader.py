"""The bucket reader: lists known items and records each new bag in the receiving buckets."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from tests.factories import make_item
from tests.http_clients import BODY, NEVER, GoClient, PythonClient, check, connection, escaped, whole_record
from workitems import transitions
from workitems.models import WorkItem

pytestmark = pytest.mark.django_db(transaction=True)
HARD_NAMES = [
    "virginia.edu.uva-lib_2274642.tar",
    'Tom & Jerry\'s "best", 100% of 1940.v1.2.tar',
    "a<b>\u2028päck\u2029\\n 楽.tar",
    f"{'long & wide ' * 83}.tar"[-1000:],
    f"{'楽' * 996}.tar",
]


@pytest.fixture
def reader(real_server, wally):
    return GoClient(real_server, wally)


@pytest.fixture
def bag(virginia):
    """A function that returns the body with which the reader records a bag of Virginia."""
    return lambda **changes: {**BODY, "institution_id": virginia.pk, **changes}


def known(name, etag=BODY["etag"]):
    name = escaped(name).replace("%20", "+")
    return f"/api/v2/items/?etag={etag}&item_action=Ingest&name={name}&page=1&per_page=1"


def test_listing_items_created_since_a_time(reader, virginia):
    for day in (1, 2, 3):
        made = datetime(2026, 1, day, 12, tzinfo=UTC)
        make_item(virginia, at=made, date=made)
    for moment, count in (
        ("2026-01-02T12%3A00%3A00Z", 2),
        ("2026-01-02T12%3A00%3A00.000000000Z", 2),
        ("2026-01-02T14%3A00%3A00.000%2B02%3A00", 2),
        ("2026-01-02T12%3A00%3A01Z", 1),
    ):
        answer = reader.get(f"/api/v2/items/?created_after={moment}&item_action=Ingest&page=1&per_page=100")
        assert (answer["count"], len(answer["results"]), answer["next"]) == (count, count, None), moment


def test_an_unset_time_lists_everything(reader, item):
    answer = reader.get("/api/v2/items/?created_after=0001-01-01T00%3A00%3A00Z&item_action=Ingest&page=1&per_page=100")
    assert [found["id"] for found in answer["results"]] == [item.pk]


@pytest.mark.parametrize("name", HARD_NAMES)
def test_a_new_bag_is_recorded_and_then_found(reader, virginia, wally, bag, name):
    assert reader.get(known(name))["count"] == 0
    sent = bag(name=name, bag_date="2021-03-04T05:06:07.123456789Z", date="2026-05-04T14:00:00.9+02:00")
    made = reader.post("/api/v2/items/", sent)
    stored = WorkItem.objects.get()
    assert (made["id"], made["name"], made["etag"]) == (stored.pk, name, sent["etag"])
    assert stored.name == name
    assert stored.bag_date == datetime(2021, 3, 4, 5, 6, 7, 123456, tzinfo=UTC)
    assert stored.date == datetime(2026, 5, 4, 12, 0, 0, 900000, tzinfo=UTC)
    assert (stored.action, stored.stage, stored.status, stored.retry) == ("Ingest", "Receive", "Pending", True)
    assert (stored.institution, stored.bucket, stored.size) == (virginia, sent["bucket"], 266_240)
    assert (stored.user, stored.note, stored.outcome) == (wally.email, sent["note"], "Pending")
    assert (stored.node, stored.pid, stored.queued_at, stored.stage_started_at) == ("", None, None, None)
    assert (stored.object_identifier, stored.generic_file_identifier) == ("", "")
    [entry] = stored.history.all()
    assert (entry.move, entry.via, entry.who) == ("create", "api", wally.email)
    [found] = reader.get(known(name))["results"]
    assert found["id"] == stored.pk

    # Then it writes the note, with the record as it came back.
    changed = reader.put(f"/api/v2/items/{stored.pk}/", whole_record(made, note="In the bucket & waiting."))
    stored.refresh_from_db()
    assert changed["note"] == stored.note == "In the bucket & waiting."
    assert (stored.name, stored.bag_date) == (name, datetime(2021, 3, 4, 5, 6, 7, 123456, tzinfo=UTC))


def test_a_reply_has_the_right_types_and_nulls(reader, virginia, bag):
    made = reader.post("/api/v2/items/", bag(size=2**40, pid=0))
    assert (type(made["id"]), made["size"], made["institution_id"]) == (int, 2**40, virginia.pk)
    assert (made["retry"], made["needs_admin_review"], made["reviewed"]) == (True, False, False)
    assert (made["pid"], made["queued_at"], made["stage_started_at"], made["bag_date"]) == (None, None, None, None)
    assert made["institution"] == "virginia.edu"
    assert reader.get(f"/api/v2/items/{made['id']}") == made


def test_a_bag_is_recorded_with_and_without_the_slash(reader, bag):
    for number, end in enumerate(("", "/", "?", "/?")):
        made = reader.post(f"/api/v2/items{end}", bag(name=f"{number}.tar"))
        assert WorkItem.objects.get(name=f"{number}.tar").pk == made["id"]


def test_fractions_of_a_second_have_0_to_9_digits(reader, bag):
    for digits in range(10):
        fraction = f".{'123456789'[:digits]}" if digits else ""
        sent = bag(name=f"{digits}.tar", bag_date=f"2021-03-04T05:06:07{fraction}Z")
        made = reader.post("/api/v2/items/", sent)
        stored = WorkItem.objects.get(pk=made["id"]).bag_date
        assert stored == datetime(2021, 3, 4, 5, 6, 7, int("123456"[:digits].ljust(6, "0")), tzinfo=UTC)
        # The client has kept its own nanoseconds and sends them again: that is no change.
        again = reader.put(f"/api/v2/items/{made['id']}/", {**sent, "note": "Seen again."})
        assert (again["bag_date"], again["note"]) == (made["bag_date"], "Seen again.")


@pytest.mark.parametrize("date", ["2026-03-04T05:06:07Z", "2026-03-04T05:06:07.123456789Z", NEVER])
def test_a_post_repeated_after_a_lost_reply_creates_one_item(reader, bag, date):
    sent = reader.request("POST", "/api/v2/items/", bag(date=date))
    with connection(reader.server) as (opened, _stream):
        opened.sendall(sent)  # and away, without a look at the reply
    ids = {reader.post("/api/v2/items/", bag(date=date))["id"] for _try in range(3)}
    assert ids == {WorkItem.objects.get().pk}
    assert WorkItem.objects.get().history.count() == 1


def test_the_same_post_sent_concurrently_creates_one_item(reader, bag):
    with ThreadPoolExecutor(4) as at_once:
        made = list(at_once.map(lambda _n: reader.post("/api/v2/items/", bag())["id"], range(8)))
    assert made == [WorkItem.objects.get().pk] * 8


def test_a_different_post_creates_a_new_item(reader, real_server, ada, bag, jhu):
    first = reader.post("/api/v2/items/", bag())["id"]
    other_admin = GoClient(real_server, ada)
    made = [
        reader.post("/api/v2/items/", bag(date="2026-03-04T05:06:08Z"))["id"],
        reader.post("/api/v2/items/", bag(etag="other"))["id"],
        reader.post("/api/v2/items/", bag(name="other.tar"))["id"],
        reader.post("/api/v2/items/", bag(institution_id=jhu.pk))["id"],
        other_admin.post("/api/v2/items/", bag())["id"],
    ]
    assert len({first, *made}) == 6
    assert WorkItem.objects.count() == 6


def test_the_same_bag_after_a_minute_creates_a_new_item(reader, bag, wally, virginia):
    long_ago = timezone.now() - timedelta(seconds=90)
    same = {"action": "Ingest", "name": BODY["name"], "etag": BODY["etag"], "institution": virginia}
    former = transitions.create(by=wally, at=long_ago, date=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC), **same)
    assert reader.post("/api/v2/items/", bag())["id"] != former.pk
    assert WorkItem.objects.count() == 2


def test_approvers_are_ignored_and_the_user_is_stored(reader, bag):
    made = reader.post(
        "/api/v2/items/", bag(inst_approver="a@b.c", aptrust_approver="a@b.c", user="system@aptrust.org")
    )
    stored = WorkItem.objects.get(pk=made["id"])
    assert (stored.inst_approver, stored.aptrust_approver, stored.user) == ("", "", "system@aptrust.org")


WRONG = [
    ("name", ""),
    ("name", "x" * 1001),
    ("name", 17),
    ("action", "Bogus"),
    ("stage", "Package"),
    ("status", "Done"),
    ("institution_id", 0),
    ("institution_id", 10**9),
    ("bag_date", "yesterday"),
    ("date", "2026-02-30T00:00:00Z"),
    ("date", "2026-03-04T05:06:07"),
    ("size", -1),
    ("size", 2**63),
    ("retry", "perhaps"),
    ("pid", "one"),
    ("note", ["a"]),
    ("statsu", "Pending"),
]


def test_an_invalid_value_names_its_field_and_nothing_is_stored(reader, bag):
    for field, value in WRONG:
        reply = reader.reply("POST", "/api/v2/items/", bag(**{field: value}))
        assert reply.status == 422, (field, value, reply.plain)
        said = check(reply, 422)
        assert set(said) == {field, "error"}
        assert isinstance(said[field], list)
        assert all(isinstance(sentence, str) and sentence for sentence in said[field])
    assert not WorkItem.objects.exists()


def test_a_python_script_records_a_bag_too(real_server, wally, bag):
    script = PythonClient(real_server, wally)
    made = script.post("/api/v2/items", bag(name="été & 楽.tar", bag_date=NEVER))
    assert WorkItem.objects.get(pk=made["id"]).name == "été & 楽.tar"


def test_null_means_the_same_as_empty(reader, bag):
    texts = ["user", "node", "outcome", "object_identifier", "generic_file_identifier", "bucket", "inst_approver"]
    made = reader.post("/api/v2/items/", bag(**dict.fromkeys(texts), pid=None, bag_date=None))
    stored = WorkItem.objects.get(pk=made["id"])
    assert (stored.node, stored.outcome, stored.object_identifier, stored.bucket) == ("", "", "", "")
    assert (stored.pid, stored.bag_date) == (None, None)
