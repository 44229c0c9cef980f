"""The review queue: which items of a list still need a review, one after the other, and how far a reader has come.

It knows lists. It must not know how an item is marked, which is a move of `transitions`.
"""

from .queue import NextItem, Queue, QueueItem, QueueState, count_unreviewed

__all__ = [
    "NextItem",
    "Queue",
    "QueueItem",
    "QueueState",
    "count_unreviewed",
]
