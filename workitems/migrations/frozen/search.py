"""Migration 0008: the copies of the searched texts, with their triggers and their index. PostgreSQL only."""

from django.db import DatabaseError, transaction

ITEMS, TABLE, INDEX = "workitems_workitem", "workitems_searchedtext", "searched_text_trigrams"
PIECE = 2_000  # texts copied per transaction: a worker waits for one at most
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


def copy_all(connection):
    """Copies the text of every item that has none here yet, piece by piece. The triggers must be there: they do the rest.

    An item that somebody is changing at this moment is come back to: whoever waits for others while others wait for him would
    be stopped, or stop them.
    """
    while _copy_once(connection):
        pass


def _copy_once(connection):
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


def build_index(connection):
    """Builds the index by trigrams beside the writers, where it is not there and the extension pg_trgm is, or can be, installed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [INDEX])
        if cursor.fetchone() == (True,):
            return
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except DatabaseError:
        return
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")  # what is left of one that was interrupted
        cursor.execute(f"CREATE INDEX CONCURRENTLY {INDEX} ON {TABLE} USING gin (text gin_trgm_ops)")
