import pytest

from workitems.models.work_item import WorkItem

from .stored import as_stored, last, refused


@pytest.mark.parametrize("who", ["wally", "ada"])
def test_workers_stop_until_an_admin_has_decided(cast, item, who):
    item.progress(stage="Store", node="w1", by=cast["wally"])
    item.suspend(note="Glacier refuses: ask somebody", by=cast[who])
    item.refresh_from_db()
    assert (item.stage, item.status, item.retry, item.needs_admin_review) == ("Store", "Suspended", False, True)
    assert WorkItem.objects.held().get() == item
    assert not WorkItem.objects.open().exists()
    assert not WorkItem.objects.closed().exists()
    assert last(item).changes == {"needs_admin_review": [False, True], "retry": [True, False]}


def test_what_a_worker_may_not_do_with_it(wally, item):
    item.suspend(note="ask", by=wally)
    for attempt in (
        lambda: item.progress(stage="Fetch", by=wally),
        lambda: item.succeed(stage="Record", by=wally),
        lambda: item.fail(note="why", retry=False, by=wally),
        lambda: item.suspend(note="ask again", by=wally),
    ):
        with refused(item, "illegal") as caught:
            attempt()
        assert "on hold" in caught.value.sentence


def test_what_an_admin_may_do_with_it(wally, ada, item):
    item.suspend(note="ask", by=wally)
    item.requeue(by=ada)
    assert (item.status, item.retry, item.needs_admin_review) == ("Pending", True, False)
    item.suspend(note="ask", by=wally)
    item.cancel(note="no", by=ada)
    assert item.status == "Cancelled"


def test_a_note_is_required(wally, item):
    with refused(item, "invalid", "note"):
        item.suspend(note="", by=wally)


def test_the_same_again(wally, item):
    item.suspend(note="ask", by=wally)
    before = as_stored(item)
    item.suspend(note="ask", by=wally)
    assert as_stored(item) == before


@pytest.mark.parametrize("who", ["dora", "stan"])
def test_members_may_not(cast, item, who):
    with refused(item, "forbidden"):
        item.suspend(note="why", by=cast[who])


def test_not_a_closed_item(wally, ada, item):
    item.succeed(stage="Record", by=wally)
    for person in (wally, ada):
        with refused(item, "illegal"):
            item.suspend(note="why", by=person)
