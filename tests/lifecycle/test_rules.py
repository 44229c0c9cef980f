"""The rules without a database: every path, and every move by every role in every state."""

import pytest

from pharos.accounts.roles import Role
from workitems.lifecycle import (
    MOVES,
    PATHS,
    SUCCESS_AT,
    ItemState,
    Phase,
    Refused,
    TransitionRequest,
    check_creation,
    evaluate,
    fields_on_creation,
    first_stage,
    legal_moves,
    phase_of,
    position,
)
from workitems.vocabulary import Action, Stage, Status

from ..lifecycle_cases import (
    DESIGNED_ENDS,
    DESIGNED_PATH,
    ENDS,
    MAY,
    NOW,
    PATH,
    STATES,
    ask,
    facts,
    refusal,
    requeue_choice,
    retry_choice,
)

# Paths and phases


def test_the_paths_are_those_of_the_design():
    """A stage that was added later may stand anywhere between those of the design."""
    designed = {stage for path in DESIGNED_PATH.values() for stage in path}
    for action, path in PATHS.items():
        assert [stage for stage in path if stage in designed] == DESIGNED_PATH[action]
        assert [stage for stage in SUCCESS_AT[action] if stage in designed] == DESIGNED_ENDS[action]
    assert set(PATHS) == set(DESIGNED_PATH) == set(Action)


def test_every_stage_is_on_some_path():
    assert {stage for path in PATHS.values() for stage in path} == set(Stage)


@pytest.mark.parametrize(
    ("status", "retry", "phase"),
    [
        ("Pending", True, "open"),
        ("Pending", False, "open"),
        ("Started", True, "open"),
        ("Started", False, "open"),
        ("Failed", True, "open"),
        ("Failed", False, "closed"),
        ("Success", True, "closed"),
        ("Success", False, "closed"),
        ("Cancelled", True, "closed"),
        ("Cancelled", False, "closed"),
        ("Suspended", True, "held"),
        ("Suspended", False, "held"),
    ],
)
def test_the_phase_follows_from_status_and_retry(status, retry, phase):
    assert phase_of(status, retry=retry) is Phase(phase)


@pytest.mark.parametrize("action", ["Ingest", "Delete", "Fixity Check"])
def test_a_stage_off_the_path_stands_between_its_stages(action):
    """Old data has such stages: later than every stage that comes before it in the pipeline, and earlier than the rest."""
    pipeline = list(Stage)
    for odd in set(Stage) - set(PATHS[action]):
        for stage in PATHS[action]:
            is_later = pipeline.index(odd) > pipeline.index(stage)
            assert (position(action, odd) > position(action, stage)) is is_later
            assert position(action, odd) != position(action, stage)


# Who, and from where


def arguments(move, action, stage, facts):
    """Returns valid arguments that change an item at this stage."""
    end = next(end for end in ENDS[action] if end not in PATH[action][: PATH[action].index(stage)])
    return {
        "retry": {"stage": (retry_choice(action, stage) or [stage])[0], "node": "w1", "note": "again"},
        "progress": {"stage": stage, "status": "Pending" if facts.status == "Started" else "Started", "note": "on"},
        "succeed": {"stage": end, "note": "done now"},
        "fail": {"stage": stage, "note": "why", "retry": False},
        "suspend": {"note": "why"},
        "cancel": {"note": "why"},
        "requeue": {"stage": requeue_choice(action, stage)[-1], "note": "again"},
        "edit": {"note": "put right"},
        "notify": {"note": "told"},
        "review": {"note": "repaired"} if action == "Fixity Check" and facts.status == "Failed" else {},
    }.get(move, {})


