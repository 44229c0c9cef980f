"""When an item was closed: set by the move that closes it, cleared by the one that opens it, moved by nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.factories import make_item
from workitems import transitions
from workitems.models import WorkItem

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=2)


def finished_at(item):
    return WorkItem.objects.values_list("finished_at", flat=True).get(pk=item.pk)


@pytest.fixture
def item(virginia):
    return make_item(virginia, at=NOON)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("move", "more", "who"),
    [
        ("succeed", {"stage": "Cleanup"}, "wally"),
        ("fail", {"note": "Bad.", "retry": False}, "wally"),
        ("cancel", {"note": "No."}, "ada"),
    ],
)
def test_the_move_that_closes_it(cast, item, move, more, who):
    assert finished_at(item) is None
    getattr(transitions, move)(item, by=cast[who], at=LATER, **more)
    assert finished_at(item) == LATER


def test_a_failure_that_is_retried_is_no_end(wally, item):
    transitions.fail(item, note="Busy.", retry=True, by=wally, at=LATER)
    assert finished_at(item) is None


def test_a_held_item_is_not_finished(wally, item):
    transitions.suspend(item, note="Ask.", by=wally, at=LATER)
    assert finished_at(item) is None


def test_a_review_and_an_edited_note_do_not_move_it(wally, stan, ada, item):
    transitions.succeed(item, stage="Cleanup", by=wally, at=LATER)
    transitions.review(item, by=stan, at=LATER + timedelta(days=1))
    transitions.edit(item, note="Seen.", by=ada, at=LATER + timedelta(days=2))
    assert finished_at(item) == LATER


def test_a_requeue_clears_it_and_the_next_end_sets_it_again(wally, ada, item):
    transitions.fail(item, note="Bad.", retry=False, by=wally, at=LATER)
    transitions.requeue(item, by=ada, at=LATER + timedelta(days=1))
    assert finished_at(item) is None
    transitions.succeed(item, stage="Cleanup", by=wally, at=LATER + timedelta(days=2))
    assert finished_at(item) == LATER + timedelta(days=2)


def test_retry_turned_on_by_an_admin_opens_it_again(wally, ada, item):
    transitions.fail(item, note="Bad.", retry=False, by=wally, at=LATER)
    transitions.edit(item, retry=True, by=ada, at=LATER)
    assert finished_at(item) is None
    transitions.edit(item, retry=False, by=ada, at=LATER + timedelta(days=1))
    assert finished_at(item) == LATER + timedelta(days=1)


def test_an_item_that_is_closed_from_the_start(virginia):
    assert finished_at(make_item(virginia, at=NOON, stage="Record", status="Success")) == NOON
