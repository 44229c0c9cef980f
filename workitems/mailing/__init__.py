"""The emails people have asked for: an item that is done, a saved view as a digest, the request for a spot test.

It knows who can see what, and sends each email once even if several runs send at the same time. It must not know requests or
pages.
"""

from .digests import find_by_token, subscribe, subscriptions_of
from .outbox import MAX_FAILURES_IN_A_ROW
from .run import send_due
from .spot_test import EmailNotSent, request_spot_test
from .watches import is_watched, watch

__all__ = [
    "MAX_FAILURES_IN_A_ROW",
    "EmailNotSent",
    "find_by_token",
    "is_watched",
    "request_spot_test",
    "send_due",
    "subscribe",
    "subscriptions_of",
    "watch",
]