@pytest.mark.parametrize("role", [*Role, "nobody"])
@pytest.mark.parametrize("move", MAY)
def test_moves_are_allowed_exactly_as_the_table_says(move, role):
    """Every move × role × action × stage × state: allowed where the table says so, otherwise refused with a reason."""
    roles, phases = MAY[move]
    for action, path in PATH.items():
        for stage in path:
            for status, retry in STATES:
                here = facts(action, stage, status, retry, note="as it was", reviewed=move == "unreview")
                here = ItemState(**{**vars(here), "is_replaced": True})
                legal = here.phase in phases.split() and not (move == "requeue" and status == "Success")
                legal = legal and (move != "notify" or action == "Restore")
                legal = legal and (move != "retry" or bool(retry and retry_choice(action, stage)))
                is_damaged = action == "Fixity Check" and status == "Failed"
                legal = legal and not (move in ("review", "unreview") and is_damaged and role == "institutional_admin")
                wanted = arguments(move, action, stage, here)
                if role not in roles.split():
                    refused = refusal(move, here, role, **wanted)
                    assert (refused.reason, refused.field) == ("forbidden", None)
                elif legal:
                    assert ask(move, here, role, **wanted), (action, stage, status, retry)
                else:
                    refused = refusal(move, here, role, **wanted)
                    assert refused.reason == "illegal"
                    assert f"({stage} / {status})" in refused.sentence
                assert (move in legal_moves(here, role)) == (role in roles.split() and legal)


def test_the_table_above_names_every_move():
    assert set(MAY) == set(MOVES)


def test_a_refusal_gives_the_state_and_the_allowed_moves():
    closed = facts(stage="Resolve", status="Cancelled", retry=False)
    assert refusal("progress", closed, "worker", stage="Resolve").sentence == (
        "This item is closed (Resolve / Cancelled). progress is only for items that are open. "
        "Only an admin can reopen it, with requeue."
    )
    assert refusal("progress", closed, "admin", stage="Resolve").sentence == (
        "This item is closed (Resolve / Cancelled). progress is only for items that are open. "
        "You can: requeue, review, edit."
    )
    assert refusal("cancel", facts(stage="Store"), "worker", note="why").sentence == (
        "This item is open (Store / Started). A service can cancel an ingest only up to Validate, or if another upload "
        "has replaced it. You can: progress, retry, succeed, fail, suspend."
    )
    assert refusal("requeue", facts(stage="Record", status="Success"), "admin").sentence == (
        "This item is closed (Record / Success). An item that has succeeded can't be requeued. You can: review, edit."
    )
    assert refusal("cancel", facts(), "institutional_user", note="why").sentence == (
        "Your role doesn't allow this: cancel. Your role can't make any changes to it now."
    )


@pytest.mark.parametrize("action", Action)
def test_staff_are_notified_of_restores_only(action):
    here = facts(action, "Resolve", "Success", retry=False)
    if action == "Restore":
        assert ask("notify", here, "worker", note="told")["note"] == "told"
    else:
        assert refusal("notify", here, "worker", note="told").sentence == (
            f"This item is closed (Resolve / Success). notify is only for a Restore, not for {action}. "
            "Your role can't make any changes to it now."
        )


def test_notify_only_adds_a_line_to_the_note():
    for status, retry in STATES:
        here = facts("Restore", "Record", status, retry, note="restored\nto a place")
        new = ask("notify", here, "worker", note="told")
        assert new == {"stage": "Record", "status": status, "note": "restored\nto a place\ntold"}


def test_staff_are_notified_once():
    told = facts("Restore", note="told", is_notified=True)
    assert ask("notify", told, "admin", note="told") == {}
    assert "notify" not in legal_moves(told, "admin")
    # An imported note may say the same, but staff weren't notified.
    assert ask("notify", facts("Restore", note="told"), "admin", note="told")["note"] == "told\ntold"
    assert refusal("notify", told, "institutional_admin", note="told").reason == "forbidden"


def test_notify_needs_a_note():
    refused = refusal("notify", facts("Restore"), "worker")
    assert (refused.reason, refused.field) == ("invalid", "note")


# Repetition


