"""The pipeline strip on the item's page: the stages of its path, how far it has come, and how long each took. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ..lifecycle import PATHS, is_on_path, phase_of
from ..vocabulary import STAGES, Action, Stage, Status


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
    action: str, stage: str, status: str, *, retry: bool, passages: Iterable[StageChange], now: datetime
) -> list[PipelineStep]:
    """Returns the stages of the path in order, with times from the last run, after the last requeue or retry.

    A stage lasts from the first entry that names it to the first that names another. The current stage lasts until now
    if the item is open, and until its last entry if it is closed. An obsolete stage is shown only for items that went
    through it. Stages before the run's first entry (an import, or a restart at a later stage) were done earlier, so they
    have no time.
    """
    run = _last_run(list(passages))
    actual = _actual_stage(run, stage, status)
    times = _stage_times(run, actual, phase_of(status, retry=retry) == "open", now)
    seen = {passage.stage_after for passage in run}
    path = [step for step in PATHS[Action(action)] if not STAGES[step].is_obsolete or step in seen or step == stage]
    if not is_on_path(action, actual):
        path = [Stage(actual), *path]
    here = path.index(Stage(actual))
    first = min((path.index(step) for step in path if step in seen), default=here)
    # It is unknown how far a cancelled imported item had come; check marks on every stage would look like success.
    is_known_path = status != Status.CANCELLED or actual != Stage.RESOLVE
    return [
        PipelineStep(
            step,
            _step_status(place, here, status, is_seen=step in seen or (is_known_path and place < first)),
            times.get(step),
        )
        for place, step in enumerate(path)
    ]


_STATIONARY_MOVES = frozenset({"review", "unreview", "edit", "notify"})  # these don't advance the item
_RESTARTS = frozenset({"requeue", "retry"})


def _last_run(passages: list[StageChange]) -> list[StageChange]:
    passages = [passage for passage in passages if passage.move not in _STATIONARY_MOVES]
    starts = [place for place, passage in enumerate(passages) if passage.move in _RESTARTS]
    return passages[starts[-1] :] if starts else passages


def _actual_stage(run: list[StageChange], stage: str, status: str) -> str:
    """Returns the stage where a cancelled item was stopped, rather than Resolve."""
    cancels = [passage.stage_before for passage in run if passage.move == "cancel"]
    return cancels[-1] if status == Status.CANCELLED and cancels else stage


def _stage_times(run: list[StageChange], actual: str, is_open: bool, now: datetime) -> dict[str, timedelta]:
    entered: dict[str, datetime] = {}
    left: dict[str, datetime] = {}
    for passage in run:
        # A restart leaves a stage of the previous run.
        if passage.stage_before in entered and passage.stage_before != passage.stage_after:
            left.setdefault(passage.stage_before, passage.at)
        entered.setdefault(passage.stage_after, passage.at)
        left_last = passage.at
    if run:
        left.setdefault(actual, now if is_open else left_last)
    return {stage: left[stage] - at for stage, at in entered.items() if stage in left and left[stage] > at}


def _step_status(place: int, here: int, status: str, *, is_seen: bool) -> StepStatus:
    if place > here:
        return StepStatus.UNNEEDED if status == Status.SUCCESS else StepStatus.NEXT
    if place < here:
        return StepStatus.DONE if is_seen else StepStatus.SKIPPED
    if status == Status.SUCCESS:
        return StepStatus.DONE
    return StepStatus.STOPPED if status in (Status.FAILED, Status.CANCELLED, Status.SUSPENDED) else StepStatus.CURRENT
