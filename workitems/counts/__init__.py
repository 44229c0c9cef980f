"""The number of items of each kind, in a summary table that triggers maintain, so that no page counts items.

A cell is a combination of institution, action, stage, status, reviewed, and retry. `ItemCount` holds the number of
settled items in every cell. Moving items (Pending, Started) are few and change about ten times before they settle, so
they are counted directly, from a partial index. On PostgreSQL the triggers only append deltas to `CountDelta`, so that
writers never wait for each other; every so often one writer folds the deltas into the summary. SQLite has one writer at
a time, so there the triggers change the summary itself. A reader adds up summary, deltas, and moving items in one
statement, which is exact at that moment.

It knows tables and kinds. It must not know lists or readers.
"""

from .repair import find_differences, repair_counts
from .summary import ANY_KIND, FacetCounts, Kind, KindCondition, intersect_conditions, matches_any, read_summary
from .triggers import install_triggers, missing_triggers

__all__ = [
    "ANY_KIND",
    "FacetCounts",
    "Kind",
    "KindCondition",
    "find_differences",
    "install_triggers",
    "intersect_conditions",
    "matches_any",
    "missing_triggers",
    "read_summary",
    "repair_counts",
]
