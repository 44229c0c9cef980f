"""An item's history read as one, whether its entries are at hand or archived; and the moving of old ones to the archive.

It reads and moves entries; `transitions` alone writes new ones.
"""

from .archiving import ArchiveResult, TooRecent, archive_histories, highest_number
from .reading import latest_entries, query_entries, read_histories

__all__ = [
    "ArchiveResult",
    "TooRecent",
    "archive_histories",
    "highest_number",
    "latest_entries",
    "query_entries",
    "read_histories",
]
