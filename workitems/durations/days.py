"""Counts how many items were closed on each of the last days, in any time zone."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from django.db.models import Case, F, IntegerField, Sum, Value, When

from ..models import OutcomeCount
from .measurements import ALL_INSTITUTIONS, QUARTER, Outcome, quarter_of, start_of_quarter

_A_DAY = timedelta(days=1) // QUARTER
_EPOCH = date(1970, 1, 1)


class Day(NamedTuple):
    """The numbers of items that succeeded, failed permanently, and were cancelled on a day."""

    day: date
    done: int
    failed: int
    cancelled: int


def midnight(day: date, zone: tzinfo) -> datetime:
    """Returns when a day begins in this zone, in UTC."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def last_days(
    number: int, now: datetime, zone: tzinfo, institutions: Collection[int] | None, *, using: str
) -> list[Day]:
    """Returns the last `number` days in this zone, oldest first, for these institutions (None: all)."""
    today = now.astimezone(zone).date()
    days = [today - timedelta(days=ago) for ago in reversed(range(number))]
    first = quarter_of(midnight(days[0], zone))
    counts = OutcomeCount.objects.using(using).filter(
        institution_id__in=[ALL_INSTITUTIONS] if institutions is None else institutions, quarter__gte=first
    )
    counts = counts.order_by().annotate(local_day=_local_day(first, quarter_of(now), zone))
    found: dict[date, dict[str, int]] = defaultdict(dict)
    for local_day, outcome, total in counts.values_list("local_day", "outcome").annotate(total=Sum("number")):
        found[_EPOCH + timedelta(days=local_day)][outcome] = total
    return [Day(day, *(found[day].get(outcome, 0) for outcome in Outcome)) for day in days]


def _local_day(first: int, last: int, zone: tzinfo) -> Case:
    """Returns the SQL expression for the day in this zone, counted from 1970, that contains a quarter of an hour."""
    offsets = offsets_between(first, last, zone)
    days = [(start, (F("quarter") + Value(offset)) / Value(_A_DAY)) for start, offset in offsets]
    later = [When(quarter__gte=start, then=day) for start, day in reversed(days[1:])]
    return Case(*later, default=days[0][1], output_field=IntegerField())


def offsets_between(first: int, last: int, zone: tzinfo) -> list[tuple[int, int]]:
    """Returns the zone's offsets from UTC between two quarters of an hour, in quarters: (first quarter, offset)."""
    found = [(first, _offset(first, zone))]
    for end in range(first + _A_DAY, last + _A_DAY, _A_DAY):
        if (offset := _offset(end, zone)) != found[-1][1]:
            found.append((_first_with(offset, range(end - _A_DAY, end + 1), zone), offset))
    return found


def _first_with(offset: int, quarters: range, zone: tzinfo) -> int:
    """Returns the first of these quarters with this offset. The offset changes at most once a day."""
    return quarters[bisect_left(quarters, True, key=lambda quarter: _offset(quarter, zone) == offset)]


def _offset(quarter: int, zone: tzinfo) -> int:
    return (start_of_quarter(quarter).astimezone(zone).utcoffset() or timedelta()) // QUARTER
