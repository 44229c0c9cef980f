"""What exports share: JSON as we write it, and one moment for all that is read."""

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.db import connections, transaction

# What follows from an item's other columns or its history, and is in no file.
DERIVED_COLUMNS = frozenset({"version", "search_text", "stage_entered_at"})


def format_time(value: datetime) -> str:
    """Formats a time as RFC 3339 in UTC, with as many digits as the database stores."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(value: Any) -> str:
    return format_time(value) if isinstance(value, datetime) else str(value)


as_json = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), default=_plain
).encode  # created once, not per row


@contextlib.contextmanager
def consistent_read(using: str) -> Iterator[None]:
    """Within this context, all reads see the same state, and no writer has to wait."""
    connection = connections[using]
    if connection.in_atomic_block:
        yield  # whoever opened the transaction has chosen its isolation level
    elif connection.vendor == "postgresql":
        with transaction.atomic(using):
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    else:
        # Without `atomic`: settings.py makes every Django transaction on SQLite a write transaction, which blocks writers.
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
