"""The index for searches: a separate table with every item's searched text, and a trigram index on it on PostgreSQL.

An item's text is set when the item is created and rarely changes, but every move rewrites the item's row and its
entries in all indexes of that table. A trigram index there would cost more than the rest of the move. So triggers
(migration 0008) copy `search_text` to a separate table, however the row was written, and the index is built on the
copy. It finds any substring of three or more letters. Without the extension pg_trgm, search still works but is slower;
`manage.py check --database default` reports it. SQLite has no such index, so there the table stays empty.
"""

from typing import Any

from django.core import checks
from django.db import DatabaseError, connections, transaction

from ..database import SEARCHED_TEXTS as TABLE

INDEX_NAME = "searched_text_trigrams"


def build_index(connection: Any) -> bool:
    """Builds the trigram index without blocking writers, unless it exists. Returns whether it exists now.

    It cannot be built when pg_trgm isn't installed and this account may not install it.
    """
    if is_indexed(connection):
        return True
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError:
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX_NAME}")  # left over from an interrupted build
        cursor.execute(f"CREATE INDEX CONCURRENTLY {INDEX_NAME} ON {TABLE} USING gin (text gin_trgm_ops)")
    return True


def is_indexed(connection: Any) -> bool:
    """Returns whether the trigram index exists and is valid."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [INDEX_NAME])
        return cursor.fetchone() == (True,)


@checks.register(checks.Tags.database)
def check_search_index(app_configs: Any = None, databases: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Warns when a search has to read every text."""
    return [
        checks.Warning(
            "Searches read every text because the database has no trigram index. They are slow, and long lists are "
            "searched in parts.",
            hint="Let the database's owner run CREATE EXTENSION pg_trgm, and then run manage.py index_search.",
            id="workitems.W001",
        )
        for alias in databases or []
        if _has_triggers(connections[alias]) and not is_indexed(connections[alias])
    ]


def _has_triggers(connection: Any) -> bool:
    """Returns whether texts are copied: not on SQLite, and not before the migrations have run."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_trigger WHERE tgname = 'search_new'")
        return cursor.fetchone() is not None
