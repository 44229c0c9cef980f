"""Queues all emails that are due."""

from datetime import datetime

from . import digests, watches
from .queueing import DueSummary, queue_due


def queue_all_due(now: datetime) -> DueSummary:
    """Queues all emails that are due at `now`, and returns how many."""
    summary = DueSummary()
    queue_due(
        watches.due(),
        watches.due_row,
        lambda watched: watches.compose(watched, now),
        lambda watched: watched.delete(),
        summary,
    )
    digests.update_time_zones(now)
    queue_due(
        digests.due(now),
        lambda digest: digests.due_row(digest, now),
        lambda digest: digests.compose(digest, now),
        lambda digest: digests.reschedule(digest, now),
        summary,
    )
    return summary
