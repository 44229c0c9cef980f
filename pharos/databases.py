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
    "tcp_user_timeout": 4000,
}


def known_database(url):
    """What goes wrong here is told without the address: it may hold a password."""
    try:
        parts = urlsplit(url)
        found = dj_database_url.parse(url) if parts.scheme in SCHEMES else None
    except Exception as error:
        raise ValidationError(f"cannot be read as a database address: {error}") from error
    if found is None:
        raise ValidationError("give sqlite:////absolute/path or postgres://user:password@host:port/name")
    if parts.scheme == "sqlite":
        if parts.netloc or not found["NAME"].startswith("/") or found["NAME"].endswith("/"):
            raise ValidationError(
                "name the file by its absolute path, with four strokes: sqlite:////var/lib/pharos/items.sqlite3"
            )
    elif not found["HOST"]:
        raise ValidationError(
            "name the host, postgres://user:password@host:port/name, or the folder of its socket, with %2F for each stroke"
        )
    elif not found["NAME"] or "/" in found["NAME"]:
        raise ValidationError("name the database after the host: postgres://user:password@host:port/name")


def known_standbys(urls):
    for url in urls:
        known_database(url)
        if url.startswith("sqlite:"):
            raise ValidationError("only PostgreSQL has standbys; give postgres://user:password@host:port/name")


def configured(url: str, *, pool: int, behind_pgbouncer: bool) -> dict[str, Any]:
    """The entry of settings.DATABASES for an address. `pool`: how many connections a process keeps at most."""
    found: dict[str, Any] = dict(dj_database_url.parse(url))
    options = found.setdefault("OPTIONS", {})
    if found["ENGINE"] == "django.db.backends.sqlite3":
        # Without all three, writers of several processes meet "database is locked".
        options |= {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
    elif behind_pgbouncer:
        # It keeps the connections, and hands them on after each transaction. (No cursor of the server outlives one: see exporting.)
        # It refuses to pass "options" on; JIT is turned off for the role then (docs/scaling.md).
        found |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
    else:
        # After so many times, the driver has a statement planned once and for all; only workitems.prepared lets it.
        options["prepare_threshold"] = 5
        options["pool"] = {"min_size": 1, "max_size": pool}
        # Else each connection that a restart of the server has cut costs somebody a page.
        found["CONN_HEALTH_CHECKS"] = True
        # Compiling a query costs seconds where running it costs 70 ms: superseded uploads among 100,000 items.
        options.setdefault("options", "-c jit=off")
    return found


def a_standby(url: str, *, pool: int, behind_pgbouncer: bool) -> dict[str, Any]:
    """The same for a standby: nobody waits for it."""
    found = configured(url, pool=pool, behind_pgbouncer=behind_pgbouncer)
    found["OPTIONS"] = _SHORT | found["OPTIONS"]
    if not behind_pgbouncer:
        found["OPTIONS"]["pool"] |= {"min_size": 0, "timeout": 2}
    return found
