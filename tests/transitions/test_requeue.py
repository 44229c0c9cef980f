from datetime import UTC, datetime

import pytest

from workitems import transitions
from workitems.models import WorkItem

from ..factories import make_item
from ..stored_items import assert_refused, last_entry

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def test_requeue_clears_flags_and_process(ada, wally, stan, item):
    transitions.progress(item, stage="Store", node="w1", pid=17, queued_at=NOON, needs_admin_review=True, by=wally)
    transitions.fail(item, note="disk full", retry=False, by=wally)
    transitions.review(item, by=stan)
    transitions.requeue(item, stage="Validate", note="There is room again.", by=ada)
    item.refresh_from_db()
    assert (item.stage, item.status, item.note) == ("Validate", "Pending", "There is room again.")
    assert (item.retry, item.needs_admin_review, item.reviewed) == (True, False, False)
    assert (item.node, item.pid, item.queued_at, item.stage_started_at) == ("", None, None, None)
    entry = last_entry(item)
    assert (entry.move, entry.stage_before, entry.status_before) == ("requeue", "Store", "Failed")
    assert entry.changes["node"] == ["w1", ""]
    assert entry.changes["reviewed"] == [True, False]
    assert item.history.get(move="fail").note == "disk full"


def test_without_a_note_the_old_note_stays(ada, wally, item):
    transitions.fail(item, stage="Fetch", note="S3 timed out", retry=False, by=wally)
    transitions.requeue(item, by=ada)
    assert (item.stage, item.note) == ("Fetch", "S3 timed out")
    assert last_entry(item).note == "S3 timed out"


@pytest.mark.parametrize("action", ["Restore", "Glacier Restore", "Delete", "Fixity Check", "DPN"])
def test_other_actions_restart_as_requested(ada, wally, virginia, action):
    item = make_item(virginia, action=action)
    transitions.fail(item, stage="Record", note="why", retry=False, by=wally)
    with assert_refused(item, "invalid", "stage") as caught:
        transitions.requeue(item, stage="Record", by=ada)
    assert "Requested" in caught.value.sentence
    transitions.requeue(item, by=ada)
    assert (item.stage, item.status) == ("Requested", "Pending")


def test_requeue_cannot_go_forward(ada, item):
    with assert_refused(item, "invalid", "stage"):
        transitions.requeue(item, stage="Store", by=ada)


def test_everything_but_successes_can_be_requeued(ada, wally, virginia):
    """Anything but what has succeeded."""
    pending, started, again, failed, held, cancelled, done = (make_item(virginia) for _ in range(7))
    transitions.progress(started, stage="Fetch", by=wally)
    transitions.fail(again, note="why", retry=True, by=wally)
    transitions.fail(failed, note="why", retry=False, by=wally)
    transitions.suspend(held, note="why", by=wally)
    transitions.cancel(cancelled, note="why", by=ada)
    transitions.succeed(done, stage="Record", by=wally)
    for item in (pending, started, again, failed, held, cancelled):
        transitions.requeue(item, stage="Receive", by=ada)
        stored = WorkItem.objects.get(pk=item.pk)
        assert (stored.stage, stored.status, stored.retry) == ("Receive", "Pending", True)
    assert pending.history.count() == 1  # it stood there already
    assert started.history.count() == 3
    with assert_refused(done, "illegal") as caught:
        transitions.requeue(done, stage="Receive", by=ada)
    assert "succeeded" in caught.value.sentence


@pytest.mark.parametrize("who", ["dora", "stan", "wally"])
def test_only_admins_can_requeue(cast, item, who):
    with assert_refused(item, "forbidden"):
        transitions.requeue(item, by=cast[who])


def test_a_stale_page_is_refused(ada, wally, item):
    seen = item.version
    transitions.fail(item, stage="Fetch", note="why", retry=False, by=wally)
    with assert_refused(item, "changed"):
        transitions.requeue(item, stage="Receive", by=ada, version=seen)


def test_a_cancelled_item_is_requeued_to_where_it_stopped(item, ada, wally):
    transitions.progress(item, by=wally, stage="Store")
    transitions.cancel(item, by=ada, note="Wait.")
    transitions.requeue(item, by=ada)
    assert (item.stage, item.status) == ("Store", "Pending")


def test_a_cancelled_item_cannot_be_requeued_past_where_it_stopped(item, ada, wally):
    transitions.progress(item, by=wally, stage="Fetch")
    transitions.cancel(item, by=ada, note="Wait.")
    with assert_refused(item, "invalid", "stage"):
        transitions.requeue(item, by=ada, stage="Store")


def test_of_two_cancels_the_last_one_says_where_it_stopped(item, ada, wally):
    for stage in ("Fetch", "Store"):
        transitions.progress(item, by=wally, stage=stage)
        transitions.cancel(item, by=ada, note="Wait.")
        transitions.requeue(item, by=ada)
        assert (item.stage, item.status) == (stage, "Pending")
