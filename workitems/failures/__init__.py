"""Why items failed: the cause in a note, recorded for each failure so that failures can be counted and listed by cause.

It knows failed items. It must not know how they came to fail, or who reads the results.
"""

from .recorder import (
    CauseCount,
    FailureRecord,
    count_by_cause,
    failed_items,
    find_causes,
    find_faults_of,
    find_last_cause,
    names_of,
    record_failures,
)
from .rework import backfill_failures, rework_causes

__all__ = [
    "CauseCount",
    "FailureRecord",
    "backfill_failures",
    "count_by_cause",
    "failed_items",
    "find_causes",
    "find_faults_of",
    "find_last_cause",
    "names_of",
    "record_failures",
    "rework_causes",
]
