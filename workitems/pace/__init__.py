"""How long things take, and how many come to an end: kept beside the items, from every change that the door accepts.

- `scale`: bands of sizes, steps of times, and what a distribution says: medians and the like (pure)
- `steps`: what one change of an item adds (pure)
- `tables`: StepTime and OutcomeCount, to which every change only appends, and Typical, worked out from them now and then
- `keeping`: appending, summing up, working it all out anew from the histories
- `days`: how many came to an end on each of a reader's days
- `typical`: how long an item usually takes where it is, and whether it is late
"""

from .tables import OutcomeCount, StepTime, Typical

__all__ = ["OutcomeCount", "StepTime", "Typical"]
