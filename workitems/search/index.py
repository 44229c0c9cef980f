"""The text that the search looks through, beside the items, where PostgreSQL can have an index for it.

An item's text is made when it comes and hardly changes, but every move rewrites the item's row and with it every index of
its table; an index of all that is in a text would cost more than the rest of the move. So PostgreSQL keeps a copy of
`search_text` here by triggers (migration 0008), for every way of writing, and indexes that: by trigrams, which find any part of a text of three
letters and more. Without the extension pg_trgm the search still works and is slower; `manage.py check --database default`
says so. SQLite has no such index; there the table stays empty.
"""

from typing import Any

from django.core import checks
from django.db import DatabaseError, connections, transaction

from ..database import SEARCHED_TEXTS as TABLE

INDEX = "searched_text_trigrams"


def build_index(connection: Any) -> bool:
    """Builds the index by trigrams beside the writers, if it is not there; whether it is there now.

    It is not where the extension pg_trgm is not installed and this account may not install it.
    """
    if is_indexed(connection):
        return True
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError:
        return False
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")  # what is left of one that was interrupted
        cursor.execute(f"CREATE INDEX CONCURRENTLY {INDEX} ON {TABLE} USING gin (text gin_trgm_ops)")
    return True


def is_indexed(connection: Any) -> bool:
    """Whether the index by trigrams is there and whole."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [INDEX])
        return cursor.fetchone() == (True,)


@checks.register(checks.Tags.database)
def search_has_its_index(app_configs: Any = None, databases: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Says so where the search has to read every text."""
    return [
        checks.Warning(
            "The search looks through every text, because the database has no index by trigrams. It is slow, and long lists are "
            "searched a part at a time.",
            hint="Let the database's owner run CREATE EXTENSION pg_trgm, and then run manage.py index_search.",
            id="workitems.W001",
        )
        for alias in databases or []
        if _is_kept(connections[alias]) and not is_indexed(connections[alias])
    ]


def _is_kept(connection: Any) -> bool:
    """Whether texts are copied here: not on SQLite, and not before the migrations have run."""
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_trigger WHERE tgname = 'search_new'")
        return cursor.fetchone() is not None
