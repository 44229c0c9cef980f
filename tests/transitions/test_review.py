import pytest

from workitems import transitions
from workitems.models import WorkItem

from ..factories import make_item
from ..stored_items import as_stored, assert_refused, last_entry


@pytest.fixture
def done(wally, item):
    return transitions.succeed(item, stage="Record", note="done", by=wally)


@pytest.mark.parametrize("who", ["stan", "ada"])
def test_reviewed_is_set_and_unset_with_who_and_when(cast, done, who):
    transitions.review(done, by=cast[who])
    assert WorkItem.objects.get(pk=done.pk).reviewed
    entry = last_entry(done)
    assert (entry.move, entry.who, entry.note) == ("review", cast[who].email, "done")
    assert entry.changes == {"reviewed": [False, True]}
    transitions.review(done, reviewed=False, by=cast[who])
    assert not WorkItem.objects.get(pk=done.pk).reviewed
    assert last_entry(done).move == "unreview"


@pytest.mark.parametrize("reviewed", [True, False])
def test_reviewed_is_set_to_a_value_never_toggled(stan, done, reviewed):
    transitions.review(done, reviewed=reviewed, by=stan)
    before = as_stored(done)
    transitions.review(done, reviewed=reviewed, by=stan)
    assert as_stored(done) == before


def test_a_stale_page_can_repeat_the_same_review(stan, done):
    seen = done.version
    transitions.review(done, by=stan, version=seen)
    transitions.review(done, by=stan, version=seen)
    with assert_refused(done, "changed"):
        transitions.review(done, reviewed=False, by=stan, version=seen)


@pytest.mark.parametrize("who", ["dora", "wally"])
@pytest.mark.parametrize("reviewed", [True, False])
def test_depositors_and_services_cannot_review(cast, done, who, reviewed):
    with assert_refused(done, "forbidden"):
        transitions.review(done, reviewed=reviewed, by=cast[who])


@pytest.mark.parametrize("reviewed", [True, False])
def test_only_closed_items_can_be_reviewed(stan, wally, virginia, reviewed):
    waiting, again, held = (make_item(virginia) for _ in range(3))
    transitions.fail(again, note="why", retry=True, by=wally)
    transitions.suspend(held, note="why", by=wally)
    for item in (waiting, again, held):
        with assert_refused(item, "illegal") as caught:
            transitions.review(item, reviewed=reviewed, by=stan)
        assert "closed" in caught.value.sentence


def test_failed_and_cancelled_items_can_be_reviewed(stan, ada, wally, virginia):
    failed, cancelled = make_item(virginia), make_item(virginia)
    transitions.fail(failed, note="why", retry=False, by=wally)
    transitions.cancel(cancelled, note="why", by=ada)
    for item in (failed, cancelled):
        transitions.review(item, by=stan)
        assert WorkItem.objects.get(pk=item.pk).reviewed
