import pytest

from workitems import transitions
from workitems.models import WorkItem

from ..stored_items import as_stored, assert_refused, last_entry


def test_an_admin_edits_the_flags(ada, item):
    transitions.edit(item, retry=False, needs_admin_review=True, node="w9", pid=3, note="Looked at it.", by=ada)
    item.refresh_from_db()
    assert (item.stage, item.status) == ("Receive", "Pending")
    assert (item.retry, item.needs_admin_review, item.node, item.pid) == (False, True, "w9", 3)
    assert last_entry(item).changes == {
        "retry": [True, False],
        "needs_admin_review": [False, True],
        "node": ["", "w9"],
        "pid": [None, 3],
    }
    assert last_entry(item).note == "Looked at it."


def test_editing_the_note_keeps_the_process(ada, wally, item):
    transitions.progress(item, stage="Fetch", node="w1", pid=17, by=wally)
    began = item.stage_started_at
    transitions.edit(item, note="Patience: a slow disk.", by=ada)
    item.refresh_from_db()
    assert (item.node, item.pid, item.stage_started_at, item.note) == ("w1", 17, began, "Patience: a slow disk.")


def test_turning_retry_on_reopens_a_failed_item_and_clears_reviewed(ada, wally, stan, item):
    transitions.fail(item, note="why", retry=False, by=wally)
    transitions.review(item, by=stan)
    transitions.edit(item, retry=True, by=ada)
    item.refresh_from_db()
    assert (item.status, item.retry, item.reviewed) == ("Failed", True, False)
    assert WorkItem.objects.open().get() == item
    transitions.progress(item, by=wally)


def test_editing_a_closed_item_keeps_reviewed(ada, wally, stan, item):
    transitions.fail(item, note="why", retry=False, by=wally)
    transitions.review(item, by=stan)
    transitions.edit(item, note="why, in plain words", by=ada)
    assert WorkItem.objects.get(pk=item.pk).reviewed


def test_items_can_be_edited_in_any_state(ada, wally, item):
    for move in (
        lambda: transitions.progress(item, stage="Fetch", by=wally),
        lambda: transitions.suspend(item, note="why", by=wally),
        lambda: transitions.cancel(item, note="why", by=ada),
    ):
        move()
        before = (item.stage, item.status, item.version)
        transitions.edit(item, needs_admin_review=not item.needs_admin_review, by=ada)
        assert (item.stage, item.status, item.version - 1) == before


def test_the_note_cannot_be_emptied(ada, wally, item):
    transitions.fail(item, note="why", retry=False, by=wally)
    for note in ("", "  "):
        with assert_refused(item, "invalid", "note"):
            transitions.edit(item, note=note, by=ada)


def test_an_edit_without_changes_is_not_recorded(ada, item):
    before = as_stored(item)
    transitions.edit(item, retry=item.retry, note=item.note, node=item.node, pid=item.pid, by=ada)
    assert as_stored(item) == before


@pytest.mark.parametrize("who", ["dora", "stan", "wally"])
def test_only_admins_can_edit(cast, item, who):
    with assert_refused(item, "forbidden"):
        transitions.edit(item, retry=False, by=cast[who])


def test_a_stale_page_is_refused(ada, wally, item):
    seen = item.version
    transitions.progress(item, stage="Fetch", by=wally)
    with assert_refused(item, "changed"):
        transitions.edit(item, retry=False, by=ada, version=seen)


def test_worker_fields_cannot_be_edited(ada, item):
    with pytest.raises(TypeError, match="size"):
        transitions.edit(item, size=1, by=ada)


@pytest.mark.parametrize(
    ("field", "value"), [("retry", None), ("needs_admin_review", "no"), ("node", "a\0b"), ("pid", -5), ("note", 5)]
)
def test_values_that_no_column_can_hold_are_refused(ada, item, field, value):
    with assert_refused(item, "invalid", field):
        transitions.edit(item, by=ada, **{field: value})
