"""What settings.py makes of the addresses of databases."""

from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from environs import ValidationError

SCHEMES = ("sqlite", "postgres", "postgresql")
# A standby that does not answer must not keep a page waiting: the primary can answer instead. Seconds; the last in milliseconds.
_SHORT = {
    "connect_timeout": 2,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 2,
    "tcp_user_timeout": 5_000,
}
# Compiling a query costs seconds where running it costs 70 ms: superseded uploads among 100,000 items.
_PLANS = "-c jit=off"
# Replay can hold a lock that a reader waits for, and its disks can hang.
_PATIENCE = "-c lock_timeout=2s -c statement_timeout=15s"


def known_database(url):
    """What goes wrong here is told without the address: it may hold a password."""
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


def known_standbys(urls):
    for url in urls:
        if not url.startswith(("postgres:", "postgresql:")):
            raise ValidationError("a standby must be a PostgreSQL server: use postgres://user:password@host:port/name")
        known_database(url)
    if len({*urls}) < len(urls):
        raise ValidationError("list each standby only once")


def configured(url: str, *, pool: int, behind_pgbouncer: bool, session: str = _PLANS) -> dict[str, Any]:
    """The entry of settings.DATABASES for an address.

    `pool`: how many connections a process keeps at most; 0: each thread keeps one. `session`: PostgreSQL's settings, unless the
    address has its own.
    """
    found: dict[str, Any] = dict(dj_database_url.parse(url))
    options = found.setdefault("OPTIONS", {})
    if found["ENGINE"] == "django.db.backends.sqlite3":
        # Without all three, writers of several processes meet "database is locked".
        options |= {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
        return found
    # Else each connection that a restart of the server has cut costs somebody a page.
    found["CONN_HEALTH_CHECKS"] = True
    # Between two transactions PgBouncer gives the server's connection, and with it a cursor, to somebody else.
    found["DISABLE_SERVER_SIDE_CURSORS"] = behind_pgbouncer
    if not behind_pgbouncer:
        # After so many times, the driver has a statement planned once and for all; only workitems.prepared lets it.
        options["prepare_threshold"] = 5
        # PgBouncer refuses such options; behind it the database's account says it, and a check whether it does.
        options.setdefault("options", session)
    if pool and not behind_pgbouncer:
        options["pool"] = {"min_size": 1, "max_size": pool}
    else:
        found["CONN_MAX_AGE"] = 60
    return found


def a_standby(url: str, *, behind_pgbouncer: bool) -> dict[str, Any]:
    """The same for a standby. No pool: it would let a page wait for the whole time-out where the server refuses at once."""
    found = configured(url, pool=0, behind_pgbouncer=behind_pgbouncer, session=f"{_PLANS} {_PATIENCE}")
    found["CONN_HEALTH_CHECKS"] = False  # each is asked how far it has come before it is read, and in time
    found["OPTIONS"] = _SHORT | found["OPTIONS"]
    found["TEST"] = {"MIRROR": "default"}
    return found
