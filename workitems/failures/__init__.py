"""Why items failed: the cause named by a note, recorded with each failure, so that failures can be counted and listed
by it.

It knows failed items, but not how they came to fail or who looks at them.
"""

from .recorder import (
    CauseCount,
    FailureRecord,
    backfill_failures,
    count_by_cause,
    failed_items,
    find_causes,
    find_last_cause,
    record_failures,
)

__all__ = [
    "CauseCount",
    "FailureRecord",
    "backfill_failures",
    "count_by_cause",
    "failed_items",
    "find_causes",
    "find_last_cause",
    "record_failures",
]
