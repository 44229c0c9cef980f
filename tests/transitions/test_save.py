"""Complete records as a client saves them: all of them or none, and none from before a requeue."""

from datetime import UTC, datetime, timedelta

import pytest

from workitems import transitions
from workitems.transitions import SaveRefused

from ..factories import make_item
from ..stored_items import as_stored, last_entry

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def hour(number):
    return NOON + timedelta(hours=number)


@pytest.mark.parametrize(
    ("wrong", "reason", "field"),
    [
        ({"name": "other.tar"}, "invalid", "name"),
        ({"stage": "Bogus"}, "invalid", "stage"),
        ({"status": "Failed"}, "invalid", "note"),
    ],
)
def test_records_are_saved_together_or_not_at_all(virginia, wally, wrong, reason, field):
    items = [make_item(virginia) for _ in range(3)]
    before = [as_stored(item) for item in items]
    good = {"stage": "Fetch", "status": "Started", "node": "w1"}
    first, second, third = (item.pk for item in items)
    with pytest.raises(SaveRefused) as caught:
        transitions.save({first: good, second: wrong, third: good}, by=wally)
    assert (caught.value.index, caught.value.refused.reason, caught.value.refused.field) == (1, reason, field)
    assert [as_stored(item) for item in items] == before
    results = transitions.save({first: good, third: good}, by=wally)
    assert [(result.item.pk, result.changed, result.item.node) for result in results] == [
        (first, True, "w1"),
        (third, True, "w1"),
    ]
    assert as_stored(items[1]) == before[1]


def test_a_record_of_no_item_is_refused(wally, item):
    with pytest.raises(SaveRefused) as caught:
        transitions.save({item.pk: {}, 10**9: {}}, by=wally)
    assert (caught.value.index, caught.value.refused.reason) == (1, "missing")


@pytest.fixture
def requeued(item, ada, wally):
    """Requeued at one and at three, and not begun since."""
    for number in (1, 3):
        transitions.progress(item, stage="Fetch", by=wally, at=hour(number - 1))
        transitions.requeue(item, stage="Receive", by=ada, at=hour(number))
    return item


def test_a_save_from_before_the_last_requeue_is_refused(requeued, wally):
    before = as_stored(requeued)
    record = {"stage": "Fetch", "status": "Started", "stage_started_at": hour(2)}
    with pytest.raises(SaveRefused) as caught:
        transitions.save({requeued.pk: record}, by=wally, at=hour(4))
    assert caught.value.refused.reason == "changed"
    assert as_stored(requeued) == before


def test_saves_since_the_last_requeue_are_taken(requeued, wally):
    """Also one that began before another save since."""
    transitions.save(
        {requeued.pk: {"stage": "Fetch", "status": "Started", "stage_started_at": hour(4)}}, by=wally, at=hour(6)
    )
    transitions.save(
        {requeued.pk: {"stage": "Unpack", "status": "Started", "stage_started_at": hour(5)}}, by=wally, at=hour(7)
    )
    assert last_entry(requeued).stage_after == "Unpack"
    requeued.refresh_from_db()
    assert requeued.stage_started_at == hour(5)
