"""How present ingest workers claim, let go of, and cancel items, through version 3. Each stage has a worker of its own."""

import pytest
from django.utils import timezone

from tests.factories import make_item
from tests.http_clients import GoClient
from workitems import transitions

pytestmark = pytest.mark.django_db(transaction=True)


class Worker:
    def __init__(self, client, item, node="worker-1", pid=100):
        self.client, self.item = client, item
        self.process = {"node": node, "pid": pid}

    def read(self):
        self.record = self.client.get(f"/admin-api/v3/items/show/{self.item.pk}")
        return self

    def save(self, code=200, **changes):
        return self.client.put(f"/admin-api/v3/items/update/{self.item.pk}", {**self.record, **changes}, status=code)

    def start(self, code=200):
        started = {"status": "Started", "note": f"Item has started stage {self.record['stage']}"}
        return self.save(code, **started, **self.process, stage_started_at=timezone.now().isoformat())


@pytest.fixture
def services(real_server, wally):
    return GoClient(real_server, wally)


def state(item):
    item.refresh_from_db()
    return item.stage, item.status, item.node, item.pid


def test_a_temporary_problem_and_the_next_try(services, virginia):
    item = make_item(virginia, stage="Store")
    for pid in (100, 101, 102):
        worker = Worker(services, item, pid=pid).read()
        worker.record = worker.start()
        assert state(item) == ("Store", "Started", "worker-1", pid)
        worker.save(note="S3 timed out.", node="", pid=0)
        assert state(item) == ("Store", "Started", "", None)


def test_of_two_processes_with_the_same_message_one_is_refused(services, virginia):
    item = make_item(virginia, stage="Validate")
    first, second = (Worker(services, item, pid=pid).read() for pid in (100, 101))
    first.start()
    told = second.start(409)
    assert told["error"].startswith("Process 100 of worker-1 has already claimed this item at Validate / Started.")
    assert (told["node"], told["pid"]) == ("worker-1", 100)
    assert state(item) == ("Validate", "Started", "worker-1", 100)


@pytest.mark.parametrize(
    "why",
    [
        "Stopping work on WorkItem 1 because bag x.tar was deleted from aptrust.receiving.virginia.edu",
        "Stopping work on WorkItem 1 because a newer version of bag x.tar was found in aptrust.receiving.virginia.edu.",
    ],
)
@pytest.mark.parametrize("stage", ["Receive", "Validate"])
def test_it_cancels_what_is_no_longer_in_the_bucket(services, virginia, stage, why):
    item = make_item(virginia, stage=stage)
    answer = Worker(services, item).read().save(status="Cancelled", note=why, node="", pid=0, retry=False)
    assert (answer["stage"], answer["status"], answer["note"]) == (stage, "Cancelled", why)
    assert state(item) == (stage, "Cancelled", "", None)
    # It saves the item once more before it skips it, and the cleanup worker finds it cancelled.
    worker = Worker(services, item).read()
    worker.save()
    assert list(item.history.values_list("move", flat=True)) == ["create", "cancel"]


def test_what_an_admin_has_requeued_meanwhile_is_not_cancelled(services, virginia, ada):
    item = make_item(virginia, stage="Validate")
    worker = Worker(services, item).read()
    worker.record = worker.start()
    item.refresh_from_db()
    transitions.requeue(item, stage="Receive", by=ada)
    told = worker.save(409, status="Cancelled", note="The bag was deleted.", node="", pid=0, retry=False)
    assert told["error"].endswith("Read it again before you continue.")
    assert state(item) == ("Receive", "Pending", "", None)
