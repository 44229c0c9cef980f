"""How long things take, and how many end in a day: kept beside the items, from every change that `transitions` makes.

- `scale`: bands of sizes, steps of times, and what a distribution says: medians and the like (pure)
- `steps`: what one change of an item adds (pure)
- `recorder`: appending, summing up, working it all out anew from the histories
- `typical`: how long an item usually takes where it is, and whether it is late
- `days`: how many items came to an end on each of the last days
- `wording`: durations in words

It knows items and their histories, and not who looks at them.
"""

from .days import Day, last_days, midnight
from .recorder import append, set_stages_begun, work_out_anew
from .steps import At, Bag, Ended, Taken, added, since_when
from .typical import Late, Usual, before, by_stage, is_late, lateness, oldest, usual, usual_in_all
from .wording import late_in_words, roughly, usually, whole_unit

__all__ = [
    "At",
    "Bag",
    "Day",
    "Ended",
    "Late",
    "Taken",
    "Usual",
    "added",
    "append",
    "before",
    "by_stage",
    "is_late",
    "last_days",
    "late_in_words",
    "lateness",
    "midnight",
    "oldest",
    "roughly",
    "set_stages_begun",
    "since_when",
    "usual",
    "usual_in_all",
    "usually",
    "whole_unit",
    "work_out_anew",
]
