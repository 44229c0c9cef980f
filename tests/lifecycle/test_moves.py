"""What each move requires, sets, and clears, without a database."""

from datetime import timedelta

import pytest

from workitems.lifecycle import build_object_identifier, first_stage, legal_moves, requeue_stages, retry_stages
from workitems.vocabulary import Stage, Status

from ..lifecycle_cases import ENDS, NOW, PATH, STATES, ask, facts, refusal, requeue_choice, retry_choice

EARLIER = NOW - timedelta(hours=3)


# Progress


@pytest.mark.parametrize("action", PATH)
@pytest.mark.parametrize("status", ["Pending", "Started"])
def test_progress_goes_to_the_same_or_a_later_stage(action, status):
    for here, stage in enumerate(PATH[action]):
        for there, target in enumerate(PATH[action]):
            start = facts(action, stage, "Failed", retry=True)
            if there >= here:
                new = ask("progress", start, "worker", stage=target, status=status)
                assert (new["stage"], new["status"]) == (target, status)
            else:
                refused = refusal("progress", start, "worker", stage=target, status=status)
                assert (refused.reason, refused.field) == ("illegal", "stage")
                assert f"{stage} / Failed" in refused.sentence
                assert "requeue" in refused.sentence


@pytest.mark.parametrize("move", ["progress", "succeed", "fail", "cancel", "requeue"])
def test_a_stage_of_another_path_is_refused(move):
    for action, path in PATH.items():
        for stage in {*Stage, "Bogus"} - set(path):
            role = "worker" if move == "cancel" else "admin"
            here = facts(action, path[0], "Pending", is_replaced=True)
            refused = refusal(move, here, role, stage=stage, note="why")
            assert (refused.reason, refused.field) == ("invalid", "stage")
            assert (stage in refused.sentence) or move == "requeue"


@pytest.mark.parametrize("status", ["Success", "Failed", "Cancelled", "Suspended", "Bogus"])
def test_progress_leads_to_pending_or_started_only(status):
    refused = refusal("progress", facts(), "worker", status=status)
    assert (refused.reason, refused.field) == ("invalid", "status")
    assert "Pending or Started" in refused.sentence


def test_progress_without_a_status_leaves_the_item_waiting():
    """Nobody says that they work on it."""
    new = ask("progress", facts(node="w1"), "worker", stage="Store")
    assert (new["status"], new["node"]) == ("Pending", "")


def test_an_item_off_its_path_can_still_advance():
    """Imports accept old rows as they are: a restore at Store is between stages of its path."""
    odd = facts("Restore", "Store", "Started")
    assert ask("progress", odd, "worker", stage="Store", status="Pending")["stage"] == "Store"
    assert ask("progress", odd, "worker", stage="Record", status="Started")["stage"] == "Record"
    assert refusal("progress", odd, "worker", stage="Fetch", status="Started").reason == "illegal"
    assert ask("cancel", odd, "admin", note="why")["stage"] == "Resolve"
    assert refusal("succeed", odd, "worker").reason == "illegal"


@pytest.mark.parametrize(
    ("before", "sent", "after"),
    [
        ("Fetch / Pending", {}, NOW),  # begins
        ("Fetch / Failed", {}, NOW),  # begins again
        ("Receive / Started", {}, NOW),  # a new stage
        ("Receive / Started", {"stage_started_at": EARLIER}, NOW),  # the former stage's time, sent back
        ("Receive / Started", {"stage_started_at": None}, NOW),
        ("Receive / Started", {"stage_started_at": NOW - timedelta(minutes=1)}, NOW - timedelta(minutes=1)),
        ("Fetch / Started", {}, EARLIER),
        ("Fetch / Started", {"stage_started_at": None, "pid": 7}, EARLIER),
        ("Fetch / Started", {"stage_started_at": NOW}, NOW),
    ],
)
def test_when_the_stage_began(before, sent, after):
    stage, status = before.split(" / ")
    here = facts(stage=stage, status=status, stage_started_at=EARLIER)
    new = ask("progress", here, "worker", stage="Fetch", status="Started", note="now", **sent)
    assert new["stage_started_at"] == after


def test_waiting_for_a_stage_clears_process_and_start():
    here = facts(stage_started_at=EARLIER, node="w1", pid=17)
    new = ask("progress", here, "worker", stage="Store", status="Pending", node="w1", pid=17)
    assert (new["node"], new["pid"], new["stage_started_at"]) == ("", None, None)
    back = ask("progress", here, "worker", stage="Fetch", status="Pending")
    assert (back["node"], back["pid"]) == ("", None)
    assert "stage_started_at" not in back


