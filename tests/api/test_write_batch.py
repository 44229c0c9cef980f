"""PUT of several items: all of them or none, and the error says which one was refused."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.factories import make_item
from tests.http_clients import whole_record
from tests.stored_items import as_stored, last_entry
from workitems import transitions
from workitems.models import HistoryEntry, WorkItem

from .api_client import Caller
from .saving_items import FETCHING
from .simultaneous_calls import call_simultaneously

ITEMS = "/api/v2/items/"


@pytest.fixture
def worker(client, wally):
    return Caller(client, wally)


@pytest.fixture
def three(virginia, jhu):
    return [make_item(virginia), make_item(jhu, action="Delete"), make_item(virginia, **FETCHING)]


def batch(*records):
    return {"work_items": {"items": list(records)}}


def records(caller, items, **changes):
    """Returns the complete records of the items, each with its id."""
    shown = [caller.get(f"{ITEMS}{item.pk}/").body for item in items]
    return [{"id": one["id"], **whole_record(one, **changes)} for one in shown]


def stopped(answer, status, index, pk, items, before):
    """Checks that the batch was refused because of one record, and that nothing is stored."""
    assert answer.status == status, answer.body
    assert (answer.body["index"], answer.body.get("id")) == (index, pk)
    assert answer.body["error"].startswith(f"Record {index + 1} of the batch")
    assert [as_stored(item) for item in items] == before
    return answer.body


def test_all_records_are_saved_in_order(worker, three, virginia):
    three.reverse()
    make_item(virginia, name=three[0].name)  # so that three[0] is superseded
    sent = records(worker, three)
    sent[0] |= {"status": "Cancelled", "note": "A newer upload counts."}
    sent[1] |= {"stage": "Record", "status": "Success", "note": "Gone.", "retry": True}
    sent[2] |= {**FETCHING, "queued_at": "2026-03-04T05:06:07.123456789Z"}
    answer = worker.put(ITEMS, batch(*sent))
    assert answer.status == 200, answer.body
    assert set(answer.body) == {"count", "next", "previous", "results"}
    assert (answer.body["count"], answer.body["next"], answer.body["previous"]) == (3, None, None)
    assert [one["id"] for one in answer.body["results"]] == [item.pk for item in three]
    assert answer.body["results"] == [worker.get(f"{ITEMS}{item.pk}/").body for item in three]
    assert [(last_entry(item).move, last_entry(item).number) for item in three] == [
        ("cancel", 2),
        ("succeed", 2),
        ("progress", 2),
    ]
    entries = HistoryEntry.objects.filter(number=2)
    assert {(entry.who, entry.via) for entry in entries} == {("wally@aptrust.org", "api")}
    stored = [as_stored(item) for item in three]
    assert worker.put(ITEMS, batch(*sent)).body == answer.body
    assert [as_stored(item) for item in three] == stored


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize(
    ("wrong", "status", "field"),
    [
        ({"stage": "Requested", "status": "Failed", "note": ""}, 422, "note"),
        ({"name": "other.tar"}, 422, "name"),
        ({"size": "x"}, 422, "size"),
        ({"colour": "red"}, 422, "colour"),
        ({"stage": "Package"}, 422, "stage"),
        ({"status": "Cancelled", "note": "No."}, 409, None),
    ],
)
def test_one_refused_record_refuses_the_batch(worker, virginia, place, wrong, status, field):
    items = [make_item(virginia, action="Delete") for _ in range(3)]
    before = [as_stored(item) for item in items]
    sent = records(worker, items, stage="Record", status="Started", note="on")
    sent[place] |= wrong
    told = stopped(worker.put(ITEMS, batch(*sent)), status, place, items[place].pk, items, before)
    if status == 422:
        assert set(told) == {field, "id", "index", "error"}
        assert isinstance(told[field], list)
    else:
        now = worker.get(f"{ITEMS}{items[place].pk}/").body
        assert {name: told[name] for name in now} == now
        assert told["error"].endswith("Nothing of the batch was saved.")


def test_a_cancelled_item_refuses_the_batch(worker, ada, three):
    sent = records(worker, three, note="on")
    transitions.cancel(three[1], note="Wrong bag.", by=ada)
    before = [as_stored(item) for item in three]
    told = stopped(worker.put(ITEMS, batch(*sent)), 409, 1, three[1].pk, three, before)
    assert (told["status"], told["note"]) == ("Cancelled", "Wrong bag.")


@pytest.mark.parametrize("number", [0, -1, 987_654, 2**63, -(10**30)])
def test_an_unknown_item_refuses_the_batch(worker, three, number):
    before = [as_stored(item) for item in three]
    sent = records(worker, three, note="on")
    stopped(worker.put(ITEMS, batch(*sent[:2], {**sent[2], "id": number})), 404, 2, number, three, before)


@pytest.mark.parametrize("wrong", [None, "7", 7.0, True, [7], 10.0**300])
def test_an_invalid_id_refuses_the_batch(worker, three, wrong):
    before = [as_stored(item) for item in three]
    sent = records(worker, three, note="on")
    stopped(worker.put(ITEMS, batch(sent[0], {**sent[1], "id": wrong}, sent[2])), 422, 1, None, three, before)


def test_missing_and_repeated_ids_are_refused(worker, three):
    before = [as_stored(item) for item in three]
    sent = records(worker, three, note="on")
    nameless = {name: value for name, value in sent[1].items() if name != "id"}
    stopped(worker.put(ITEMS, batch(sent[0], nameless)), 422, 1, None, three, before)
    stopped(worker.put(ITEMS, batch(*sent, sent[0])), 422, 3, sent[0]["id"], three, before)
    for other in (7, "x", None, [sent[1]]):
        stopped(worker.put(ITEMS, batch(sent[0], other)), 422, 1, None, three, before)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"work_items": None},
        {"work_items": []},
        {"work_items": {}},
        {"work_items": {"items": None}},
        {"work_items": {"items": []}},
        {"work_items": {"items": {"id": 1}}},
        {"work_items": {"items": "all"}},
        {"items": [{"id": 1}]},
        batch(*({"id": number} for number in range(1, 1002))),
    ],
)
def test_bodies_that_are_not_batches(worker, body):
    answer = worker.put(ITEMS, body)
    assert (answer.status, set(answer.body)) == (422, {"work_items", "error"})
    assert "1 to 1000" in answer.body["error"]


def test_a_batch_with_an_element_that_is_no_object(worker):
    for body in (b"[]", b"", b"{", b'"x"'):
        assert worker.put(ITEMS, body=body).status == 400


def questions(caller, sent):
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert caller.put(ITEMS, batch(*sent)).status == 200
    return len(asked)


def test_the_number_of_statements_does_not_depend_on_the_number_of_records(worker, wally, virginia):
    items = [make_item(virginia) for _ in range(40)]
    sent = records(worker, items, **FETCHING)
    assert worker.get(ITEMS).status == 200  # the key's own counting is over
    few = questions(worker, sent[:2])
    assert questions(worker, sent[2:]) == few
    assert few <= 13
    assert set(WorkItem.objects.values_list("stage", "version")) == {("Fetch", 2)}
    whole = batch(*({"id": item.pk, "note": f"note {item.pk}"} for item in items))
    assert worker.put(ITEMS, whole).body["count"] == 40
    assert all(last_entry(item).note == f"note {item.pk}" for item in items)


def test_requeue_times_are_read_once_for_all_records(worker, virginia, ada):
    """Whether the stage starts of claims are from before a requeue is checked with one query for all records."""
    items = [make_item(virginia, stage="Validate") for _ in range(20)]
    for item in items:
        transitions.requeue(item, by=ada, stage="Receive")
    began = "2999-03-04T05:06:07Z"
    sent = records(worker, items, **FETCHING, stage_started_at=began)
    few = questions(worker, sent[:2])
    assert questions(worker, sent[2:]) == few
    assert few <= 14
    stale = records(worker, items[:3], note="late", stage_started_at="2021-03-04T05:06:07Z")
    answer = worker.put(ITEMS, batch(*stale))
    assert (answer.status, answer.body["index"]) == (409, 0)


def test_a_batch_of_a_thousand_records(worker, virginia, wally):
    old = make_item(virginia)
    rows = WorkItem.objects.bulk_create(
        WorkItem(
            institution=virginia,
            name=f"b{number}.tar",
            action="Ingest",
            stage="Receive",
            status="Pending",
            date=old.date,
        )
        for number in range(1000)
    )
    answer = worker.put(ITEMS, batch(*({"id": row.pk, "stage": "Fetch", "status": "Started"} for row in rows)))
    assert (answer.status, answer.body["count"]) == (200, 1000)
    assert WorkItem.objects.filter(stage="Fetch", status="Started", version=2).count() == 1000
    assert HistoryEntry.objects.filter(move="progress", number=2).count() == 1000


@pytest.mark.django_db(transaction=True)
def test_two_batches_with_the_same_items_in_opposite_order_do_not_deadlock(virginia, wally, ada):
    worker, admin = Caller(Client(), wally), Caller(Client(), ada)
    for _round in range(6):
        items = [make_item(virginia) for _ in range(8)]
        forth = records(worker, items, stage="Fetch", status="Started", note="forth")
        back = records(worker, items[::-1], stage="Validate", status="Started", note="back")
        first, second = call_simultaneously(
            lambda forth=forth: worker.put(ITEMS, batch(*forth)),
            lambda back=back: admin.put(ITEMS, batch(*back)),
        )
        # The later stage is saved in any case; the other came before it, or was told where it is too late.
        assert second.status == 200
        assert first.status in (200, 409)
        if first.status == 409:
            assert (first.body["index"], first.body["stage"], first.body["note"]) == (0, "Validate", "back")
        stored = WorkItem.objects.filter(pk__in=[item.pk for item in items])
        assert set(stored.values_list("stage", "note")) == {("Validate", "back")}
        assert {last_entry(item).number for item in items} == {3 if first.status == 200 else 2}
