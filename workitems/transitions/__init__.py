"""The only code that changes an item: it locks the rows, asks `lifecycle`, saves, and records what was done.

It knows nothing of lists, pages or the API, which all call it alike.
"""

from .arrivals import Arrivals, take_in
from .batch import Plan, Result, apply
from .creating import create
from .related import stopped_at
from .saving import Stopped, save
from .verbs import cancel, edit, fail, notify, progress, requeue, review, succeed, suspend

__all__ = [
    "Arrivals",
    "Plan",
    "Result",
    "Stopped",
    "apply",
    "cancel",
    "create",
    "edit",
    "fail",
    "notify",
    "progress",
    "requeue",
    "review",
    "save",
    "stopped_at",
    "succeed",
    "suspend",
    "take_in",
]
