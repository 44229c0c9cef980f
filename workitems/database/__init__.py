"""Database tools shared by several rooms: online migrations, bulk inserts, prepared statements, column limits, checks.

It knows tables by name only. It must not know models.
"""

from . import checks
from .bulk_insert import insert_many
from .column_limits import MAX_BIGINT, parse_bigint
from .online_migrations import (
    AddColumnOnline,
    AddIndexOnline,
    AddUniqueIndexOnline,
    AllowNullOnline,
    RemoveIndexOnline,
    RunPythonOnline,
    run_with_lock_timeout,
)
from .part_names import HEAD_LENGTH, IsPartIndexed, PartHead, PartNameSql, read_part_name
from .prepared import fetch_prepared
from .sequences import advance_sequence
from .table_names import SEARCHED_TEXTS, WORK_ITEMS
from .vocabulary_check import VocabularyCheck

__all__ = [
    "HEAD_LENGTH",
    "MAX_BIGINT",
    "SEARCHED_TEXTS",
    "WORK_ITEMS",
    "AddColumnOnline",
    "AddIndexOnline",
    "AddUniqueIndexOnline",
    "AllowNullOnline",
    "IsPartIndexed",
    "PartHead",
    "PartNameSql",
    "RemoveIndexOnline",
    "RunPythonOnline",
    "VocabularyCheck",
    "advance_sequence",
    "checks",
    "fetch_prepared",
    "insert_many",
    "parse_bigint",
    "read_part_name",
    "run_with_lock_timeout",
]
