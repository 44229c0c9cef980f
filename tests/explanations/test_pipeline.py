"""The pipeline strip: how far an item has come, and how long each stage took."""

from datetime import UTC, datetime, timedelta

import pytest

from workitems.explanations import StageChange, build_pipeline
from workitems.explanations.pipeline import StepStatus

from ..lifecycle_cases import PATH

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def at(minutes):
    return NOON + timedelta(minutes=minutes)


def strip(action, stage, status, *changes, retry=True, now=60):
    """Returns {stage: (status, minutes or None)}. A change is (minute, move, stage before, stage after)."""
    taken = [StageChange(at(minute), *rest) for minute, *rest in changes]
    found = build_pipeline(action, stage, status, retry=retry, changes=taken, now=at(now))
    return {str(step.stage): (str(step.status), step.took and step.took.total_seconds() / 60) for step in found}


def stages_with_status(found, place):
    return [stage for stage, (where, _took) in found.items() if where == place]


@pytest.mark.parametrize("action", PATH)
def test_the_stages_are_those_of_the_path_in_order(action):
    path = [stage for stage in PATH[action] if stage != "Unpack"]
    assert list(strip(action, path[0], "Pending", (0, "create", "", path[0]))) == path


def test_an_open_item_is_at_its_stage_until_now():
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


def test_a_skipped_stage_says_so():
    found = strip(
        "Ingest", "Store", "Started", (0, "create", "", "Receive"), (10, "progress", "Receive", "Store"), now=11
    )
    assert stages_with_status(found, "done") == ["Receive"]
    between = PATH["Ingest"][1 : PATH["Ingest"].index("Store")]
    assert stages_with_status(found, "skipped") == [stage for stage in between if stage != "Unpack"]


def test_a_stage_left_in_the_same_instant_was_not_skipped():
    found = strip(
        "Delete", "Record", "Started", (0, "create", "", "Requested"), (0, "progress", "Requested", "Record"), now=5
    )
    assert found["Requested"] == ("done", None)


def test_the_stages_before_an_import_were_done_before_it():
    found = strip("Ingest", "Cleanup", "Success", (0, "import", "", "Cleanup"), retry=False)
    assert stages_with_status(found, "skipped") == []
    assert stages_with_status(found, "unneeded") == ["Resolve"]
    assert found["Store"] == ("done", None)


def test_the_progress_of_a_cancelled_imported_item_is_unknown():
    found = strip("Ingest", "Resolve", "Cancelled", (0, "import", "", "Resolve"), retry=False)
    assert stages_with_status(found, "done") == []
    assert found["Resolve"][0] == "stopped"


def test_only_the_run_after_the_last_requeue_is_timed():
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
def test_moves_that_do_not_advance_the_item_are_ignored(move):
    changes = [
        (0, "create", "", "Receive"),
        (10, "progress", "Receive", "Store"),
        (30, "fail", "Store", "Store"),
        (50, move, "Store", "Store"),
    ]
    found = strip("Ingest", "Store", "Failed", *changes, retry=False)
    assert found["Store"] == ("stopped", 20)


def test_a_cancelled_item_stopped_at_its_stage_not_at_resolve():
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
def test_the_current_step_follows_the_status(status, retry, place):
    found = strip("Ingest", "Record", status, (0, "create", "", "Record"), retry=retry)
    assert found["Record"][0] == place


def test_unpack_is_shown_only_if_the_item_went_through_it():
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
    assert stages_with_status(found, StepStatus.STOPPED) == ["Validate"]


def test_an_item_without_a_history_has_no_times():
    found = strip("Ingest", "Store", "Started")
    assert found["Store"] == ("current", None)
    assert {took for _place, took in found.values()} == {None}
