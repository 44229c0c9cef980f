"""Requeued items are pushed into the workers' queue: at once where it is there, later where it is not, and never in anybody's way."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from tests.api.api_client import Caller
from tests.api.simultaneous_calls import call_simultaneously
from tests.factories import make_item
from tests.http_clients import Curl
from tests.pages.page_elements import parse_page
from tests.serving import database_url, server
from tests.stored_items import last_entry
from workitems import transitions, work_queue
from workitems.lifecycle import Refused
from workitems.models import QueueMessage, WorkItem
from workitems.work_queue import nsqd as nsqd_client
from workitems.work_queue import outbox

from .nsqd import free_port, listening

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def nsqd(settings):
    with listening() as running:
        settings.WORKITEM_QUEUE_URL = running.url
        yield running
        running.open.set()
        work_queue.wait_until_idle()


@pytest.fixture
def nobody(settings):
    """A port at which nothing listens."""
    port = free_port()
    settings.WORKITEM_QUEUE_URL = f"http://127.0.0.1:{port}"
    yield port
    work_queue.wait_until_idle()


@pytest.fixture
def stuck(virginia):
    return make_item(virginia, stage="Store", status="Failed", retry=False, note="No.")


def push():
    """What the command prints."""
    out = StringIO()
    call_command("push_requeued", stdout=out)
    return out.getvalue().strip()


def waiting():
    return {message.pk: message.stage for message in QueueMessage.objects.all()}


# The queue is there


@pytest.mark.parametrize(
    ("made", "stage", "topic"),
    [
        ({"stage": "Validate"}, "Receive", "ingest01_prefetch"),
        ({"stage": "Validate"}, "Validate", "ingest02_bag_validation"),
        ({"stage": "Cleanup"}, "Reingest Check", "ingest03_reingest_check"),
        ({"stage": "Cleanup"}, "Copy To Staging", "ingest04_staging"),
        ({"stage": "Cleanup"}, "Format Identification", "ingest05_format_identification"),
        ({"stage": "Cleanup"}, "Store", "ingest06_storage"),
        ({"stage": "Cleanup"}, "Storage Validation", "ingest07_storage_validation"),
        ({"stage": "Cleanup"}, "Record", "ingest08_record"),
        ({"stage": "Cleanup"}, "Cleanup", "ingest09_cleanup"),
        ({"action": "Restore", "stage": "Package"}, "Requested", "restore_object"),
        (
            {"action": "Restore", "stage": "Package", "generic_file_identifier": "virginia.edu/bag/data/a"},
            "Requested",
            "restore_file",
        ),
        ({"action": "Glacier Restore", "stage": "Restoring"}, "Requested", "restore_glacier"),
        ({"action": "Delete", "stage": "Record"}, "Requested", "delete_item"),
    ],
)
def test_a_requeue_is_pushed_to_the_topic_of_its_stage(nsqd, virginia, ada, made, stage, topic):
    item = make_item(virginia, status="Failed", retry=False, note="No.", **made)
    transitions.requeue(item, stage=stage, by=ada)
    work_queue.wait_until_idle()
    assert nsqd.messages() == [(topic, str(item.pk))]
    assert waiting() == {}


def test_from_the_page_the_api_and_in_bulk(nsqd, signed_in, ada, stuck, virginia):
    signed_in(ada).post(f"/items/{stuck.pk}/requeue", {"stage": "Store"})
    others = [make_item(virginia, stage="Record", status="Failed", retry=False, note="No.") for _ in range(3)]
    admin = Caller(Client(), ada)
    assert admin.put(f"/api/v2/items/{others[0].pk}/requeue/", {"item_stage": "Receive"}).status == 200
    assert admin.put(f"/admin-api/v3/items/requeue/{others[0].pk}", {"stage": "Receive"}).status == 200  # no change
    sent = {"ids": [others[1].pk, others[2].pk], "confirmed": "yes", "begin": "stopped", "note": "Again."}
    assert signed_in(ada).post("/items/requeue", sent).status_code == 302
    work_queue.wait_until_idle()
    assert sorted(nsqd.messages()) == sorted(
        [
            ("ingest06_storage", str(stuck.pk)),
            ("ingest01_prefetch", str(others[0].pk)),
            ("ingest08_record", str(others[1].pk)),
            ("ingest08_record", str(others[2].pk)),
        ]
    )
    assert waiting() == {}


def test_the_topics_are_a_setting(nsqd, settings, stuck, ada):
    settings.WORKITEM_QUEUE_TOPICS = {"Ingest": "apt_ingest", "Ingest/Store": "apt_store"}
    transitions.requeue(stuck, by=ada)
    work_queue.wait_until_idle()
    transitions.requeue(stuck, stage="Fetch", by=ada)
    work_queue.wait_until_idle()
    assert nsqd.messages() == [("apt_store", str(stuck.pk)), ("apt_ingest", str(stuck.pk))]


def test_other_moves_push_nothing(nsqd, item, wally, ada):
    transitions.progress(item, stage="Fetch", node="w1", by=wally)
    transitions.fail(item, note="No.", retry=False, by=wally)
    transitions.edit(item, retry=True, by=ada)
    transitions.cancel(item, note="No.", by=ada)
    with pytest.raises(Refused):
        transitions.requeue(item, stage="Record", by=ada)
    work_queue.wait_until_idle()
    assert nsqd.messages() == []
    assert waiting() == {}


def test_what_is_rolled_back_is_not_pushed(nsqd, stuck, ada):
    with transaction.atomic():
        transitions.requeue(stuck, by=ada)
        assert waiting() == {stuck.pk: "Store"}
        transaction.set_rollback(True)
    work_queue.wait_until_idle()
    assert nsqd.messages() == []
    assert waiting() == {}


def test_nothing_is_pushed_before_the_commit(nsqd, stuck, ada):
    with transaction.atomic():
        transitions.requeue(stuck, by=ada)
        work_queue.wait_until_idle()
        assert nsqd.messages() == []
    work_queue.wait_until_idle()
    assert nsqd.messages() == [("ingest06_storage", str(stuck.pk))]


def test_without_a_queue_nothing_is_left_behind(stuck, ada):
    transitions.requeue(stuck, by=ada)
    assert waiting() == {}
    with pytest.raises(CommandError, match="WORKITEM_QUEUE_URL is not set"):
        push()


def test_an_invented_past_knows_no_queue(nsqd, stuck, ada, settings):
    settings.WORKITEM_QUEUE_STAGES = ["Receive"]
    transitions.requeue(stuck, stage="Store", by=ada, at=timezone.now() - timedelta(days=3))
    work_queue.wait_until_idle()
    assert (nsqd.messages(), waiting()) == ([], {})


# The queue is away, slow, or out of order


def test_a_queue_that_is_away_keeps_nobody_and_gets_it_later(nobody, stuck, virginia, ada, settings):
    more = make_item(virginia, stage="Record", status="Failed", retry=False, note="No.")
    answer = Caller(Client(), ada).put(f"/api/v2/items/{stuck.pk}/requeue/", {})
    assert (answer.status, answer.body["status"]) == (200, "Pending")
    transitions.requeue(more, by=ada)
    work_queue.wait_until_idle()
    assert waiting() == {stuck.pk: "Store", more.pk: "Record"}
    with pytest.raises(CommandError, match=r"2 couldn't be pushed \(the queue can't be reached: .*refused"):
        push()
    with listening(nobody) as nsqd:
        assert push() == "Pushed: 2; no longer waiting: 0; failed: 0."
        assert nsqd.messages() == [("ingest06_storage", str(stuck.pk)), ("ingest08_record", str(more.pk))]
        assert push() == "Pushed: 0; no longer waiting: 0; failed: 0."
    assert waiting() == {}


def test_a_slow_queue_does_not_delay_the_request(nsqd, stuck, ada):
    nsqd.open.clear()
    answer = Caller(Client(), ada).put(f"/api/v2/items/{stuck.pk}/requeue/", {})
    assert answer.status == 200
    assert nsqd.asked.wait(timeout=30)  # it is being pushed, and the queue hasn't answered yet
    assert waiting() == {stuck.pk: "Store"}
    assert last_entry(stuck).move == "requeue"
    # Meanwhile the command leaves it to the thread.
    assert push() == "Pushed: 0; no longer waiting: 0; failed: 0."
    nsqd.open.set()
    work_queue.wait_until_idle()
    assert nsqd.messages() == [("ingest06_storage", str(stuck.pk))]
    assert waiting() == {}


def test_a_queue_that_never_answers_is_given_up(nsqd, stuck, ada, monkeypatch):
    monkeypatch.setattr(nsqd_client, "TIMEOUT", 0.2)
    nsqd.open.clear()
    transitions.requeue(stuck, by=ada)
    work_queue.wait_until_idle()
    assert nsqd.asked.is_set()
    assert waiting() == {stuck.pk: "Store"}
    nsqd.open.set()
    monkeypatch.undo()
    assert push() == "Pushed: 1; no longer waiting: 0; failed: 0."


def test_a_queue_out_of_order_gets_it_later(nsqd, stuck, virginia, ada):
    nsqd.answers[:] = [500, 500]
    more = make_item(virginia, stage="Record", status="Failed", retry=False, note="No.")
    transitions.requeue(stuck, by=ada)
    work_queue.wait_until_idle()
    transitions.requeue(more, by=ada)
    work_queue.wait_until_idle()
    assert (nsqd.messages(), waiting()) == ([], {stuck.pk: "Store", more.pk: "Record"})
    nsqd.answers[:] = [503]
    with pytest.raises(CommandError) as caught:
        push()
    assert str(caught.value) == (
        '2 couldn\'t be pushed (the queue answered 503 {"message":"EXITING"}). The next run tries again.'
    )
    assert push() == "Pushed: 2; no longer waiting: 0; failed: 0."
    assert len(nsqd.messages()) == 2


def test_a_message_that_the_queue_refuses_does_not_stop_the_others(nsqd, settings, virginia, ada, stuck):
    settings.WORKITEM_QUEUE_URL = "http://127.0.0.1:1"
    more = make_item(virginia, stage="Record", status="Failed", retry=False, note="No.")
    last = make_item(virginia, action="Delete", stage="Record", status="Failed", retry=False, note="No.")
    for item in (stuck, more, last):
        transitions.requeue(item, by=ada)
    work_queue.wait_until_idle()
    settings.WORKITEM_QUEUE_URL = nsqd.url
    topics = {key: topic for key, topic in settings.WORKITEM_QUEUE_TOPICS.items() if key != "Ingest/Record"}
    settings.WORKITEM_QUEUE_TOPICS = topics
    nsqd.answers[:] = [400]
    with pytest.raises(CommandError) as caught:
        push()
    assert str(caught.value).startswith("2 couldn't be pushed (the queue answered 400")
    assert "WORKITEM_QUEUE_TOPICS has no topic for Ingest/Record" in str(caught.value)
    assert nsqd.messages() == [("delete_item", str(last.pk))]
    assert waiting() == {stuck.pk: "Store", more.pk: "Record"}


def test_an_admin_sees_that_the_queue_has_not_accepted_it(nobody, stuck, ada, stan, signed_in):
    label = "Not yet accepted by the workers' queue, since"
    assert label not in parse_page(signed_in(ada).get(f"/items/{stuck.pk}")).one("main").words
    transitions.requeue(stuck, by=ada)
    work_queue.wait_until_idle()
    assert label in parse_page(signed_in(ada).get(f"/items/{stuck.pk}")).one("main").words
    assert label not in parse_page(signed_in(stan).get(f"/items/{stuck.pk}")).one("main").words
    with listening(nobody):
        push()
    assert label not in parse_page(signed_in(ada).get(f"/items/{stuck.pk}")).one("main").words


# What has become of the item since


def test_what_no_longer_waits_is_not_pushed(nobody, settings, virginia, ada, wally):
    items = [make_item(virginia, stage="Store", status="Failed", retry=False, note="No.") for _ in range(4)]
    cancelled, claimed, gone_on, still = items
    for item in items:
        transitions.requeue(item, by=ada)
    work_queue.wait_until_idle()
    transitions.cancel(cancelled, note="No.", by=ada)
    transitions.progress(claimed, node="w1", pid=1, by=wally)
    transitions.progress(gone_on, stage="Record", status="Pending", by=wally)
    transitions.edit(still, note="Edited.", by=ada)
    with listening(nobody) as nsqd:
        assert push() == "Pushed: 1; no longer waiting: 3; failed: 0."
        assert nsqd.messages() == [("ingest06_storage", str(still.pk))]
    assert waiting() == {}


def test_only_the_last_requeue_counts(nobody, stuck, ada):
    transitions.requeue(stuck, by=ada)
    transitions.requeue(stuck, stage="Receive", by=ada)
    work_queue.wait_until_idle()
    with listening(nobody) as nsqd:
        assert push() == "Pushed: 1; no longer waiting: 0; failed: 0."
        assert nsqd.messages() == [("ingest01_prefetch", str(stuck.pk))]


def test_a_requeue_while_the_former_is_being_pushed_is_not_lost(nsqd, stuck, ada):
    nsqd.open.clear()
    transitions.requeue(stuck, by=ada)
    assert nsqd.asked.wait(timeout=30)
    transitions.requeue(stuck, stage="Receive", by=ada)
    nsqd.open.set()
    work_queue.wait_until_idle()
    assert nsqd.messages() == [("ingest06_storage", str(stuck.pk)), ("ingest01_prefetch", str(stuck.pk))]
    assert waiting() == {}


def test_what_a_process_left_behind_when_it_ended_is_pushed_after_a_while(nsqd, stuck, ada):
    transitions.requeue(stuck, by=ada)
    work_queue.wait_until_idle()
    now = timezone.now()
    left = QueueMessage.objects.create(item=stuck, stage="Store", created_at=now, claimed_at=now)
    assert push() == "Pushed: 0; no longer waiting: 0; failed: 0."
    left.claimed_at = now - outbox.STALE_CLAIM_AGE - timedelta(seconds=1)
    left.save()
    assert push() == "Pushed: 1; no longer waiting: 0; failed: 0."
    assert len(nsqd.messages()) == 2


def test_runs_at_once_push_each_item_once(nobody, virginia, ada):
    items = [make_item(virginia, stage="Store", status="Failed", retry=False, note="No.") for _ in range(20)]
    for item in items:
        transitions.requeue(item, by=ada)
    work_queue.wait_until_idle()
    with listening(nobody) as nsqd:
        results = call_simultaneously(*[lambda: work_queue.deliver_due(timezone.now())] * 3)
        assert sum(result.pushed for result in results) == 20
        assert sorted(body for _topic, body in nsqd.messages()) == sorted(str(item.pk) for item in items)


def test_the_production_server_pushes(virginia, ada, stuck):
    """A real server, whose queue is away at first, and is there later."""
    port = free_port()
    knobs = {"WORKITEM_QUEUE_URL": f"http://127.0.0.1:{port}", "WORKITEM_QUEUE_STAGES": "Receive,Store,Record"}
    with server(database_url(connection.settings_dict), **knobs) as running:
        curl = Curl(running, ada)
        path = f"/api/v2/items/{stuck.pk}/requeue/"
        refused = curl.put(path, b"item_stage=Validate", status=422)
        assert refused["error"].endswith(
            "The queue of this installation doesn't serve Validate. This item can be requeued to Receive, Store."
        )
        with listening(port) as nsqd:
            assert curl.put(path, b"item_stage=Store")["status"] == "Pending"
            assert nsqd.received.get(timeout=60) == ("ingest06_storage", str(stuck.pk))
        item = WorkItem.objects.get(pk=stuck.pk)
        assert (item.stage, item.status, item.queued_at) == ("Store", "Pending", None)
