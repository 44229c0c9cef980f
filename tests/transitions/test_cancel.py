from datetime import UTC, datetime, timedelta

import pytest

from workitems import transitions
from workitems.models import WorkItem

from ..factories import make_item
from ..stored_items import as_stored, assert_refused, last_entry

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize("stage", ["Receive", "Store", "Resolve"])
def test_an_admins_cancel_leads_to_resolve_and_keeps_where_it_was(ada, wally, item, stage):
    transitions.progress(item, stage=stage, node="w1", pid=17, by=wally)
    transitions.cancel(item, note="Uploaded by mistake, says the library.", by=ada)
    item.refresh_from_db()
    assert (item.stage, item.status, item.retry) == ("Resolve", "Cancelled", False)
    assert item.note == "Uploaded by mistake, says the library."
    entry = last_entry(item)
    assert (entry.move, entry.who, entry.via) == ("cancel", "ada@aptrust.org", "page")
    assert (entry.stage_before, entry.status_before) == (stage, "Started")


def test_open_and_held_items_can_be_cancelled(ada, wally, virginia):
    waiting, again, held = (make_item(virginia) for _ in range(3))
    transitions.fail(again, note="S3 timed out", retry=True, by=wally)
    transitions.suspend(held, note="ask", by=wally)
    for item in (waiting, again, held):
        transitions.cancel(item, note="no longer wanted", by=ada)
        assert WorkItem.objects.get(pk=item.pk).status == "Cancelled"


def test_closed_items_cannot_be_cancelled(ada, wally, virginia):
    done, failed = make_item(virginia), make_item(virginia)
    transitions.succeed(done, stage="Record", by=wally)
    transitions.fail(failed, note="no manifest", retry=False, by=wally)
    for item in (done, failed):
        with assert_refused(item, "illegal") as caught:
            transitions.cancel(item, note="no", by=ada)
        assert "closed" in caught.value.sentence


@pytest.mark.parametrize("who", ["dora", "stan", "olga"])
def test_members_cannot_cancel(cast, item, who):
    with assert_refused(item, "forbidden"):
        transitions.cancel(item, note="please", by=cast[who])


@pytest.mark.parametrize("note", ["", " \r\n\t"])
def test_a_note_is_required(ada, item, note):
    with assert_refused(item, "invalid", "note"):
        transitions.cancel(item, note=note, by=ada)


def test_cancelling_twice_is_recorded_once(ada, item):
    transitions.cancel(item, note="no", by=ada)
    before = as_stored(item)
    transitions.cancel(item, note="no", by=ada)
    assert as_stored(item) == before
    with assert_refused(item, "illegal"):
        transitions.cancel(item, note="another reason", by=ada)


def test_a_stale_page_is_refused(ada, wally, item):
    seen = item.version
    transitions.progress(item, stage="Store", by=wally)
    with assert_refused(item, "changed") as caught:
        transitions.cancel(item, note="no", by=ada, version=seen)
    assert "Store / Started" in caught.value.sentence
    transitions.cancel(item, note="no", by=ada, version=item.version)
    assert item.status == "Cancelled"


@pytest.mark.parametrize("stage", ["Receive", "Fetch", "Validate"])
def test_a_worker_cancels_an_early_ingest(wally, ada, item, stage):
    transitions.progress(item, stage=stage, node="w1", pid=7, by=wally)
    transitions.cancel(item, note="The bag was deleted from the bucket.", by=wally)
    item.refresh_from_db()
    assert (item.stage, item.status, item.retry, item.node, item.pid) == (stage, "Cancelled", False, "", None)
    entry = last_entry(item)
    assert (entry.move, entry.who, entry.note) == ("cancel", wally.email, "The bag was deleted from the bucket.")
    assert (entry.changes["node"], entry.changes["pid"]) == (["w1", ""], [7, None])
    transitions.requeue(item, by=ada)
    assert (item.stage, item.status) == (stage, "Pending")


def test_a_worker_does_not_cancel_what_waits_for_an_admin(wally, item):
    transitions.suspend(item, note="What now?", by=wally)
    with assert_refused(item, "illegal"):
        transitions.cancel(item, note="The bag was deleted from the bucket.", by=wally)


def test_a_worker_cancels_late_only_what_another_upload_replaces(wally, virginia):
    first = make_item(virginia, name="bag.tar", etag="a", at=NOON)
    transitions.progress(first, stage="Format Identification", node="w1", pid=7, by=wally)
    with assert_refused(first, "illegal") as caught:
        transitions.cancel(first, note="superseded", by=wally)
    assert "if another upload has replaced it" in caught.value.sentence
    make_item(virginia, name="bag.tar", etag="b", at=NOON + timedelta(hours=1))
    transitions.cancel(first, note="superseded by a later upload", by=wally)
    assert (first.stage, first.status, first.retry) == ("Format Identification", "Cancelled", False)
    assert (first.node, first.pid) == ("", None)
    assert last_entry(first).changes["node"] == ["w1", ""]
    assert last_entry(first).who == "wally@aptrust.org"


def test_a_worker_does_not_cancel_an_upload_that_has_reached_store(wally, virginia):
    """It is finished even if a newer one has arrived, and the newer one follows as an update."""
    first = make_item(virginia, name="bag.tar", etag="a", at=NOON)
    transitions.progress(first, stage="Store", by=wally)
    make_item(virginia, name="bag.tar", etag="b", at=NOON + timedelta(hours=1))
    with assert_refused(first, "illegal"):
        transitions.cancel(first, note="superseded by a later upload", by=wally)


def test_a_workers_cancel_keeps_its_stage(wally, virginia):
    make_item(virginia, name="bag.tar", etag="a", at=NOON)
    again = make_item(virginia, name="bag.tar", etag="a", at=NOON + timedelta(hours=1))
    transitions.cancel(again, stage="Fetch", note="the same file again", node="w1", by=wally)
    assert (again.stage, again.status) == ("Fetch", "Cancelled")


def test_another_institutions_upload_does_not_let_a_worker_cancel(wally, virginia, jhu):
    first = make_item(virginia, name="bag.tar", etag="a", stage="Store", at=NOON)
    make_item(jhu, name="bag.tar", etag="b", at=NOON + timedelta(hours=1))
    with assert_refused(first, "illegal"):
        transitions.cancel(first, note="superseded", by=wally)
