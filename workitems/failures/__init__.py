"""Why items failed: the cause that a note names, recorded with each failure, so that failures are counted and listed by it.

It knows failed items, and not how they came to fail or who looks at them.
"""

from .recorder import (
    FailureRecord,
    Group,
    by_cause,
    cause_of_item,
    causes_with,
    failures_among,
    record_all_failures,
    record_failures,
)

__all__ = [
    "FailureRecord",
    "Group",
    "by_cause",
    "cause_of_item",
    "causes_with",
    "failures_among",
    "record_all_failures",
    "record_failures",
]
