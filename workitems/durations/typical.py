"""How long an item usually takes where it is, whether it is late, and how many wait before it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL

from ..database import WORK_ITEMS as _ITEMS
from ..database import fetched
from ..models import MOVING_SQL, Typical, WorkItem
from ..vocabulary import MOVING, Status
from .scale import ALL_SIZES, BANDS, UNKNOWN, band_of, bounds_of
from .steps import WHOLE

# Nobody is late by less, however fast a stage usually is.
AT_LEAST = timedelta(minutes=15)
KEPT_FOR = 60.0  # seconds that a process goes by what it has read: it is worked out anew every few minutes at most
MOST_BEFORE = 1000  # that are counted of those who wait before an item


class Usual(NamedTuple):
    """How long items of one action, stage and band of sizes usually take."""

    low: timedelta
    median: timedelta
    high: timedelta
    late: timedelta
    number: int


Kind = tuple[str, str, int]
_read_at: dict[str, tuple[float, dict[Kind, Usual]]] = {}


def usual_times(using: str = DEFAULT_DB_ALIAS) -> dict[Kind, Usual]:
    """{(action, stage, band): Usual}, as the database called `using` had it at most KEPT_FOR seconds ago."""
    now = monotonic()
    if using not in _read_at or now - _read_at[using][0] > KEPT_FOR:
        _read_at[using] = now, _read(using)
    return _read_at[using][1]


def forget() -> None:
    """The next one who asks reads them anew."""
    _read_at.clear()


def _read(using: str) -> dict[Kind, Usual]:
    columns = ("action", "stage", "band", "low", "median", "high", "late", "number")
    return {
        (action, stage, band): Usual(_time(low), _time(median), _time(high), _time(late), number)
        for action, stage, band, low, median, high, late, number in Typical.objects.using(using).values_list(*columns)
    }


def _time(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def usual(item: Any, stage: str | None = None, using: str = DEFAULT_DB_ALIAS) -> Usual | None:
    """How long items like this one usually take at its stage, or at another one; None where too few are known."""
    return usual_times(using).get((item.action, item.stage if stage is None else stage, band_of(item.size)))


def usual_in_all(item: Any) -> Usual | None:
    """The same of the whole: from the receipt to the success."""
    return usual(item, WHOLE)


def by_stage(using: str = DEFAULT_DB_ALIAS) -> dict[tuple[str, str], Usual]:
    """{(action, stage): how long items of all sizes usually take there}; without a stage: in all."""
    return {(action, stage): known for (action, stage, band), known in usual_times(using).items() if band == ALL_SIZES}


@dataclass(frozen=True)
class Late:
    """An item that is at its stage for longer than 95 of 100 were."""

    usual: Usual
    now: timedelta


def lateness(item: Any, now: datetime, using: str = DEFAULT_DB_ALIAS) -> Late | None:
    """None of an item that is not late, or of which that cannot be told. `is_late` is the same in SQL."""
    if item.status not in MOVING or item.stage_entered_at is None:
        return None
    known, there = usual(item, using=using), now - item.stage_entered_at
    return Late(known, there) if known and there > max(known.late, AT_LEAST) else None


_BAND = " ".join(
    ["CASE", f"WHEN {_ITEMS}.size IS NULL THEN {UNKNOWN}"]
    + [f"WHEN {_ITEMS}.size < {bounds_of(band)[1]} THEN {band}" for band in BANDS[1:-1]]
    + [f"ELSE {BANDS[-1]} END"]
)
_SECONDS = {
    "postgresql": f"EXTRACT(EPOCH FROM now() - {_ITEMS}.stage_entered_at)",
    "sqlite": f"(julianday('now') - julianday({_ITEMS}.stage_entered_at)) * 86400",
}


def is_late() -> Q:
    """The condition that an item is late now."""
    greatest = "GREATEST" if connection.vendor == "postgresql" else "MAX"
    known = f"SELECT 1 FROM {Typical._meta.db_table} t WHERE t.action = {_ITEMS}.action AND t.stage = {_ITEMS}.stage"  # noqa: S608
    sql = (
        f"{_ITEMS}.status IN {MOVING_SQL} AND EXISTS ({known} AND t.band = {_BAND}"
        f" AND {_SECONDS[connection.vendor]} > {greatest}(t.late, {AT_LEAST.total_seconds():.0f}))"
    )
    return Q(RawSQL(sql, [], BooleanField()))  # noqa: S611  no word of it is from outside


def oldest(institutions: Collection[int] | None, *, using: str) -> dict[tuple[str, str], datetime]:
    """{(action, stage): when the item came there that has waited or run there for longest}, of these institutions (None: of all)."""
    is_sqlite = connections[using].vendor == "sqlite"
    index = "INDEXED BY item_moving_since" if is_sqlite else ""  # else it takes one that has the groups in order
    within = f"institution_id IN ({', '.join(['%s'] * len(institutions))}) AND" if institutions else ""
    sql = (
        f"SELECT action, stage, MIN(stage_entered_at) FROM {_ITEMS} {index} WHERE {within} status IN {MOVING_SQL}"  # noqa: S608
        " AND stage_entered_at IS NOT NULL GROUP BY action, stage"
    )
    found = fetched(using, sql, [*(institutions or ())])
    return {(action, stage): _moment(since) for action, stage, since in found}


def _moment(stored: Any) -> datetime:
    """SQLite has text for a time, and no zone."""
    return datetime.fromisoformat(stored).replace(tzinfo=UTC) if isinstance(stored, str) else stored


def before(item: WorkItem) -> int | None:
    """How many items of its action wait at its stage for longer than it does, at most MOST_BEFORE + 1; None where that says nothing.

    Without those that wait for an admin, and not for a worker. Of all institutions: a number tells nothing of anybody's.
    """
    if item.status != Status.PENDING or item.stage_entered_at is None:
        return None
    waiting = WorkItem.objects.moving().filter(
        status=Status.PENDING, action=item.action, stage=item.stage, needs_admin_review=False
    )
    return waiting.filter(stage_entered_at__lt=item.stage_entered_at)[: MOST_BEFORE + 1].count()