# Succeed


@pytest.mark.parametrize("action", PATH)
def test_success_is_allowed_only_at_the_actions_success_stages(action):
    for stage in PATH[action]:
        here = facts(action, PATH[action][0])
        if stage in ENDS[action]:
            new = ask("succeed", here, "worker", stage=stage)
            assert (new["stage"], new["status"], new["retry"]) == (stage, "Success", False)
            assert ("object_identifier" in new) == (action == "Ingest")
        else:
            refused = refusal("succeed", here, "worker", stage=stage)
            assert (refused.reason, refused.field) == ("illegal", "stage")
            assert ", ".join(ENDS[action]) in refused.sentence


def test_success_does_not_go_back():
    assert refusal("succeed", facts(stage="Cleanup"), "worker", stage="Record").reason == "illegal"


@pytest.mark.parametrize(
    ("name", "identifier"),
    [
        ("virginia.edu.uva-lib_2274642.tar", "virginia.edu/virginia.edu.uva-lib_2274642"),
        ("name.b046.of249.tar", "virginia.edu/name"),
        ("name.b1.of2.tar", "virginia.edu/name"),
        ("name.b046.of249.more.tar", "virginia.edu/name.b046.of249.more"),
        ("name.tar.tar", "virginia.edu/name.tar"),
        ("Ærø & “sønner”.tar", "virginia.edu/Ærø & “sønner”"),
        ("no-tar", "virginia.edu/no-tar"),
        ("name.bx.of2.tar", "virginia.edu/name.bx.of2"),
    ],
)
def test_the_object_identifier(name, identifier):
    assert build_object_identifier("virginia.edu", name) == identifier
    assert ask("succeed", facts(), "worker", stage="Record", name=name)["object_identifier"] == identifier


def test_a_known_identifier_stays():
    here = facts(object_identifier="virginia.edu/recorded")
    assert ask("succeed", here, "worker", stage="Record")["object_identifier"] == "virginia.edu/recorded"
    sent = ask("succeed", here, "worker", stage="Record", object_identifier="virginia.edu/sent")
    assert sent["object_identifier"] == "virginia.edu/sent"


# Fail, suspend, cancel


@pytest.mark.parametrize("action", PATH)
@pytest.mark.parametrize("retry", [True, False])
def test_fail_at_the_same_or_a_later_stage(action, retry):
    path = PATH[action]
    for stage in path[1:]:
        new = ask("fail", facts(action, path[1]), "worker", stage=stage, note="no such file", retry=retry)
        assert (new["stage"], new["status"], new["retry"], new["note"]) == (stage, "Failed", retry, "no such file")
    assert refusal("fail", facts(action, path[1]), "worker", stage=path[0], note="why", retry=retry).reason == "illegal"


@pytest.mark.parametrize("note", [None, "", " \n"])
@pytest.mark.parametrize("move", ["fail", "suspend", "cancel"])
def test_a_note_is_required(move, note):
    refused = refusal(move, facts(note="older"), "admin", note=note)
    assert (refused.reason, refused.field) == ("invalid", "note")


def test_suspend_keeps_the_stage_and_asks_for_an_admin():
    new = ask("suspend", facts(), "worker", note="what now?", retry=True, needs_admin_review=False)
    assert (new["stage"], new["status"]) == ("Fetch", "Suspended")
    assert (new["needs_admin_review"], new["retry"]) == (True, False)
    assert refusal("suspend", facts(), "worker", note="why", stage="Store").reason == "illegal"


@pytest.mark.parametrize("stage", [None, "Fetch", "Store", "Receive", "Bogus"])
def test_an_admins_cancel_leads_to_resolve(stage):
    for status in ("Pending", "Started", "Suspended", "Failed"):
        new = ask("cancel", facts(status=status), "admin", stage=stage, note="wrong bag", retry=True)
        assert (new["stage"], new["status"], new["retry"]) == ("Resolve", "Cancelled", False)
        assert new["note"] == "wrong bag"


