"""Compares times that went through a program which dropped or rounded their last digits."""

from datetime import datetime, timedelta

from .parsing import ImportedItem

_UNITS = ((1_000_000, timedelta(seconds=1)), (1000, timedelta(milliseconds=1)))


def _precision(time: datetime) -> timedelta:
    """The unit that the digits of a time show: a second, a millisecond, or a microsecond."""
    for microseconds, unit in _UNITS:
        if time.microsecond % microseconds == 0:
            return unit
    return timedelta(microseconds=1)


def is_same_time(one: datetime, other: datetime | None) -> bool:
    """Whether two times are equal down to the coarser precision of the two, cut off or rounded."""
    if other is None:
        return False
    return abs(one - other) < max(_precision(one), _precision(other))


def is_before(one: datetime, other: datetime) -> bool:
    """Whether it is earlier by more than its precision explains."""
    return one < other and not is_same_time(one, other)


def shown_unit(arrival: ImportedItem) -> str:
    """The unit that the times of a row show, all together: s, ms or µs."""
    times = [value for value in arrival.fields.values() if isinstance(value, datetime)]
    finest = min(_precision(time) for time in [arrival.created_at, arrival.updated_at, *times])
    return "s" if finest >= timedelta(seconds=1) else "ms" if finest >= timedelta(milliseconds=1) else "µs"
