"""Prepared statements: on PostgreSQL, our own SQL that runs on every page is planned once per connection.

Planning the statement for uploads takes ten times as long as running it. Django's cursors send each statement with its
values inlined, so it would be planned on every call. This module uses a psycopg cursor that sends the values separately.
"""

from collections.abc import Sequence
from typing import Any

import psycopg
from django.db import connections


class _PreparingCursor(psycopg.Cursor):
    """Sends values separately from the statement, and prepares the statement at once."""

    def execute(self, query: Any, params: Any = None, **kwargs: Any) -> Any:
        # Behind PgBouncer, pharos.databases turns preparing off, and this has no effect: the next transaction can use
        # another server connection, which doesn't know the plan.
        return super().execute(query, params, prepare=True)


def fetch_prepared(using: str, sql: str, params: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Returns all rows of a statement from the database named `using`."""
    connection = connections[using]
    # A log of statements should show them with their values.
    is_plain = connection.vendor != "postgresql" or connection.queries_logged
    with connection.cursor() if is_plain else _open_preparing_cursor(connection) as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def _open_preparing_cursor(connection: Any) -> Any:
    """Opens a cursor with Django's error classes and execute wrappers."""
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    with connection.wrap_database_errors:
        return connection.make_cursor(_PreparingCursor(connection.connection))
