"""The pipeline strip on the item's page: the stages of its path, which are done, and how long each one took. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ..lifecycle import PATHS, is_on_path, phase_of
from ..vocabulary import Action, Stage, Status


class StepStatus(StrEnum):
    DONE = "done"
    SKIPPED = "skipped"
    CURRENT = "current"
    STOPPED = "stopped"
    NEXT = "next"
    UNNEEDED = "unneeded"


@dataclass(frozen=True)
class PipelineStep:
    stage: str
    status: StepStatus
    took: timedelta | None = None


@dataclass(frozen=True)
class StageChange:
    """The columns of a history entry that the strip needs."""

    at: datetime
    move: str
    stage_before: str
    stage_after: str


def build_pipeline(
    action: str, stage: str, status: str, *, retry: bool, changes: Iterable[StageChange], now: datetime
) -> list[PipelineStep]:
    """Returns the stages of the path in order, with times from the last run, after the last requeue.

    A stage lasts from the first entry that names it to the first that names another. The current stage lasts until now
    if the item is open, and until its last entry if it is closed. Unpack is shown only for items that went through it.
    Stages before the run's first entry (an import, or a requeue to a later stage) were done earlier, so they have no
    time.
    """
    run = _last_run(list(changes))
    actual = _actual_stage(run, stage, status)
    times = _stage_times(run, actual, phase_of(status, retry=retry) == "open", now)
    seen = {change.stage_after for change in run}
    path = [step for step in PATHS[Action(action)] if step != Stage.UNPACK or step in seen or step == stage]
    if not is_on_path(action, actual):
        path = [Stage(actual), *path]
    here = path.index(Stage(actual))
    first = min((path.index(step) for step in path if step in seen), default=here)
    # It is unknown how far a cancelled imported item had come; check marks on every stage would look like success.
    is_known_path = status != Status.CANCELLED or actual != Stage.RESOLVE
    return [
        PipelineStep(
            step,
            _step_status(index, here, status, is_seen=step in seen or (is_known_path and index < first)),
            times.get(step),
        )
        for index, step in enumerate(path)
    ]


_STATIONARY_MOVES = frozenset({"review", "unreview", "edit", "notify"})  # these don't advance the item


def _last_run(changes: list[StageChange]) -> list[StageChange]:
    changes = [change for change in changes if change.move not in _STATIONARY_MOVES]
    starts = [index for index, change in enumerate(changes) if change.move == "requeue"]
    return changes[starts[-1] :] if starts else changes


def _actual_stage(run: list[StageChange], stage: str, status: str) -> str:
    """Returns the stage where a cancelled item was stopped, rather than Resolve."""
    cancels = [change.stage_before for change in run if change.move == "cancel"]
    return cancels[-1] if status == Status.CANCELLED and cancels else stage


def _stage_times(run: list[StageChange], actual: str, is_open: bool, now: datetime) -> dict[str, timedelta]:
    entered: dict[str, datetime] = {}
    left: dict[str, datetime] = {}
    for change in run:
        # A requeue leaves a stage of the previous run.
        if change.stage_before in entered and change.stage_before != change.stage_after:
            left.setdefault(change.stage_before, change.at)
        entered.setdefault(change.stage_after, change.at)
        left_last = change.at
    if run:
        left.setdefault(actual, now if is_open else left_last)
    return {stage: left[stage] - at for stage, at in entered.items() if stage in left and left[stage] > at}


def _step_status(index: int, here: int, status: str, *, is_seen: bool) -> StepStatus:
    if index > here:
        return StepStatus.UNNEEDED if status == Status.SUCCESS else StepStatus.NEXT
    if index < here:
        return StepStatus.DONE if is_seen else StepStatus.SKIPPED
    if status == Status.SUCCESS:
        return StepStatus.DONE
    return StepStatus.STOPPED if status in (Status.FAILED, Status.CANCELLED, Status.SUSPENDED) else StepStatus.CURRENT
