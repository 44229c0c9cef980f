"""Plays the workers: open items go their way, now and then one fails, and new bags arrive.

`deciding` says what to do, and is pure. Two pairs of hands do it: `database` through WorkItem's verbs, in this process's own
database; `worker` through a server's API, as the consortium's services do (`connection` and `record` are its tools, and
`playing` runs many at once).
"""

from .connection import Address, Fault, Unreachable
from .database import Hands, Simulation
from .deciding import Done
from .playing import play

__all__ = [
    "Address",
    "Done",
    "Fault",
    "Hands",
    "Simulation",
    "Unreachable",
    "play",
]
