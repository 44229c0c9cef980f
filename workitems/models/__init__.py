"""Every table."""

from .append_only import AppendOnly
from .bulk_change import BulkAct
from .counts import CountChange, ItemCount
from .digest import Digest, Every
from .durations import DayCount, StepTime, Typical
from .failure import Cause, Failure
from .history import ArchivedEntry, HistoryEntry
from .saved_view import SavedView
from .searched_text import SearchedText
from .watch import Watch
from .work_item import WorkItem, WorkItemQuerySet
from .worker_state import WorkItemState

__all__ = [
    "AppendOnly",
    "ArchivedEntry",
    "BulkAct",
    "Cause",
    "CountChange",
    "DayCount",
    "Digest",
    "Failure",
    "HistoryEntry",
    "ItemCount",
    "SavedView",
    "SearchedText",
    "StepTime",
    "Typical",
    "Watch",
    "WorkItem",
    "WorkItemQuerySet",
    "WorkItemState",
]
