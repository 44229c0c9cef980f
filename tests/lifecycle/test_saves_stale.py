"""Which records were evidently read before another change, without a database or a request."""

from datetime import timedelta

import pytest

from workitems.lifecycle import SAVEABLE_FIELDS, Refused, check_not_stale

from ..lifecycle_cases import NOW, facts

CARRIED_NOW = {**dict.fromkeys(SAVEABLE_FIELDS), "size": 7}
EARLIER = NOW - timedelta(hours=2)
LATER = NOW + timedelta(minutes=1)
HELD = facts(node="w1", stage_started_at=NOW)


@pytest.mark.parametrize(
    ("now", "record", "requeued_at"),
    [
        (HELD, {"node": "w2"}, None),
        (HELD, {"stage": "Fetch", "status": "Started", "node": "w2", "pid": 9}, None),
        (HELD, {"status": "Pending", "node": "", "queued_at": LATER}, None),
        (facts(status="Pending"), {"status": "Started", "node": "w1", "stage_started_at": EARLIER}, NOW),
        (facts(), {"stage": "Validate", "stage_started_at": EARLIER}, NOW),
    ],
)
def test_stale_records_are_refused(now, record, requeued_at):
    with pytest.raises(Refused) as caught:
        check_not_stale(now, record, CARRIED_NOW, requeued_at=requeued_at)
    assert caught.value.reason == "changed"
    assert str(now) in caught.value.sentence


@pytest.mark.parametrize(
    ("now", "record", "requeued_at"),
    [
        (HELD, {"node": "w1", "pid": 10}, None),
        (HELD, {"status": "Pending", "node": "", "pid": None}, None),
        (HELD, {"status": "Pending", "node": "", "queued_at": None}, None),
        (HELD, {"stage": "Validate", "status": "Started", "node": "w2"}, None),
        (HELD, {"status": "Failed", "node": ""}, None),
        (facts(node=""), {"node": "w2"}, None),
        (facts(status="Pending"), {"queued_at": LATER}, None),
        (facts(status="Pending"), {"status": "Started", "node": "w1", "stage_started_at": LATER}, NOW),
        (facts(status="Pending"), {"status": "Started", "node": "w1", "stage_started_at": None}, NOW),
        (facts(status="Pending"), {"status": "Started", "node": "w1", "stage_started_at": NOW}, NOW),
    ],
)
def test_records_that_may_be_current_are_accepted(now, record, requeued_at):
    check_not_stale(now, record, CARRIED_NOW, requeued_at=requeued_at)


CLAIMED = facts(node="w1", pid=7, stage_started_at=NOW)


@pytest.mark.parametrize(
    ("record", "is_free_after_a_while"),
    [
        ({"node": "w1", "pid": 8}, True),
        ({"stage": "Fetch", "status": "Started", "pid": 8}, True),
        ({"node": "w2", "pid": 7}, False),
        ({"node": "w2"}, False),
    ],
)
def test_a_claim_is_by_node_and_pid(record, is_free_after_a_while):
    for is_abandoned in (False, True):
        if is_abandoned and is_free_after_a_while:
            check_not_stale(CLAIMED, record, CARRIED_NOW, requeued_at=None, is_abandoned=True)
            continue
        with pytest.raises(Refused) as caught:
            check_not_stale(CLAIMED, record, CARRIED_NOW, requeued_at=None, is_abandoned=is_abandoned)
        assert caught.value.reason == "changed"
        holder = "w1" if record.get("node") == "w2" else "Process 7 of w1"
        assert caught.value.sentence.startswith(f"{holder} has already claimed this item at Fetch / Started.")


@pytest.mark.parametrize(
    "record",
    [{"node": "w1", "pid": 7}, {"node": "w1"}, {"node": "w1", "pid": None}, {"node": "w1", "pid": 0}, {"pid": 7}, {}],
)
def test_a_process_that_may_be_the_holder_goes_on(record):
    check_not_stale(CLAIMED, record, CARRIED_NOW, requeued_at=None)
    check_not_stale(facts(node="w1"), {**record, "pid": 8}, CARRIED_NOW, requeued_at=None)


MILLISECOND = timedelta(milliseconds=1)
AT_VALIDATE = facts(stage="Validate")
RETRIED = {"stage": "Fetch", "status": "Started", "node": "w1", "pid": 7}


@pytest.mark.parametrize(
    ("now", "record", "entered", "is_stale"),
    [
        (AT_VALIDATE, {**RETRIED, "stage_started_at": NOW - MILLISECOND}, NOW, True),
        (AT_VALIDATE, {**RETRIED, "stage_started_at": NOW - MILLISECOND / 2}, NOW, False),
        (AT_VALIDATE, {**RETRIED, "stage_started_at": LATER}, NOW, False),
        (AT_VALIDATE, {**RETRIED, "stage_started_at": EARLIER}, None, False),
        (AT_VALIDATE, RETRIED, NOW, False),
        # What a save only repeats says nothing about when it began.
        (AT_VALIDATE, {**RETRIED, "stage_started_at": CARRIED_NOW["stage_started_at"]}, NOW, False),
        # From before a retry: the holder has begun since.
        (CLAIMED, {"stage": "Validate", "stage_started_at": NOW - MILLISECOND}, EARLIER, True),
        (CLAIMED, {"stage": "Validate", "stage_started_at": NOW - MILLISECOND / 2}, EARLIER, False),
        (CLAIMED, {"stage": "Validate", "status": "Pending", "stage_started_at": EARLIER}, EARLIER, False),
        (
            facts(node="w1", status="Pending"),
            {**RETRIED, "stage": "Store", "stage_started_at": EARLIER},
            EARLIER,
            False,
        ),
        (facts(stage_started_at=NOW), {"stage": "Validate", "stage_started_at": EARLIER}, EARLIER, False),
        (CLAIMED, {"stage": "Bogus", "stage_started_at": EARLIER}, EARLIER, False),
    ],
)
def test_a_save_that_a_retry_has_overtaken_is_stale(now, record, entered, is_stale):
    stored = {**CARRIED_NOW, "stage_started_at": now.stage_started_at}
    if is_stale:
        with pytest.raises(Refused) as caught:
            check_not_stale(now, record, stored, requeued_at=None, is_retried=True, stage_entered_at=entered)
        assert caught.value.sentence.startswith("This item has moved since the stage in your save started.")
    else:
        check_not_stale(now, record, stored, requeued_at=None, is_retried=True, stage_entered_at=entered)


def test_a_client_may_know_better_when_a_later_stage_began():
    record = {"stage": "Validate", "node": "w1", "pid": 7, "stage_started_at": EARLIER}
    check_not_stale(CLAIMED, record, {**CARRIED_NOW, "stage_started_at": NOW}, requeued_at=None)
