"""A worker's state: stored beside the item, complete, compressed, and never loaded in lists."""

import json
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection, connections
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext

from workitems import transitions
from workitems.lifecycle import Refused
from workitems.models import AppendOnly, WorkItem, WorkItemState
from workitems.transitions import worker_state

from ..stored_items import as_stored, worker_state_text

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
TEXT = json.dumps({"bag": "Ünïcödé 🜁", "files": ["a", "b\\u0000"] * 50}, ensure_ascii=False)


def save(item, by, text=TEXT, action="Ingest", now=NOON):
    return transitions.save_worker_state(item, text=text, action=action, by=by, now=now)


def test_a_saved_state_is_read_back(item, wally):
    assert worker_state_text(item) == ""
    state, created = save(item, wally)
    assert (created, state.pk, state.item_id, state.action) == (True, item.pk, item.pk, "Ingest")
    assert (state.created_at, state.updated_at, state.length) == (NOON, NOON, len(TEXT.encode()))
    assert transitions.read_worker_state(item) == ("Ingest", TEXT)


def test_a_state_is_stored_compressed(item, wally):
    save(item, wally)
    assert len(WorkItemState.objects.get().packed) < len(TEXT) / 3


def test_a_later_state_replaces_the_former(item, wally, ada):
    save(item, wally)
    later = NOON + timedelta(hours=1)
    state, created = save(item, ada, text="{}", action="Restore", now=later)
    assert (created, state.action, state.length) == (False, "Restore", 2)
    assert (state.created_at, state.updated_at) == (NOON, later)
    assert transitions.read_worker_state(item) == ("Restore", "{}")
    assert WorkItemState.objects.count() == 1


@pytest.mark.parametrize("empty", ["", None])
def test_an_empty_state_is_a_state(item, wally, empty):
    save(item, wally)
    state, created = save(item, wally, text=empty)
    assert (created, state.length, worker_state_text(item)) == (False, 0, "")
    assert WorkItem.objects.with_state_id().get(pk=item.pk).work_item_state_id == item.pk


@pytest.mark.parametrize("blank", ["", None])
def test_the_action_defaults_to_the_items(item, wally, blank):
    state, _created = save(item, wally, action=blank)
    assert state.action == "Ingest"


def test_each_item_has_its_own_state(item, theirs, wally):
    save(item, wally, text="ours")
    save(theirs, wally, text="theirs")
    assert (worker_state_text(item), worker_state_text(theirs)) == ("ours", "theirs")


def test_saving_a_state_changes_neither_item_nor_history(item, wally):
    before = as_stored(item)
    save(item, wally)
    save(item, wally, text="later")
    assert as_stored(item) == before


@pytest.mark.parametrize("who", ["dora", "stan", "olga", "ada", "wally"])
def test_only_services_and_admins_save_states(item, cast, who):
    if who in ("ada", "wally"):
        assert save(item, cast[who])[1] is True
    else:
        with pytest.raises(Refused) as caught:
            save(item, cast[who])
        assert (caught.value.reason, caught.value.field) == ("forbidden", None)
        assert not WorkItemState.objects.exists()


def test_an_inactive_service_cannot_save_states(item, wally):
    wally.is_active = False
    with pytest.raises(Refused) as caught:
        save(item, wally)
    assert caught.value.reason == "forbidden"


@pytest.mark.parametrize(
    ("wrong", "field", "says"),
    [
        ({"text": "a\0b"}, "state", "NUL"),
        ({"text": "a\ud800b"}, "state", "surrogate"),
        ({"text": {"a": 1}}, "state", "text"),
        ({"action": "a\0b"}, "action", "NUL"),
        ({"action": "\udfff"}, "action", "surrogate"),
        ({"action": 7}, "action", "text"),
        ({"action": "x" * 33}, "action", "32"),
    ],
)
def test_states_that_cannot_be_stored_are_refused(item, wally, wrong, field, says):
    save(item, wally)
    with pytest.raises(Refused) as caught:
        save(item, wally, **wrong)
    assert (caught.value.reason, caught.value.field) == ("invalid", field)
    assert says in caught.value.sentence
    assert caught.value.sentence.startswith(f"“{field}”")
    assert worker_state_text(item) == TEXT


