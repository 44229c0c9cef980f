"""The triggers that maintain the summary table, however items are written: ORM, bulk statements, raw SQL, or import.

Migration 0008 creates them from a frozen copy; `install_triggers` is for repairs. A change here needs a migration that
makes the same change (tests/database/test_migrations.py compares the two).
"""

from typing import Any

from django.db import transaction

from ..database import WORK_ITEMS as ITEMS
from ..models import CELL_COLUMNS, MOVING_SQL, CountDelta, ItemCount

SUMMARY, DELTAS = ItemCount._meta.db_table, CountDelta._meta.db_table
# The PostgreSQL advisory lock held while folding or repairing, so that only one runs at a time.
FOLD_LOCK = 7_041_977_001
# After this many deltas, a writer folds them all, so that readers add up few rows.
FOLD_EVERY = 256

_CELL = ", ".join(CELL_COLUMNS)
_OLD, _NEW = (", ".join(f"{row}.{column}" for column in CELL_COLUMNS) for row in ("OLD", "NEW"))
_SETTLED_OLD, _SETTLED_NEW = (f"{row}.status NOT IN {MOVING_SQL}" for row in ("OLD", "NEW"))

_POSTGRESQL = f"""
CREATE OR REPLACE FUNCTION workitems_count_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND {_SETTLED_OLD} THEN
        INSERT INTO {DELTAS} ({_CELL}, number) VALUES ({_OLD}, -1);
    END IF;
    IF TG_OP <> 'DELETE' AND {_SETTLED_NEW} THEN
        INSERT INTO {DELTAS} ({_CELL}, number) VALUES ({_NEW}, 1);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION workitems_count_fold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- At most once per transaction, and without waiting: whoever holds the lock is folding already. A stricter isolation
    -- level would fail on deltas that another transaction has folded.
    IF current_setting('pharos.folded', true) = 'yes' OR current_setting('transaction_isolation') <> 'read committed'
        OR NOT pg_try_advisory_xact_lock({FOLD_LOCK}) THEN
        RETURN NULL;
    END IF;
    PERFORM set_config('pharos.folded', 'yes', true);
    WITH taken AS (DELETE FROM {DELTAS} RETURNING *)
    INSERT INTO {SUMMARY} AS kept ({_CELL}, number)
        SELECT {_CELL}, sum(number) FROM taken GROUP BY {_CELL} HAVING sum(number) <> 0
        ON CONFLICT ({_CELL}) DO UPDATE SET number = kept.number + EXCLUDED.number;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION workitems_count_nothing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock({FOLD_LOCK});
    DELETE FROM {DELTAS};
    DELETE FROM {SUMMARY};
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER count_new AFTER INSERT ON {ITEMS}
    FOR EACH ROW WHEN ({_SETTLED_NEW}) EXECUTE FUNCTION workitems_count_change();
CREATE OR REPLACE TRIGGER count_changed AFTER UPDATE OF {_CELL} ON {ITEMS}
    FOR EACH ROW WHEN (({_SETTLED_OLD} OR {_SETTLED_NEW}) AND ({_OLD}) IS DISTINCT FROM ({_NEW}))
    EXECUTE FUNCTION workitems_count_change();
CREATE OR REPLACE TRIGGER count_gone AFTER DELETE ON {ITEMS}
    FOR EACH ROW WHEN ({_SETTLED_OLD}) EXECUTE FUNCTION workitems_count_change();
CREATE OR REPLACE TRIGGER count_emptied AFTER TRUNCATE ON {ITEMS}
    FOR EACH STATEMENT EXECUTE FUNCTION workitems_count_nothing();

-- Deferred to the end of the transaction, so that the summary's rows are locked only during the commit.
DROP TRIGGER IF EXISTS count_fold ON {DELTAS};
CREATE CONSTRAINT TRIGGER count_fold AFTER INSERT ON {DELTAS} DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.id % {FOLD_EVERY} = 0) EXECUTE FUNCTION workitems_count_fold();
"""

_DECREMENT = f"UPDATE {SUMMARY} SET number = number - 1 WHERE {' AND '.join(f'{c} = OLD.{c}' for c in CELL_COLUMNS)}"
_INCREMENT = (
    f"INSERT INTO {SUMMARY} ({_CELL}, number) SELECT {_NEW}, 1 WHERE {_SETTLED_NEW}"
    f" ON CONFLICT ({_CELL}) DO UPDATE SET number = number + 1"
)
_SQLITE = {
    "count_new": f"AFTER INSERT ON {ITEMS} WHEN {_SETTLED_NEW} BEGIN {_INCREMENT}; END",
    "count_changed": f"AFTER UPDATE OF {_CELL} ON {ITEMS} WHEN {' OR '.join(f'OLD.{c} <> NEW.{c}' for c in CELL_COLUMNS)} "
    f"BEGIN {_DECREMENT} AND {_SETTLED_OLD}; {_INCREMENT}; END",
    "count_gone": f"AFTER DELETE ON {ITEMS} WHEN {_SETTLED_OLD} BEGIN {_DECREMENT}; END",
}
# {vendor: {trigger: its table}}
TRIGGERS = {
    "postgresql": {
        **dict.fromkeys(("count_new", "count_changed", "count_gone", "count_emptied"), ITEMS),
        "count_fold": DELTAS,
    },
    "sqlite": dict.fromkeys(_SQLITE, ITEMS),
}


def install_triggers(connection: Any) -> None:
    """Creates the triggers, or replaces them.

    On a table in use, this waits for writers and blocks new ones in the meantime. Migrations use
    `run_with_lock_timeout` instead, which gives up and tries again.
    """
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
    """Returns the triggers that are missing or disabled."""
    if connection.vendor == "postgresql":
        query = (
            "SELECT tgname FROM pg_trigger WHERE tgrelid IN (%s::regclass, %s::regclass) AND tgenabled IN ('O', 'A')"
        )
    else:
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN (%s, %s)"
    with connection.cursor() as cursor:
        cursor.execute(query, [ITEMS, DELTAS])
        return set(TRIGGERS[connection.vendor]) - {name for (name,) in cursor.fetchall()}
