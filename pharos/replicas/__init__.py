"""Reads from streaming replicas: which of them can be used, and which readers must see their own changes.

It knows databases and requests. It must not know what is read.
"""

from .lag import measure_lag
from .pool import ALIASES, FAILURES, Replica, UnusableReplica, primary_identity
from .reading import ReadsFromReplica

__all__ = ["ALIASES", "FAILURES", "ReadsFromReplica", "Replica", "UnusableReplica", "measure_lag", "primary_identity"]
