"""The triggers that keep the summary right for every way of writing: the ORM, bulk statements, raw SQL, an import.

Migration 0008 makes them, from its own copy; `install_triggers` is for the repair. Whoever changes them here adds a migration
that does the same (tests/database/test_migrations.py compares the two).
"""

from typing import Any

from django.db import transaction

from ..database import WORK_ITEMS as ITEMS
from ..models import COLUMNS, MOVING_SQL, CountChange, ItemCount

SUMMARY, CHANGES = ItemCount._meta.db_table, CountChange._meta.db_table
# Whoever folds, or mends, holds this lock of PostgreSQL's, so that there is only ever one.
FOLDING = 7_041_977_001
# Whoever appends one of every so many changes folds them all, so that a reader sums up few rows beside the summary.
FOLD_EVERY = 256

_CELL = ", ".join(COLUMNS)
_OLD, _NEW = (", ".join(f"{row}.{column}" for column in COLUMNS) for row in ("OLD", "NEW"))
_AT_REST_OLD, _AT_REST_NEW = (f"{row}.status NOT IN {MOVING_SQL}" for row in ("OLD", "NEW"))

_POSTGRESQL = f"""
CREATE OR REPLACE FUNCTION workitems_count_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND {_AT_REST_OLD} THEN
        INSERT INTO {CHANGES} ({_CELL}, number) VALUES ({_OLD}, -1);
    END IF;
    IF TG_OP <> 'DELETE' AND {_AT_REST_NEW} THEN
        INSERT INTO {CHANGES} ({_CELL}, number) VALUES ({_NEW}, 1);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION workitems_count_fold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Once a transaction, and never waiting: whoever holds the lock is at it. What a stricter isolation does not see yet
    -- could not be taken out there without an error.
    IF current_setting('pharos.folded', true) = 'yes' OR current_setting('transaction_isolation') <> 'read committed'
        OR NOT pg_try_advisory_xact_lock({FOLDING}) THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('pharos.folded', 'yes', true);
    WITH taken AS (DELETE FROM {CHANGES} RETURNING *)
    INSERT INTO {SUMMARY} AS kept ({_CELL}, number)
        SELECT {_CELL}, sum(number) FROM taken GROUP BY {_CELL} HAVING sum(number) <> 0
        ON CONFLICT ({_CELL}) DO UPDATE SET number = kept.number + EXCLUDED.number;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION workitems_count_nothing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({FOLDING});
    DELETE FROM {CHANGES};
    DELETE FROM {SUMMARY};
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER count_new AFTER INSERT ON {ITEMS}
    FOR EACH ROW WHEN ({_AT_REST_NEW}) EXECUTE FUNCTION workitems_count_change();
CREATE OR REPLACE TRIGGER count_changed AFTER UPDATE OF {_CELL} ON {ITEMS}
    FOR EACH ROW WHEN (({_AT_REST_OLD} OR {_AT_REST_NEW}) AND ({_OLD}) IS DISTINCT FROM ({_NEW}))
    EXECUTE FUNCTION workitems_count_change();
CREATE OR REPLACE TRIGGER count_gone AFTER DELETE ON {ITEMS}
    FOR EACH ROW WHEN ({_AT_REST_OLD}) EXECUTE FUNCTION workitems_count_change();
CREATE OR REPLACE TRIGGER count_emptied AFTER TRUNCATE ON {ITEMS}
    FOR EACH STATEMENT EXECUTE FUNCTION workitems_count_nothing();

-- Put off until the transaction ends, so that nobody holds the summary's rows for longer than a commit takes.
DROP TRIGGER IF EXISTS count_fold ON {CHANGES};
CREATE CONSTRAINT TRIGGER count_fold AFTER INSERT ON {CHANGES} DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.id % {FOLD_EVERY} = 0) EXECUTE FUNCTION workitems_count_fold();
"""

_LESS = f"UPDATE {SUMMARY} SET number = number - 1 WHERE {' AND '.join(f'{c} = OLD.{c}' for c in COLUMNS)}"
_MORE = (
    f"INSERT INTO {SUMMARY} ({_CELL}, number) SELECT {_NEW}, 1 WHERE {_AT_REST_NEW}"
    f" ON CONFLICT ({_CELL}) DO UPDATE SET number = number + 1"
)
_SQLITE = {
    "count_new": f"AFTER INSERT ON {ITEMS} WHEN {_AT_REST_NEW} BEGIN {_MORE}; END",
    "count_changed": f"AFTER UPDATE OF {_CELL} ON {ITEMS} WHEN {' OR '.join(f'OLD.{c} <> NEW.{c}' for c in COLUMNS)} "
    f"BEGIN {_LESS} AND {_AT_REST_OLD}; {_MORE}; END",
    "count_gone": f"AFTER DELETE ON {ITEMS} WHEN {_AT_REST_OLD} BEGIN {_LESS}; END",
}
# {trigger: its table}
NAMES = {
    "postgresql": {
        **dict.fromkeys(("count_new", "count_changed", "count_gone", "count_emptied"), ITEMS),
        "count_fold": CHANGES,
    },
    "sqlite": dict.fromkeys(_SQLITE, ITEMS),
}


def install_triggers(connection: Any) -> None:
    """Makes the triggers, whether or not they are there. On a table in use PostgreSQL waits for the writers, and lets nobody write
    in the meantime; a migration uses `with_short_locks`, which gives up and tries again instead."""
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in _statements(connection.vendor):
            cursor.execute(statement)


def _statements(vendor: str) -> list[str]:
    if vendor == "postgresql":
        return [_POSTGRESQL]
    return [
        sql
        for name, body in _SQLITE.items()
        for sql in (f"DROP TRIGGER IF EXISTS {name}", f"CREATE TRIGGER {name} {body}")
    ]


def missing_triggers(connection: Any) -> set[str]:
    """The triggers that should be there and are not, or are switched off."""
    if connection.vendor == "postgresql":
        query = (
            "SELECT tgname FROM pg_trigger WHERE tgrelid IN (%s::regclass, %s::regclass) AND tgenabled IN ('O', 'A')"
        )
    else:
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN (%s, %s)"
    with connection.cursor() as cursor:
        cursor.execute(query, [ITEMS, CHANGES])
        return set(NAMES[connection.vendor]) - {name for (name,) in cursor.fetchall()}
