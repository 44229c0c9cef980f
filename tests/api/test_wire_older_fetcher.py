"""The older fetcher: it passes through Validate even when its download failed, lets go, and begins again with Fetch."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.factories import make_item
from tests.http_clients import NEVER, GoClient, whole_record
from workitems import transitions

from .api_client import Caller
from .simultaneous_calls import call_simultaneously

pytestmark = pytest.mark.django_db(transaction=True)


class Fetcher:
    """One process on a machine. `start` and `let_go` save what the older fetcher saves."""

    def __init__(self, client, item, node="apt-fetch-1", pid=4711):
        self.client, self.path = client, f"/api/v2/items/{item.pk}/"
        self.process = {"node": node, "pid": pid}
        self.record = {}

    def read(self):
        self.record = self.client.get(self.path)
        return self

    def start(self, stage, note, *, at=None, status=200):
        """`at`: when the stage began by the fetcher's clock, now unless it is given."""
        return self._save(
            status,
            stage=stage,
            status="Started",
            note=note,
            stage_started_at=as_text(at or timezone.now()),
            date=as_text(timezone.now()),
            **self.process,
        )

    def let_go(self, note="Item has been requeued due to transient errors. Error fetching: timed out.", **changes):
        released = {"node": "", "pid": 0, "stage_started_at": NEVER, "date": as_text(timezone.now())}
        transient = {"status": "Started", "retry": True, "needs_admin_review": False, "note": note}
        return self._save(200, **{**released, **transient, **changes})

    def cancel(self, note, status=200, **changes):
        """As MarkNoLongerInProgress saves it."""
        return self._save(status, status="Cancelled", note=note, node="", pid=0, retry=False, **changes)

    def _save(self, code, **changes):
        sent = whole_record(self.record, **changes)
        answer = self.client.put(self.path, sent, status=code)
        if code == 200:
            self.record = answer
        return answer


def as_text(moment):
    return moment.astimezone(UTC).isoformat().replace("+00:00", "000Z")  # Go has nanoseconds


@pytest.fixture
def client_of_services(real_server, wally):
    return GoClient(real_server, wally)


@pytest.fixture
def fetcher(client_of_services, item):
    return Fetcher(client_of_services, item).read()


@pytest.fixture
def failed_download(fetcher):
    """A fetcher whose download has failed: it has started Fetch and Validate, and let go."""
    fetcher.start("Fetch", "Fetching bag from receiving bucket.")
    fetcher.start("Validate", "Validating bag.")
    fetcher.let_go()
    return fetcher


def state(item):
    item.refresh_from_db()
    return item.stage, item.status, item.node, item.pid


def moves(item):
    return list(item.history.order_by("number").values_list("move", flat=True))


@pytest.mark.parametrize(
    "left", [{}, {"status": "Pending"}, {"status": "Failed"}], ids=["Started", "Pending", "Failed with retry"]
)
def test_it_begins_again_with_fetch_as_often_as_it_takes(fetcher, item, left):
    for attempt in range(3):
        fetcher.read().start("Fetch", "Fetching bag from receiving bucket.")
        assert state(item) == ("Fetch", "Started", "apt-fetch-1", 4711)
        fetcher.start("Validate", "Validating bag.")
        fetcher.let_go(f"Attempt {attempt} failed.", **left)
        assert state(item) == ("Validate", left.get("status", "Started"), "", None)
    fetcher.read().start("Fetch", "Fetching bag from receiving bucket.")
    fetcher.start("Validate", "Validating bag.")
    fetcher.let_go("Item is ready for Store", stage="Store", status="Pending")
    assert state(item) == ("Store", "Pending", "", None)
    tries = ["fail" if left.get("status") == "Failed" else "progress"]
    assert moves(item) == ["create", "progress", "progress", *[*tries, "retry", "progress"] * 3, "progress"]


