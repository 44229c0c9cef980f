"""The constraint that a column holds a term of the vocabulary. It can be changed while workers write.

A new term changes the constraint, and `makemigrations` writes the complete migration.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import models, transaction
from django.db.models import Q

from .online_migrations import LOCK_TIMEOUT, MAX_ATTEMPTS, RETRY_PAUSE, run_with_lock_timeout

# Waits for the lock only briefly, because all other writers queue behind a waiting lock, and then tries again within the
# migration's transaction, whose earlier operations remain.
_WITH_LOCK_TIMEOUT = f"""DO $do$ BEGIN
    SET LOCAL lock_timeout = '{LOCK_TIMEOUT}';
    FOR attempt IN 1..{MAX_ATTEMPTS} LOOP
        BEGIN
            {{}};
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            IF attempt = {MAX_ATTEMPTS} THEN
                RAISE;
            END IF;
        END;
        PERFORM pg_sleep({RETRY_PAUSE});
    END LOOP;
END $do$"""


class VocabularyCheck(models.CheckConstraint):
    """The constraint `known_<field>`: the field holds one of these words."""

    def __init__(self, *, field: str, words: Iterable[str]):
        self.field, self.words = field, [str(word) for word in words]
        super().__init__(condition=Q(**{f"{field}__in": self.words}), name=f"known_{field}")

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return "workitems.database.VocabularyCheck", (), {"field": self.field, "words": self.words}

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        """Returns the SQL. On PostgreSQL it doesn't check existing rows; that happens once the table is no longer locked."""
        sql = super().create_sql(model, schema_editor)
        if schema_editor.connection.vendor != "postgresql":
            return sql
        _validate_without_lock(schema_editor, model._meta.db_table, self.name)
        return _WITH_LOCK_TIMEOUT.format(f"{sql} NOT VALID")

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        sql = super().remove_sql(model, schema_editor)
        return _WITH_LOCK_TIMEOUT.format(sql) if schema_editor.connection.vendor == "postgresql" else sql

    def constraint_sql(self, model: Any, schema_editor: Any) -> Any:
        """Returns the constraint for CREATE TABLE. SQLite recreates a table to change it; at this point the old one
        still exists.
        """
        if schema_editor.connection.vendor == "sqlite":
            _restore_triggers_and_indexes(schema_editor, model)
        return super().constraint_sql(model, schema_editor)


def _validate_without_lock(schema_editor: Any, table: str, constraint: str) -> None:
    """Checks existing rows without blocking writers. If interrupted, the constraint still holds for new rows."""
    name, connection = schema_editor.quote_name, schema_editor.connection
    sql = f"ALTER TABLE {name(table)} VALIDATE CONSTRAINT {name(constraint)}"
    if connection.in_atomic_block and not schema_editor.collect_sql:
        transaction.on_commit(lambda: run_with_lock_timeout(connection, [sql]), using=connection.alias)
    else:
        schema_editor.deferred_sql.append(sql)


def _restore_triggers_and_indexes(schema_editor: Any, model: Any) -> None:
    """Recreates triggers, and indexes unknown to models, at the end of the migration: SQLite drops them with their
    table.
    """
    table = model._meta.db_table.removeprefix("new__")
    known = [index.name for index in model._meta.indexes]
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE tbl_name = %s AND type IN ('trigger', 'index') AND sql IS NOT NULL",
            [table],
        )
        kept = [sql.replace("%", "%%") for name, sql in cursor.fetchall() if name not in known]
    schema_editor.deferred_sql += [sql for sql in kept if sql not in schema_editor.deferred_sql]
