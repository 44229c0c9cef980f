"""The constraint that a column holds one of a vocabulary's words. It can change while workers write, and loses nothing on SQLite.

A new word changes the constraint, and `makemigrations` writes that down; nothing needs to be added to what it writes.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import models, transaction
from django.db.models import Q

from .online_migrations import PATIENCE, PAUSE, TRIES, with_short_locks

# Waits for its lock a moment at a time, because every writer queues up behind whoever waits. Within a migration's
# transaction, what was done before stays done.
_PATIENTLY = f"""DO $do$ BEGIN
    SET LOCAL lock_timeout = '{PATIENCE}';
    FOR attempt IN 1..{TRIES} LOOP
        BEGIN
            {{}};
            RETURN;
        EXCEPTION WHEN lock_not_available THEN
            IF attempt = {TRIES} THEN
                RAISE;
            END IF;
        END;
        PERFORM pg_sleep({PAUSE});
    END LOOP;
END $do$"""


class VocabularyCheck(models.CheckConstraint):
    """`known_<field>`: the field holds one of the words."""

    def __init__(self, *, field: str, words: Iterable[str]):
        self.field, self.words = field, [str(word) for word in words]
        super().__init__(condition=Q(**{f"{field}__in": self.words}), name=f"known_{field}")

    def deconstruct(self) -> tuple[str, Sequence[Any], dict[str, Any]]:
        return "workitems.database.VocabularyCheck", (), {"field": self.field, "words": self.words}

    def create_sql(self, model: Any, schema_editor: Any) -> Any:
        """On PostgreSQL the rows that are there are checked afterwards, when the table is no longer locked."""
        sql = super().create_sql(model, schema_editor)
        if schema_editor.connection.vendor != "postgresql":
            return sql
        _validate_after_the_lock(schema_editor, model._meta.db_table, self.name)
        return _PATIENTLY.format(f"{sql} NOT VALID")

    def remove_sql(self, model: Any, schema_editor: Any) -> Any:
        sql = super().remove_sql(model, schema_editor)
        return _PATIENTLY.format(sql) if schema_editor.connection.vendor == "postgresql" else sql

    def constraint_sql(self, model: Any, schema_editor: Any) -> Any:
        """The constraint within CREATE TABLE. SQLite remakes a table to change it; this is when the former one is still there."""
        if schema_editor.connection.vendor == "sqlite":
            _keep_what_django_drops(schema_editor, model)
        return super().constraint_sql(model, schema_editor)


def _validate_after_the_lock(schema_editor: Any, table: str, constraint: str) -> None:
    """Checks the rows that are there beside the writers. If it is interrupted, the constraint still holds for all that is written."""
    name, connection = schema_editor.quote_name, schema_editor.connection
    sql = f"ALTER TABLE {name(table)} VALIDATE CONSTRAINT {name(constraint)}"
    if connection.in_atomic_block and not schema_editor.collect_sql:
        transaction.on_commit(lambda: with_short_locks(connection, [sql]), using=connection.alias)
    else:
        schema_editor.deferred_sql.append(sql)


def _keep_what_django_drops(schema_editor: Any, model: Any) -> None:
    """Has the triggers, and the indexes that no model knows, made again at the end of the migration: they go with their table."""
    table = model._meta.db_table.removeprefix("new__")
    known = [index.name for index in model._meta.indexes]
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(
            "SELECT name, sql FROM sqlite_master WHERE tbl_name = %s AND type IN ('trigger', 'index') AND sql IS NOT NULL",
            [table],
        )
        kept = [sql.replace("%", "%%") for name, sql in cursor.fetchall() if name not in known]
    schema_editor.deferred_sql += [sql for sql in kept if sql not in schema_editor.deferred_sql]
