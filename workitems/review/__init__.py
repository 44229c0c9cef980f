"""The review queue: which items of a list still need a review, one by one, and how far a reader has come.

It knows lists. Marking an item as reviewed is a move of `transitions`.
"""

from .queue import NextItem, Queue, QueueItem, QueueState, count_unreviewed

__all__ = [
    "NextItem",
    "Queue",
    "QueueItem",
    "QueueState",
    "count_unreviewed",
]
