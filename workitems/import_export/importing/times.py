"""Compares times that went through a program which dropped or rounded their last digits."""

from datetime import datetime

from ... import lifecycle

UNITS = ("s", "ms", "µs")  # from coarse to fine


def is_same_time(one: datetime, other: datetime | None) -> bool:
    """Returns whether two times are equal down to the coarser precision of the two, cut off or rounded."""
    return other is not None and (lifecycle.is_same_time(one, other) or lifecycle.is_same_time(other, one))


def is_before(one: datetime, other: datetime) -> bool:
    """Returns whether it is earlier by more than its precision explains."""
    return one < other and not is_same_time(one, other)


def unit_of(time: datetime) -> str:
    """Returns the unit that the digits of a time show, as one of UNITS."""
    if time.microsecond % 1000:
        return UNITS[2]
    return UNITS[1] if time.microsecond else UNITS[0]
