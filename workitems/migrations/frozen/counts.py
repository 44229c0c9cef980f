"""Migration 0008: the triggers that keep the summary of items by kind, and the first count."""

from django.db import transaction

ITEMS, SUMMARY, CHANGES = "workitems_workitem", "workitems_itemcount", "workitems_countchange"
COLUMNS = ("institution_id", "action", "stage", "status", "reviewed", "retry")
MOVING = "('Pending', 'Started')"
FOLDING = 7_041_977_001  # the advisory lock of whoever folds or repairs
FOLD_EVERY = 256

_CELL = ", ".join(COLUMNS)
_OLD, _NEW = (", ".join(f"{row}.{column}" for column in COLUMNS) for row in ("OLD", "NEW"))
_AT_REST_OLD, _AT_REST_NEW = (f"{row}.status NOT IN {MOVING}" for row in ("OLD", "NEW"))

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
    -- At most once per transaction, and without waiting: whoever holds the lock is folding already. A stricter isolation
    -- level would fail on deltas that another transaction has folded.
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

-- Deferred to the end of the transaction, so that the summary's rows are locked only during the commit.
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


def triggers(vendor):
    """The statements that make the triggers, whether or not they are there."""
    if vendor == "postgresql":
        return [_POSTGRESQL]
    return [
        sql
        for name, body in _SQLITE.items()
        for sql in (f"DROP TRIGGER IF EXISTS {name}", f"CREATE TRIGGER {name} {body}")
    ]


def removal(vendor):
    """The statements that remove them."""
    if vendor == "sqlite":
        return [f"DROP TRIGGER IF EXISTS {name}" for name in _SQLITE]
    return [
        *(f"DROP TRIGGER IF EXISTS {name} ON {ITEMS}" for name in ("count_new", "count_changed", "count_gone", "count_emptied")),
        f"DROP TRIGGER IF EXISTS count_fold ON {CHANGES}",
        *(f"DROP FUNCTION IF EXISTS workitems_count_{name}()" for name in ("change", "fold", "nothing")),
    ]


_COMPARED = f"""
    SELECT {_CELL}, SUM(counted) AS counted, SUM(kept) AS kept FROM (
        SELECT {_CELL}, COUNT(*) AS counted, 0 AS kept FROM {ITEMS} WHERE status NOT IN {MOVING} GROUP BY {_CELL}
        UNION ALL SELECT {_CELL}, 0, number FROM {SUMMARY}
        UNION ALL SELECT {_CELL}, 0, number FROM {CHANGES}
    ) AS cells GROUP BY {_CELL} HAVING SUM(counted) <> SUM(kept)
"""


def count(connection):
    """Counts all items in one statement, which adds just what the triggers have not seen. Nobody who writes waits for it."""
    right = f"SELECT {_CELL}, counted - kept FROM ({_COMPARED}) AS wrong"
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FOLDING])
            cursor.execute(f"INSERT INTO {CHANGES} ({_CELL}, number) {right}")
        else:
            cursor.execute(
                f"INSERT INTO {SUMMARY} ({_CELL}, number) {right} WHERE true"
                f" ON CONFLICT ({_CELL}) DO UPDATE SET number = number + excluded.number"
            )
