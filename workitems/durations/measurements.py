"""Measures what a single change of an item adds to durations and outcomes. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from ..lifecycle import Phase, phase_of
from ..vocabulary import Status
from .scale import band_of, step_of

# The stage of a total time, from receipt to success.
TOTAL = ""
# The institution of counts over all institutions.
ALL_INSTITUTIONS = 0
QUARTER = timedelta(minutes=15)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def quarter_of(moment: datetime) -> int:
    """Returns the quarter of an hour that contains this moment, counted from 1970."""
    return (moment - _EPOCH) // QUARTER


def start_of_quarter(quarter: int) -> datetime:
    """Returns when a quarter of an hour begins."""
    return _EPOCH + quarter * QUARTER


class Outcome(StrEnum):
    """How an item was closed."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StageDuration(NamedTuple):
    """An item left a stage after this long (`step`), in the week that starts on `week`."""

    week: date
    action: str
    stage: str
    band: int
    step: int


class ItemOutcome(NamedTuple):
    """An item of this institution (or of any, for ALL_INSTITUTIONS) was closed in this quarter of an hour."""

    quarter: int
    institution_id: int
    outcome: str


@dataclass(frozen=True)
class StagePosition:
    """The stage of an item, when it reached it, and whether the item is closed."""

    stage: str
    status: str
    retry: bool
    entered_at: datetime | None

    @classmethod
    def of(cls, item: Any) -> "StagePosition":
        return cls(item.stage, item.status, item.retry, item.stage_entered_at)

    @property
    def is_closed(self) -> bool:
        return phase_of(self.status, retry=self.retry) is Phase.CLOSED


class ItemProfile(NamedTuple):
    """The properties of an item that don't change."""

    action: str
    institution_id: int
    size: int | None
    date: datetime

    @classmethod
    def of(cls, item: Any) -> "ItemProfile":
        return cls(item.action, item.institution_id, item.size, item.date)


def compute_stage_entered_at(move: str, before: StagePosition | None, stage: str, now: datetime) -> datetime | None:
    """Returns when an item reached the stage that a move has left it at; None if unknown after an import."""
    if move == "import":
        return before.entered_at if before and before.stage == stage else None
    if before is None or before.stage != stage or move == "requeue":
        return now
    return before.entered_at


def measure(
    bag: ItemProfile, move: str, before: StagePosition | None, after: StagePosition, now: datetime
) -> Iterator[StageDuration | ItemOutcome]:
    """Yields the durations and outcomes that a move adds.

    Durations are measured only for moves that advance an item, not for failures, cancellations, or requeues.
    """
    if move == "import":
        return
    if before and before.entered_at and (move == "succeed" or (move == "progress" and before.stage != after.stage)):
        yield _stage_duration(bag, before.stage, now - before.entered_at, now)
    if move == "succeed" and bag.date <= now:
        yield _stage_duration(bag, TOTAL, now - bag.date, now)
    if after.is_closed and not (before and before.is_closed):
        for institution in (bag.institution_id, ALL_INSTITUTIONS):
            yield ItemOutcome(quarter_of(now), institution, _outcome(after))


def _stage_duration(bag: ItemProfile, stage: str, time: timedelta, now: datetime) -> StageDuration:
    week = now.date() - timedelta(days=now.weekday())
    return StageDuration(week, bag.action, stage, band_of(bag.size), step_of(time.total_seconds()))


def _outcome(after: StagePosition) -> Outcome:
    return {Status.SUCCESS: Outcome.DONE, Status.CANCELLED: Outcome.CANCELLED}.get(Status(after.status), Outcome.FAILED)


class Entry(NamedTuple):
    """The columns of a history entry that are needed here."""

    at: datetime
    move: str
    stage_after: str
    status_after: str
    changes: dict[str, list[Any]]


def replay(entries: Iterable[Entry], retry: bool) -> Iterator[tuple[Entry, StagePosition | None, StagePosition]]:
    """Yields each entry of a complete history with the item's position before and after it.

    `retry`: the item's current flag.
    """
    listed = list(entries)
    # The initial value is the "before" value of the first change of the flag.
    initial = (entry.changes["retry"][0] for entry in listed if "retry" in entry.changes)
    retry = next(initial, retry)
    before = None
    for entry in listed:
        retry = entry.changes.get("retry", [None, retry])[1]
        since = compute_stage_entered_at(entry.move, before, entry.stage_after, entry.at)
        after = StagePosition(entry.stage_after, entry.status_after, retry, since)
        yield entry, before, after
        before = after
