"""How the rows and counts of a list are found, so that a list of ten million items costs what one of ten thousand does.

What a list asks for decides the way (`conditions.Finding`):

- The left column alone, which the summary answers: the counts are exact, and the rows are read kind by kind from an index that
  has each kind's rows in order (`kinds`).
- Anything else: one bounded pass over what it asks for (`passing`). Where that comes to an end, the counts are exact and the
  rows are all in hand. Where it does not, the counts are "more than"; then the rows are read by the list's order,
  a bounded index_range of it at a time (`walking`).

Nothing here reads rows to skip them, but for the few hundred pages next to either end.
"""

from .bounded_scan import COUNT_LIMIT, SCAN_LIMIT
from .plan import count_from_summary, find
from .result import OFFSET_LIMIT, Cursor, ListResult, Page

__all__ = ["COUNT_LIMIT", "OFFSET_LIMIT", "SCAN_LIMIT", "Cursor", "ListResult", "Page", "count_from_summary", "find"]
