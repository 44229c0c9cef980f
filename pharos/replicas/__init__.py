"""Reading from streaming standbys: which of them is fit to be read from, and who has just written and must see it.

It knows databases and requests, and nothing of what is read.
"""

from .reading import ReadsFromStandby
from .standbys import ALIASES, FAILURES, NoStandby, Standby, whose_primary

__all__ = ["ALIASES", "FAILURES", "NoStandby", "ReadsFromStandby", "Standby", "whose_primary"]
