"""The searched text of every item in a table of its own, with a trigram index on PostgreSQL.

An item's text is set when the item is created and rarely changes, but every move rewrites the item's row and its
entries in all indexes of that table. A trigram index there would cost more than the rest of the move. So triggers copy
`search_text` to a separate table, however the row was written, and the index is built on the copy. It finds any
substring of three or more letters. Without the extension pg_trgm, search still works but is slower; `manage.py check
--database default` reports it. SQLite has no such index, so there the table stays empty.
"""

from typing import Any

from django.core import checks
from django.db import DatabaseError, connections, transaction

from ..database import SEARCHED_TEXTS as TABLE
from ..database import WORK_ITEMS as ITEMS

BATCH_SIZE = 2_000  # texts copied per transaction; a worker waits for one batch at most
INDEX_NAME = "searched_text_trigrams"


_MISSING = f"NOT EXISTS (SELECT 1 FROM {TABLE} AS s WHERE s.item_id = i.id)"
TRIGGERS = f"""
CREATE OR REPLACE FUNCTION workitems_search_copy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO {TABLE} (item_id, text) VALUES (NEW.id, NEW.search_text)
        ON CONFLICT (item_id) DO UPDATE SET text = EXCLUDED.text;
    RETURN NULL;
END $$;
CREATE OR REPLACE FUNCTION workitems_search_drop() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM {TABLE} WHERE TG_OP = 'TRUNCATE' OR item_id = OLD.id;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER search_new AFTER INSERT ON {ITEMS}
    FOR EACH ROW EXECUTE FUNCTION workitems_search_copy();
CREATE OR REPLACE TRIGGER search_changed AFTER UPDATE OF search_text ON {ITEMS}
    FOR EACH ROW WHEN (OLD.search_text IS DISTINCT FROM NEW.search_text) EXECUTE FUNCTION workitems_search_copy();
CREATE OR REPLACE TRIGGER search_gone AFTER DELETE ON {ITEMS}
    FOR EACH ROW EXECUTE FUNCTION workitems_search_drop();
CREATE OR REPLACE TRIGGER search_emptied AFTER TRUNCATE ON {ITEMS}
    FOR EACH STATEMENT EXECUTE FUNCTION workitems_search_drop();
"""
REMOVAL = [
    *(f"DROP TRIGGER IF EXISTS search_{name} ON {ITEMS}" for name in ("new", "changed", "gone", "emptied")),
    *(f"DROP FUNCTION IF EXISTS workitems_search_{name}()" for name in ("copy", "drop")),
]


def copy_texts(connection: Any) -> None:
    """Copies the text of every item that isn't in the table yet, in batches. The triggers must already exist.

    Skips items that another transaction has locked and returns to them later: waiting for the lock could cause a
    deadlock.
    """
    while _copy_pass(connection):
        pass


def _copy_pass(connection: Any) -> bool:
    """Goes through all items once. Returns whether any are left."""
    place = 0
    while True:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(
                # Both tables are limited to later ids; otherwise every batch would start by reading all texts already
                # copied.
                f"WITH batch AS (SELECT id, search_text FROM {ITEMS} AS i WHERE id > %s AND NOT EXISTS"
                f" (SELECT 1 FROM {TABLE} AS s WHERE s.item_id = i.id AND s.item_id > %s)"
                f" ORDER BY id LIMIT {BATCH_SIZE} FOR SHARE SKIP LOCKED),"
                f" copied AS (INSERT INTO {TABLE} (item_id, text) SELECT * FROM batch ON CONFLICT (item_id) DO NOTHING)"
                " SELECT max(id) FROM batch",
                [place, place],
            )
            [last] = cursor.fetchone()
        if last is None:
            break
        place = last
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {ITEMS} AS i WHERE {_MISSING})")
        return cursor.fetchone() == (True,)


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
            "The search looks through every text, because the database has no index by trigrams. It is slow, and long lists are "
            "searched a part at a time.",
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
