"""Real threads with their own connections: no change is lost, and nothing is decided from stale data."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import pairwise
from threading import Barrier

import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from workitems import transitions
from workitems.lifecycle import Refused, TransitionRequest
from workitems.models import HistoryEntry, WorkItem

from ..factories import make_item

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 120


@pytest.fixture
def together():
    """Returns a function that runs calls at the same moment, each in a thread, and returns their results."""

    def run(*calls):
        barrier = Barrier(len(calls))

        def one(call):
            connection.ensure_connection()  # or the first would be done before the second has connected
            barrier.wait(timeout=30)
            try:
                return call()
            finally:
                connections.close_all()

        with ThreadPoolExecutor(len(calls)) as pool:
            return [future.result(timeout=60) for future in [pool.submit(one, call) for call in calls]]

    return run


def outcome(verb, *args, **kwargs):
    """Returns the reason of a refusal, or None if the move was made."""
    try:
        verb(*args, **kwargs)
    except Refused as refused:
        return refused.reason


def chain(item):
    """Returns the history as (move, stage, status) after each entry. Fails if an entry doesn't continue the previous
    one.
    """
    entries = list(HistoryEntry.objects.filter(item=item).order_by("number"))
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    for former, entry in pairwise(entries):
        assert (entry.stage_before, entry.status_before) == (former.stage_after, former.status_after)
    stored = WorkItem.objects.get(pk=item.pk)
    assert stored.version == len(entries)
    assert (stored.stage, stored.status, stored.note) == (
        entries[-1].stage_after,
        entries[-1].status_after,
        entries[-1].note,
    )
    return [(entry.move, entry.stage_after, entry.status_after) for entry in entries]


# What the worker saves while the admin cancels, and whether that closes the item.
SAVES = {
    "progress": (lambda item, by: transitions.progress(item, stage="Fetch", note="fetching", node="w1", by=by), False),
    "wait": (lambda item, by: transitions.progress(item, stage="Fetch", status="Pending", by=by), False),
    "try again": (
        lambda item, by: transitions.fail(item, stage="Fetch", note="S3 timed out", retry=True, by=by),
        False,
    ),
    "fail": (lambda item, by: transitions.fail(item, stage="Validate", note="no manifest", retry=False, by=by), True),
    "succeed": (lambda item, by: transitions.succeed(item, stage="Record", note="done", by=by), True),
    "suspend": (lambda item, by: transitions.suspend(item, note="ask", by=by), False),
}


def test_an_admins_cancel_and_a_workers_save_at_the_same_time(on_postgresql, together, virginia, ada, wally):
    seen = Counter()
    for number in range(ROUNDS):
        name, (save, closes) = list(SAVES.items())[number % len(SAVES)]
        item = make_item(virginia)
        for_admin, for_worker = WorkItem.objects.get(pk=item.pk), WorkItem.objects.get(pk=item.pk)
        calls = [
            lambda mine=for_admin: outcome(transitions.cancel, mine, note="wrong bag", by=ada),
            lambda mine=for_worker, save=save: outcome(save, mine, wally),
        ]
        cancelled, saved = together(*(calls if number % 4 < 2 else reversed(calls)))[:: 1 if number % 4 < 2 else -1]
        story = chain(item)
        if cancelled is None:
            # The cancel wins, whichever came first: nothing follows it, and a later worker was refused.
            assert story[-1] == ("cancel", "Resolve", "Cancelled")
            assert saved in (None, "illegal")
            assert len(story) == (3 if saved is None else 2)
            assert not (closes and saved is None)
            assert (for_admin.stage, for_admin.status, for_admin.note) == ("Resolve", "Cancelled", "wrong bag")
            if saved:
                assert (for_worker.status, for_worker.note) == ("Cancelled", "wrong bag")
        else:
            # Refused only because the worker had closed it first; the admin's copy now shows that.
            assert (cancelled, saved, closes) == ("illegal", None, True)
            assert len(story) == 2
            assert for_admin.status == for_worker.status == story[-1][2]
        seen[name, cancelled, saved] += 1
    assert sum(seen.values()) == ROUNDS


def wait_until_blocked(told):
    """Returns once the other thread's statement waits for a row locked by this connection."""
    with connection.cursor() as cursor:
        for _ in range(100_000):
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
            assert not told.done(), "it did not wait"
    raise AssertionError("it neither waited nor ended")


@pytest.mark.parametrize("name", SAVES)
def test_a_save_during_a_cancel_is_refused(on_postgresql, virginia, ada, wally, name):
    save, _closes = SAVES[name]
    item = make_item(virginia)
    for_worker = WorkItem.objects.get(pk=item.pk)

    def late():
        try:
            return outcome(save, for_worker, wally)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            transitions.cancel(item, note="wrong bag", by=ada)
            told = pool.submit(late)
            wait_until_blocked(told)
        assert told.result(timeout=30) == "illegal"
    assert chain(item)[-1] == ("cancel", "Resolve", "Cancelled")
    assert (for_worker.status, for_worker.note) == ("Cancelled", "wrong bag")


