"""What one change of an item adds to the knowledge of how long things take, and of how many came to an end and when. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from ..lifecycle import Phase, phase_of
from ..vocabulary import Status
from .scale import band_of, step_of

# Stands for the stage where a time is that of the whole: from the receipt to the success.
WHOLE = ""
# Stands for the institution where a count is that of all of them.
EVERYBODY = 0
QUARTER = timedelta(minutes=15)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def quarter_of(moment: datetime) -> int:
    """The quarter of an hour that this moment lies in, counted from 1970 on."""
    return (moment - _EPOCH) // QUARTER


def beginning_of(quarter: int) -> datetime:
    """When a quarter of an hour begins."""
    return _EPOCH + quarter * QUARTER


class Outcome(StrEnum):
    """What became of an item."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Taken(NamedTuple):
    """An item has taken this long at a stage, in the week that begins on `week`."""

    week: date
    action: str
    stage: str
    band: int
    step: int


class Ended(NamedTuple):
    """An item of this institution has come to an end in this quarter of an hour; `EVERYBODY`: an item of any."""

    quarter: int
    institution_id: int
    outcome: str


@dataclass(frozen=True)
class At:
    """Where an item stands: since when at this stage, and what it takes to tell whether it is closed."""

    stage: str
    status: str
    retry: bool
    since: datetime | None

    @classmethod
    def of(cls, item: Any) -> "At":
        return cls(item.stage, item.status, item.retry, item.stage_entered_at)

    @property
    def is_closed(self) -> bool:
        return phase_of(self.status, retry=self.retry) is Phase.CLOSED


class Bag(NamedTuple):
    """What stays the same of an item."""

    action: str
    institution_id: int
    size: int | None
    date: datetime

    @classmethod
    def of(cls, item: Any) -> "Bag":
        return cls(item.action, item.institution_id, item.size, item.date)


def since_when(move: str, before: At | None, stage: str, now: datetime) -> datetime | None:
    """Since when an item is at the stage that a move has brought it to; None where an import, which does not know, has said so."""
    if move == "import":
        return before.since if before and before.stage == stage else None
    if before is None or before.stage != stage or move == "requeue":
        return now
    return before.since


def added(bag: Bag, move: str, before: At | None, after: At, now: datetime) -> Iterator[Taken | Ended]:
    """What a move adds. Times are those of items that went on by themselves: not of what failed, was cancelled or requeued."""
    if move == "import":
        return
    if before and before.since and (move == "succeed" or (move == "progress" and before.stage != after.stage)):
        yield _taken(bag, before.stage, now - before.since, now)
    if move == "succeed" and bag.date <= now:
        yield _taken(bag, WHOLE, now - bag.date, now)
    if after.is_closed and not (before and before.is_closed):
        for institution in (bag.institution_id, EVERYBODY):
            yield Ended(quarter_of(now), institution, _outcome(after))


def _taken(bag: Bag, stage: str, time: timedelta, now: datetime) -> Taken:
    week = now.date() - timedelta(days=now.weekday())
    return Taken(week, bag.action, stage, band_of(bag.size), step_of(time.total_seconds()))


def _outcome(after: At) -> Outcome:
    return {Status.SUCCESS: Outcome.DONE, Status.CANCELLED: Outcome.CANCELLED}.get(Status(after.status), Outcome.FAILED)


class Entry(NamedTuple):
    """A history entry, as far as it is asked here."""

    at: datetime
    move: str
    stage_after: str
    status_after: str
    changes: dict[str, list[Any]]


def walked(entries: Iterable[Entry], retry: bool) -> Iterator[tuple[Entry, At | None, At]]:
    """Each entry of a whole history with where the item stood before and after. `retry`: the item's now."""
    listed = list(entries)
    # What it was in the beginning: what the first change of it says that it had been.
    told = (entry.changes["retry"][0] for entry in listed if "retry" in entry.changes)
    retry = next(told, retry)
    before = None
    for entry in listed:
        retry = entry.changes.get("retry", [None, retry])[1]
        since = since_when(entry.move, before, entry.stage_after, entry.at)
        after = At(entry.stage_after, entry.status_after, retry, since)
        yield entry, before, after
        before = after
