import pytest

from workitems import transitions
from workitems.models import WorkItem

from ..stored_items import as_stored, assert_refused, last_entry

REASON = "Bag is not valid: tag Title is required but has no value.\nFile data/1.txt is missing."


@pytest.mark.parametrize("who", ["wally", "ada"])
def test_a_permanent_failure_closes_the_item(cast, item, who):
    transitions.fail(item, stage="Validate", note=REASON, retry=False, by=cast[who])
    item.refresh_from_db()
    assert (item.stage, item.status, item.retry, item.note) == ("Validate", "Failed", False, REASON)
    assert WorkItem.objects.closed().get() == item
    entry = last_entry(item)
    assert (entry.move, entry.note, entry.changes) == ("fail", REASON, {"retry": [True, False]})


def test_after_a_temporary_failure_the_item_stays_open_and_continues(wally, item):
    transitions.fail(item, stage="Fetch", note="S3 timed out", retry=True, by=wally)
    assert WorkItem.objects.open().get() == item
    transitions.progress(item, stage="Fetch", by=wally)
    assert (item.status, item.note) == ("Started", "S3 timed out")


def test_a_temporary_failure_can_become_permanent_with_the_same_note(wally, item):
    transitions.fail(item, stage="Fetch", note="S3 timed out", retry=True, by=wally)
    transitions.fail(item, stage="Fetch", note="S3 timed out", retry=False, by=wally)
    assert not WorkItem.objects.get(pk=item.pk).retry
    assert last_entry(item).number == 3


@pytest.mark.parametrize("note", ["", " \n"])
def test_a_note_is_required(wally, item, note):
    with assert_refused(item, "invalid", "note"):
        transitions.fail(item, note=note, retry=True, by=wally)


def test_long_notes_are_stored_completely(wally, item):
    note = "\n".join(f"File data/{n}.txt: digest does not match" for n in range(5000))
    transitions.fail(item, note=note, retry=False, by=wally)
    assert WorkItem.objects.get(pk=item.pk).note == note == last_entry(item).note


def test_a_repeated_failure_is_recorded_once(wally, item):
    transitions.fail(item, stage="Validate", note=REASON, retry=False, by=wally)
    before = as_stored(item)
    transitions.fail(item, stage="Validate", note=REASON, retry=False, by=wally)
    assert as_stored(item) == before
    with assert_refused(item, "illegal"):
        transitions.fail(item, stage="Validate", note="something else", retry=False, by=wally)


@pytest.mark.parametrize("who", ["dora", "stan"])
def test_members_cannot_fail_items(cast, item, who):
    with assert_refused(item, "forbidden"):
        transitions.fail(item, note="why", retry=False, by=cast[who])


def test_a_failure_cannot_name_an_earlier_stage(wally, item):
    transitions.progress(item, stage="Store", by=wally)
    with assert_refused(item, "illegal", "stage"):
        transitions.fail(item, stage="Fetch", note="why", retry=False, by=wally)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("retry", None),
        ("retry", "x"),
        ("retry", 0),
        ("note", 5),
        ("note", "a\0b"),
        ("node", "n" * 256),
        ("node", None),
        ("pid", -1),
        ("pid", 2**63),
        ("pid", "17"),
        ("size", -1),
        ("size", 1.5),
        ("needs_admin_review", "yes"),
        ("outcome", "\ud800"),
        ("date", None),
        ("stage_started_at", "2021-03-04"),
        ("object_identifier", "o" * 1301),
        ("stage", "Bogus"),
    ],
)
def test_values_that_no_column_can_hold_are_refused(wally, item, field, value):
    with assert_refused(item, "invalid", field) as caught:
        transitions.fail(item, **{"note": "why", "retry": False, "by": wally, field: value})
    assert (f"“{field}”" if field != "stage" else "“Bogus”") in caught.value.sentence


def test_permission_is_checked_before_values(dora, item):
    with assert_refused(item, "forbidden"):
        transitions.fail(item, note="why", retry=None, by=dora)