@pytest.mark.parametrize("name", SAVES)
def test_a_cancel_during_a_save(on_postgresql, virginia, ada, wally, name):
    save, closes = SAVES[name]
    item = make_item(virginia)
    for_admin = WorkItem.objects.get(pk=item.pk)

    def late():
        try:
            return outcome(transitions.cancel, for_admin, note="wrong bag", by=ada)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            save(item, wally)
            told = pool.submit(late)
            wait_until_blocked(told)
        assert told.result(timeout=30) == ("illegal" if closes else None)
    assert (chain(item)[-1][0] == "cancel") == (not closes)


def test_a_save_during_an_import_waits_for_it(on_postgresql, virginia, wally):
    item = make_item(virginia)
    for_worker = WorkItem.objects.get(pk=item.pk)

    def late():
        try:
            return outcome(transitions.progress, for_worker, stage="Fetch", by=wally)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        told = []

        def judge(stored, _histories):
            told.append(pool.submit(late))
            wait_until_blocked(told[0])
            return transitions.ImportedRows([], [], [])

        transitions.store_imported([item.pk], judge)
        assert told[0].result(timeout=30) is None
    assert chain(item)[-1] == ("progress", "Fetch", "Started")


def test_the_first_two_states_of_an_item_are_saved_one_after_the_other(on_postgresql, virginia, wally):
    item = make_item(virginia)

    def save(text):
        return transitions.save_worker_state(item, text=text, action=None, by=wally, now=timezone.now())

    def late():
        try:
            return save("second")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            _state, is_first = save("first")
            told = pool.submit(late)
            wait_until_blocked(told)
        _state, is_second_the_first = told.result(timeout=30)
    assert (is_first, is_second_the_first) == (True, False)
    assert transitions.read_worker_state(item) == ("Ingest", "second")


def test_one_request_sent_many_times_at_once_makes_one_item(together, virginia, wally):
    for number in range(10):
        upload = {"action": "Ingest", "name": f"bag-{number}.tar", "etag": "e"}
        request = partial(
            transitions.create, by=wally, institution=virginia, deduplicate_within=timedelta(minutes=1), **upload
        )
        made = together(*[request] * 4)
        assert {item.pk for item in made} == {WorkItem.objects.get(name=upload["name"]).pk}


def test_many_workers_on_many_items(together, virginia, wally):
    """On both databases every item and every move is stored, and no caller meets a locked database."""
    workers, items_each = 6, 8

    def work(number):
        for count in range(items_each):
            item = transitions.create(by=wally, institution=virginia, action="Ingest", name=f"bag-{number}-{count}.tar")
            transitions.progress(item, stage="Fetch", node=f"w{number}", by=wally)
            transitions.progress(item, stage="Store", note=f"{number}", by=wally)
            transitions.succeed(item, stage="Cleanup", by=wally)
        return number

    assert together(*(lambda number=number: work(number) for number in range(workers))) == list(range(workers))
    assert WorkItem.objects.count() == workers * items_each
    for item in WorkItem.objects.all():
        assert [move for move, _stage, _status in chain(item)] == ["create", "progress", "progress", "succeed"]
        assert item.note == item.name.split("-")[1]


def test_many_workers_on_the_same_items(together, virginia, wally):
    """Every accepted note is in the history once, and every other was refused to its worker."""
    workers, rounds = 6, 5
    items = [make_item(virginia) for _ in range(3)]

    def work(number):
        accepted = []
        for count in range(rounds):
            for item in items:
                mine = WorkItem.objects.get(pk=item.pk)
                stage = ["Fetch", "Validate", "Store"][count % 3]
                note = f"{number}.{count}"
                if outcome(transitions.progress, mine, stage=stage, note=note, by=wally) is None:
                    accepted.append((item.pk, note))
        return accepted

    accepted = [pair for pairs in together(*(lambda n=n: work(n) for n in range(workers))) for pair in pairs]
    recorded = list(HistoryEntry.objects.filter(move="progress").values_list("item_id", "note"))
    assert sorted(recorded) == sorted(accepted)
    assert len(accepted) >= len(items)
    for item in items:
        chain(item)


def test_of_two_changes_to_the_same_version_one_is_refused(together, virginia, ada):
    for number in range(10):
        item = make_item(virginia)
        copies = [WorkItem.objects.get(pk=item.pk) for _ in range(3)]
        outcomes = together(
            *(
                lambda mine=mine, note=f"{number}.{place}": outcome(
                    transitions.edit, mine, note=note, by=ada, version=1
                )
                for place, mine in enumerate(copies)
            )
        )
        assert sorted(outcomes, key=str) == [None, "changed", "changed"]
        assert len(chain(item)) == 2


def test_bulk_changes_of_the_same_items_do_not_deadlock(together, virginia, wally, stan):
    items = [transitions.succeed(make_item(virginia), stage="Record", by=wally) for _ in range(20)]
    ids = [item.pk for item in items]
    for _round in range(5):
        calls = [
            lambda move=move, order=order: transitions.apply(move, order, TransitionRequest(), by=stan)
            for move in ("review", "unreview")
            for order in (ids, ids[::-1])
        ]
        for results in together(*calls):
            assert not [result for result in results if result.refused]
    flags = set(WorkItem.objects.values_list("reviewed", flat=True))
    assert len(flags) == 1  # each act took all of them, one act after the other
    for item in items:
        moves = [move for move, _stage, _status in chain(item)][2:]
        assert all(former != move for former, move in pairwise(moves))  # said once is recorded once
