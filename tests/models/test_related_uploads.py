"""The other upload of a bag that an item's page leads to, and the one that is finished first."""

import itertools

import pytest

from workitems.models import WorkItem

from ..stored_uploads import Upload, numbers, stored

pytestmark = pytest.mark.django_db

# For each upload, the other one that its page leads to.
OTHERS = {
    "failed, and corrected since": ([Upload("a", 0, "failed"), Upload("b", 1)], [1, None]),
    "failed, and the same file again": ([Upload("a", 0, "failed"), Upload("a", 1)], [1, None]),
    "failed, and the correction failed, too": ([Upload("a", 0, "failed"), Upload("b", 1, "failed")], [1, None]),
    "failed, and corrected twice: the last": (
        [Upload("a", 0, "failed"), Upload("b", 1, "failed"), Upload("c", 2, "done")],
        [2, 2, None],
    ),
    "failed, and the correction was cancelled: it is still to be corrected": (
        [Upload("a", 0, "failed"), Upload("b", 1, "cancelled")],
        [None, None],
    ),
    "failed, after another was ingested": ([Upload("a", 0, "done"), Upload("b", 1, "failed")], [None, None]),
    "to be tried again": ([Upload("a", 0, "again"), Upload("b", 1)], [None, None]),
    "cancelled, and another waits": ([Upload("a", 0, "cancelled"), Upload("b", 1)], [1, None]),
    "cancelled, and an earlier one was ingested": ([Upload("a", 0, "done"), Upload("b", 1, "cancelled")], [None, 0]),
    "cancelled, and an earlier one is held": ([Upload("a", 0, "held"), Upload("b", 1, "cancelled")], [None, 0]),
    "cancelled, and the last of those that count": (
        [Upload("a", 0, "cancelled"), Upload("b", 1, "done"), Upload("c", 2, "again"), Upload("d", 3, "failed")],
        [2, None, None, None],
    ),
    "cancelled, and the other failed for good": (
        [Upload("a", 0, "cancelled"), Upload("b", 1, "failed")],
        [None, None],
    ),
    "cancelled twice": ([Upload("a", 0, "cancelled"), Upload("b", 1, "cancelled")], [None, None]),
    "ingested, and something else since": ([Upload("a", 0, "done"), Upload("b", 1)], [None, None]),
    "a deletion is no upload": ([Upload("a", 0, "failed"), Upload("delete", 1, "cancelled")], [None, None]),
}


@pytest.mark.parametrize(("uploads", "expected"), OTHERS.values(), ids=OTHERS.keys())
def test_the_other_upload_to_look_at(uploads, expected):
    for order in itertools.permutations(range(len(uploads))):
        rows = stored([uploads[place] for place in order])
        places = {row.pk: order[place] for place, row in enumerate(rows)} | {None: None}
        asked = WorkItem.objects.filter(pk__in=numbers(rows))
        found = {places[row.pk]: places[row.other_upload_id] for row in asked.with_uploads()}
        assert [found[place] for place in range(len(uploads))] == expected, order
        having = {row.pk for row in rows if expected[places[row.pk]] is not None}
        assert numbers(asked.with_other_upload()) == having
        assert numbers(asked.without_other_upload()) == numbers(rows) - having


def test_of_two_others_at_the_same_instant_the_one_recorded_later_is_looked_at():
    failed, _first, last = stored([Upload("a", 0, "failed"), Upload("b", 1), Upload("c", 1)])
    assert WorkItem.objects.with_uploads().get(pk=failed.pk).other_upload_id == last.pk
    cancelled, _first, last = stored([Upload("a", 0, "cancelled"), Upload("b", 1), Upload("c", 1)])
    assert WorkItem.objects.with_uploads().get(pk=cancelled.pk).other_upload_id == last.pk


# For each upload, the earlier one that is finished first.
AWAITED = {
    "one at Store": ([Upload("a", 0, "runs", "Store"), Upload("b", 1)], [None, 0]),
    "one at Store that will be retried": ([Upload("a", 0, "again", "Store"), Upload("b", 1)], [None, 0]),
    "one on hold at Store": ([Upload("a", 0, "held", "Store"), Upload("b", 1)], [None, 0]),
    "the last of two": (
        [Upload("a", 0, "runs", "Store"), Upload("b", 1, "runs", "Store"), Upload("c", 2)],
        [None, None, 1],
    ),
    "one before Store is superseded": ([Upload("a", 0, "runs"), Upload("b", 1)], [None, None]),
    "one that is done": ([Upload("a", 0, "done", "Store"), Upload("b", 1)], [None, None]),
    "one that failed permanently": ([Upload("a", 0, "failed", "Store"), Upload("b", 1)], [None, None]),
    "a later one": ([Upload("a", 0), Upload("b", 1, "runs", "Store")], [None, None]),
    "the same file": ([Upload("a", 0, "runs", "Store"), Upload("a", 1)], [None, None]),
    "both at Store": ([Upload("a", 0, "runs", "Store"), Upload("b", 1, "runs", "Store")], [None, None]),
    "finished already": ([Upload("a", 0, "runs", "Store"), Upload("b", 1, "failed")], [None, None]),
}


@pytest.mark.parametrize(("uploads", "expected"), AWAITED.values(), ids=AWAITED.keys())
def test_the_upload_that_is_finished_first(uploads, expected):
    for order in itertools.permutations(range(len(uploads))):
        rows = stored([uploads[place] for place in order])
        places = {row.pk: order[place] for place, row in enumerate(rows)} | {None: None}
        found = {
            places[row.pk]: places[row.waits_for_id] for row in WorkItem.objects.with_uploads() if row.pk in places
        }
        assert [found[place] for place in range(len(uploads))] == expected, order
