"""Requeuing many items: `/items/requeue`, each to where it stopped or to its first stage."""

import pytest

from workitems import transitions
from workitems.models import BulkChange, WorkItem

from ..factories import make_item
from ..stored_items import as_stored, last_entry
from .test_bulk_cancel import done_at_once, find_form, keys, outcome, preview, ticked

URL = "/items/requeue"
NOTE = "Tried again: the disk is empty now."


@pytest.fixture
def failed(virginia, jhu, wally):
    """An ingest and a deletion that failed, and one that was reviewed; of two institutions."""
    ingest = make_item(virginia, stage="Store")
    deletion = make_item(jhu, action="Delete", stage="Requested", object_identifier="jhu.edu/a")
    for item in (ingest, deletion):
        transitions.fail(item, note="Disk full.", retry=False, by=wally)
    return [ingest, deletion]


def confirmed(sent, begin="stopped", note=NOTE):
    return {**sent, "confirmed": "yes", "begin": begin, "note": note}


def waiting():
    return {item.pk: item.stage for item in WorkItem.objects.filter(status="Pending")}


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_which_roles_can_requeue_in_bulk(cast, signed_in, failed, who):
    client, may = signed_in(cast[who]), who == "ada"
    assert client.post(URL, ticked(*failed)).status_code == (200 if may else 403)
    assert client.post(URL, confirmed(ticked(*failed))).status_code == (302 if may else 403)
    assert set(waiting()) == (keys(*failed) if may else set())


@pytest.mark.parametrize(("begin", "stage"), [("stopped", "Store"), ("first", "Receive")])
def test_items_restart_where_they_stopped_or_at_the_first_stage(signed_in, ada, failed, begin, stage):
    transitions.review(failed[0], reviewed=True, by=ada)
    act, shown = done_at_once(signed_in(ada), confirmed(ticked(*failed), begin), URL)
    assert outcome(shown) == "Requeued 2 of 2."
    assert waiting() == {failed[0].pk: stage, failed[1].pk: "Requested"}
    for item in failed:
        item.refresh_from_db()
        assert (item.reviewed, item.retry, item.note) == (False, True, NOTE)
        assert last_entry(item).act == act.pk


def test_a_cancelled_item_restarts_where_it_was(signed_in, ada, virginia):
    item = make_item(virginia, stage="Validate")
    transitions.cancel(item, note="By mistake.", by=ada)
    done_at_once(signed_in(ada), confirmed(ticked(item)), URL)
    assert waiting() == {item.pk: "Validate"}


def test_successful_items_are_skipped(signed_in, ada, virginia, failed, wally):
    done = transitions.succeed(make_item(virginia), stage="Record", by=wally)
    stored = as_stored(done)
    client = signed_in(ada)
    assert preview(client.post(URL, ticked(*failed, done))) == [
        "3 items selected",
        "2 will be requeued and no longer marked as reviewed: 2 Failed",
        "1 will be skipped: already succeeded and can't be requeued",
    ]
    _act, shown = done_at_once(client, confirmed(ticked(*failed, done)), URL)
    assert outcome(shown) == "Requeued 2 of 3. 1 skipped: already succeeded."
    assert as_stored(done) == stored


@pytest.mark.parametrize(("begin", "note", "kept"), [("", NOTE, NOTE), ("Store", NOTE, NOTE), ("first", "", "")])
def test_missing_values_are_reported_and_the_others_kept(signed_in, ada, failed, begin, note, kept):
    answer = signed_in(ada).post(URL, confirmed(ticked(*failed), begin, note))
    assert answer.status_code == 422
    form = find_form(answer)
    assert form.one("textarea").text.strip() == kept
    assert [box["value"] for box in form.all("input", name="begin") if "checked" in box.attributes] == (
        [begin] if begin == "first" else []
    )
    assert waiting() == {}
    assert not BulkChange.objects.exists()


def test_nothing_that_can_be_requeued(signed_in, ada, virginia, wally):
    done = transitions.succeed(make_item(virginia), stage="Record", by=wally)
    answer = signed_in(ada).post(URL, ticked(done))
    assert not find_form(answer).all("button")
    assert "Don't change anything" in find_form(answer).words
