"""Simulates the workers: open items advance, some of them fail, and new bags arrive.

It knows the lifecycle. `decisions` decides what to do, and is pure; `database` carries that out through `transitions`
in this process's own database, and `worker` through a server's API like the consortium's services (with `connection`
and `record`; `run` runs many at once). It must not know pages.
"""

from .connection import Address, UnexpectedReply, Unreachable
from .database import DatabaseActor, Simulation
from .decisions import Event
from .run import run_workers

__all__ = [
    "Address",
    "DatabaseActor",
    "Event",
    "Simulation",
    "UnexpectedReply",
    "Unreachable",
    "run_workers",
]
