import pytest

from workitems import transitions
from workitems.models import WorkItem

from ..stored_items import as_stored, assert_refused, last_entry


@pytest.mark.parametrize("who", ["wally", "ada"])
def test_workers_stop_until_an_admin_has_decided(cast, item, who):
    transitions.progress(item, stage="Store", node="w1", by=cast["wally"])
    transitions.suspend(item, note="Glacier refuses: ask somebody", by=cast[who])
    item.refresh_from_db()
    assert (item.stage, item.status, item.retry, item.needs_admin_review) == ("Store", "Suspended", False, True)
    assert WorkItem.objects.held().get() == item
    assert not WorkItem.objects.open().exists()
    assert not WorkItem.objects.closed().exists()
    assert last_entry(item).changes == {"needs_admin_review": [False, True], "retry": [True, False]}


def test_workers_cannot_change_a_held_item(wally, item):
    transitions.suspend(item, note="ask", by=wally)
    for attempt in (
        lambda: transitions.progress(item, stage="Fetch", by=wally),
        lambda: transitions.succeed(item, stage="Record", by=wally),
        lambda: transitions.fail(item, note="why", retry=False, by=wally),
        lambda: transitions.suspend(item, note="ask again", by=wally),
    ):
        with assert_refused(item, "illegal") as caught:
            attempt()
        assert "on hold" in caught.value.sentence


def test_admins_can_change_a_held_item(wally, ada, item):
    transitions.suspend(item, note="ask", by=wally)
    transitions.requeue(item, by=ada)
    assert (item.status, item.retry, item.needs_admin_review) == ("Pending", True, False)
    transitions.suspend(item, note="ask", by=wally)
    transitions.cancel(item, note="no", by=ada)
    assert item.status == "Cancelled"


def test_a_note_is_required(wally, item):
    with assert_refused(item, "invalid", "note"):
        transitions.suspend(item, note="", by=wally)


def test_a_repeated_suspend_is_recorded_once(wally, item):
    transitions.suspend(item, note="ask", by=wally)
    before = as_stored(item)
    transitions.suspend(item, note="ask", by=wally)
    assert as_stored(item) == before


@pytest.mark.parametrize("who", ["dora", "stan"])
def test_members_cannot_suspend_items(cast, item, who):
    with assert_refused(item, "forbidden"):
        transitions.suspend(item, note="why", by=cast[who])


def test_a_closed_item_cannot_be_suspended(wally, ada, item):
    transitions.succeed(item, stage="Record", by=wally)
    for person in (wally, ada):
        with assert_refused(item, "illegal"):
            transitions.suspend(item, note="why", by=person)
