"""Migration operations for large tables: on PostgreSQL they run while workers keep writing.

Indexes are built CONCURRENTLY. A statement that needs a lock that blocks writers waits for it for one second, then gives
up and tries again later, because all other writers queue behind a waiting lock. Every operation can be interrupted and
run again. A migration that uses them needs `atomic = False`. SQLite has one writer at a time anyway, so there they run
Django's standard operations.
"""

import time
from collections.abc import Callable, Iterable
from typing import Any

from django.db import OperationalError, migrations, transaction

LOCK_TIMEOUT = "1s"  # how long a writer can be kept waiting
MAX_ATTEMPTS = 60
RETRY_PAUSE = 2  # seconds for the writers that queued up


def run_with_lock_timeout(connection: Any, statements: Iterable[str]) -> None:
    """Runs the statements in one transaction, and tries again later when a lock isn't available within LOCK_TIMEOUT.

    Raises OperationalError after MAX_ATTEMPTS, and at once for any other failure.
    """
    listed = list(statements)
    for last in [False] * (MAX_ATTEMPTS - 1) + [True]:
        try:
            with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
                if connection.vendor == "postgresql":
                    cursor.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
                for statement in listed:
                    cursor.execute(statement)
            return
        except OperationalError as error:
            if last or getattr(error.__cause__, "sqlstate", None) != "55P03":  # lock_not_available
                raise
            time.sleep(RETRY_PAUSE)


class AddIndexOnline(migrations.AddIndex):
    """AddIndex without blocking writers. Rebuilds an index that an interrupted run left invalid."""

    atomic = False

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        model = to_state.apps.get_model(app_label, self.model_name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        if _has_index(schema_editor, self.index.name):
            return
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        else:
            schema_editor.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{self.index.name}"')
            schema_editor.execute(self.index.create_sql(model, schema_editor, concurrently=True), params=None)


class RemoveIndexOnline(migrations.RemoveIndex):
    """RemoveIndex without blocking writers. Does nothing when the index is gone already."""

    atomic = False

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        concurrently = "CONCURRENTLY" if schema_editor.connection.vendor == "postgresql" else ""
        schema_editor.execute(f'DROP INDEX {concurrently} IF EXISTS "{self.name}"')


def _has_column(connection: Any, table: str, column: str) -> bool:
    with connection.cursor() as cursor:
        return column in {one.name for one in connection.introspection.get_table_description(cursor, table)}


def _has_index(schema_editor: Any, name: str) -> bool:
    if schema_editor.connection.vendor == "postgresql":
        query = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"
    else:
        query = "SELECT true FROM sqlite_master WHERE type = 'index' AND name = %s"
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(query, [name])
        return cursor.fetchone() in ((True,), (1,))


class AddColumnOnline(migrations.AddField):
    """AddField for a column that is nullable or has a database default, which rewrites no rows. Blocks writers only
    briefly; does nothing when the column exists.

    SQLite adds such a column as it is, too; Django would copy the complete table, and drop its triggers.
    """

    atomic = False

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        connection = schema_editor.connection
        model = to_state.apps.get_model(app_label, self.model_name)
        column = model._meta.get_field(self.name)
        if _has_column(connection, model._meta.db_table, column.column):
            return
        kind = column.db_type(connection)
        rest = "NULL" if column.null else f"DEFAULT {schema_editor.quote_value(column.db_default)} NOT NULL"
        what = f'ADD COLUMN "{column.column}" {kind} {rest}'
        run_with_lock_timeout(connection, [f'ALTER TABLE "{model._meta.db_table}" {what}'])


class AddUniqueIndexOnline(migrations.AddConstraint):
    """AddConstraint for a UniqueConstraint with a condition, which is an index, on a small table. Blocks its writers only
    briefly; does nothing when the index exists.
    """

    atomic = False

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        model = to_state.apps.get_model(app_label, self.model_name)
        if not _has_index(schema_editor, self.constraint.name):
            run_with_lock_timeout(schema_editor.connection, [str(self.constraint.create_sql(model, schema_editor))])


class AllowNullOnline(migrations.AlterField):
    """AlterField for a column that can be NULL from now on. Blocks writers only briefly; changes nothing the second time."""

    atomic = False

    def database_forwards(self, app_label, schema_editor, from_state, to_state):
        connection = schema_editor.connection
        model = to_state.apps.get_model(app_label, self.model_name)
        if connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        column = model._meta.get_field(self.name).column
        run_with_lock_timeout(
            connection, [f'ALTER TABLE "{model._meta.db_table}" ALTER COLUMN "{column}" DROP NOT NULL']
        )


class RunPythonOnline(migrations.RunPython):
    """RunPython for functions that manage their own transactions: `forwards(connection)`, `backwards(connection)`."""

    def __init__(self, forwards: Callable[[Any], None], backwards: Callable[[Any], None]):
        super().__init__(
            lambda apps, schema_editor: forwards(schema_editor.connection),
            lambda apps, schema_editor: backwards(schema_editor.connection),
            atomic=False,
        )
