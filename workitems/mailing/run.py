"""Sends all emails that are due."""

from datetime import datetime

from . import digests, watches
from .outbox import SendSummary, deliver


def send_due(now: datetime) -> SendSummary:
    """Sends all emails that are due at `now`, and returns the results."""
    sent = SendSummary()
    deliver(
        watches.due(),
        watches.claimable_row,
        lambda watched: watches.compose(watched, now),
        lambda watched: watched.delete(),
        now,
        sent,
    )
    digests.update_time_zones(now)
    deliver(
        digests.due(now),
        lambda digest: digests.claimable_row(digest, now),
        lambda digest: digests.compose(digest, now),
        lambda digest: digests.reschedule(digest, now),
        now,
        sent,
    )
    return sent