@pytest.mark.parametrize(
    ("move", "here", "sent"),
    [
        ("progress", facts(note="n", node="w1"), {"stage": "Fetch", "status": "Started", "note": "n", "node": "w1"}),
        ("progress", facts(note="n"), {"status": "Started"}),
        ("succeed", facts(stage="Record", status="Success", note="n"), {"stage": "Record", "note": "n"}),
        ("fail", facts(status="Failed", retry=False, note="n"), {"note": "n", "retry": False}),
        ("suspend", facts(status="Suspended", note="n"), {"note": "n"}),
        ("cancel", facts(stage="Resolve", status="Cancelled", note="n"), {"stage": "Fetch", "note": "n"}),
    ],
)
def test_a_repeated_move_changes_nothing(move, here, sent):
    assert ask(move, here, "admin", **sent) == {}


@pytest.mark.parametrize("different", [{"note": "m"}, {"node": "w2"}, {"stage": "Cleanup"}])
def test_a_different_save_of_a_closed_item_is_refused(different):
    here = facts(stage="Record", status="Success", note="n", node="w1", retry=False)
    sent = {"stage": "Record", "note": "n", "node": "w1", **different}
    assert refusal("succeed", here, "worker", **sent).reason == "illegal"


@pytest.mark.parametrize("move", MOVES)
def test_no_move_changes_other_fields(move):
    for field in ("name", "etag", "action", "institution", "bag_date", "reviewed", "version", "inst_approver"):
        wanted = TransitionRequest(note="why", fields={field: "x"})
        with pytest.raises(TypeError, match=field):
            evaluate(move, facts(), wanted, role="admin", domain="virginia.edu", item_name="bag.tar", now=NOW)


# New items


@pytest.mark.parametrize("role", Role)
def test_only_services_and_admins_create_items(role):
    if role in ("worker", "admin"):
        check_creation("Ingest", "Receive", "Pending", role=role)
    else:
        with pytest.raises(Refused) as caught:
            check_creation("Ingest", "Receive", "Pending", role=role)
        assert caught.value.reason == "forbidden"


def test_a_new_item_must_be_on_its_path():
    for action, path in PATH.items():
        assert first_stage(action) == path[0]
        for stage in Stage:
            for status in Status:
                fits = stage in path and (status != "Success" or stage in ENDS[action])
                if fits:
                    check_creation(action, stage, status, role="worker")
                else:
                    with pytest.raises(Refused) as caught:
                        check_creation(action, stage, status, role="worker")
                    assert (caught.value.reason, caught.value.field) == ("invalid", "stage")


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize(
    ("status", "flags"),
    [
        ("Pending", {}),
        ("Started", {}),
        ("Failed", {}),
        ("Success", {"retry": False}),
        ("Suspended", {"needs_admin_review": True, "retry": False}),
        ("Cancelled", {"retry": False, "node": "", "pid": None}),
    ],
)
def test_a_new_item_has_the_fields_that_the_move_to_its_status_sets(action, status, flags):
    """Of these, only an ingest that is done has an object: the one that was sent, or the one that its name means."""
    for sent, known in (("", "virginia.edu/bag"), ("virginia.edu/other", "virginia.edu/other")):
        object_ = {"object_identifier": known} if (action, status) == ("Ingest", "Success") else {}
        new = fields_on_creation(action, status, identifier=sent, domain="virginia.edu", item_name="bag.tar")
        assert new == {**flags, **object_}


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("Bogus", "Receive", "Pending"), "action"),
        (("Ingest", "Bogus", "Pending"), "stage"),
        (("Ingest", "Receive", "Bogus"), "status"),
        (("", "", ""), "action"),
    ],
)
def test_unknown_words_in_a_new_item(words, field):
    with pytest.raises(Refused) as caught:
        check_creation(*words, role="worker")
    assert (caught.value.reason, caught.value.field) == ("invalid", field)
