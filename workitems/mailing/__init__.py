"""The emails that people have asked for: an item that has ended, a saved view as a digest, the note about a spot test.

It knows who may read what; each email is sent once, whoever else sends.
"""

from .digests import of_person, of_token, subscribe
from .outbox import PATIENCE
from .run import send_all
from .spot_test import NotSent, ask_to_check
from .watches import is_watched, watch

__all__ = [
    "PATIENCE",
    "NotSent",
    "ask_to_check",
    "is_watched",
    "of_person",
    "of_token",
    "send_all",
    "subscribe",
    "watch",
]
