"""What several rooms need of the database itself: online migrations, bulk inserts, prepared statements, column limits, checks.

It knows tables by their names only, and no model.
"""

from .bulk_insert import load
from .column_limits import LARGEST, whole_number
from .online_migrations import AddColumnLive, AddIndexLive, RemoveIndexLive, RunLive, with_short_locks
from .prepared import fetched
from .table_names import SEARCHED_TEXTS, WORK_ITEMS
from .vocabulary_check import VocabularyCheck

__all__ = [
    "LARGEST",
    "SEARCHED_TEXTS",
    "WORK_ITEMS",
    "AddColumnLive",
    "AddIndexLive",
    "RemoveIndexLive",
    "RunLive",
    "VocabularyCheck",
    "fetched",
    "load",
    "whole_number",
    "with_short_locks",
]
