"""One moment for all that is read, on both databases."""

import contextlib
from collections.abc import Iterator

from django.db import connections, transaction


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
