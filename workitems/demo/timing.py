"""The stages that items go through in the demo, and how long each stage takes for a bag of a given size."""

from datetime import timedelta
from random import Random

from workitems.lifecycle import PATHS, position
from workitems.vocabulary import Action, Stage

S = Stage

# The stages that the demo skips: obsolete ones, final ones, and those without work in this action.
_SKIPPED: dict[Action, tuple[Stage, ...]] = {
    Action.INGEST: (S.RECEIVE, S.UNPACK, S.RESOLVE),
    Action.RESTORE: (S.RECORD, S.RESOLVE),
    Action.GLACIER_RESTORE: (S.RECORD, S.CLEANUP, S.RESOLVE),
    Action.DELETE: (S.CLEANUP, S.RESOLVE),
    Action.FIXITY_CHECK: (S.REQUESTED, S.CLEANUP, S.RESOLVE),
    Action.DPN: (S.VALIDATE, S.CLEANUP, S.RESOLVE),
}
# The stages that take time, in order.
ROUTES: dict[Action, tuple[Stage, ...]] = {
    action: tuple(stage for stage in path if stage not in _SKIPPED[action]) for action, path in PATHS.items()
}
# (days before now, route): earlier services had fewer stages.
EARLIER_INGESTS: tuple[tuple[int, tuple[Stage, ...]], ...] = (
    (640, (S.FETCH, S.UNPACK, S.VALIDATE, S.STORE, S.RECORD)),
    (100, (S.FETCH, S.VALIDATE, S.STORE, S.RECORD)),
)

SUCCESS_STAGES: dict[Action, Stage] = {
    Action.INGEST: S.CLEANUP,
    Action.RESTORE: S.RESOLVE,
    Action.GLACIER_RESTORE: S.AVAILABLE_IN_S3,
    Action.DELETE: S.RESOLVE,
    Action.FIXITY_CHECK: S.RECORD,
    Action.DPN: S.RECORD,
}

# (seconds for any bag, bytes per second in addition)
_MEGA = 10**6
_RATES: dict[Stage, tuple[float, float]] = {
    S.REQUESTED: (45, 10_000 * _MEGA),
    S.FETCH: (25, 90 * _MEGA),
    S.UNPACK: (10, 180 * _MEGA),
    S.VALIDATE: (40, 70 * _MEGA),
    S.REINGEST_CHECK: (8, 5_000 * _MEGA),
    S.COPY_TO_STAGING: (20, 110 * _MEGA),
    S.FORMAT_IDENTIFICATION: (30, 140 * _MEGA),
    S.STORE: (60, 55 * _MEGA),
    S.STORAGE_VALIDATION: (20, 400 * _MEGA),
    S.RECORD: (35, 900 * _MEGA),
    S.PACKAGE: (40, 80 * _MEGA),
    S.RESTORING: (50, 75 * _MEGA),
    S.AVAILABLE_IN_S3: (30, 2_000 * _MEGA),
    S.CLEANUP: (15, 2_000 * _MEGA),
    S.RESOLVE: (5, 10_000 * _MEGA),
}
_DEFAULT_RATE = (30, 500 * _MEGA)
_GLACIER_SECONDS = 5 * 3600  # seconds that a retrieval from Glacier takes at least


def usual_time(action: str, stage: str, size: int) -> timedelta:
    """What a stage usually takes."""
    fixed, rate = _RATES.get(Stage(stage), _DEFAULT_RATE)
    retrieval = _GLACIER_SECONDS if action == Action.GLACIER_RESTORE and stage == S.RESTORING else 0
    return timedelta(seconds=retrieval + fixed + size / rate)


def draw_duration(rng: Random, action: str, stage: str, size: int) -> timedelta:
    """A random duration around the usual one."""
    return usual_time(action, stage, size) * rng.lognormvariate(0, 0.35)


def next_stage(action: str, stage: str) -> Stage | None:
    """The next stage after `stage`; None if the work is done."""
    here = position(action, stage)
    return next((step for step in ROUTES[Action(action)] if position(action, step) > here), None)


def bag_size(rng: Random) -> int:
    """A random size in bytes, from kilobytes to 5 TB, usually some hundred megabytes."""
    return int(min(5e12, max(4_096, rng.lognormvariate(19.5, 2.7))))
