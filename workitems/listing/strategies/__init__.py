"""How the rows and counts of a list are found, so that a list of ten million items costs what one of ten thousand does.

What a list asks for decides the way (`conditions.Finding`):

- The left column alone, which the summary answers: the counts are exact, and the rows are read kind by kind from an index that
  has each kind's rows in order (`kinds`).
- Anything else: one bounded pass over what it asks for (`passing`). Where that comes to an end, the counts are exact and the
  rows are all in hand. Where it does not, the counts are "more than"; then the rows are read by the list's order,
  a bounded stretch of it at a time (`walking`).

Nothing here reads rows to skip them, but for the few hundred pages next to either end.
"""

from .bounded_scan import MOST, REACH
from .plan import counted, find
from .result import NEAR, Cursor, Found, Page

__all__ = ["MOST", "NEAR", "REACH", "Cursor", "Found", "Page", "counted", "find"]
