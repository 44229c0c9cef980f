"""How long an item usually takes at its stage, whether it is late, and how many items are ahead of it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL

from ..database import WORK_ITEMS as _ITEMS
from ..database import fetch_prepared
from ..models import MOVING_SQL, Typical, WorkItem
from ..vocabulary import MOVING, Status
from .measurements import TOTAL
from .scale import ALL_SIZES, BANDS, UNKNOWN, band_of, bounds_of, middle_of

# No item is late by less than this, however fast its stage usually is.
MIN_LATE = timedelta(minutes=15)
CACHE_SECONDS = 60.0  # how long a process caches the usual times, which change every few minutes at most
_SCALED_BANDS = 2  # from how far below an item's band times are scaled; still smaller items say too little
MAX_AHEAD = 1000  # the largest number of items ahead that is counted


class UsualTime(NamedTuple):
    """How long items with the same action, stage, and size band usually take.

    `is_scaled`: there are too few of that size, so it rests on smaller ones and their bytes per hour.
    """

    low: timedelta
    median: timedelta
    high: timedelta
    late: timedelta
    number: int
    is_scaled: bool = False

    def scaled(self, factor: float) -> "UsualTime":
        low, median, high, late = (time * factor for time in (self.low, self.median, self.high, self.late))
        return UsualTime(low, median, high, late, self.number, is_scaled=True)


Kind = tuple[str, str, int]
_cache: dict[str, tuple[float, dict[Kind, UsualTime]]] = {}


def usual_times(using: str = DEFAULT_DB_ALIAS) -> dict[Kind, UsualTime]:
    """Returns {(action, stage, band): UsualTime} from the database named `using`, at most CACHE_SECONDS old."""
    now = monotonic()
    if using not in _cache or now - _cache[using][0] > CACHE_SECONDS:
        _cache[using] = now, _read(using)
    return _cache[using][1]


def clear_cache() -> None:
    """Makes the next caller read the usual times again."""
    _cache.clear()


def _read(using: str) -> dict[Kind, UsualTime]:
    columns = ("action", "stage", "band", "low", "median", "high", "late", "number")
    return {
        (action, stage, band): UsualTime(_time(low), _time(median), _time(high), _time(late), number)
        for action, stage, band, low, median, high, late, number in Typical.objects.using(using).values_list(*columns)
    }


def _time(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def usual_time(item: Any, stage: str | None = None, using: str = DEFAULT_DB_ALIAS) -> UsualTime | None:
    """Returns how long similar items usually take at this item's stage or at `stage`; None if too little is known.

    The largest bags are rare. If there are too few of an item's size, the next smaller size with enough of them counts, at the
    same number of bytes per hour.
    """
    known, band = usual_times(using), band_of(item.size)
    where = item.action, item.stage if stage is None else stage
    if band == UNKNOWN or (*where, band) in known:
        return known.get((*where, band))
    others = range(band - 1, max(UNKNOWN, band - _SCALED_BANDS - 1), -1)
    smaller = next((other for other in others if (*where, other) in known), None)
    return None if smaller is None else known[*where, smaller].scaled(item.size / middle_of(smaller))


def usual_total_time(item: Any) -> UsualTime | None:
    """Returns how long similar items usually take from receipt to success."""
    return usual_time(item, TOTAL)


def usual_times_by_stage(using: str = DEFAULT_DB_ALIAS) -> dict[tuple[str, str], UsualTime]:
    """Returns {(action, stage): UsualTime} over all sizes. An empty stage means the total time."""
    return {(action, stage): known for (action, stage, band), known in usual_times(using).items() if band == ALL_SIZES}


@dataclass(frozen=True)
class Lateness:
    """An item that has been at its stage longer than 95 % of similar items."""

    usual: UsualTime
    now: timedelta


def find_lateness(item: Any, now: datetime, using: str = DEFAULT_DB_ALIAS) -> Lateness | None:
    """Returns None for items that aren't late or can't be judged. `is_late` is the same in SQL."""
    if item.status not in MOVING or item.stage_entered_at is None:
        return None
    known, there = usual_time(item, using=using), now - item.stage_entered_at
    return Lateness(known, there) if known and there > max(known.late, MIN_LATE) else None


_BAND = " ".join(
    ["CASE", f"WHEN {_ITEMS}.size IS NULL THEN {UNKNOWN}"]
    + [f"WHEN {_ITEMS}.size < {bounds_of(band)[1]} THEN {band}" for band in BANDS[1:-1]]
    + [f"ELSE {BANDS[-1]} END"]
)
# What the times of a band are multiplied by for an item of a larger one.
_FACTOR = " ".join(
    [f"CASE WHEN t.band = {_BAND} THEN 1.0"]
    + [f"WHEN t.band = {band} THEN {_ITEMS}.size / {middle_of(band)}.0" for band in BANDS[1:]]
    + ["END"]
)
_AGE = {
    "postgresql": "EXTRACT(EPOCH FROM now() - {})",
    "sqlite": "(julianday('now') - julianday({})) * 86400",
}


def age_in_seconds(column: str) -> str:
    """Returns the SQL for how long ago the time in a column of the items was."""
    return _AGE[connection.vendor].format(f"{_ITEMS}.{column}")


def is_late() -> Q:
    """Returns the condition that an item is late now."""
    greatest = "GREATEST" if connection.vendor == "postgresql" else "MAX"
    known = (
        f"SELECT {greatest}(t.late * {_FACTOR}, {MIN_LATE.total_seconds():.0f}) FROM {Typical._meta.db_table} t"  # noqa: S608
        f" WHERE t.action = {_ITEMS}.action AND t.stage = {_ITEMS}.stage AND t.band <= {_BAND}"
        f" AND t.band >= {_BAND} - {_SCALED_BANDS} AND (t.band > {UNKNOWN} OR t.band = {_BAND}) AND t.band > {ALL_SIZES} ORDER BY t.band DESC LIMIT 1"
    )
    sql = f"{_ITEMS}.status IN {MOVING_SQL} AND COALESCE({age_in_seconds('stage_entered_at')} > ({known}), FALSE)"
    return Q(RawSQL(sql, [], BooleanField()))  # noqa: S611  contains no user input


def oldest_stage_entries(institutions: Collection[int] | None, *, using: str) -> dict[tuple[str, str], datetime]:
    """Returns {(action, stage): when the item longest at that stage reached it} for these institutions (None: all)."""
    is_sqlite = connections[using].vendor == "sqlite"
    index = (
        "INDEXED BY item_moving_since" if is_sqlite else ""
    )  # otherwise SQLite chooses an index that is sorted by the GROUP BY
    within = f"institution_id IN ({', '.join(['%s'] * len(institutions))}) AND" if institutions else ""
    sql = (
        f"SELECT action, stage, MIN(stage_entered_at) FROM {_ITEMS} {index} WHERE {within} status IN {MOVING_SQL}"  # noqa: S608
        " AND stage_entered_at IS NOT NULL GROUP BY action, stage"
    )
    found = fetch_prepared(using, sql, [*(institutions or ())])
    return {(action, stage): _moment(since) for action, stage, since in found}


def _moment(stored: Any) -> datetime:
    """Converts a time from our own SQL: SQLite stores text without a zone."""
    return datetime.fromisoformat(stored).replace(tzinfo=UTC) if isinstance(stored, str) else stored


def count_ahead(item: WorkItem) -> int | None:
    """Returns how many items with the same action have waited longer at this item's stage, up to MAX_AHEAD + 1.

    Returns None if the item isn't waiting. Items that wait for an admin rather than a worker don't count. Items of all
    institutions do, because a number reveals nothing about them.
    """
    if item.status != Status.PENDING or item.stage_entered_at is None:
        return None
    waiting = WorkItem.objects.moving().filter(
        status=Status.PENDING, action=item.action, stage=item.stage, needs_admin_review=False
    )
    return waiting.filter(stage_entered_at__lt=item.stage_entered_at)[: MAX_AHEAD + 1].count()
