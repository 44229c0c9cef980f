"""The strip of stages: how far an item has come, and how long each stage took."""

from datetime import UTC, datetime, timedelta

import pytest

from workitems.explanations import Passage, steps
from workitems.explanations.pipeline import Place

from ..lifecycle_cases import PATH

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def at(minutes):
    return NOON + timedelta(minutes=minutes)


def strip(action, stage, status, *passages, retry=True, now=60):
    """{stage: (place, minutes taken or None)}. A passage is (minute, move, stage before, stage after)."""
    taken = [Passage(at(minute), *rest) for minute, *rest in passages]
    found = steps(action, stage, status, retry=retry, passages=taken, now=at(now))
    return {str(step.stage): (str(step.place), step.took and step.took.total_seconds() / 60) for step in found}


def places(found, place):
    return [stage for stage, (where, _took) in found.items() if where == place]


@pytest.mark.parametrize("action", PATH)
def test_the_stages_are_those_of_the_path_in_order(action):
    path = [stage for stage in PATH[action] if stage != "Unpack"]
    assert list(strip(action, path[0], "Pending", (0, "create", "", path[0]))) == path


def test_an_open_item_stands_at_its_stage_until_now():
    found = strip(
        "Ingest",
        "Validate",
        "Started",
        (0, "create", "", "Receive"),
        (10, "progress", "Receive", "Fetch"),
        (25, "progress", "Fetch", "Validate"),
    )
    assert found["Receive"] == ("done", 10)
    assert found["Fetch"] == ("done", 15)
    assert found["Validate"] == ("current", 35)
    assert found["Store"] == ("next", None)
    assert "Unpack" not in found


def test_a_stage_that_was_passed_over_says_so():
    found = strip(
        "Ingest", "Store", "Started", (0, "create", "", "Receive"), (10, "progress", "Receive", "Store"), now=11
    )
    assert places(found, "done") == ["Receive"]
    between = PATH["Ingest"][1 : PATH["Ingest"].index("Store")]
    assert places(found, "skipped") == [stage for stage in between if stage != "Unpack"]


def test_a_stage_left_in_the_same_instant_was_not_skipped():
    found = strip(
        "Delete", "Record", "Started", (0, "create", "", "Requested"), (0, "progress", "Requested", "Record"), now=5
    )
    assert found["Requested"] == ("done", None)


def test_the_stages_before_an_import_were_done_before_it():
    found = strip("Ingest", "Cleanup", "Success", (0, "import", "", "Cleanup"), retry=False)
    assert places(found, "skipped") == []
    assert places(found, "unneeded") == ["Resolve"]
    assert found["Store"] == ("done", None)


def test_how_far_a_cancelled_item_of_an_import_had_come_is_not_known():
    found = strip("Ingest", "Resolve", "Cancelled", (0, "import", "", "Resolve"), retry=False)
    assert places(found, "done") == []
    assert found["Resolve"][0] == "stopped"


def test_after_a_requeue_only_its_run_is_timed():
    found = strip(
        "Ingest",
        "Store",
        "Started",
        (0, "create", "", "Receive"),
        (10, "progress", "Receive", "Store"),
        (20, "fail", "Store", "Store"),
        (30, "requeue", "Store", "Validate"),
        (40, "progress", "Validate", "Store"),
    )
    assert found["Receive"] == ("done", None)
    assert found["Validate"] == ("done", 10)
    assert found["Reingest Check"] == ("skipped", None)
    assert found["Store"] == ("current", 20)


@pytest.mark.parametrize("move", ["review", "unreview", "edit", "notify"])
def test_what_does_not_move_an_item_along_takes_no_part(move):
    passages = [
        (0, "create", "", "Receive"),
        (10, "progress", "Receive", "Store"),
        (30, "fail", "Store", "Store"),
        (50, move, "Store", "Store"),
    ]
    found = strip("Ingest", "Store", "Failed", *passages, retry=False)
    assert found["Store"] == ("stopped", 20)


def test_a_cancelled_item_stopped_where_it_was_and_not_at_resolve():
    found = strip(
        "Ingest",
        "Resolve",
        "Cancelled",
        (0, "create", "", "Receive"),
        (10, "progress", "Receive", "Store"),
        (40, "cancel", "Store", "Resolve"),
        retry=False,
    )
    assert found["Store"] == ("stopped", 30)
    assert found["Resolve"] == ("next", None)


@pytest.mark.parametrize(
    ("status", "retry", "place"),
    [
        ("Pending", True, "current"),
        ("Started", True, "current"),
        ("Success", False, "done"),
        ("Failed", False, "stopped"),
        ("Failed", True, "stopped"),
        ("Cancelled", False, "stopped"),
        ("Suspended", False, "stopped"),
        ("Quarantined", False, "current"),
    ],
)
def test_where_it_stands_by_status(status, retry, place):
    found = strip("Ingest", "Record", status, (0, "create", "", "Record"), retry=retry)
    assert found["Record"][0] == place


def test_unpack_is_shown_to_items_that_saw_it():
    passed = strip(
        "Ingest",
        "Validate",
        "Started",
        (0, "create", "", "Receive"),
        (1, "progress", "Receive", "Unpack"),
        (2, "progress", "Unpack", "Validate"),
    )
    assert passed["Unpack"] == ("done", 1)
    assert strip("Ingest", "Unpack", "Started")["Unpack"] == ("current", None)


def test_a_stage_off_the_path_is_shown_first():
    found = strip("Delete", "Validate", "Failed", (0, "import", "", "Validate"), retry=False)
    assert list(found) == ["Validate", *PATH["Delete"]]
    assert places(found, Place.STOPPED) == ["Validate"]


def test_an_item_without_a_history_has_no_times():
    found = strip("Ingest", "Store", "Started")
    assert found["Store"] == ("current", None)
    assert {took for _place, took in found.values()} == {None}
