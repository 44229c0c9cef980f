"""Finds the rows and counts of a list so that it takes as long with ten million items as with ten thousand.

The filters determine the strategy (`IndexStrategy`):

- Only filters that the summary table answers: the counts are exact, and the rows of each kind are read in order from
  an index and merged (`by_kind`).
- Anything else: one bounded scan of what the filters match (`bounded_scan`). If it reaches the end, the counts are exact
  and all rows are in memory. Otherwise the counts are lower bounds, and the rows are read in the list's order, a limited
  number of items at a time (`keyset_walk`).

No strategy reads rows only to skip them, except for the few hundred pages next to either end.
"""

from .bounded_scan import COUNT_LIMIT, SCAN_LIMIT
from .plan import count_from_summary, find
from .result import OFFSET_LIMIT, Cursor, ListResult, Page

__all__ = ["COUNT_LIMIT", "OFFSET_LIMIT", "SCAN_LIMIT", "Cursor", "ListResult", "Page", "count_from_summary", "find"]
