"""Every table, one file each, with querysets in domain terms.

It must not know the rooms above, which fill, count, and change what is stored here.
"""

from .append_only import AppendOnly
from .bulk_change import BulkChange
from .counts import CELL_COLUMNS, KIND_COLUMNS, MOVING_SQL, CountDelta, ItemCount
from .digest import Digest, Every
from .durations import OutcomeCount, StepTime, Typical
from .failure import Cause, Failure
from .history import AcceptedChange, ArchivedEntry, HistoryEntry
from .phases import CLOSED, in_phases
from .queue_message import QueueMessage, find_served_stages
from .saved_view import QUERY_LIMIT, Reach, SavedView
from .searched_text import SearchedText
from .split_bags import find_split_bags, in_bag_groups, is_part_missing, with_missing_part
from .uploads import count_ingests
from .watch import Watch
from .work_item import WorkItem, WorkItemQuerySet
from .worker_state import WorkItemState

__all__ = [
    "CELL_COLUMNS",
    "CLOSED",
    "KIND_COLUMNS",
    "MOVING_SQL",
    "QUERY_LIMIT",
    "AcceptedChange",
    "AppendOnly",
    "ArchivedEntry",
    "BulkChange",
    "Cause",
    "CountDelta",
    "Digest",
    "Every",
    "Failure",
    "HistoryEntry",
    "ItemCount",
    "OutcomeCount",
    "QueueMessage",
    "Reach",
    "SavedView",
    "SearchedText",
    "StepTime",
    "Typical",
    "Watch",
    "WorkItem",
    "WorkItemQuerySet",
    "WorkItemState",
    "count_ingests",
    "find_served_stages",
    "find_split_bags",
    "in_bag_groups",
    "in_phases",
    "is_part_missing",
    "with_missing_part",
]
