"""Reads complete histories, whether their entries are current or archived, and archives old ones.

It reads and moves entries; only `transitions` writes new ones.
"""

from .archiving import ArchiveResult, TooRecent, archive_histories, last_item_id
from .reading import latest_entries, query_entries, read_histories

__all__ = [
    "ArchiveResult",
    "TooRecent",
    "archive_histories",
    "last_item_id",
    "latest_entries",
    "query_entries",
    "read_histories",
]