def test_a_workers_cancel_keeps_its_stage():
    replaced = facts(stage="Receive", status="Pending", is_replaced=True)
    for sent, stage in ((None, "Receive"), ("Receive", "Receive"), ("Fetch", "Fetch"), ("Resolve", "Resolve")):
        assert ask("cancel", replaced, "worker", stage=sent, note="superseded")["stage"] == stage
    later = facts(stage="Store", is_replaced=True)
    assert refusal("cancel", later, "worker", stage="Fetch", note="superseded").reason == "illegal"


def test_a_service_cancels_an_open_ingest_up_to_validate():
    early = ["Receive", "Fetch", "Unpack", "Validate"]
    for stage in PATH["Ingest"]:
        for status, retry in STATES:
            here = facts(stage=stage, status=status, retry=retry)
            if stage in early and here.phase == "open":
                new = ask("cancel", here, "worker", note="the bag was deleted from the bucket")
                assert (new["stage"], new["status"], new["retry"]) == (stage, "Cancelled", False)
            else:
                refused = refusal("cancel", here, "worker", note="the bag was deleted from the bucket")
                assert refused.reason == "illegal"
    for action in set(PATH) - {"Ingest"}:
        assert refusal("cancel", facts(action, PATH[action][1]), "worker", note="why").reason == "illegal"


@pytest.mark.parametrize("role", ["admin", "worker"])
def test_a_cancelled_item_is_released(role):
    new = ask("cancel", facts(node="w1", pid=7), role, note="why", node="w1", pid=7)
    assert (new["node"], new["pid"]) == ("", None)
    cancelled = facts(status="Cancelled", retry=False, note="why", stage="Resolve" if role == "admin" else "Fetch")
    assert ask("cancel", cancelled, role, note="why", node="w1", pid=7) == {}


# Retry


@pytest.mark.parametrize("status", ["Pending", "Started", "Failed"])
@pytest.mark.parametrize("role", ["worker", "admin"])
def test_retry_claims_an_ingest_again_at_an_earlier_stage(role, status):
    for stage in PATH["Ingest"]:
        legal = retry_choice("Ingest", stage)
        assert retry_stages("Ingest", stage) == legal
        for target in PATH["Ingest"] if legal else []:
            start = facts(stage=stage, status=status, note="timed out", stage_started_at=EARLIER)
            if target in legal:
                assert ask("retry", start, role, stage=target, node="w1", pid=7, note="again") == {
                    "stage": target,
                    "status": "Started",
                    "note": "again",
                    "node": "w1",
                    "pid": 7,
                    "stage_started_at": NOW,
                }
            else:
                refused = refusal("retry", start, role, stage=target, node="w1")
                assert (refused.reason, refused.field) == ("invalid", "stage")
                assert ", ".join(legal) in refused.sentence


def test_retry_without_a_stage_goes_back_by_one():
    assert ask("retry", facts(stage="Store"), "worker", node="w1")["stage"] == "Format Identification"


def test_retry_needs_a_node():
    for sent in ({}, {"node": ""}, {"pid": 7}):
        refused = refusal("retry", facts(stage="Validate"), "worker", stage="Fetch", **sent)
        assert (refused.reason, refused.field) == ("invalid", "node")


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"node": "w1", "pid": 7}, "w1 (pid 7) still holds it."),
        ({"node": "w1"}, "w1 (pid –) still holds it."),
        ({"pid": 7}, "– (pid 7) still holds it."),
        ({"retry": False}, "It isn't retried until an admin has decided."),
        ({"needs_admin_review": True}, "It isn't retried until an admin has decided."),
        ({"stage": "Fetch"}, "It has no earlier stage at which a worker can claim it again."),
        ({"stage": "Receive"}, "It has no earlier stage at which a worker can claim it again."),
        ({"action": "DPN", "stage": "Package"}, "It has no earlier stage at which a worker can claim it again."),
    ],
)
def test_what_is_not_retried(more, why):
    here = facts(**{"stage": "Validate", **more})
    refused = refusal("retry", here, "worker", stage="Fetch", node="w2", pid=8)
    assert refused.reason == "illegal"
    assert why in refused.sentence
    assert "retry" not in refused.sentence.partition("You can: ")[2].split(", ")


# Requeue


