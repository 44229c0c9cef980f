"""One run: everything that is due now."""

from datetime import datetime

from . import digests, watches
from .outbox import Sent, send_each


def send_all(now: datetime) -> Sent:
    """Sends all that is due, and says how that went."""
    sent = Sent()
    send_each(
        watches.due(),
        watches.row_of,
        lambda watched: watches.letter(watched, now),
        lambda watched: watched.delete(),
        now,
        sent,
    )
    digests.move_with_people(now)
    send_each(
        digests.due(now),
        lambda digest: digests.row_of(digest, now),
        lambda digest: digests.letter(digest, now),
        lambda digest: digests.has_gone_out(digest, now),
        now,
        sent,
    )
    return sent
