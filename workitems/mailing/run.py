"""One run: everything that is due now."""

from datetime import datetime

from . import watches
from .sending import Sent, send_each


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
    return sent