@pytest.mark.parametrize("letter", ["é", "🜁"])
def test_32_characters_of_any_alphabet_are_an_action(item, wally, letter):
    assert save(item, wally, action=letter * 32)[0].action == letter * 32


def test_the_limit_counts_bytes(item, wally, monkeypatch):
    monkeypatch.setattr(worker_state, "WORKER_STATE_LIMIT", 1000)
    save(item, wally, text="é" * 500)
    with pytest.raises(transitions.WorkerStateTooLarge) as caught:
        save(item, wally, text="é" * 500 + "e")
    assert caught.value.size == 1001
    assert caught.value.sentence.startswith("This state has 1,001 bytes, but at most 1,000 bytes")
    assert worker_state_text(item) == "é" * 500


def test_the_limit_itself(item, wally):
    """64 MiB are stored and read; one more byte is refused."""
    chance = random.Random(1)
    piece = "".join(f"{chance.getrandbits(64):016x}" for _ in range(2**16))
    text = piece * 64
    assert len(text) == transitions.WORKER_STATE_LIMIT == 64 * 1024 * 1024
    assert save(item, wally, text=text)[0].length == transitions.WORKER_STATE_LIMIT
    assert worker_state_text(item) == text
    with pytest.raises(transitions.WorkerStateTooLarge):
        save(item, wally, text=text + "x")
    assert worker_state_text(item) == text


def test_a_state_cannot_be_deleted(item, wally):
    state, _created = save(item, wally)
    for attempt in (state.delete, WorkItemState.objects.all().delete, WorkItemState.objects.filter(pk=0).delete):
        with pytest.raises(AppendOnly):
            attempt()
    with pytest.raises(ProtectedError):
        super(WorkItem, item).delete()
    assert worker_state_text(item) == TEXT


def test_a_list_says_which_items_have_a_state_without_reading_it(item, theirs, wally):
    save(item, wally)
    with CaptureQueriesContext(connection) as asked:
        rows = list(WorkItem.objects.with_state_id().for_rows().order_by("id"))
        found = {row.pk: row.work_item_state_id for row in rows}
    assert found == {item.pk: item.pk, theirs.pk: None}
    [query] = asked.captured_queries
    assert query["sql"].count("LEFT OUTER JOIN") == 2  # the other one is the last failure
    assert "packed" not in query["sql"]


def test_saving_does_not_read_the_former_state(item, wally):
    save(item, wally)
    with CaptureQueriesContext(connection) as asked:
        state, _created = save(item, wally)
        assert state.length
    reads = [query["sql"] for query in asked.captured_queries if query["sql"].startswith("SELECT")]
    assert reads
    assert not [sql for sql in reads if "packed" in sql]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_there", [False, True])
def test_concurrent_saves_leave_one_complete_state(item, wally, is_there):
    """On both databases, exactly the first creates the row, and the stored text is one of the texts, complete."""
    if is_there:
        save(item, wally)
    texts = [str(number) * 100_000 for number in range(6)]
    barrier = Barrier(len(texts))

    def one(text):
        connection.ensure_connection()
        barrier.wait(timeout=30)
        try:
            return save(item, wally, text=text)[1]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(texts)) as pool:
        created = [future.result(timeout=60) for future in [pool.submit(one, text) for text in texts]]
    assert sorted(created) == [False] * 5 + [not is_there]
    assert worker_state_text(item) in texts
    assert WorkItemState.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_saving_a_state_while_the_item_advances(item, wally):
    """A worker saves both at once; neither is lost, and there is no deadlock."""
    barrier = Barrier(2)

    def states_are_saved():
        barrier.wait(timeout=30)
        try:
            return [save(WorkItem.objects.get(pk=item.pk), wally, text=f"{n}")[1] for n in range(20)]
        finally:
            connections.close_all()

    def items_move():
        barrier.wait(timeout=30)
        try:
            for n in range(20):
                transitions.progress(WorkItem.objects.get(pk=item.pk), note=f"{n}", by=wally)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        saved, moved = pool.submit(states_are_saved), pool.submit(items_move)
        assert saved.result(timeout=60) == [True] + [False] * 19
        moved.result(timeout=60)
    assert worker_state_text(item) == "19"
    assert WorkItem.objects.get(pk=item.pk).note == "19"
    assert item.history.count() == 21
