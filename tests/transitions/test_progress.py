from datetime import UTC, datetime, timedelta

import pytest

from workitems import transitions
from workitems.lifecycle import SAVEABLE_FIELDS, Refused
from workitems.models import WorkItem

from ..factories import make_item
from ..stored_items import as_stored, assert_refused, last_entry

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize("who", ["wally", "ada"])
def test_a_worker_claims_an_item(cast, virginia, who):
    item = make_item(virginia, at=NOON - timedelta(hours=1))
    transitions.progress(item, stage="Fetch", note="fetching", node="w1", pid=17, by=cast[who], via="api", at=NOON)
    item.refresh_from_db()
    assert (item.stage, item.status, item.note, item.node, item.pid) == ("Fetch", "Started", "fetching", "w1", 17)
    assert item.stage_started_at == item.updated_at == NOON
    entry = last_entry(item)
    assert (entry.move, entry.who, entry.via, entry.at) == ("progress", cast[who].email, "api", NOON)
    assert (entry.stage_before, entry.status_before) == ("Receive", "Pending")
    assert (entry.stage_after, entry.status_after, entry.note) == ("Fetch", "Started", "fetching")
    assert entry.changes == {}  # which process held it is not what a depositor's history tells


def test_the_stage_start_is_set_with_the_stage(wally, item):
    transitions.progress(item, stage="Fetch", by=wally, at=NOON)
    transitions.progress(item, stage="Fetch", note="half way", by=wally, at=NOON + timedelta(hours=1))
    assert item.stage_started_at == NOON
    transitions.progress(
        item, stage="Validate", stage_started_at=item.stage_started_at, by=wally, at=NOON + timedelta(hours=2)
    )  # a client sends back what it read
    assert item.stage_started_at == NOON + timedelta(hours=2)


def test_a_worker_returns_an_item_to_wait(wally, item):
    transitions.progress(item, stage="Fetch", node="w1", pid=17, by=wally)
    transitions.progress(item, stage="Validate", status="Pending", node="w1", pid=17, by=wally)
    item.refresh_from_db()
    assert (item.stage, item.status) == ("Validate", "Pending")
    assert (item.node, item.pid, item.stage_started_at) == ("", None, None)


def test_a_save_can_set_the_worker_fields(wally, item):
    sent = {
        "bucket": "aptrust.receiving.elsewhere",
        "date": NOON,
        "needs_admin_review": True,
        "node": "w2",
        "outcome": "Started",
        "pid": 2**40,
        "queued_at": NOON,
        "retry": False,
        "size": 5 * 2**40,
        "stage_started_at": NOON,
        "user": "system@aptrust.org",
        "object_identifier": "virginia.edu/ÆRØ",
        "generic_file_identifier": "virginia.edu/ÆRØ/data/1.txt",
        "intellectual_object_id": 12,
        "generic_file_id": 345,
        "deletion_request_id": 2**40,
        "storage_option": "Glacier-OH",
    }
    assert set(sent) == SAVEABLE_FIELDS
    transitions.progress(item, stage="Store", by=wally, **sent)
    stored = WorkItem.objects.values().get(pk=item.pk)
    assert {name: stored[name] for name in sent} == sent
    assert "virginia.edu/ærø/data/1.txt" in stored["search_text"]
    assert WorkItem.objects.open().filter(pk=item.pk).exists()


@pytest.mark.parametrize("who", ["dora", "stan", "olga"])
def test_members_cannot_progress_items(cast, item, who):
    with assert_refused(item, "forbidden"):
        transitions.progress(item, stage="Fetch", by=cast[who])


def test_inactive_accounts_cannot_progress_items(wally, item):
    wally.is_active = False
    with assert_refused(item, "forbidden"):
        transitions.progress(item, stage="Fetch", by=wally)


def test_going_back_is_refused(wally, item):
    transitions.progress(item, stage="Store", by=wally)
    with assert_refused(item, "illegal", "stage") as caught:
        transitions.progress(item, stage="Fetch", by=wally)
    assert "Store / Started" in caught.value.sentence


def test_a_repeated_save_is_not_recorded(wally, item):
    transitions.progress(item, stage="Fetch", note="fetching", node="w1", by=wally)
    before = as_stored(item)
    for _attempt in range(5):
        transitions.progress(item, stage="Fetch", note="fetching", node="w1", by=wally)
    assert as_stored(item) == before
    assert item.history.count() == 2


def test_a_save_with_another_queued_time_is_recorded(wally, item):
    transitions.progress(item, status="Pending", queued_at=NOON, by=wally)
    assert WorkItem.objects.get(pk=item.pk).queued_at == NOON
    assert last_entry(item).number == 2


def test_a_save_over_a_cancelled_item_is_refused(wally, ada, item):
    mine = WorkItem.objects.get(pk=item.pk)
    transitions.cancel(item, note="wrong bag", by=ada)
    with assert_refused(mine, "illegal") as caught:
        transitions.progress(mine, stage="Fetch", by=wally)
    assert "Resolve / Cancelled" in caught.value.sentence
    assert (mine.status, mine.note) == ("Cancelled", "wrong bag")


def test_a_missing_item_is_refused(wally, item):
    ghost = WorkItem(pk=item.pk + 1000, institution=item.institution, name="x", action="Ingest")
    with pytest.raises(Refused, match="no such item"):
        transitions.progress(ghost, stage="Fetch", by=wally)


def test_an_unknown_field_raises_type_error(wally, item):
    before = as_stored(item)
    for field in ("name", "etag", "action", "institution", "bag_date", "reviewed", "version_", "nodes"):
        with pytest.raises(TypeError, match=field):
            transitions.progress(item, stage="Fetch", by=wally, **{field: "x"})
    assert as_stored(item) == before


def test_only_admins_see_which_process_was_taken_over(wally, ada, dora, item, signed_in):
    """A history names a process only where the item changes hands."""
    transitions.progress(item, stage="Validate", node="node-one", pid=4711, by=wally)
    transitions.progress(item, node="node-one", pid=4711, note="Still at it.", by=wally)
    transitions.progress(item, node="node-one", pid=4712, note="After a crash.", by=wally)
    assert last_entry(item).changes == {"pid": [4711, 4712]}
    transitions.progress(item, node="node-two", pid=4712, note="On another node.", by=wally)
    assert last_entry(item).changes == {"node": ["node-one", "node-two"]}
    transitions.progress(item, node="", pid=None, note="Let go.", by=wally)
    assert last_entry(item).changes == {}
    transitions.retry(item, stage="Fetch", node="node-six", pid=4713, by=wally)
    transitions.cancel(item, note="Removed.", by=wally)
    assert [entry.changes.get("node") for entry in item.history.order_by("number")] == [
        *[None] * 4,
        ["node-one", "node-two"],
        None,
        ["", "node-six"],
        ["node-six", ""],
    ]
    for person, sees in ((ada, True), (dora, False)):
        page = signed_in(person).get(f"/items/{item.pk}").content.decode()
        assert [name in page for name in ("node-one", "node-two", "node-six", "4713")] == [sees] * 4
