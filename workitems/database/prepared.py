"""Our own statements that every page asks. PostgreSQL plans each of them once per connection, and not each time.

Planning the statement of the uploads takes ten times as long as running it. Django sends every statement with its values written
out, as one that was never seen before; so these go by a cursor of the driver's that sends the values apart.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import connections


class _Preparing(psycopg.Cursor):
    """Sends values apart from their statement, and has it planned once."""

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> Any:
        # Of no effect behind PgBouncer (see pharos.databases): its next connection would not know the plans of this one.
        return super().execute(query, params, prepare=True)


def fetched(using: str, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """All rows of a statement, from the database called `using`."""
    connection = connections[using]
    # Whoever has statements logged is shown them with their values.
    is_plain = connection.vendor != "postgresql" or connection.queries_logged
    with connection.cursor() if is_plain else _preparing(connection) as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def _preparing(connection: Any) -> Any:
    """A cursor as Django's: errors are its own, and wrappers around statements are asked."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return connection.make_cursor(_Preparing(connection.connection))
