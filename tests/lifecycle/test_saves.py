"""Which move a complete record means, without a database or a request."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from workitems.lifecycle import (
    IMMUTABLE_FIELDS,
    MOVES,
    SAVEABLE_FIELDS,
    ItemState,
    Phase,
    Refused,
    TransitionRequest,
    check_immutable,
    check_not_stale,
    evaluate,
    infer_move,
    legal_moves,
    phase_of,
    position,
)
from workitems.lifecycle.saves import WRITE_ONCE_FIELDS
from workitems.vocabulary import Stage, Status

from ..lifecycle_cases import ENDS, NOW, PATH, facts

CARRIED_NOW = {**dict.fromkeys(SAVEABLE_FIELDS), "size": 7}
EARLIER = NOW - timedelta(hours=2)
LATER = NOW + timedelta(minutes=1)


@pytest.mark.parametrize(
    ("now", "record", "role", "move", "wanted"),
    [
        (facts(), {}, "worker", "progress", TransitionRequest("Fetch", "Started", "", {})),
        (facts(), {"stage": "Validate"}, "worker", "progress", TransitionRequest("Validate", "Started", None, {})),
        (facts(), {"status": "Pending"}, "worker", "progress", TransitionRequest("Fetch", "Pending", None, {})),
        (facts(), {"stage": "", "status": None}, "worker", "progress", TransitionRequest("Fetch", "Started", "", {})),
        (
            facts(),
            {"stage": "Record", "status": "Success", "note": "done", "retry": True},
            "worker",
            "succeed",
            TransitionRequest("Record", "Success", "done", {"retry": True}),
        ),
        (
            facts(),
            {"status": "Failed", "retry": False, "note": "no manifest"},
            "worker",
            "fail",
            TransitionRequest("Fetch", "Failed", "no manifest", {"retry": False}),
        ),
        (
            facts(),
            {"status": "Suspended", "note": "ask"},
            "admin",
            "suspend",
            TransitionRequest("Fetch", "Suspended", "ask", {}),
        ),
        (
            facts(),
            {"status": "Cancelled", "note": "no"},
            "worker",
            "cancel",
            TransitionRequest("Fetch", "Cancelled", "no", {}),
        ),
        # A failure that will be retried is open; saved again, it keeps its reason.
        (
            facts(status="Failed", note="timed out"),
            {"node": "w2"},
            "worker",
            "fail",
            TransitionRequest("Fetch", "Failed", "timed out", {"node": "w2"}),
        ),
        # On a closed or held item an admin edits its flags; for anyone else it repeats the move that led there.
        (
            facts(status="Success", note="done"),
            {"status": "Success", "node": "", "pid": None, "retry": True, "size": 7, "note": "done"},
            "admin",
            "edit",
            TransitionRequest(None, None, None, {"node": "", "pid": None}),
        ),
        (
            facts(status="Failed", retry=False),
            {"retry": False, "needs_admin_review": False, "note": "seen"},
            "admin",
            "edit",
            TransitionRequest(None, None, "seen", {"retry": False, "needs_admin_review": False}),
        ),
        (
            facts(status="Suspended", retry=False, note="ask"),
            {"retry": True, "needs_admin_review": False, "note": "ask"},
            "admin",
            "edit",
            TransitionRequest(None, None, None, {}),
        ),
        # It was released, so the process in a repeated cancel means nothing.
        (
            facts(status="Cancelled", retry=False),
            {"node": "w1", "pid": 7, "needs_admin_review": True},
            "admin",
            "edit",
            TransitionRequest(None, None, None, {"needs_admin_review": True}),
        ),
        (
            facts(status="Cancelled", retry=False, node="w1"),
            {"node": "", "pid": None},
            "admin",
            "edit",
            TransitionRequest(None, None, None, {"node": "", "pid": None}),
        ),
        (
            facts(status="Suspended", retry=False),
            {"needs_admin_review": True},
            "admin",
            "edit",
            TransitionRequest(None, None, None, {"needs_admin_review": True}),
        ),
        (
            facts(status="Success", note="done"),
            {"size": 7},
            "worker",
            "succeed",
            TransitionRequest("Fetch", "Success", "done", {"size": 7}),
        ),
        # Never a requeue, whoever sends it.
        (
            facts(stage="Resolve", status="Cancelled"),
            {"stage": "Receive", "status": "Pending"},
            "admin",
            "progress",
            TransitionRequest("Receive", "Pending", None, {}),
        ),
        # The start of a former stage, in a repeated save.
        (
            facts(stage_started_at=NOW),
            {"stage_started_at": EARLIER},
            "worker",
            "progress",
            TransitionRequest("Fetch", "Started", "", {}),
        ),
        (
            facts(stage_started_at=NOW),
            {"stage_started_at": LATER},
            "worker",
            "progress",
            TransitionRequest("Fetch", "Started", "", {"stage_started_at": LATER}),
        ),
        (
            facts(stage_started_at=NOW),
            {"stage": "Validate", "stage_started_at": NOW},
            "worker",
            "progress",
            TransitionRequest("Validate", "Started", None, {"stage_started_at": NOW}),
        ),
        # The start that the item has is no former one.
        (
            facts(stage_started_at=NOW),
            {"stage_started_at": NOW},
            "worker",
            "progress",
            TransitionRequest("Fetch", "Started", "", {"stage_started_at": NOW}),
        ),
        # Of another stage, any start is taken, because two nodes' clocks can differ.
        (
            facts(stage_started_at=NOW),
            {"stage": "Validate", "stage_started_at": EARLIER},
            "worker",
            "progress",
            TransitionRequest("Validate", "Started", None, {"stage_started_at": EARLIER}),
        ),
        (
            facts(stage_started_at=NOW),
            {"status": "Pending", "stage_started_at": NOW},
            "worker",
            "progress",
            TransitionRequest("Fetch", "Pending", None, {}),
        ),
    ],
)
def test_a_record_means_this_move(now, record, role, move, wanted):
    assert infer_move(now, record, CARRIED_NOW, role=role) == (move, wanted)


@pytest.mark.parametrize("role", ["worker", "admin"])
@pytest.mark.parametrize(
    "now", [facts(status="Success", note="done"), facts(status="Failed", retry=False), facts(status="Suspended")]
)
def test_values_that_a_closed_item_does_not_accept_are_refused(now, role):
    for name, value in {
        "size": 8,
        "outcome": "Success",
        "queued_at": NOW,
        "object_identifier": "virginia.edu/b",
    }.items():
        with pytest.raises(Refused) as caught:
            infer_move(now, {name: value}, CARRIED_NOW, role=role)
        assert caught.value.reason == "illegal"
        assert caught.value.sentence.endswith(f"no longer change: {name}.")


@pytest.mark.parametrize("status", ["Started", "Suspended"])
def test_a_cancel_needs_a_new_note(status):
    now = facts(status=status, note="busy")
    assert infer_move(now, {"status": "Cancelled", "note": "busy"}, CARRIED_NOW, role="admin")[1].note == ""
    assert infer_move(now, {"status": "Cancelled", "note": "twice"}, CARRIED_NOW, role="admin")[1].note == "twice"
    ended = facts(stage="Resolve", status="Cancelled", note="twice")
    again = infer_move(ended, {"stage": "Fetch", "status": "Cancelled", "note": "twice"}, CARRIED_NOW, role="admin")
    assert again[1].note == "twice"


def test_a_save_does_not_reopen_a_permanent_failure():
    with pytest.raises(Refused) as caught:
        infer_move(facts(status="Failed", retry=False), {"retry": True}, CARRIED_NOW, role="admin")
    assert (caught.value.reason, caught.value.field) == ("illegal", "retry")
    assert "Requeue it" in caught.value.sentence


STORED = {
    "name": "bag.tar",
    "etag": "",
    "action": "Ingest",
    "institution_id": 3,
    "bag_date": None,
    "object_identifier": "virginia.edu/bag",
    "generic_file_identifier": "",
}


def test_unchanged_immutable_values_are_accepted():
    assert set(STORED) == {*IMMUTABLE_FIELDS, *WRITE_ONCE_FIELDS}
    check_immutable(STORED, STORED)
    check_immutable({}, STORED)
    check_immutable({"stage": "Fetch", "note": "x"}, STORED)
    check_immutable({"object_identifier": "", "generic_file_identifier": "virginia.edu/bag/a"}, STORED)


@pytest.mark.parametrize(
    ("name", "sent", "says"),
    [
        ("name", "other.tar", "“bag.tar”"),
        ("name", "", "“bag.tar”"),
        ("etag", "abc", "not set"),
        ("action", "Delete", "“Ingest”"),
        ("institution_id", 4, "“3”"),
        ("bag_date", NOW, "not set"),
        ("object_identifier", "jhu.edu/bag", "“virginia.edu/bag”"),
    ],
)
def test_a_changed_immutable_value_is_named(name, sent, says):
    with pytest.raises(Refused) as caught:
        check_immutable({**STORED, name: sent}, STORED)
    assert (caught.value.reason, caught.value.field) == ("invalid", name)
    assert caught.value.sentence.startswith(f"A save can't change the “{name}” of an item")
    assert says in caught.value.sentence


AT_VALIDATE = facts(stage="Validate")
RETRIED = {"stage": "Fetch", "status": "Started", "node": "w1", "pid": 7}


@pytest.mark.parametrize(
    ("now", "record", "role", "move"),
    [
        (AT_VALIDATE, RETRIED, "worker", "retry"),
        (AT_VALIDATE, RETRIED, "admin", "retry"),
        (facts(stage="Validate", status="Pending"), RETRIED, "worker", "retry"),
        (facts(stage="Validate", status="Failed"), RETRIED, "worker", "retry"),
        (facts(stage="Validate", node="w2"), RETRIED, "worker", "retry"),  # refused, because w2 holds it
        (AT_VALIDATE, {**RETRIED, "node": ""}, "worker", "progress"),
        (AT_VALIDATE, {**RETRIED, "status": "Pending"}, "worker", "progress"),
        (AT_VALIDATE, {**RETRIED, "stage": "Receive"}, "worker", "progress"),
        (AT_VALIDATE, {**RETRIED, "stage": "Validate"}, "worker", "progress"),
        (AT_VALIDATE, {**RETRIED, "stage": "Store"}, "worker", "progress"),
        (AT_VALIDATE, {**RETRIED, "status": "Failed"}, "worker", "fail"),
        (facts("DPN", "Validate"), {**RETRIED, "stage": "Package"}, "worker", "progress"),
        (facts(stage="Validate", status="Suspended"), RETRIED, "worker", "progress"),
        (facts(stage="Validate", status="Failed", retry=False), RETRIED, "worker", "progress"),
    ],
)
def test_which_records_are_a_retry(now, record, role, move):
    assert infer_move(now, record, CARRIED_NOW, role=role)[0] == move


# From here on: random rows, moves made on them, and records.
times = st.sampled_from([None, EARLIER, NOW, LATER])
CARRIED_VALUES = {
    "bucket": st.sampled_from(["b1", "b2"]),
    "date": st.sampled_from([EARLIER, NOW]),
    "needs_admin_review": st.booleans(),
    "node": st.sampled_from(["", "w1", "w2"]),
    "outcome": st.sampled_from(["", "o"]),
    "pid": st.sampled_from([None, 1, 2]),
    "queued_at": times,
    "retry": st.booleans(),
    "size": st.sampled_from([None, 5]),
    "stage_started_at": times,
    "user": st.sampled_from(["", "u@virginia.edu"]),
    "object_identifier": st.sampled_from(["", "virginia.edu/bag"]),
    "generic_file_identifier": st.sampled_from(["", "virginia.edu/bag/data/1"]),
    "intellectual_object_id": st.sampled_from([None, 12]),
    "generic_file_id": st.sampled_from([None, 345]),
    "deletion_request_id": st.sampled_from([None, 67]),
    "storage_option": st.sampled_from(["", "Glacier-OH"]),
}
notes = st.sampled_from(["", "a", "b"])
roles = st.sampled_from(["worker", "admin"])


@st.composite
def rows(draw):
    """Draws the columns of an item that the rules use."""
    action = draw(st.sampled_from(list(PATH)))
    row = {name: draw(values) for name, values in CARRIED_VALUES.items()}
    status = draw(st.sampled_from(list(Status)))
    stage = draw(st.sampled_from(ENDS[action] if status == Status.SUCCESS else PATH[action]))
    if status in (Status.SUCCESS, Status.SUSPENDED, Status.CANCELLED):
        row["retry"] = False
    return {**row, "action": action, "stage": stage, "status": status, "note": draw(notes), "reviewed": False}


def facts_of(row):
    known = {field.name for field in fields(ItemState)}
    return ItemState(is_replaced=True, **{name: value for name, value in row.items() if name in known})


def changes(move, row, wanted, role):
    """Returns what the move changes in the row. Raises Refused."""
    found = evaluate(
        move, facts_of(row), wanted, role=role, domain="virginia.edu", item_name="bag.tar", now=NOW + timedelta(hours=1)
    )
    return {name: value for name, value in found.items() if row[name] != value}


def saved(row, record, role):
    """Returns the move that the record means, and what it changes."""
    check_not_stale(facts_of(row), record, row, requeued_at=None)
    move, wanted = infer_move(facts_of(row), record, row, role=role)
    return move, changes(move, row, wanted, role)


records = st.fixed_dictionaries(
    {},
    optional={
        "stage": st.sampled_from(list(Stage)),
        "status": st.sampled_from(list(Status)),
        "note": notes,
        **CARRIED_VALUES,
    },
)
BY_A_RECORD = ["progress", "retry", "succeed", "fail", "suspend", "cancel", "edit"]
# By a record an admin edits only what no worker may touch; and these flags stay.
FLAGS_OF_A_HELD_OR_CLOSED = {"Failed": ["needs_admin_review"], "Suspended": [], "Success": ["needs_admin_review"]}


@given(row=rows(), role=roles, data=st.data())
@settings(max_examples=200)
def test_the_record_after_a_move_means_that_move(row, role, data):
    legal = [move for move in BY_A_RECORD if move in legal_moves(facts_of(row), role)]
    if facts_of(row).phase is Phase.OPEN:
        legal = [move for move in legal if move != "edit"]
    assume(legal)
    move = data.draw(st.sampled_from(legal))
    given_fields = {
        name: data.draw(values)
        for name, values in CARRIED_VALUES.items()
        if name in MOVES[move].allows and name != "stage_started_at" and data.draw(st.booleans())
    }
    if move == "edit":
        for name in ("retry", "needs_admin_review"):
            if name not in FLAGS_OF_A_HELD_OR_CLOSED.get(row["status"], ["needs_admin_review"]):
                given_fields.pop(name, None)
        if row["status"] == "Cancelled":
            given_fields = {name: value for name, value in given_fields.items() if name not in ("node", "pid")}
    status = data.draw(st.sampled_from(MOVES[move].statuses)) if MOVES[move].statuses else None
    stage = data.draw(st.none() | st.sampled_from(PATH[row["action"]])) if move not in ("edit", "suspend") else None
    wanted = TransitionRequest(stage=stage, status=status, note=data.draw(st.none() | notes), fields=given_fields)
    try:
        by_verb = changes(move, row, wanted, role)
    except Refused:
        assume(False)
    assume(by_verb)
    # By a record, identifiers are filled in, never changed; a cancel has a reason of its own; a claim is nobody else's.
    assume(not any(row[name] and name in by_verb for name in WRITE_ONCE_FIELDS))
    assume(move != "cancel" or "note" in by_verb)
    held = row["status"] == "Started" and row["node"]
    assume(not (held and by_verb.keys() & {"node", "pid", "queued_at"} and move != "cancel"))
    after = {**row, **by_verb}
    record = {name: after[name] for name in [*SAVEABLE_FIELDS, "stage", "status", "note"]}
    meant, by_record = saved(row, record, role)
    assert (meant, by_record) == (move, by_verb)
    assert saved(after, record, role)[1] == {}


@given(row=rows(), record=records, role=roles)
@settings(max_examples=400)
def test_a_repeated_save_changes_nothing(row, record, role):
    try:
        _move, new = saved(row, record, role)
    except Refused:
        assume(False)
    after = {**row, **new}
    assert saved(after, record, role)[1] == {}


@given(row=rows(), record=records, role=st.sampled_from(["worker", "admin", "institutional_admin", ""]))
@settings(max_examples=400)
def test_no_save_reopens_an_item_or_moves_it_back_but_for_a_retry(row, record, role):
    before = facts_of(row)
    try:
        move, new = saved(row, record, role)
    except Refused:
        return
    after = {**row, **new}
    phase = phase_of(after["status"], retry=after["retry"])
    assert move in BY_A_RECORD
    assert role in ("worker", "admin") or not new
    if before.phase is not Phase.OPEN:
        assert phase in (before.phase, Phase.CLOSED)
        assert role == "admin" or not new or move == "cancel"
    if position(row["action"], after["stage"]) < position(row["action"], row["stage"]):
        assert move == "retry"
        assert (row["node"], row["retry"], row["needs_admin_review"], row["action"]) == ("", True, False, "Ingest")
        assert (after["status"], after["node"] == "", after["stage"] == "Receive") == ("Started", False, False)


def test_these_tests_cover_every_field_of_a_record():
    assert set(CARRIED_VALUES) == set(SAVEABLE_FIELDS)
    assert datetime(2026, 5, 4, 12, tzinfo=UTC) == NOW
