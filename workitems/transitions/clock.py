"""The time of a change: an item's `updated_at` never goes backwards, whatever the clocks of servers and files say."""

from datetime import datetime, timedelta

# Enough to be later than a time that a spreadsheet has rounded to seconds.
_STEP = timedelta(seconds=2)


def later_than(before: datetime, now: datetime) -> datetime:
    """Returns `now`, or a time just after `before` if this clock is behind the one that gave it.

    Otherwise callers that ask what has changed since then would miss the change, and an import of the older row would
    undo it.
    """
    return now if now >= before else before + _STEP
