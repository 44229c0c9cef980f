"""The checks of histories (tests/lifecycle/history_checks.py) accept legal histories and detect planted faults."""

import copy

import pytest

from workitems import transitions
from workitems.models import HistoryEntry, WorkItem
from workitems.simulation.decisions import Save

from ..factories import make_item
from ..lifecycle.history_checks import all_faults, faults, unrecorded


@pytest.fixture
def roles(cast):
    return {person.email: person.role for person in cast.values()} | {"system@aptrust.org": "worker"}


@pytest.fixture
def story(cast, virginia):
    """An item with a long history: retried, suspended, cancelled, requeued, finished, and reviewed."""
    ada, wally, stan = cast["ada"], cast["wally"], cast["stan"]
    item = make_item(virginia)
    transitions.progress(item, by=wally, stage="Fetch", note="Copying.", node="worker-1", pid=7)  # 2
    transitions.fail(item, by=wally, stage="Validate", note="S3 timed out.", retry=True, node="", pid=None)  # 3
    transitions.progress(item, by=wally, stage="Validate", note="Again.", node="worker-2", pid=8)  # 4
    transitions.fail(item, by=wally, stage="Validate", note="No manifest.", retry=False)  # 5
    transitions.edit(item, by=ada, retry=True, note="The validator was wrong.")  # 6
    transitions.suspend(item, by=wally, note="Quota.")  # 7
    transitions.cancel(item, by=ada, note="Wrong bag.")  # 8
    transitions.requeue(item, by=ada, stage="Validate", note="The right bag after all.")  # 9
    transitions.progress(item, by=wally, stage="Store", status="Pending", note="Waiting.")  # 10
    transitions.succeed(item, by=wally, stage="Record", note="Done.")  # 11
    transitions.review(item, by=stan)  # 12
    return item


@pytest.fixture
def life(story):
    """The item and its entries, for tampering in memory."""
    return story, [*story.history.order_by("number")]


def test_histories_made_by_transitions_are_legal(life, roles, cast):
    item, entries = life
    assert len(entries) == 12
    assert faults(item, entries, roles) == []
    transitions.cancel(make_item(cast["stan"].institution), by=cast["ada"], note="Wrong bag.")
    assert all_faults(roles) == []


def set_to(place, **values):
    def plant(item, entries):
        for name, value in values.items():
            setattr(entries[place - 1], name, value)

    return plant


def without(place):
    return lambda item, entries: entries.pop(place - 1)


def item_is(**values):
    return lambda item, entries: [setattr(item, name, value) for name, value in values.items()]


def after(place, **values):
    """Inserts a copy of this entry after it, and renumbers the entries that follow."""

    def plant(item, entries):
        new = copy.copy(entries[place - 1])
        new.stage_before, new.status_before, new.changes = new.stage_after, new.status_after, {}
        for name, value in values.items():
            setattr(new, name, value)
        entries.insert(place, new)
        for number, entry in enumerate(entries, 1):
            entry.number = number
        item.version = len(entries)

    return plant


