"""The text that the search looks through, beside the items, where PostgreSQL can have an index for it.

An item's text is made when it comes and hardly changes, but every move rewrites the item's row and with it every index of
its table; an index of all that is in a text would cost more than the rest of the move. So PostgreSQL keeps a copy of
`search_text` here by triggers, for every way of writing, and indexes that: by trigrams, which find any part of a text of three
letters and more. Without the extension pg_trgm the search still works and is slower; `manage.py check --database default`
says so. SQLite has no such index; there the table stays empty.
"""

from typing import Any

from django.core import checks
from django.db import DatabaseError, connections, transaction

from ..database import SEARCHED_TEXTS as TABLE
from ..database import WORK_ITEMS as ITEMS

PIECE = 2_000  # texts copied per transaction: a worker waits for one at most
INDEX = "searched_text_trigrams"


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


def copy_all(connection: Any) -> None:
    """Copies the text of every item that has none here yet, piece by piece. The triggers must be there: they do the rest.

    An item that somebody is changing at this moment is come back to: whoever waits for others while others wait for him would
    be stopped, or stop them.
    """
    while _copy_once(connection):
        pass


def _copy_once(connection: Any) -> bool:
    """Goes over all items once; whether some are left."""
    place = 0
    while True:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(
                # The place is said of both tables: else every piece would begin with all texts that are copied already.
                f"WITH piece AS (SELECT id, search_text FROM {ITEMS} AS i WHERE id > %s AND NOT EXISTS"
                f" (SELECT 1 FROM {TABLE} AS s WHERE s.item_id = i.id AND s.item_id > %s)"
                f" ORDER BY id LIMIT {PIECE} FOR SHARE SKIP LOCKED),"
                f" copied AS (INSERT INTO {TABLE} (item_id, text) SELECT * FROM piece ON CONFLICT (item_id) DO NOTHING)"
                " SELECT max(id) FROM piece",
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
            "Searches read every text because the database has no trigram index. They are slow, and long lists are "
            "searched in parts.",
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
