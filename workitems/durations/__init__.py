"""How long things take, and how many are done in a day: kept beside the items, from every change that the door accepts.

- `scale`: bands of sizes, steps of times, and what a distribution says: medians and the like (pure)
- `steps`: what one change of an item adds (pure)
- `tables`: StepTime and DayCount, to which every change only appends, and Typical, worked out from them now and then
- `keeping`: appending, summing up, working it all out anew from the histories
- `typical`: how long an item usually takes where it is, and whether it is late
"""

from ..models.durations import DayCount, StepTime, Typical

__all__ = ["DayCount", "StepTime", "Typical"]
