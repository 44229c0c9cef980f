"""The strip on the item's page: the stages of its path, how far it has come, and how long each took. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ..lifecycle import PATHS, is_on_path, phase_of
from ..vocabulary import Action, Stage, Status


class Place(StrEnum):
    DONE = "done"
    SKIPPED = "skipped"
    CURRENT = "current"
    STOPPED = "stopped"
    NEXT = "next"
    UNNEEDED = "unneeded"


@dataclass(frozen=True)
class Step:
    stage: str
    place: Place
    took: timedelta | None = None


@dataclass(frozen=True)
class Passage:
    """One entry of the history, as far as the strip needs it."""

    at: datetime
    move: str
    stage_before: str
    stage_after: str


def steps(
    action: str, stage: str, status: str, *, retry: bool, passages: Iterable[Passage], now: datetime
) -> list[Step]:
    """The path's stages in order. Times are those of the last run, after the last requeue.

    A stage lasts from the first entry that names it to the first that names another; the one where it stands now lasts
    until now while the item is open, and until its last entry when it is closed. Unpack is shown only to items that saw it.
    What lies before the first entry of the run (an import, a requeue to a later stage) was done before it, so it has no time.
    """
    run = _last_run(list(passages))
    stood = _where_it_stood(run, stage, status)
    times = _times(run, stood, phase_of(status, retry=retry) == "open", now)
    seen = {passage.stage_after for passage in run}
    path = [step for step in PATHS[Action(action)] if step != Stage.UNPACK or step in seen or step == stage]
    if not is_on_path(action, stood):
        path = [Stage(stood), *path]
    here = path.index(Stage(stood))
    first = min((path.index(step) for step in path if step in seen), default=here)
    # Nobody knows how far a cancelled item of an import had come: ticks on the whole way would look like success.
    is_told = status != Status.CANCELLED or stood != Stage.RESOLVE
    return [
        Step(step, _place(place, here, status, is_seen=step in seen or (is_told and place < first)), times.get(step))
        for place, step in enumerate(path)
    ]


_ASIDE = frozenset({"review", "unreview", "edit", "notify"})  # these do not move the item along


def _last_run(passages: list[Passage]) -> list[Passage]:
    passages = [passage for passage in passages if passage.move not in _ASIDE]
    starts = [place for place, passage in enumerate(passages) if passage.move == "requeue"]
    return passages[starts[-1] :] if starts else passages


def _where_it_stood(run: list[Passage], stage: str, status: str) -> str:
    """A cancelled item is at Resolve; what matters is where it was stopped."""
    cancels = [passage.stage_before for passage in run if passage.move == "cancel"]
    return cancels[-1] if status == Status.CANCELLED and cancels else stage


def _times(run: list[Passage], stood: str, is_open: bool, now: datetime) -> dict[str, timedelta]:
    entered: dict[str, datetime] = {}
    left: dict[str, datetime] = {}
    for passage in run:
        # A requeue leaves a stage of the run before.
        if passage.stage_before in entered and passage.stage_before != passage.stage_after:
            left.setdefault(passage.stage_before, passage.at)
        entered.setdefault(passage.stage_after, passage.at)
        left_last = passage.at
    if run:
        left.setdefault(stood, now if is_open else left_last)
    return {stage: left[stage] - at for stage, at in entered.items() if stage in left and left[stage] > at}


def _place(place: int, here: int, status: str, *, is_seen: bool) -> Place:
    if place > here:
        return Place.UNNEEDED if status == Status.SUCCESS else Place.NEXT
    if place < here:
        return Place.DONE if is_seen else Place.SKIPPED
    if status == Status.SUCCESS:
        return Place.DONE
    return Place.STOPPED if status in (Status.FAILED, Status.CANCELLED, Status.SUSPENDED) else Place.CURRENT
