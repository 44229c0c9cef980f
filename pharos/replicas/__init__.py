"""Reads from streaming replicas: which of them can be used, and which readers must see their own changes.

It knows databases and requests. It must not know what is read.
"""

from .lag import measure_lag
from .pool import ALIASES, replica_position
from .reading import ReadsFromReplica
from .servers import FAILURES, UnusableReplica

__all__ = ["ALIASES", "FAILURES", "ReadsFromReplica", "UnusableReplica", "measure_lag", "replica_position"]
