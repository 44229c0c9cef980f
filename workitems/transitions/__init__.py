"""The only code that changes an item: it locks the rows, asks `lifecycle`, saves, and records what was done.

It knows nothing of lists, pages or the API, which all call it alike.
"""

from .arrivals import Arrivals, take_in
from .batch import Plan, Result, apply
from .creating import create
from .related import stopped_at
from .saving import Stopped, save
from .verbs import cancel, edit, fail, notify, progress, requeue, review, succeed, suspend
from .worker_state import WORKER_STATE_LIMIT, WorkerStateTooLarge, save_worker_state, stored_worker_state

__all__ = [
    "WORKER_STATE_LIMIT",
    "Arrivals",
    "Plan",
    "Result",
    "Stopped",
    "WorkerStateTooLarge",
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
    "save_worker_state",
    "stopped_at",
    "stored_worker_state",
    "succeed",
    "suspend",
    "take_in",
]
