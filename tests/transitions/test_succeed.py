import pytest

from workitems import transitions
from workitems.models import WorkItem

from ..factories import make_item
from ..stored_items import as_stored, assert_refused, last_entry


@pytest.mark.parametrize("who", ["wally", "ada"])
@pytest.mark.parametrize("stage", ["Record", "Cleanup", "Resolve"])
def test_an_ingest_succeeds(cast, virginia, who, stage):
    item = make_item(virginia, name="Ærø.b046.of249.tar")
    transitions.succeed(item, stage=stage, note="Finished cleanup, ingest complete", by=cast[who])
    item.refresh_from_db()
    assert (item.stage, item.status, item.retry) == (stage, "Success", False)
    assert item.object_identifier == "virginia.edu/Ærø"
    assert "virginia.edu/ærø" in item.search_text
    assert item.phase == "closed"
    entry = last_entry(item)
    assert (entry.move, entry.note) == ("succeed", "Finished cleanup, ingest complete")
    assert entry.changes == {"retry": [True, False], "object_identifier": ["", "virginia.edu/Ærø"]}


def test_a_restore_succeeds_without_an_identifier_of_its_own(wally, virginia):
    item = make_item(virginia, action="Restore", object_identifier="virginia.edu/bag")
    transitions.succeed(item, stage="Available in S3", by=wally)
    assert (item.object_identifier, item.status) == ("virginia.edu/bag", "Success")


def test_success_is_refused_at_other_stages(wally, item):
    transitions.progress(item, stage="Store", by=wally)
    for stage in (None, "Store", "Storage Validation"):
        with assert_refused(item, "illegal", "stage") as caught:
            transitions.succeed(item, stage=stage, by=wally)
        assert "Record, Cleanup, Resolve" in caught.value.sentence


def test_a_repeated_success_is_recorded_once(wally, item):
    transitions.succeed(item, stage="Record", note="done", by=wally)
    before = as_stored(item)
    transitions.succeed(item, stage="Record", note="done", by=wally)
    assert as_stored(item) == before


@pytest.mark.parametrize("who", ["dora", "stan"])
def test_members_cannot_succeed_items(cast, item, who):
    with assert_refused(item, "forbidden"):
        transitions.succeed(item, stage="Record", by=cast[who])


def test_a_cancelled_item_cannot_succeed(wally, ada, item):
    transitions.cancel(WorkItem.objects.get(pk=item.pk), note="wrong bag", by=ada)
    item.refresh_from_db()
    with assert_refused(item, "illegal"):
        transitions.succeed(item, stage="Record", by=wally)
