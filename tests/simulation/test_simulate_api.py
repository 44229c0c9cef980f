"""`simulate --api` against the production server: several workers race for the same items while an admin cancels."""

import json
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from random import Random

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from bench.worker_stress import Canceller
from pharos.accounts import api_keys
from pharos.accounts.models import User
from workitems import transitions
from workitems.models import HistoryEntry, WorkItem
from workitems.simulation import Address, run_workers
from workitems.simulation.connection import Clock, Connection
from workitems.simulation.decisions import Save
from workitems.simulation.worker import Worker
from workitems.vocabulary import Action, Status

from ..factories import make_item
from ..lifecycle.history_checks import all_faults, entry_key, save_key, unrecorded

pytestmark = pytest.mark.django_db(transaction=True)


def key_of(person):
    return api_keys.create_key(person, now=timezone.now())[1]


@pytest.fixture
def simulate(real_server, wally, monkeypatch, capsys):
    """A function that runs the simulation against the server and returns its output lines."""
    monkeypatch.setenv("PHAROS_API_KEY", key_of(wally))

    def run(**options):
        call_command("simulate", **{"api": real_server.url, "user": wally.email, "every": 0, "seed": 4, **options})
        return capsys.readouterr().out.splitlines()

    return run


@pytest.fixture
def backlog(virginia, jhu):
    """A few items of every action, as the bucket reader and members create them."""
    return [
        make_item(institution, action=action.value)
        for institution in (virginia, jhu)
        for action in Action
        for _ in "abc"
    ]


@pytest.fixture
def queued(virginia):
    """An ingest that the feeder has seen."""
    return make_item(virginia, queued_at=timezone.now())


@contextmanager
def somebody_else():
    """Runs in a worker's thread, so it must close its database connection."""
    try:
        yield
    finally:
        connection.close()


@pytest.fixture
def only_what_waits(monkeypatch):
    """Nothing new arrives."""
    monkeypatch.setattr(Worker, "_read_bucket", lambda self: None)
    monkeypatch.setattr(Worker, "_mark_queued", lambda self: 1)


def roles():
    return dict(User.objects.values_list("email", "role"))


def figures(line):
    """Returns {word: number} of the summary."""
    return {
        word: int(number) for number, word in re.findall(r"(\d+) (changes|refused|created|requests|saves taken)", line)
    }


def test_workers_compete_while_an_admin_cancels(simulate, real_server, backlog, ada, wally, tmp_path):
    journal = tmp_path / "journal.jsonl"
    clock = Clock()
    called = Connection(Address.parse(real_server.url), ada.email, key_of(ada), clock)
    admin = Canceller(called, clock, Random(2), pause=0)
    with ThreadPoolExecutor(1) as pool:
        cancelling = pool.submit(admin.work, most=12)
        *_lines, said = simulate(workers=4, steps=40, journal=journal)
        clock.stop()
        cancelling.result()

    assert all_faults(roles()) == []
    saves = [Save(**json.loads(line)) for line in journal.read_text().splitlines()]
    entries = HistoryEntry.objects.filter(who__in=[wally.email, ada.email])
    assert unrecorded(saves + admin.saves, entries) == []
    # Nor is anything in the histories that nobody has sent. Fewer entries than saves: what is so already is not recorded again.
    assert not Counter(map(entry_key, entries)) - Counter(map(save_key, saves + admin.saves))

    counted = figures(said)
    assert counted["changes"] + counted["created"] == counted["saves taken"] == len(saves) > 50
    assert counted["requests"] > counted["saves taken"]
    assert counted["created"] == WorkItem.objects.count() - len(backlog)
    cancelled = {entry.item_id for entry in entries if entry.who == ada.email}
    assert len(cancelled) == admin.outcomes["cancelled"] == len(admin.saves) > 3
    assert set(WorkItem.objects.filter(pk__in=cancelled).values_list("status", flat=True)) == {Status.CANCELLED}
    assert len({entry.item_id for entry in entries if entry.move == "succeed"}) > 1


def test_one_worker_prints_a_line_per_change(simulate, backlog, wally):
    *lines, said = simulate(steps=60)
    entries = HistoryEntry.objects.filter(who=wally.email)
    changes = [line for line in lines if "left alone" not in line]
    assert len(changes) == entries.count() > 40
    assert said.startswith("Stopped: ")
    assert all(re.match(r"\d\d:\d\d:\d\d worker-1 #\d+ ", line) for line in lines)
    assert entries.filter(move="create").exists() == any(": new, " in line for line in lines)
    assert all_faults(roles()) == []


