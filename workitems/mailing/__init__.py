"""The emails that people have requested: when an item is done, saved views as digests, and requests for spot tests.

It knows who can see what, and queues each email once even if several runs overlap. It must not know requests or pages,
nor how emails are sent.
"""

from .digests import find_by_token, subscribe, subscriptions_of
from .queueing import DueSummary
from .run import queue_all_due
from .spot_test import refusals_of, request_spot_test
from .watches import is_watched, watch

__all__ = [
    "DueSummary",
    "find_by_token",
    "is_watched",
    "queue_all_due",
    "refusals_of",
    "request_spot_test",
    "subscribe",
    "subscriptions_of",
    "watch",
]
