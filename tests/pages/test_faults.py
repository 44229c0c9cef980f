"""The faults in a note: listed on the item's page, and hooks for scripts in rows and pages; the queue goes by their cause."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from workitems import transitions
from workitems.models import Failure, WorkItem

from ..factories import make_item
from ..page_hooks import item_ids
from .page_elements import parse_page

QUEUE = "/items/review/queue"


def failed(institution, note, *, by, retry=False, **fields):
    return transitions.fail(make_item(institution, stage="Validate", **fields), note=note, retry=retry, by=by)


def rows(response):
    return {int(row["data-item-id"]): row.attributes for row in parse_page(response).all("tr", data_item_id=True)}


def hooks(attributes):
    return attributes.get("data-cause"), attributes.get("data-faults")


def listed(response):
    """The faults in the open list, and those in the folded one."""
    lists = parse_page(response).all("ol", class_="fault-list")
    return [[one.words for one in found.all("li")] for found in lists]


def test_several_faults_are_a_list_above_the_note(signed_in, dora, virginia, wally):
    faults = [f"data/a b/{number}.tif is empty" for number in range(60)]
    item = failed(virginia, "Bag validation failed: " + "; ".join(faults), by=wally)
    page = signed_in(dora).get(f"/items/{item.pk}")
    section = parse_page(page).one("section", aria_labelledby="faults")
    assert section.one("h2").words == "60 faults"
    assert section.one("summary").words == "50 more faults"
    assert listed(page) == [faults[:10], faults[10:]]
    assert parse_page(page).one("div", id="note-text").words == item.note
    assert hooks(parse_page(page).one("article").attributes) == (str(item.failure.cause_id), "60")


@pytest.mark.parametrize("note", ["The disk is full.", "The disk is full.\n  on node 7", ""])
def test_one_fault_is_no_list(signed_in, dora, virginia, wally, note):
    item = make_item(virginia, stage="Validate", status="Failed", retry=False, note=note)
    page = signed_in(dora).get(f"/items/{item.pk}")
    assert parse_page(page).all("section", aria_labelledby="faults") == []
    assert listed(page) == []


def test_a_note_that_lists_only_the_first_faults_says_so(signed_in, dora, virginia, wally):
    item = failed(virginia, "failed | data/a is empty | data/b is empty | There are 58 more errors.", by=wally)
    section = parse_page(signed_in(dora).get(f"/items/{item.pk}")).one("section", aria_labelledby="faults")
    assert section.one("h2").words == "60 faults"
    assert "Only 2 of 60 faults are listed here." in section.words
    assert section.all("details") == []


def test_very_many_faults_make_no_endless_page(signed_in, dora, virginia, wally):
    item = failed(virginia, "\n".join(f"data/{number} is empty" for number in range(3_000)), by=wally)
    page = signed_in(dora).get(f"/items/{item.pk}")
    assert [len(one) for one in listed(page)] == [10, 490]
    assert (
        "Only 500 of 3,000 faults are listed here." in parse_page(page).one("section", aria_labelledby="faults").words
    )


def test_a_fault_is_text(signed_in, dora, virginia, wally):
    item = failed(virginia, json.dumps({"data/<b>.tif": "<i>empty</i>", "data/x": "is empty"}), by=wally)
    page = signed_in(dora).get(f"/items/{item.pk}")
    assert listed(page) == [["“data/<b>.tif”: <i>empty</i>", "“data/x”: is empty"]]


def test_rows_and_pages_have_the_cause_and_the_number_of_faults(signed_in, dora, virginia, jhu, wally, ada):
    two = failed(virginia, '{"data/a": "is empty", "data/b c": "is empty"}', by=wally)
    same = failed(virginia, '{\n "data/x": "is empty"\n}', by=wally, retry=True)
    nothing = failed(virginia, "data/a/b/c.txt", by=wally)
    went_on = transitions.requeue(failed(virginia, "Disk 7 is full.", by=wally), stage="Receive", by=ada)
    never = make_item(virginia)
    cause = str(two.failure.cause_id)
    expected = {
        two.pk: (cause, "2"),
        same.pk: (cause, "1"),
        nothing.pk: (None, "1"),
        went_on.pk: (None, None),
        never.pk: (None, None),
    }
    client = signed_in(dora)
    assert {pk: hooks(row) for pk, row in rows(client.get("/items/")).items()} == expected
    for pk, hook in expected.items():
        assert hooks(parse_page(client.get(f"/items/{pk}")).one("article").attributes) == hook


def test_a_failure_recorded_by_the_former_version_has_no_number_of_faults_yet(signed_in, dora, virginia, wally):
    item = failed(virginia, "Disk 7 is full.", by=wally)
    Failure.objects.update(faults=None)
    [row] = rows(signed_in(dora).get("/items/")).values()
    assert hooks(row) == (str(item.failure.cause_id), None)


def test_causes_cost_no_query_per_row(signed_in, dora, virginia, wally):
    def count():
        with CaptureQueriesContext(connection) as asked:
            client.get("/items/?status=Failed")
        return len(asked)

    client = signed_in(dora)
    failed(virginia, "Disk 7 is full.", by=wally)
    client.get("/items/?status=Failed")
    one = count()
    for number in range(20):
        failed(virginia, f"data/{number} is empty; data/x is lost", by=wally)
    assert count() == one


def test_faults_without_a_cause_are_not_marked_together(signed_in, stan, virginia, wally):
    """Three different names say nothing in common; neither the queue nor the overview offers them as one group."""
    for note in ("data/a.tif", "'Title'", '{"data/b": "data/c"}'):
        failed(virginia, note, by=wally)
    client = signed_in(stan)
    page = client.get(client.get(QUEUE)["Location"])
    assert parse_page(page).all("form", class_="similar") == []
    assert parse_page(client.get("/")).all("tr", data_cause=True) == []


def test_the_queue_marks_the_same_faults_together_whatever_their_order(signed_in, stan, virginia, wally):
    empty, lost = '"data/{0}": "is empty"', '"data/it\'s {0}": "is lost"'
    both = [
        failed(virginia, "{" + f"{empty}, {lost}".format(1) + "}", by=wally),
        failed(virginia, "{" + f"{lost}, {empty}".format(2) + "}", by=wally),
    ]
    failed(virginia, "{" + empty.format(3) + "}", by=wally)
    client = signed_in(stan)
    form = parse_page(client.get(f"{QUEUE}?item={both[0].pk}")).one("form", class_="similar")
    assert "One more of these failed for the same cause: …: is empty | …: is lost" in form.words
    assert form.one("button", name="reviewed").words == "Mark all 2 as reviewed…"
    assert set(item_ids(client.get(form.one("a")["href"]))) == {one.pk for one in both}
    assert WorkItem.objects.filter(reviewed=True).count() == 0
