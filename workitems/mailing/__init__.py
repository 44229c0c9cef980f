"""The emails that people have requested: when an item is done, saved views as digests, and requests for spot tests.

It knows who can see what, and sends each email once even if several runs overlap. It must not know requests or pages.
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
