"""When two times are the same: programs and files on the way cut or round the fractions of a second."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def is_same_time(sent: datetime, stored: datetime) -> bool:
    """Returns whether the stored time, cut or rounded to the digits of the one that was sent, is equal to it.

    Zeros at the end of a fraction count as not sent. Both need a time zone.
    """
    unit = _unit(sent)
    steps, rest = divmod((stored - _EPOCH) // timedelta(microseconds=1), unit)
    cut, rounded = steps * unit, (steps + (2 * rest >= unit)) * unit
    return (sent - _EPOCH) // timedelta(microseconds=1) in (cut, rounded)


def _unit(time: datetime) -> int:
    """The value of the last digit of its fraction, in microseconds."""
    return next(unit for unit in (1_000_000, 100_000, 10_000, 1_000, 100, 10, 1) if time.microsecond % unit == 0)