def test_a_retry_is_an_entry_of_its_own(failed_download, item, wally, client, ada):
    before = timezone.now()
    answer = failed_download.read().start("Fetch", "Fetching bag from receiving bucket.")
    assert (answer["stage"], answer["status"], answer["node"], answer["pid"]) == (
        "Fetch",
        "Started",
        "apt-fetch-1",
        4711,
    )
    entry = item.history.get(move="retry")
    assert (entry.who, entry.via, entry.note) == (wally.email, "api", "Fetching bag from receiving bucket.")
    assert (entry.stage_before, entry.status_before) == ("Validate", "Started")
    assert (entry.stage_after, entry.status_after) == ("Fetch", "Started")
    assert entry.changes["node"] == ["", "apt-fetch-1"]
    item.refresh_from_db()
    assert item.stage_started_at >= before - timedelta(milliseconds=1)
    assert item.stage_entered_at == entry.at
    client.force_login(ada)
    assert "Retried" in client.get(f"/items/{item.pk}").content.decode()


def test_a_save_repeated_by_a_client_that_lost_the_answer_is_one_retry(failed_download, item):
    began, process = as_text(timezone.now()), failed_download.process
    sent = whole_record(
        failed_download.read().record, stage="Fetch", status="Started", stage_started_at=began, **process
    )
    for _try in range(5):
        assert failed_download.client.put(failed_download.path, sent)["stage"] == "Fetch"
    assert moves(item) == ["create", "progress", "progress", "progress", "retry"]


@pytest.mark.parametrize(
    ("stage", "end"), [("Receive", "Only an admin can send it back to Receive, with requeue."), ("Requested", "")]
)
def test_it_never_goes_back_to_the_beginning(failed_download, item, stage, end):
    told = failed_download.read().start(stage, "Once more.", status=409 if end else 422)
    assert end in told["error"]
    assert state(item) == ("Validate", "Started", "", None)


def test_what_another_process_holds_is_left_to_it(failed_download, client_of_services, item):
    other = Fetcher(client_of_services, item, node="apt-fetch-2").read()
    failed_download.read().start("Validate", "Validating bag.")
    told = other.start("Fetch", "Fetching bag from receiving bucket.", status=409)
    assert "apt-fetch-1 (pid 4711) still holds it." in told["error"]
    assert (told["stage"], told["node"]) == ("Validate", "apt-fetch-1")
    assert "retry" not in moves(item)


@pytest.mark.parametrize("flags", [{"retry": False}, {"needs_admin_review": True}])
def test_what_waits_for_an_admin_is_not_retried(failed_download, item, flags):
    failed_download.let_go("Giving up.", **flags)
    told = failed_download.read().start("Fetch", "Once more.", status=409)
    assert "It isn't retried until an admin has decided." in told["error"]
    assert state(item) == ("Validate", "Started", "", None)


def test_a_claim_that_comes_late_does_not_take_the_item_back(fetcher, client_of_services, item):
    """It was sent before the item went on; the network has kept it."""
    began = timezone.now()
    late = Fetcher(client_of_services, item).read()
    fetcher.start("Fetch", "Fetching bag from receiving bucket.", at=began)
    fetcher.start("Validate", "Validating bag.")
    fetcher.let_go("Item is ready for Store", stage="Store", status="Pending")
    told = late.start("Fetch", "Fetching bag from receiving bucket.", at=began, status=409)
    assert told["error"].endswith("Read it again before you continue.")
    assert state(item) == ("Store", "Pending", "", None)


def test_another_worker_that_only_saves_what_it_has_read_does_not_take_the_item_back(fetcher, client_of_services, item):
    """Present workers save an item even when they skip it, with the process that held it when they read it."""
    fetcher.start("Validate", "Validating bag.")
    skipping = Fetcher(client_of_services, item, node="worker-9").read()
    fetcher.let_go("Waits.", stage="Reingest Check", status="Pending")
    client_of_services.put(skipping.path, whole_record(skipping.record), status=409)
    assert state(item) == ("Reingest Check", "Pending", "", None)


def test_a_save_from_before_a_retry_is_refused(failed_download, client_of_services, item):
    stale = Fetcher(client_of_services, item, node="apt-fetch-2", pid=9).read()
    began = timezone.now()
    failed_download.read().start("Fetch", "Fetching bag from receiving bucket.")
    told = stale.start("Validate", "Validating bag.", at=began, status=409)
    assert told["error"].endswith("Read it again before you continue.")
    assert state(item)[:3] == ("Fetch", "Started", "apt-fetch-1")


