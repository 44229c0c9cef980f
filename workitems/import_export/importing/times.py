"""Compares times that went through a program which dropped or rounded their last digits."""

from datetime import datetime, timedelta

UNITS = ("s", "ms", "µs")  # from coarse to fine
_STEPS = ((1_000_000, timedelta(seconds=1)), (1000, timedelta(milliseconds=1)))


def _precision(time: datetime) -> timedelta:
    """Returns the unit that the digits of a time show: a second, a millisecond, or a microsecond."""
    for microseconds, unit in _STEPS:
        if time.microsecond % microseconds == 0:
            return unit
    return timedelta(microseconds=1)


def is_same_time(one: datetime, other: datetime | None) -> bool:
    """Returns whether two times are equal down to the coarser precision of the two, cut off or rounded."""
    if other is None:
        return False
    return abs(one - other) < max(_precision(one), _precision(other))


def is_before(one: datetime, other: datetime) -> bool:
    """Returns whether it is earlier by more than its precision explains."""
    return one < other and not is_same_time(one, other)


def unit_of(time: datetime) -> str:
    """Returns the unit that the digits of a time show, as one of UNITS."""
    precision = _precision(time)
    return (
        UNITS[0]
        if precision >= timedelta(seconds=1)
        else UNITS[1]
        if precision >= timedelta(milliseconds=1)
        else UNITS[2]
    )
