"""What an item's state means in words. Every rule of "What now?" is used, and none by accident."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from pharos.accounts.roles import Role
from workitems.explanations import Situation, StatusLabel, advise, describe_status, first_line, format_duration
from workitems.explanations.advice import RULES, Tone
from workitems.lifecycle import Party
from workitems.vocabulary import Action, Stage, Status

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def state(status="Pending", stage="Store", action="Ingest", **more):
    values = {
        "retry": True,
        "needs_admin_review": False,
        "reviewed": False,
        "has_node": True,
        "stage_entered_at": None,
        **more,
    }
    return Situation(action=action, stage=stage, status=status, **values)


NO_SPACE = "No space left on the work volume."
INVALID = "The bag is not valid: a payload file is missing."


def failed(stage="Validate", action="Ingest", **more):
    return state("Failed", stage, action, retry=False, **more)


# One situation per rule, by its code: who has to act, and words in a depositor's sentence.
REACHED = {
    "superseded": (state("Pending", "Receive", superseded_by=7), "nobody", "never be ingested"),
    "duplicate": (state("Pending", "Receive", duplicate_of=7), "nobody", "uploaded earlier"),
    "on-hold": (state("Suspended", retry=False, needs_admin_review=True), "consortium", "on hold until"),
    "needs-decision": (state("Started", retry=False, needs_admin_review=True), "consortium", "needs a decision"),
    "retried": (state("Failed"), "nobody", "retried automatically"),
    "no-sign-of-life": (state("Started", is_silent=True), "consortium", "nothing has changed since"),
    "no-retry": (state("Started", retry=False), "nobody", "won't be retried automatically"),
    "not-claimed": (state("Started", has_node=False), "nobody", "no worker is processing it"),
    "in-progress": (state("Started", "Requested", "Restore"), "nobody", "processing this item"),
    "running": (state("Started"), "nobody", "processing this stage"),
    "awaits-upload": (state("Pending", "Receive", waits_for=7), "nobody", "finished first"),
    "received": (state("Pending", "Receive"), "nobody", "found in the receiving bucket"),
    "requested": (state("Pending", "Requested", "Delete"), "nobody", "request has been recorded"),
    "waiting": (state("Pending"), "nobody", "waiting for a free worker"),
    "uploaded-again": (failed(other_upload=7), "nobody", "uploaded again since"),
    "damaged-copy": (failed(action="Fixity Check"), "consortium", "damaged or couldn't be read"),
    "machine-failed": (failed(note=NO_SPACE, needs_admin_review=True), "consortium", "problem on APTrust's side"),
    "valid-bag-failed": (failed("Store"), "consortium", "The bag is valid"),
    "newer-in-bucket": (failed("Fetch", note="A newer version is in the bucket."), "nobody", "newer version"),
    "gone-from-bucket": (failed("Fetch", note="It was deleted from the bucket."), "institution", "no longer in"),
    "invalid-bag": (failed(note=INVALID, needs_admin_review=True), "institution", "not valid"),
    "failed-upload": (failed(note="Error 17.", needs_admin_review=True), "institution", "was not ingested"),
    "failed-restoration": (failed("Fetch", "Restore", needs_admin_review=True), "institution", "restoration failed"),
    "failed-needs-admin": (failed("Record", "Delete", needs_admin_review=True), "consortium", "needs to look at it"),
    "failed": (failed("Record", "Delete"), "institution", "failed permanently"),
    "reviewed-upload": (failed(reviewed=True), "nobody", "was not ingested. It has been reviewed"),
    "reviewed-failure": (failed("Fetch", "Restore", reviewed=True), "nobody", "It has been reviewed"),
    "cancelled-replaced": (
        state("Cancelled", "Resolve", retry=False, other_upload=7),
        "nobody",
        "Another upload of the bag is processed",
    ),
    "cancelled-upload": (state("Cancelled", "Resolve", retry=False), "nobody", "cancelled before the bag was ingested"),
    "cancelled": (state("Cancelled", "Resolve", "Restore", retry=False), "nobody", "This item was cancelled"),
}


def test_every_rule_has_an_example():
    assert list(REACHED) == [rule.code for rule in RULES]


@pytest.mark.parametrize("code", REACHED)
def test_each_rule_applies_to_its_example(code):
    known, who, said = REACHED[code]
    advice = advise(known, Role.DEPOSITOR)
    assert (advice.why, advice.who) == (code, who)
    assert said in str(advice.meaning)
    assert str(advice.next).strip() or who == "nobody"


@pytest.mark.parametrize("code", REACHED)
def test_an_admin_reads_what_an_admin_can_do(code):
    known, who, _said = REACHED[code]
    to_admin, to_staff = advise(known, Role.ADMIN), advise(known, Role.STAFF)
    assert to_staff.next == advise(known, Role.DEPOSITOR).next
    if who == "consortium":
        assert "requeue" in str(to_admin.next)
        assert "requeue" not in str(to_staff.next)


def test_an_admin_is_not_asked_to_upload():
    gone = failed("Fetch", note="It was deleted from the bucket.")
    assert "upload it again" in str(advise(gone, Role.DEPOSITOR).next)
    assert "If the depositor" in str(advise(gone, Role.ADMIN).next)


RESTORED = state("Success", "Resolve", "Restore", retry=False)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"note": "Restored to s3://bucket/a.tar"}, "Its address is below."),
        ({"note": "Finished."}, "If the note doesn't say where it is, contact APTrust."),
        ({"note": "Restored to s3://bucket/a.tar", "is_copy_over": True}, "If you still need it, request it again."),
    ],
)
def test_where_a_restored_copy_is(more, words):
    assert words in str(advise(replace(RESTORED, **more), Role.DEPOSITOR).next)


@pytest.mark.parametrize("which", ["superseded_by", "duplicate_of"])
def test_a_replaced_open_upload_links_to_its_replacement(which):
    assert advise(state("Started", **{which: 4711}), Role.DEPOSITOR).link == 4711


def test_a_failed_upload_links_to_the_newer_one():
    assert advise(state("Failed", retry=False, other_upload=4711), Role.DEPOSITOR).link == 4711


def test_an_etag_of_parts_may_be_the_same_file():
    """Another client sends other parts, and the etag is another one."""
    replaced = state("Pending", "Receive", superseded_by=7)
    assert "other parts" not in str(advise(replaced, Role.DEPOSITOR).meaning)
    assert "may be the same file" in str(advise(replace(replaced, is_multipart=True), Role.DEPOSITOR).meaning)
    assert "other parts" not in str(advise(state("Pending", "Receive", is_multipart=True), Role.DEPOSITOR).meaning)


def test_nothing_is_linked_where_nothing_replaces_the_item():
    known = [state(status, retry=retry) for status in Status for retry in (True, False)]
    assert {advise(one, Role.DEPOSITOR).link for one in known} == {None}


@pytest.mark.parametrize("action", Action)
def test_success_says_what_was_done_and_asks_staff_to_review(action):
    done = state("Success", "Resolve", action, retry=False)
    assert advise(done, Role.DEPOSITOR).who == "nobody"
    assert "Mark it as reviewed" not in str(advise(done, Role.DEPOSITOR).next)
    assert "Mark it as reviewed" in str(advise(done, Role.STAFF).next)
    seen = state("Success", "Resolve", action, retry=False, reviewed=True)
    assert "Mark it as reviewed" not in str(advise(seen, Role.STAFF).next)


def test_each_action_has_its_own_success_message():
    said = {str(advise(state("Success", "Resolve", action, retry=False), Role.DEPOSITOR).meaning) for action in Action}
    assert len(said) == len(Action)


@pytest.mark.parametrize("action", [*Action, "Weighing"])
def test_every_state_has_advice(action):
    for stage, status, retry, review, role in product(Stage, Status, (True, False), (True, False), Role):
        advice = advise(state(status, stage, action, retry=retry, needs_admin_review=review), role)
        assert str(advice.meaning).endswith(".")
        assert str(advice.next) or advice.who == "nobody"
        assert advice.who in tuple(Party)
        assert "doesn't recognize" not in str(advice.meaning)


# The table of the design: status, tone, words for a depositor.
@pytest.mark.parametrize(
    ("known", "tone", "text", "detail"),
    [
        (state("Pending"), Tone.WAITING, "Waiting: Store", ""),
        (
            state("Started", stage_entered_at=NOON - timedelta(hours=1, minutes=8)),
            Tone.RUNNING,
            "Running: Store, 1\xa0h\xa008\xa0min",
            "",
        ),
        (state("Started"), Tone.RUNNING, "Running: Store", ""),
        (state("Success", "Cleanup", retry=False), Tone.DONE, "Done", ""),
        (state("Failed", "Validate", retry=False, note="\nno manifest\nline 2"), Tone.FAILED, "Failed at Validate", "no manifest"),
        (state("Failed", note="S3 timed out"), Tone.RETRYING, "Will be retried: Store", "S3 timed out"),
        (state("Suspended", retry=False, note="ask"), Tone.HELD, "On hold for APTrust", "ask"),
        (state("Cancelled", "Resolve", retry=False, note="by mistake\nmore"), Tone.CANCELLED, "Cancelled", "by mistake"),
        (state("Quarantined"), Tone.UNKNOWN, "Quarantined", ""),
        (state("Started", retry=False, needs_admin_review=True, note="disk"), Tone.HELD, "Stopped at Store, waiting for APTrust", "disk"),
        (state("Pending", "Receive", superseded_by=7), Tone.SUPERSEDED, "Superseded at Receive", ""),
    ],
)  # fmt: skip
def test_a_status_in_words(known, tone, text, detail):
    said = describe_status(known, NOON)
    assert (said.tone, said.text, said.detail) == (tone, text, detail)


def test_a_failure_that_still_waits_for_the_consortium_stays_red():
    known = failed("Store", reviewed=True, needs_admin_review=True)
    assert describe_status(known, NOON).tone is Tone.FAILED
    assert describe_status(replace(known, needs_admin_review=False), NOON).tone is Tone.QUIET


NEWER = {"stage": "Fetch", "note": "A newer version is in the bucket."}


@pytest.mark.parametrize("calm", [{"reviewed": True}, {"other_upload": 7}, NEWER])
def test_a_failure_that_needs_no_action_has_a_quiet_tone(calm):
    assert describe_status(state("Failed", **{"retry": False, **calm}), NOON).tone is Tone.QUIET


@pytest.mark.parametrize("status", ["success", "SUCCESS", "Succeeded", "Done", "Quarantined", "", "✓"])
@pytest.mark.parametrize("retry", [True, False])
def test_an_unknown_status_never_looks_like_success(status, retry):
    odd = state(status, "Resolve", retry=retry, reviewed=True)
    assert describe_status(odd, NOON) == StatusLabel(Tone.UNKNOWN, status)
    for role in Role:
        advice = advise(odd, role)
        assert advice.who is Party.CONSORTIUM
        assert f"“{status}”" in str(advice.meaning)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (3600, "1 h 00 min"),
        (4080, "1 h 08 min"),
        (86_399, "23 h 59 min"),
        (86_400, "1 d"),
        (273_600, "3 d"),
    ],
)
def test_durations(seconds, said):
    """They contain no line breaks."""
    assert format_duration(timedelta(seconds=seconds)) == said.replace(" ", "\N{NO-BREAK SPACE}")


def test_the_first_line_of_a_note():
    assert first_line("") == ""
    assert first_line(" \n\n  bad bag \nmore") == "bad bag"
    assert first_line("x" * 140) == "x" * 140
    assert first_line("x" * 141) == "x" * 139 + "…"


@pytest.mark.parametrize(
    ("known", "tone", "text"),
    [
        (state("Pending", "Receive", duplicate_of=7), Tone.SUPERSEDED, "Duplicate, not ingested again"),
        (state("Success", "Record", duplicate_of=7, retry=False), Tone.DONE, "Done"),
        (state("Started", "Requested", "Restore"), Tone.RUNNING, "Running"),
        (state("Failed", "Requested", "Delete", retry=False), Tone.FAILED, "Failed"),
    ],
)
def test_labels_say_what_the_status_alone_would_hide(known, tone, text):
    assert (describe_status(known, NOON).tone, describe_status(known, NOON).text) == (tone, text)


def test_a_line_that_only_announces_the_cause_is_skipped():
    assert first_line("Bag x.tar is not valid.\nThe manifest names a file that is missing.").startswith("The manifest")
    assert first_line("Bag x.tar is not valid.") == "Bag x.tar is not valid."