def test_at_the_end_no_item_is_held(simulate, backlog):
    """A worker that is stopped releases its item."""
    simulate(workers=3, steps=9)
    assert not WorkItem.objects.exclude(node="").exists()
    assert not WorkItem.objects.filter(status=Status.STARTED).exists()
    assert HistoryEntry.objects.filter(status_after=Status.STARTED).exists()


def test_ctrl_c_stops_all_workers_cleanly(real_server, backlog, wally):
    """Pending events are still reported, and held items are released."""
    told = []

    def tell(done):
        told.append(done)
        if len(told) == 20:
            raise KeyboardInterrupt

    played = run_workers(Address.parse(real_server.url), wally.email, key_of(wally), tell, workers=3, every=0, seed=1)
    assert len([done for done in told if done.changed]) == played.calls.saves >= 20
    assert not WorkItem.objects.exclude(node="").exists()
    made = Counter(map(entry_key, HistoryEntry.objects.filter(who=wally.email)))
    assert not made - Counter(save_key(done.save) for done in told if done.save)


def test_a_claim_is_read_back(simulate, queued, wally, only_what_waits, monkeypatch):
    """Another process claims the item between a worker's claim and its read."""
    read, reads = Worker._fetch, []

    def late(worker, number):
        reads.append(number)
        if len(reads) == 2:  # the first is before the claim, the second after it
            with somebody_else():
                taken = WorkItem.objects.get(pk=number)
                assert taken.node == "worker-1"
                transitions.progress(taken, by=wally, stage="Fetch", note="Mine.", node="theirs", pid=9)
        return read(worker, number)

    monkeypatch.setattr(Worker, "_fetch", late)
    lines = simulate(steps=30)
    queued.refresh_from_db()
    assert (queued.stage, queued.status, queued.note) == ("Fetch", "Started", "Mine.")
    assert (queued.node, queued.pid, queued.version) == ("theirs", 9, 3)
    assert any("the claim was lost" in line for line in lines)


def test_an_admins_cancel_while_a_worker_holds_the_item(simulate, queued, ada, only_what_waits, monkeypatch):
    """The worker has read the item as its own, and its save is then refused."""
    carry_out = Worker._save_plan

    def after_a_cancel(worker, seen, plan):
        if seen.status == Status.STARTED:
            with somebody_else():
                transitions.cancel(WorkItem.objects.get(pk=seen.pk), by=ada, note="Wrong bag.")
        return carry_out(worker, seen, plan)

    monkeypatch.setattr(Worker, "_save_plan", after_a_cancel)
    *lines, said = simulate(steps=30)
    queued.refresh_from_db()
    assert (queued.stage, queued.status, queued.note) == ("Resolve", "Cancelled", "Wrong bag.")
    assert figures(said)["refused"] == 1
    assert any("left alone. This item is closed (Resolve / Cancelled)" in line for line in lines)


def test_uploads_that_another_one_replaces_are_cancelled(simulate, virginia):
    """A worker cancels them at their stage; the upload that counts is ingested."""
    now = timezone.now()
    fields = {"name": "bag.tar", "queued_at": now}
    old = make_item(virginia, etag="a" * 32, date=now - timedelta(hours=9), **fields)
    last = make_item(virginia, etag="b" * 32, date=now - timedelta(hours=1), **fields)
    simulate(steps=60)
    old.refresh_from_db()
    last.refresh_from_db()
    assert (old.stage, old.status) == ("Receive", "Cancelled")
    assert "a different etag" in old.note
    assert last.version > 1
    assert last.status != Status.CANCELLED
    assert all_faults(roles()) == []


def test_a_wrong_key_is_reported_with_the_servers_message(simulate, item):
    before = HistoryEntry.objects.count()
    with pytest.raises(CommandError, match=r"(?s)GET /api/v2/institutions/.*Got 401: \w+"):
        simulate(key="not-a-key", workers=4)
    assert HistoryEntry.objects.count() == before


def test_a_members_key_is_refused(simulate, real_server, dora):
    with pytest.raises(CommandError, match="Got 403: "):
        simulate(key=key_of(dora), user=dora.email)
