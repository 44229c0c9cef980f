"""Why items failed: the cause that a note names, recorded with each failure, so that failures are counted and listed by it.

It knows failed items, and not how they came to fail or who looks at them.
"""

from .recorder import Group, Told, by_cause, cause_of_item, causes_with, failures_among, note_all, note_failures

__all__ = [
    "Group",
    "Told",
    "by_cause",
    "cause_of_item",
    "causes_with",
    "failures_among",
    "note_all",
    "note_failures",
]
