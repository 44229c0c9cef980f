from datetime import UTC, datetime

import pytest

from workitems.models.work_item import WorkItem

from .factories import make_item
from .stored import last, refused

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def test_everything_that_held_it_is_cleared(ada, wally, stan, item):
    item.progress(stage="Store", node="w1", pid=17, queued_at=NOON, needs_admin_review=True, by=wally)
    item.fail(note="disk full", retry=False, by=wally)
    item.review(by=stan)
    item.requeue(stage="Validate", note="There is room again.", by=ada)
    item.refresh_from_db()
    assert (item.stage, item.status, item.note) == ("Validate", "Pending", "There is room again.")
    assert (item.retry, item.needs_admin_review, item.reviewed) == (True, False, False)
    assert (item.node, item.pid, item.queued_at, item.stage_started_at) == ("", None, None, None)
    entry = last(item)
    assert (entry.move, entry.stage_before, entry.status_before) == ("requeue", "Store", "Failed")
    assert entry.changes["node"] == ["w1", ""]
    assert entry.changes["reviewed"] == [True, False]
    assert item.history.get(move="fail").note == "disk full"


def test_without_a_note_the_error_stays(ada, wally, item):
    item.fail(stage="Fetch", note="S3 timed out", retry=False, by=wally)
    item.requeue(by=ada)
    assert (item.stage, item.note) == ("Fetch", "S3 timed out")
    assert last(item).note == "S3 timed out"


@pytest.mark.parametrize("action", ["Restore", "Glacier Restore", "Delete", "Fixity Check", "DPN"])
def test_other_actions_begin_again(ada, wally, virginia, action):
    item = make_item(virginia, action=action)
    item.fail(stage="Record", note="why", retry=False, by=wally)
    with refused(item, "invalid", "stage") as caught:
        item.requeue(stage="Record", by=ada)
    assert "Requested" in caught.value.sentence
    item.requeue(by=ada)
    assert (item.stage, item.status) == ("Requested", "Pending")


def test_not_onward(ada, item):
    with refused(item, "invalid", "stage"):
        item.requeue(stage="Store", by=ada)


def test_what_can_be_requeued(ada, wally, virginia):
    """Anything but what has succeeded."""
    pending, started, again, failed, held, cancelled, done = (make_item(virginia) for _ in range(7))
    started.progress(stage="Fetch", by=wally)
    again.fail(note="why", retry=True, by=wally)
    failed.fail(note="why", retry=False, by=wally)
    held.suspend(note="why", by=wally)
    cancelled.cancel(note="why", by=ada)
    done.succeed(stage="Record", by=wally)
    for item in (pending, started, again, failed, held, cancelled):
        item.requeue(stage="Receive", by=ada)
        stored = WorkItem.objects.get(pk=item.pk)
        assert (stored.stage, stored.status, stored.retry) == ("Receive", "Pending", True)
    assert pending.history.count() == 1  # it stood there already
    assert started.history.count() == 3
    with refused(done, "illegal") as caught:
        done.requeue(stage="Receive", by=ada)
    assert "succeeded" in caught.value.sentence


@pytest.mark.parametrize("who", ["dora", "stan", "wally"])
def test_only_an_admin_may(cast, item, who):
    with refused(item, "forbidden"):
        item.requeue(by=cast[who])


def test_a_stale_page_is_told(ada, wally, item):
    seen = item.version
    item.fail(stage="Fetch", note="why", retry=False, by=wally)
    with refused(item, "changed"):
        item.requeue(stage="Receive", by=ada, version=seen)


def test_without_a_stage_a_cancelled_item_goes_on_where_it_stopped(item, ada, wally):
    item.progress(by=wally, stage="Store")
    item.cancel(by=ada, note="Wait.")
    item.requeue(by=ada)
    assert (item.stage, item.status) == ("Store", "Pending")


def test_a_cancelled_item_is_not_requeued_past_where_it_stopped(item, ada, wally):
    item.progress(by=wally, stage="Fetch")
    item.cancel(by=ada, note="Wait.")
    with refused(item, "invalid", "stage"):
        item.requeue(by=ada, stage="Store")
