"""What migrations of large tables are made of: on PostgreSQL they run while workers go on writing.

An index is built beside the writers (CONCURRENTLY). What needs a lock that keeps writers out, if only for an instant, waits
for it a moment and then gives up and tries again, because everybody who comes later queues behind whoever waits. Rows are
filled in in pieces, each a transaction of its own. All of it can be interrupted and run again. A migration that uses these
has `atomic = False`. On SQLite, where there is one writer at a time anyway, they do the plain thing.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

from django.db import OperationalError, migrations, transaction

PATIENCE = "1s"  # how long a writer may come to wait behind us
TRIES = 60
PAUSE = 2  # seconds for those who queued up behind us


def with_short_locks(connection: Any, statements: Iterable[str]) -> None:
    """Runs the statements in one transaction that gives up and is tried again when a lock is not to be had at once."""
    listed = list(statements)
    for last in [False] * (TRIES - 1) + [True]:
        try:
            with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                if connection.vendor == "postgresql":
                    cursor.execute(f"SET LOCAL lock_timeout = '{PATIENCE}'")
                for statement in listed:
                    cursor.execute(statement)
            return
        except OperationalError as error:
            if last or getattr(error.__cause__, "sqlstate", None) != "55P03":  # lock_not_available
                raise
            time.sleep(PAUSE)


class AddIndexLive(migrations.AddIndex):
    """AddIndex, built beside the writers. What is left of one that was interrupted is built anew."""

    atomic = False

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        if _is_built(schema_editor, self.index.name):
            return
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        else:
            schema_editor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{self.index.name}"')
            schema_editor.execute(self.index.create_sql(model, schema_editor, concurrently=True), params=None)


class RemoveIndexLive(migrations.RemoveIndex):
    """RemoveIndex, beside the writers; nothing where it is gone already."""

    atomic = False

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        beside = "CONCURRENTLY" if schema_editor.connection.vendor == "postgresql" else ""
        schema_editor.execute(f'DROP INDEX {beside} IF EXISTS "{self.name}"')


def _has_column(connection: Any, table: str, column: str) -> bool:
    with connection.cursor() as cursor:
        return column in {one.name for one in connection.introspection.get_table_description(cursor, table)}


def _is_built(schema_editor: Any, name: str) -> bool:
    if schema_editor.connection.vendor == "postgresql":
        query = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
    else:
        query = "SELECT true FROM sqlite_master WHERE type = 'index' AND name = %s"
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(query, [name])
        return cursor.fetchone() in ((True,), (1,))


class AddColumnLive(migrations.AddField):
    """AddField of a column that may be NULL, which changes no row. Writers wait an instant; nothing where it is there already."""

    atomic = False

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        table = to_state.apps.get_model(app_label, self.model_name)._meta
        column = table.get_field(self.name)
        if _has_column(schema_editor.connection, table.db_table, column.column):
            return
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        what = f'ADD COLUMN IF NOT EXISTS "{column.column}" {column.db_type(schema_editor.connection)} NULL'
        with_short_locks(schema_editor.connection, [f'ALTER TABLE "{table.db_table}" {what}'])


class RunLive(migrations.RunPython):
    """RunPython whose functions manage their transactions themselves: `forwards(connection)`, `backwards(connection)`."""

    def __init__(self, forwards: Callable[[Any], None], backwards: Callable[[Any], None]):
        super().__init__(
            lambda apps, schema_editor: forwards(schema_editor.connection),
            lambda apps, schema_editor: backwards(schema_editor.connection),
            atomic=False,
        )