@pytest.mark.parametrize("action", PATH)
def test_requeue_goes_back(action):
    for stage in PATH[action]:
        legal = requeue_choice(action, stage)
        assert requeue_stages(action, stage) == legal
        for target in PATH[action]:
            for status, retry in STATES:
                if status == "Success":
                    continue
                start = facts(action, stage, status, retry, note="the error", node="w1")
                if target in legal:
                    new = ask("requeue", start, "admin", stage=target)
                    assert new == {
                        "stage": target,
                        "status": "Pending",
                        "retry": True,
                        "needs_admin_review": False,
                        "node": "",
                        "pid": None,
                        "queued_at": None,
                        "stage_started_at": None,
                        "reviewed": False,
                    }
                else:
                    refused = refusal("requeue", start, "admin", stage=target)
                    assert (refused.reason, refused.field) == ("invalid", "stage")
                    assert ", ".join(legal) in refused.sentence


def test_requeue_without_a_stage_goes_to_the_latest_possible():
    assert ask("requeue", facts(stage="Store"), "admin")["stage"] == "Store"
    assert ask("requeue", facts("Restore", "Package"), "admin")["stage"] == "Requested"
    assert ask("requeue", facts("Ingest", "Requested"), "admin")["stage"] == first_stage("Ingest")


SERVED = frozenset({"Receive", "Store", "Record"})


@pytest.mark.parametrize(
    ("stage", "legal"),
    [
        ("Receive", ["Receive"]),
        ("Validate", ["Receive"]),
        ("Store", ["Receive", "Store"]),
        ("Resolve", ["Receive", "Store", "Record"]),
    ],
)
def test_requeue_only_where_the_queue_takes_items_up(stage, legal):
    here = facts(stage=stage, served_stages=SERVED)
    assert requeue_stages("Ingest", stage, SERVED) == legal
    assert ask("requeue", here)["stage"] == legal[-1]
    for target in PATH["Ingest"]:
        if target in legal:
            assert ask("requeue", here, stage=target)["stage"] == target
            continue
        refused = refusal("requeue", here, stage=target)
        assert (refused.reason, refused.field) == ("invalid", "stage")
        assert refused.sentence.endswith(f"can be requeued to {', '.join(legal)}.")
        is_unserved = target in requeue_stages("Ingest", stage)
        assert is_unserved == refused.sentence.startswith(f"The queue of this installation doesn't serve {target}.")


def test_requeue_is_refused_where_the_queue_serves_nothing():
    for action, served in (("Ingest", {"Store"}), ("Fixity Check", set())):
        here = facts(action, "Validate", served_stages=frozenset(served))
        refused = refusal("requeue", here, "admin")
        assert refused.reason == "unserved"
        assert (
            "The queue of this installation doesn't serve any stage that it could be requeued to." in refused.sentence
        )
        assert "requeue" not in legal_moves(here, "admin")
    done = facts("Ingest", "Record", "Success", served_stages=frozenset())
    assert refusal("requeue", done, "admin").reason == "illegal"


# Review and edit


@pytest.mark.parametrize("role", ["institutional_admin", "admin"])
def test_review_sets_a_value(role):
    closed = facts(stage="Record", status="Success")
    reviewed = facts(stage="Record", status="Success", reviewed=True)
    assert ask("review", closed, role)["reviewed"] is True
    assert ask("unreview", reviewed, role)["reviewed"] is False
    assert ask("review", reviewed, role) == {}
    assert ask("unreview", closed, role) == {}
    assert refusal("unreview", facts(), role).reason == "illegal"


def test_turning_retry_on_clears_reviewed():
    failed = facts(stage="Store", status="Failed", retry=False, reviewed=True)
    assert ask("edit", failed, retry=True)["reviewed"] is False
    assert "reviewed" not in ask("edit", failed, needs_admin_review=True)
    done = facts(stage="Record", status="Success", retry=False, reviewed=True)
    assert "reviewed" not in ask("edit", done, retry=True)


def test_edit_keeps_stage_status_and_process():
    for status in Status:
        new = ask("edit", facts(status=status, node="w1", pid=3, stage_started_at=EARLIER), note="put right")
        assert (new["stage"], new["status"]) == ("Fetch", status)
        assert not {"node", "pid", "stage_started_at"} & set(new)
    assert ask("edit", facts(status="Pending"), node="w2", pid=4)["node"] == "w2"


@pytest.mark.parametrize("note", ["", "  "])
def test_edit_does_not_empty_the_note(note):
    refused = refusal("edit", facts(note="older"), note=note)
    assert (refused.reason, refused.field) == ("invalid", "note")
    assert ask("edit", facts(note=""), note="", retry=False)["retry"] is False
