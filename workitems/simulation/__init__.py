"""Simulates the workers: open items advance, some of them fail, and new bags arrive.

- `decisions`: what a worker does next (pure)
- `database`: makes these moves in the configured database, through `transitions`
- `worker`, `connection`, `record`: make them through a server's API, like the consortium's services
- `run`: runs many such workers at once

It knows the lifecycle and the API. It must not know pages.
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
