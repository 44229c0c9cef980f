"""The review queue: which items of a list are to be reviewed, one by one, and where somebody is in it.

It knows lists; marking an item reviewed is a move of `transitions`.
"""

from .queue import Next, Queue, Round, Stop, to_review

__all__ = [
    "Next",
    "Queue",
    "Round",
    "Stop",
    "to_review",
]
