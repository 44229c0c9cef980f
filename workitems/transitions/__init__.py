"""The only code that changes an item: it locks the rows, asks `lifecycle` what the move changes, saves, and records it.

It must not know lists, pages, or the API, which all call it the same way.
"""

from .arrivals import ImportedRows, store_imported
from .batch import PlannedMove, TransitionResult, apply
from .creating import create
from .related import find_reached_stage
from .saving import SaveRefused, save
from .verbs import cancel, edit, fail, notify, progress, requeue, review, succeed, suspend
from .worker_state import WORKER_STATE_LIMIT, WorkerStateTooLarge, read_worker_state, save_worker_state

__all__ = [
    "WORKER_STATE_LIMIT",
    "ImportedRows",
    "PlannedMove",
    "SaveRefused",
    "TransitionResult",
    "WorkerStateTooLarge",
    "apply",
    "cancel",
    "create",
    "edit",
    "fail",
    "find_reached_stage",
    "notify",
    "progress",
    "read_worker_state",
    "requeue",
    "review",
    "save",
    "save_worker_state",
    "store_imported",
    "succeed",
    "suspend",
]
