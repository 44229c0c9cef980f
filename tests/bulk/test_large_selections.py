"""Marking more items than are selected by id, so that they are found window by window."""

import pytest

from workitems import transitions
from workitems.bulk import run
from workitems.listing.strategies import bounded_scan
from workitems.models import BulkChange, HistoryEntry, WorkItem

from ..many_items import make_items
from ..pages.page_elements import parse_page
from ..pages.test_bulk_review import URL, done_at_once, keys, matching, outcome, reviewed

FINISHED = {"action": "Ingest", "stage": "Record", "status": "Success", "retry": False, "reviewed": False}


@pytest.fixture
def small(monkeypatch):
    """Sets the limits: more than five items are a large selection, in batches of three and windows of seven ids."""
    monkeypatch.setattr(bounded_scan, "COUNT_LIMIT", 5)
    for name, value in {"COUNT_LIMIT": 5, "BATCH_SIZE": 3, "ID_WINDOW": 7}.items():
        monkeypatch.setattr(run, name, value)


def to_the_end(client, act, response):
    while not BulkChange.objects.get(pk=act.pk).finished_at:
        response = client.post(f"/acts/{act.pk}", follow=True)
    return response


def mixed(owners):
    """Finished items with other items and gaps between them."""
    made = []
    for number in range(12):
        made += make_items(1, owners[:1], seed=number, **FINISHED)
        make_items(3, owners, seed=100 + number, status="Started", reviewed=False)
    return made


@pytest.mark.parametrize(
    "query", ["status=Success", "q=a&status=Success", "size_max=9 TB&status=Success", "status=Success&sort=name"]
)
def test_all_matching_items_of_a_large_list(small, signed_in, stan, virginia, jhu, query):
    items = mixed([virginia, jhu])
    if query.startswith("q"):
        items = [item for item in items if "a" in item.search_text]
    if query.startswith("size"):
        items = [item for item in items if item.size is not None]
    client = signed_in(stan)
    sent = matching(client, query)
    later = make_items(2, [virginia], **FINISHED)
    asked = parse_page(client.post(URL, sent)).one("main").words
    assert "will be marked as reviewed" in asked
    act, response = done_at_once(client, sent)
    assert "until" in BulkChange.objects.get(pk=act.pk).selection
    response = to_the_end(client, act, response)
    assert reviewed() == keys(*items)
    assert not reviewed() & keys(*later)
    total = BulkChange.objects.get(pk=act.pk).total
    assert total == len(items)
    assert outcome(response) == f"Marked {total} of {total} as reviewed."
    assert set(HistoryEntry.objects.filter(act=act.pk).values_list("item_id", flat=True)) == keys(*items)
    client.post(f"/acts/{act.pk}/undo")
    undo = BulkChange.objects.exclude(pk=act.pk).get()
    to_the_end(client, undo, None)
    assert reviewed() == set()


def test_more_items_than_were_counted_are_reported_as_more_than(small, monkeypatch, signed_in, stan, virginia):
    items = make_items(20, [virginia], name="plain.tar", **FINISHED)
    monkeypatch.setattr(run, "TIME_SLICE", run.TIME_SLICE * 0)
    client = signed_in(stan)
    sent = matching(client, "q=plain")
    said = parse_page(client.post(URL, sent)).one("main").words
    assert "More than 5 items selected; of the items checked so far: 5 will be marked as reviewed: 5 Success" in said
    assert "Mark all matching items as reviewed" in said
    act, response = done_at_once(client, sent)
    assert "done so far" in parse_page(response).one("main").words
    response = to_the_end(client, act, response)
    assert outcome(response) == "Marked 20 of 20 as reviewed."
    assert reviewed() == keys(*items)


def test_a_large_list_that_has_become_small(small, monkeypatch, signed_in, stan, virginia):
    """Others have reviewed most of the items in the meantime, and the bulk change continues."""
    items = make_items(8, [virginia], name="plain.tar", **FINISHED)
    client = signed_in(stan)
    sent = matching(client, "q=plain&reviewed=false")
    monkeypatch.setattr(run, "TIME_SLICE", run.TIME_SLICE * 0)
    for item in items[:4]:
        transitions.review(item, by=stan)
    act, response = done_at_once(client, sent)
    assert response.status_code == 200
    assert "of 4 done" in parse_page(response).one("main").words
    assert outcome(to_the_end(client, act, response)) == "Marked 4 of 4 as reviewed."
    assert reviewed() == keys(*items)


def test_a_small_selection_is_processed_by_id(signed_in, stan, virginia):
    items = make_items(4, [virginia], **FINISHED)
    client = signed_in(stan)
    act, _response = done_at_once(client, matching(client, "status=Success"))
    assert BulkChange.objects.get(pk=act.pk).selection["ids"] == sorted(keys(*items))
    assert WorkItem.objects.filter(reviewed=True).count() == 4


def test_two_thousand_items(signed_in, stan, virginia, jhu):
    fixed = {"action": "Ingest", "stage": "Record", "status": "Success", "retry": False, "reviewed": False}
    items = make_items(2000, [virginia], **fixed)
    others = make_items(20, [jhu], **fixed)
    client = signed_in(stan)
    act, response = done_at_once(client, matching(client))
    while not BulkChange.objects.get(pk=act.pk).finished_at:
        response = client.post(f"/acts/{act.pk}", follow=True)
    assert outcome(response) == "Marked 2,000 of 2,000 as reviewed."
    assert reviewed() == keys(*items)
    assert not reviewed() & keys(*others)
    entries = HistoryEntry.objects.filter(act=act.pk, move="review", number=2)
    assert entries.count() == 2000
    assert len(parse_page(response).one("ul", class_="short-rows").all("li")) == 100
    listed, href = 0, f"/acts/{act.pk}"
    while href:
        shown = parse_page(client.get(href))
        listed += len(shown.one("ul", class_="short-rows").all("li"))
        following = shown.all("a", rel="next")
        href = f"/acts/{act.pk}{following[0]['href']}" if following else None
    assert listed == 2000
