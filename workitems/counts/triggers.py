"""The triggers that keep the summary right for every way of writing: the ORM, bulk statements, raw SQL, an import.

`install_triggers` may be run again at any time. SQLite drops a table's triggers with the table, and Django remakes the whole table for
most changes of a model: a migration that changes WorkItem must end with `install_triggers` again (tests/database/test_guards.py fails where it does not).
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


def statements(vendor: str) -> list[str]:
    """What makes the triggers, whether or not they are there."""
    if vendor == "postgresql":
        return [_POSTGRESQL]
    return [
        sql
        for name, body in _SQLITE.items()
        for sql in (f"DROP TRIGGER IF EXISTS {name}", f"CREATE TRIGGER {name} {body}")
    ]


def install_triggers(connection: Any) -> None:
    """Makes the triggers anew. On a table in use PostgreSQL waits for those who write, and lets nobody write meanwhile; a
    migration goes by `workitems.database.online_migrations`, which gives up and tries again rather than keep others waiting."""
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in statements(connection.vendor):
            cursor.execute(statement)


def removal(vendor: str) -> list[str]:
    """What takes them away again."""
    if vendor == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {name}" for name in _SQLITE]
    return [
        *(f"DROP TRIGGER IF EXISTS {name} ON {table}" for name, table in NAMES["postgresql"].items()),
        *(f"DROP FUNCTION IF EXISTS workitems_count_{name}()" for name in ("change", "fold", "nothing")),
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