PLANTED = {
    "one is missing": (without(4), "numbered [1, 2, 3, 5,"),
    "the last one is missing": (without(12), "version is 12, but it has 11 entries"),
    "one comes twice": (set_to(5, number=4), "numbered [1, 2, 3, 4, 4,"),
    "a stale copy": (set_to(4, stage_before="Receive"), "begins at ('Receive', 'Failed')"),
    "a save that was overwritten": (item_is(note="Something else."), "its last entry says"),
    "a status that nobody wrote": (item_is(status="Failed"), "its last entry says"),
    "a flag that nobody set": (item_is(reviewed=False), "its reviewed is False, its history says True"),
    "a field of a stale copy": (set_to(7, changes={"retry": [False, False]}), "replaces retry False, but it was True"),
    "back a stage": (set_to(4, stage_after="Fetch"), "goes from Validate to Fetch"),
    "a stage of another action": (set_to(10, stage_after="Package"), "goes from Validate to Package"),
    "done too early": (set_to(11, stage_after="Store"), "goes from Store to Store"),
    "a requeue onward": (set_to(9, stage_after="Store"), "goes from Resolve to Store"),
    "a cancel beside Resolve": (set_to(8, stage_after="Validate"), "goes from Validate to Validate"),
    "on hold somewhere else": (set_to(7, stage_after="Store"), "goes from Validate to Store"),
    "a failure that is none": (set_to(5, status_after="Started"), "leads to Started"),
    "a failure without a note": (set_to(5, note="  "), "has no note"),
    "a cancel that leaves retry on": (set_to(9, changes={}), "(cancel): leaves retry True"),
    "a service that requeues": (set_to(9, who="wally@aptrust.org"), "a service's requeue after a cancel"),
    "created a second time": (set_to(8, move="create"), "there is no such move"),
    "a depositor's save": (set_to(4, who="dora@virginia.edu"), "dora@virginia.edu (institutional_user) may not"),
    "somebody unknown": (set_to(4, who="nobody@aptrust.org"), "nobody@aptrust.org (unknown) may not"),
    "a move that there is not": (set_to(4, move="jump"), "there is no such move"),
    "no beginning": (set_to(1, move="progress"), "begins with progress"),
    "something before the beginning": (set_to(1, status_before="Started"), "something was before"),
    "created where it cannot stand": (set_to(1, stage_after="Package"), "which is no stage of Ingest"),
    "created by a depositor": (set_to(1, who="dora@virginia.edu"), "created by dora@virginia.edu"),
    "revived after a cancel": (
        after(8, move="progress", who="wally@aptrust.org", stage_after="Resolve", status_after="Started"),
        "progress after a cancel",
    ),
    "a save of what was closed": (
        after(5, move="progress", who="wally@aptrust.org", status_after="Started"),
        "made with an item that was closed",
    ),
    "a review of what is open": (after(2, move="review", who="stan@virginia.edu"), "made with an item that was open"),
    "what has succeeded, once more": (
        after(11, move="requeue", who="ada@aptrust.org", stage_after="Record", status_after="Pending"),
        "takes up what has succeeded",
    ),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_detected(fault, life, roles):
    plant, said = PLANTED[fault]
    plant(*life)
    found = faults(*life, roles)
    assert any(said in sentence for sentence in found), found
    assert all(sentence.startswith(f"item {life[0].pk}: ") for sentence in found)


def test_an_item_without_a_history(story, roles):
    assert faults(story, [], roles) == [f"item {story.pk}: no history"]


def test_a_fault_in_the_database_is_detected(story, roles):
    WorkItem.objects.filter(pk=story.pk).update(note="Something else.")
    assert any("its last entry says" in sentence for sentence in all_faults(roles))


def saved(entry, **reply):
    """Returns the save that would have created the entry."""
    sent = {"stage": entry.stage_after, "status": entry.status_after, "note": entry.note}
    at = entry.at.isoformat().replace("+00:00", "Z")
    return Save(sent, {"id": entry.item_id, "updated_at": at, **sent, "note": entry.note or None, **reply})


def test_accepted_saves_are_in_the_history(story):
    entries = [*HistoryEntry.objects.all()]
    saves = [saved(entry) for entry in entries]
    assert unrecorded(saves, entries) == []
    # One that was repeated is answered with the item as it is; so is one that somebody else's came after.
    assert unrecorded([*saves, saves[3], Save(saves[3].sent, saves[4].reply)], entries) == []
    # An admin who cancels sends the stage that was read.
    assert unrecorded([Save({**saves[7].sent, "stage": "Validate"}, saves[7].reply)], entries) == []


@pytest.mark.parametrize(
    "reply",
    [{"status": "Started"}, {"stage": "Store"}, {"note": "?"}, {"id": 0}, {"updated_at": "2026-01-01T00:00:00Z"}],
)
def test_an_answer_missing_in_the_history_is_detected(story, reply):
    entries = [*HistoryEntry.objects.all()]
    lost = saved(entries[4], **reply)
    assert unrecorded([*map(saved, entries), lost], entries) == [lost]


@pytest.mark.parametrize("sent", [{"status": "Started"}, {"stage": "Store"}, {"note": "?"}])
def test_a_save_missing_in_the_history_is_detected(story, sent):
    """It was answered as accepted, with the item as another save has left it."""
    entries = [*HistoryEntry.objects.all()]
    save = saved(entries[4])
    lost = Save({**save.sent, **sent}, save.reply)
    assert unrecorded([*map(saved, entries), lost], entries) == [lost]


def test_a_missing_entry_is_detected(story):
    entries = [*HistoryEntry.objects.all()]
    assert unrecorded(map(saved, entries), entries[:4] + entries[5:]) == [saved(entries[4])]