def test_an_admins_cancel_stays(failed_download, item, ada):
    item.refresh_from_db()
    transitions.cancel(item, by=ada, note="Uploaded by mistake.")
    told = failed_download.start("Fetch", "Fetching bag from receiving bucket.", status=409)
    assert (told["stage"], told["status"], told["note"]) == ("Resolve", "Cancelled", "Uploaded by mistake.")


def test_a_retry_need_not_say_when_it_began(failed_download):
    sent = {"stage": "Fetch", "status": "Started", "node": "apt-fetch-1", "pid": 4711}
    answer = failed_download.client.put(failed_download.path, sent)
    assert (answer["stage"], answer["status"]) == ("Fetch", "Started")
    assert datetime.fromisoformat(answer["stage_started_at"]).tzinfo is not None


# Claims


def test_a_second_process_of_the_same_node_is_refused(fetcher, client_of_services, item):
    second = Fetcher(client_of_services, item, pid=4712).read()
    fetcher.start("Fetch", "Fetching bag from receiving bucket.")
    told = second.start("Fetch", "Fetching bag from receiving bucket.", status=409)
    assert told["error"].startswith("Process 4711 of apt-fetch-1 has already claimed this item at Fetch / Started.")
    assert (told["node"], told["pid"]) == ("apt-fetch-1", 4711)
    fetcher.start("Fetch", "Still fetching.")
    assert state(item) == ("Fetch", "Started", "apt-fetch-1", 4711)


@pytest.mark.parametrize(
    ("minutes", "node", "code"),
    [(14, "apt-fetch-1", 409), (15, "apt-fetch-1", 200), (600, "apt-fetch-1", 200), (600, "apt-fetch-2", 409)],
)
def test_after_a_crash_the_next_process_of_the_node_takes_over(
    client_of_services, virginia, wally, ada, minutes, node, code
):
    then = timezone.now() - timedelta(minutes=minutes)
    item = make_item(virginia, at=then)
    transitions.progress(item, stage="Fetch", node="apt-fetch-1", pid=4711, by=wally, at=then)
    Fetcher(client_of_services, item, node=node, pid=4712).read().start("Fetch", "Fetching again.", status=code)
    assert state(item) == ("Fetch", "Started", "apt-fetch-1", 4712 if code == 200 else 4711)
    if code == 200:
        entry = item.history.latest("number")
        assert (entry.move, entry.changes["pid"]) == ("progress", [4711, 4712])
        # The old process finds out, if it is still there.
        old = Fetcher(client_of_services, item).read()
        old.start("Fetch", "Still fetching.", status=409)


@pytest.mark.parametrize(
    ("minutes", "node", "code"), [(14, "apt-fetch-1", 409), (15, "apt-fetch-1", 200), (600, "apt-fetch-2", 409)]
)
def test_after_a_crash_at_validate_it_begins_again_with_fetch(
    client_of_services, virginia, wally, ada, minutes, node, code
):
    then = timezone.now() - timedelta(minutes=minutes)
    item = make_item(virginia, at=then)
    transitions.progress(item, stage="Validate", node="apt-fetch-1", pid=4711, by=wally, at=then)
    told = Fetcher(client_of_services, item, node=node, pid=4712).read().start("Fetch", "Once more.", status=code)
    if code == 409:
        assert "apt-fetch-1 (pid 4711) still holds it." in told["error"]
        assert state(item) == ("Validate", "Started", "apt-fetch-1", 4711)
        return
    assert state(item) == ("Fetch", "Started", "apt-fetch-1", 4712)
    entry = item.history.latest("number")
    assert (entry.move, entry.changes["pid"]) == ("retry", [4711, 4712])


def test_a_failed_item_is_held_by_nobody_even_if_it_names_a_process(fetcher, client_of_services, item):
    fetcher.start("Validate", "Validating bag.")
    fetcher.let_go("Timed out.", status="Failed", node="apt-fetch-1", pid=4711)
    assert state(item) == ("Validate", "Failed", "apt-fetch-1", 4711)
    Fetcher(client_of_services, item, node="apt-fetch-2", pid=9).read().start("Fetch", "Once more.")
    assert state(item) == ("Fetch", "Started", "apt-fetch-2", 9)


