"""Whether this process can serve: its database answers, takes changes, and is migrated, and its static files are there.

It uses a connection of its own, because the pool's can all be in use, and waits two seconds at most.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.migrations.loader import MigrationLoader

TIMEOUT = 2  # seconds
# Of the connection's parameters, those that say where the server is and who asks.
_ADDRESS = (
    *("host", "port", "user", "password", "dbname", "target_session_attrs"),
    *("sslmode", "sslrootcert", "sslcert", "sslkey"),
)
ERRORS = (psycopg.Error, sqlite3.Error)


def find_problems() -> list[str]:
    """Returns what keeps this process from serving, as sentences; none if it can serve."""
    return [*_database_problems(), *_static_problems()]


def _database_problems() -> Iterator[str]:
    try:
        with own_connection() as connection:
            if problem := _why_read_only(connection):
                yield problem
            if missing := missing_migrations(connection):
                yield f"The database isn't migrated: {len(missing)} migrations are missing, such as {missing[0]}."
    except ERRORS as error:
        yield f"The database can't be used: {' '.join(str(error).split())}"


@contextmanager
def own_connection() -> Iterator[Any]:
    """Opens a connection that belongs to nobody else."""
    wrapper = connections[DEFAULT_DB_ALIAS]
    if wrapper.vendor == "sqlite":
        # Opening a file that isn't there would create it.
        address = f"{Path(wrapper.settings_dict['NAME']).resolve().as_uri()}?mode=rw"
        with closing(sqlite3.connect(address, uri=True, timeout=TIMEOUT)) as file:
            yield file
        return
    given = wrapper.get_connection_params()
    server_address: dict[str, Any] = {name: given[name] for name in _ADDRESS if name in given}
    if not wrapper.settings_dict["DISABLE_SERVER_SIDE_CURSORS"]:  # PgBouncer refuses options
        server_address["options"] = f"{given.get('options', '')} -c statement_timeout={TIMEOUT * 1000}"
    with psycopg.connect(**server_address, connect_timeout=TIMEOUT, autocommit=True) as server:
        yield server


def _why_read_only(connection: Any) -> str:
    """Returns why the database takes no changes, or an empty string."""
    if isinstance(connection, psycopg.Connection):
        [is_standby, is_read_only] = connection.execute(
            "SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::boolean"
        ).fetchone() or (False, False)
        if is_standby:
            return "The database is a standby: the server is in recovery."
        return "The database is read-only." if is_read_only else ""
    name = connections[DEFAULT_DB_ALIAS].settings_dict["NAME"]
    # SQLite writes its log beside the file.
    is_writable = os.access(name, os.W_OK) and os.access(Path(name).parent, os.W_OK)
    return "" if is_writable else "The database is read-only: this process may not write to its file and folder."


def missing_migrations(connection: Any) -> list[str]:
    """Returns the migrations of this version that the database doesn't have, as app.name."""
    applied = {
        f"{app}.{name}" for app, name in connection.execute("SELECT app, name FROM django_migrations").fetchall()
    }
    return sorted(_own_migrations() - applied)


@cache
def _own_migrations() -> frozenset[str]:
    return frozenset(f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations)


def _static_problems() -> Iterator[str]:
    manifest = getattr(staticfiles_storage, "manifest_name", None)
    if manifest and not (Path(settings.STATIC_ROOT) / manifest).exists():
        yield "The static files aren't there: run manage.py collectstatic."
