"""Causes that are recorded are worked out again from the notes, beside workers that go on writing."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction

from workitems import transitions
from workitems.failures import rework, rework_causes
from workitems.models import Cause, Failure

from ..factories import make_item, service

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


def make_failed_item(institution, note, **fields):
    item = make_item(institution, stage="Validate", at=NOON, **fields)
    return transitions.fail(item, note=note, retry=True, by=service(), at=NOON)


def spoil():
    """Records for every failure what an earlier version worked out."""
    former = Cause.objects.create(text="Bag … is incomplete: … and so on")
    Failure.objects.update(cause=former, faults=None)
    return former


def causes():
    return dict(Failure.objects.values_list("item", "cause__text"))


def test_causes_and_numbers_of_faults_are_worked_out_again(virginia, jhu, monkeypatch):
    monkeypatch.setattr(rework, "_BATCH_SIZE", 2)
    items = [
        make_failed_item(virginia, "Bag is incomplete: data/a is empty; data/b c.txt is lost"),
        make_failed_item(jhu, '{"data/x": "is empty"}'),
        make_failed_item(virginia, "data/only/a/name.txt"),
        make_failed_item(virginia, "photographs has no manifest", name="photographs.tar"),
        make_failed_item(jhu, "jhu.edu has no bucket"),
    ]
    right = causes(), list(Failure.objects.order_by("pk").values_list("faults", "at"))
    assert [faults for faults, _at in right[1]] == [2, 1, 1, 1, 1]
    former, steps = spoil(), []
    assert rework_causes(progress=steps.append) == 5
    assert (causes(), list(Failure.objects.order_by("pk").values_list("faults", "at"))) == right
    assert causes()[items[2].pk] is None
    assert causes()[items[3].pk] == "… has no manifest"
    assert steps == [2, 4, 5]
    assert not Cause.objects.filter(pk=former.pk).exists()


def test_an_item_that_went_on_keeps_the_cause_of_its_failure(virginia, ada):
    item = make_failed_item(virginia, "Disk 7 is full.")
    transitions.edit(item, note="Disk 7 is broken.", by=ada)
    transitions.requeue(item, stage="Receive", note="Look at 404 again.", by=ada)
    spoil()
    rework_causes()
    assert causes() == {item.pk: "Disk … is broken."}
    assert Failure.objects.get().at == NOON


def test_causes_without_a_failure_are_deleted(virginia, monkeypatch):
    monkeypatch.setattr(rework, "_ORPHANS_BATCH_SIZE", 2)
    make_failed_item(virginia, "Disk 7 is full.")
    Cause.objects.bulk_create([Cause(text=f"Orphan {'x' * number}") for number in range(5)])
    rework_causes()
    assert [cause.text for cause in Cause.objects.all()] == ["Disk … is full."]


def test_the_command_works_causes_out_again(virginia, capsys):
    item = make_failed_item(virginia, "Disk 7 is full.")
    spoil()
    call_command("work_out_pace")
    assert "1 failures read." in capsys.readouterr().out
    assert causes() == {item.pk: "Disk … is full."}


def in_thread(call):
    """Runs a call in a thread with a connection of its own. Returns a function that waits for its result."""
    result = []

    def run():
        try:
            result.append(call())
        except Exception as error:
            result.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()

    def wait():
        thread.join(timeout=60)
        assert not thread.is_alive()
        return result[0]

    return wait


@pytest.mark.django_db(transaction=True)
def test_a_failure_saved_at_the_same_moment_is_kept(virginia, on_postgresql):
    """The worker's transaction has written, but not committed: the command waits for it and reads its note."""
    item = make_failed_item(virginia, "Disk 7 is full.")
    spoil()
    with transaction.atomic():
        transitions.fail(item, note="S3 is gone.", retry=True, by=service(), at=NOON + timedelta(hours=1))
        wait = in_thread(rework_causes)
        wait_until_blocked()
    assert wait() == 1
    assert causes() == {item.pk: "S3 is gone."}


@pytest.mark.django_db(transaction=True)
def test_a_cause_that_a_worker_needs_again_is_not_deleted(virginia, on_postgresql):
    Cause.objects.create(text="Disk … is full.")
    item = make_item(virginia, stage="Validate", at=NOON)
    with transaction.atomic():
        transitions.fail(item, note="Disk 7 is full.", retry=True, by=service(), at=NOON)
        wait = in_thread(rework_causes)
        wait_until_blocked()
    assert wait() == 0
    assert causes() == {item.pk: "Disk … is full."}


@pytest.mark.django_db(transaction=True)
def test_workers_go_on_failing_items_meanwhile(virginia):
    """Many writers and the command at once: nobody fails, and each failure has the cause of its last note."""
    items = [make_failed_item(virginia, f"Disk {number} is full.") for number in range(30)]
    spoil()
    notes = ["Disk 7 is full.", "S3 is gone.", "data/a is empty; data/b is empty"]

    def work():
        for number, item in enumerate(items):
            transitions.fail(item, note=notes[number % 3], retry=True, by=service())
        return "done"

    waits = [in_thread(work), in_thread(rework_causes)]
    assert [wait() for wait in waits] == ["done", 30]
    expected = ["Disk … is full.", "S3 is gone.", "… is empty"]
    assert causes() == {item.pk: expected[number % 3] for number, item in enumerate(items)}
    rework_causes()
    assert {cause.text for cause in Cause.objects.all()} == set(expected)


def wait_until_blocked():
    """Returns once another connection waits for a lock of this one."""
    with connection.cursor() as cursor:
        for _ in range(100_000):
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
            )
            if cursor.fetchone()[0]:
                return
    raise AssertionError("nobody waits")