def claims(item, wally, stage, processes):
    """Claims of an item by processes, each with a connection and a key of its own, to be made at once."""
    for node, pid in processes:
        caller = Caller(Client(), wally)
        record = caller.get(f"/api/v2/items/{item.pk}/").body
        began = as_text(timezone.now())
        sent = whole_record(record, stage=stage, status="Started", node=node, pid=pid, stage_started_at=began)
        yield lambda caller=caller, sent=sent: caller.put(f"/api/v2/items/{item.pk}/", sent)


@pytest.mark.parametrize("processes", [[("n", 1), ("n", 2)], [("n", 1), ("m", 1)], [("n", 1), ("n", 2), ("m", 3)]])
@pytest.mark.parametrize("at", ["Receive", "Validate"], ids=["claim", "retry"])
def test_of_processes_that_claim_at_once_exactly_one_wins(virginia, wally, processes, at):
    for number in range(6):
        item = make_item(virginia, stage=at, status="Pending" if at == "Receive" else "Started")
        ordered = processes[:: 1 if number % 2 else -1]
        answers = call_simultaneously(*claims(item, wally, "Fetch", ordered))
        assert sorted(answer.status for answer in answers) == [200] + [409] * (len(processes) - 1)
        [winner] = [process for process, answer in zip(ordered, answers, strict=True) if answer.status == 200]
        assert state(item) == ("Fetch", "Started", *winner)
        assert moves(item) == ["create", "progress" if at == "Receive" else "retry"]
        for answer in answers:
            assert (answer.body["node"], answer.body["pid"]) == winner


# Cancelling


REMOVED = "Stopping work on WorkItem 1 because bag x.tar was deleted from aptrust.receiving.virginia.edu"


@pytest.mark.parametrize(
    ("stage", "status", "code"),
    [
        ("Receive", "Pending", 200),
        ("Fetch", "Started", 200),
        ("Validate", "Pending", 200),
        ("Validate", "Failed", 200),
        ("Reingest Check", "Pending", 409),
        ("Store", "Pending", 409),
        ("Fetch", "Suspended", 409),
    ],
)
def test_it_cancels_what_was_removed_from_the_bucket(client_of_services, virginia, stage, status, code):
    item = make_item(virginia, stage=stage, status=status, note="Before.", node="old", pid=3)
    fetcher = Fetcher(client_of_services, item).read()
    answer = fetcher.cancel(REMOVED, code)
    if code == 409:
        is_on_hold = status == "Suspended"
        why = "is only for items that are open." if is_on_hold else "A service can cancel an ingest only up to Validate"
        assert why in answer["error"]
        assert state(item) == (stage, status, "old", 3)
        return
    assert state(item) == (stage, "Cancelled", "", None)
    assert (answer["note"], answer["retry"], answer["node"], answer["pid"]) == (REMOVED, False, None, None)
    fetcher.cancel(REMOVED)  # again, because the answer was lost
    assert moves(item) == ["create", "cancel"]
    assert fetcher.start("Fetch", "Fetching.", status=409)["status"] == "Cancelled"


def test_a_cancel_needs_a_reason(fetcher, item):
    assert set(fetcher.cancel("", 422)) == {"note", "error"}
    fetcher.start("Fetch", "Fetching.")
    assert set(fetcher.cancel("Fetching.", 422)) == {"note", "error"}  # that is no reason
    assert state(item)[:2] == ("Fetch", "Started")


def test_an_admins_decision_wins_over_a_cancel_by_a_service(fetcher, client_of_services, item, ada):
    fetcher.start("Fetch", "Fetching.")
    late = Fetcher(client_of_services, item).read()
    item.refresh_from_db()
    transitions.cancel(item, by=ada, note="Wrong bag.")
    assert late.cancel(REMOVED, 409)["note"] == "Wrong bag."
    transitions.requeue(item, by=ada)
    assert late.cancel(REMOVED, 409)["status"] == "Pending"
    assert state(item) == ("Fetch", "Pending", "", None)
    item.refresh_from_db()
    transitions.cancel(item, by=ada, note="Wrong bag, again.")
    Fetcher(client_of_services, item).read().start("Fetch", "Fetching.", status=409)
    assert item.history.filter(move="cancel", who=ada.email).count() == 2
