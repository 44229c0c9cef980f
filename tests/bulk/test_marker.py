"""The marker of a list: the last history entry when its page was drawn."""

from workitems import transitions
from workitems.bulk import run
from workitems.models import HistoryEntry


def test_an_entry_committed_after_the_page_counts_as_later(stan, wally, item):
    """PostgreSQL assigns ids before the commit, so a missing id among the latest may still appear."""
    transitions.fail(item, by=wally, note="Bad.", retry=False)
    [entry] = item.history.filter(number=2)
    drawn = [entry.pk + 1, entry.pk]  # as it was while the fail was not committed yet, and a later one was
    chosen = run.selected_items({"query": "", "zone": "UTC", "mark": drawn}, stan)
    assert not chosen.exists()


def test_the_marker_lists_missing_ids(item, theirs):
    last = HistoryEntry.objects.latest("pk")
    HistoryEntry.objects.bulk_create(
        [HistoryEntry(pk=last.pk + 3, item=item, number=2, at=item.date, who="x", via="api", move="progress",
                      stage_after="Receive", status_after="Pending")]
    )  # fmt: skip
    assert run.read_marker() == [last.pk + 3, last.pk + 1, last.pk + 2]
