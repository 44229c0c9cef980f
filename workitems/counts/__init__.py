"""How many items there are of each kind: a summary that the database itself keeps, so that no page counts the items.

A cell is a combination of institution, action, stage, status, reviewed and retry. `ItemCount` holds the number of items of every
cell, for all items but those on the move (Pending, Started): these are few and change ten times for every time that one
settles, so they are counted where they are, in a partial index. On PostgreSQL triggers only ever append to `CountChange`,
so that no two writers wait for each other; every so often one of them folds the changes into the summary. On SQLite, where
there is one writer at a time, triggers change the summary itself. A reader sums up all three in one statement, which is exact
at its moment.
"""

from .repair import count_differences, repair_counts
from .summary import ANYTHING, Kind, Mask, Tally, both, fits, tally
from .triggers import install_triggers, missing_triggers

__all__ = [
    "ANYTHING",
    "Kind",
    "Mask",
    "Tally",
    "both",
    "count_differences",
    "fits",
    "install_triggers",
    "missing_triggers",
    "repair_counts",
    "tally",
]
