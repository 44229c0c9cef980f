"""Django's `migrate`, one at a time: several machines of an installation are often upgraded at once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.core.management.commands import migrate
from django.db import connections

LOCK = 7_204_116_938  # any number that nothing else in the database locks


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> str | None:
        with self._alone(options["database"]):
            return super().handle(*args, **options)

    @contextmanager
    def _alone(self, alias: str) -> Iterator[None]:
        """Waits until no other `migrate` runs on this PostgreSQL database. SQLite's own lock is enough there.

        The lock has a connection of its own: Django's can be closed by a migration, and would release it.
        """
        wrapper = connections[alias]
        if wrapper.vendor != "postgresql" or wrapper.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS"):
            yield  # PgBouncer gives each transaction another connection, so a lock of a session can't be held there
            return
        with psycopg.connect(**wrapper.get_connection_params(), autocommit=True) as connection:
            if not _try(connection):
                self.stdout.write("Another migrate is running on this database; waiting for it to finish …")
                self.stdout.flush()
                connection.execute("SELECT pg_advisory_lock(%s)", [LOCK])
            yield


def _try(connection: psycopg.Connection) -> bool:
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
    return bool(row and row[0])
