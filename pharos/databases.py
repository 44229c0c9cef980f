"""Turns database addresses into entries of settings.DATABASES."""

from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from environs import ValidationError

SCHEMES = ("sqlite", "postgres", "postgresql")
# A server that doesn't answer must not hold a request for long. In seconds, except the last: milliseconds.
_FAST_FAILURE = {
    "connect_timeout": 2,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 5_000,
}
# `timeout`: how long a request waits for a connection. `reconnect_timeout`: after that the pool begins anew; otherwise the
# pauses between its attempts would grow to minutes, and last beyond the server's return. All in seconds.
_POOL = {"min_size": 1, "timeout": 5, "reconnect_timeout": 5, "max_lifetime": 600}
# JIT compilation of a query can take seconds that then runs in 70 ms, such as superseded uploads among 100,000 items.
_PLANNER_OPTIONS = "-c jit=off"
# On a replica, WAL replay can hold a lock that a reader waits for, and the disks can hang.
_TIMEOUTS = "-c lock_timeout=2s -c statement_timeout=15s"


def validate_database_url(url):
    """Raises ValidationError. Messages don't include the address, which can contain a password."""
    try:
        parts = urlsplit(url)
        found = dj_database_url.parse(url) if parts.scheme in SCHEMES else None
    except Exception as error:
        raise ValidationError(f"is not a valid database address: {error}") from error
    if found is None:
        raise ValidationError("use sqlite:////absolute/path or postgres://user:password@host:port/name")
    if parts.scheme == "sqlite":
        if parts.netloc or not found["NAME"].startswith("/") or found["NAME"].endswith("/"):
            raise ValidationError(
                "use the absolute path of the file, with four slashes: sqlite:////var/lib/pharos/items.sqlite3"
            )
    elif not found["HOST"]:
        raise ValidationError(
            "include the host, postgres://user:password@host:port/name, or the directory of its socket, with %2F "
            "for each slash"
        )
    elif not found["NAME"] or "/" in found["NAME"]:
        raise ValidationError("put the database name after the host: postgres://user:password@host:port/name")


def validate_replica_urls(urls):
    """Raises ValidationError unless all of them are different PostgreSQL addresses."""
    for url in urls:
        if not url.startswith(("postgres:", "postgresql:")):
            raise ValidationError("a standby must be a PostgreSQL server: use postgres://user:password@host:port/name")
        validate_database_url(url)
    if len({*urls}) < len(urls):
        raise ValidationError("list each standby only once")


def database_settings(
    url: str, *, pool: int, behind_pgbouncer: bool, session: str = _PLANNER_OPTIONS
) -> dict[str, Any]:
    """The entry of settings.DATABASES for an address.

    `pool`: the maximum number of connections per process; 0: one per thread. `session`: PostgreSQL's settings, unless
    the address has its own.
    """
    found: dict[str, Any] = dict(dj_database_url.parse(url))
    options = found.setdefault("OPTIONS", {})
    if found["ENGINE"] == "django.db.backends.sqlite3":
        # Without all three, concurrent writers fail with "database is locked".
        options |= {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
        return found
    found["ENGINE"] = "pharos.postgresql"
    found["OPTIONS"] = options = _FAST_FAILURE | options
    # Between transactions, PgBouncer gives the server connection, with any open cursor, to another client.
    found["DISABLE_SERVER_SIDE_CURSORS"] = behind_pgbouncer
    if not behind_pgbouncer:
        # The driver prepares a statement after this many executions; only workitems.database.prepared relies on it.
        options["prepare_threshold"] = 5
        # PgBouncer refuses such options; behind it they are set for the database's account, and a check verifies that.
        options.setdefault("options", session)
    if pool and not behind_pgbouncer:
        options["pool"] = {**_POOL, "max_size": pool}  # our backend checks its connections
    else:
        found["CONN_MAX_AGE"] = 60
        # Otherwise, after a restart of the server, each broken connection would cause a failed request.
        found["CONN_HEALTH_CHECKS"] = True
    return found


def replica_settings(url: str, *, behind_pgbouncer: bool) -> dict[str, Any]:
    """The entry of settings.DATABASES for a replica.

    It has no pool, because a pool would wait for its full timeout when the server refuses connections.
    """
    found = database_settings(url, pool=0, behind_pgbouncer=behind_pgbouncer, session=f"{_PLANNER_OPTIONS} {_TIMEOUTS}")
    found["CONN_HEALTH_CHECKS"] = False  # its position is checked before each use, with a timeout
    found["TEST"] = {"MIRROR": "default"}
    return found
