"""One move on many items: which rows are locked, and which columns are written."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from workitems import transitions
from workitems.database import WORK_ITEMS
from workitems.lifecycle import TransitionRequest
from workitems.models import WorkItem
from workitems.transitions.batch import TransitionBatch
from workitems.transitions.related import related_facts

from ..factories import make_item
from ..stored_items import as_stored


def test_only_the_rows_of_these_ids_are_locked_in_the_order_of_the_ids(virginia, ada):
    """So that two bulk changes of the same items never wait for each other in a circle."""
    first, other, last = (make_item(virginia) for _ in range(3))
    untouched = as_stored(other)
    seen = []

    def plan(rows, _now):
        seen.extend(rows)
        return dict.fromkeys(rows, ("edit", TransitionRequest(note="Look at this.")))

    results = TransitionBatch(ada, "page", None).run([last.pk, first.pk], plan, {}, WorkItem.objects.all())
    assert seen == [first.pk, last.pk]
    assert [result.item.pk for result in results] == [last.pk, first.pk]
    assert as_stored(other) == untouched


def test_nothing_becomes_of_an_item_that_does_not_exist(item, ada):
    missing, edited = transitions.apply("edit", [10**9, item.pk], TransitionRequest(note="Look at this."), by=ada)
    assert (missing.item, missing.changed, missing.refused.reason) == (None, False, "missing")
    assert (edited.item, edited.changed, edited.refused) == (item, True, None)


def test_whether_an_upload_is_replaced_is_asked_for_the_items_of_the_cancel_only(virginia, wally):
    first, second, _newest = (make_item(virginia, name="bag.tar") for _ in range(3))
    cancels = {first.pk: ("cancel", TransitionRequest(note="Replaced."))}
    assert related_facts({first.pk: first}, cancels, wally, first.updated_at) == {first.pk: {"is_replaced": True}}
    assert (
        related_facts({second.pk: second}, {second.pk: ("edit", TransitionRequest())}, wally, second.updated_at) == {}
    )


def test_the_searched_text_is_written_only_where_it_changes(virginia, wally):
    """Its index is the largest of all, and nine saves of ten change nothing that is searched."""
    item = make_item(virginia, name="bag.tar")

    def written(save):
        with CaptureQueriesContext(connection) as asked:
            save()
        [update] = [one["sql"] for one in asked if one["sql"].startswith(f'UPDATE "{WORK_ITEMS}"')]
        return "search_text" in update

    assert not written(lambda: transitions.progress(item, stage="Fetch", note="fetching", by=wally))
    assert written(lambda: transitions.succeed(item, stage="Record", by=wally))
    assert "virginia.edu/bag" in WorkItem.objects.get(pk=item.pk).search_text
