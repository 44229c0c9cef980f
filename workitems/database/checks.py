"""The checks of `manage.py check --database default` on how the database is set up. `search.index` adds one more."""

from typing import Any

from django.core import checks
from django.db import DEFAULT_DB_ALIAS, connections

from pharos.replicas.pool import ALIASES, FAILURES, Replica, UnusableReplica, primary_identity


@checks.register(checks.Tags.database)
def check_jit(app_configs: Any = None, databases: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Warns when PostgreSQL's query compilation (JIT) is on.

    Our connections turn it off when they start, which isn't possible through PgBouncer.
    """
    return [
        checks.Warning(
            f"PostgreSQL compiles the queries of the database “{alias}” (jit is on), which takes seconds for queries that run in "
            "milliseconds.",
            hint="Ask the database's owner to run ALTER ROLE … SET jit = off for the account in DATABASE_URL.",
            id="workitems.W002",
        )
        for alias in databases or []
        if connections[alias].vendor == "postgresql" and _fetch_value(alias, "SHOW jit") == "on"
    ]


@checks.register(checks.Tags.database)
def check_encoding(app_configs: Any = None, databases: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Refuses a PostgreSQL database that isn't in UTF-8, such as SQL_ASCII, which `initdb` chooses without a locale.

    It would work until the first name with an accent, and then fail for whoever has it.
    """
    return [
        checks.Error(
            f"The database “{alias}” stores text as {encoding}, not as UTF8, so it can't store every name.",
            hint="Create it anew with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0.",
            id="workitems.E001",
        )
        for alias in databases or []
        if connections[alias].vendor == "postgresql"
        and (encoding := _fetch_value(alias, "SHOW server_encoding")) != "UTF8"
    ]


def _fetch_value(alias: str, sql: str) -> Any:
    with connections[alias].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


@checks.register(checks.Tags.database)
def check_standbys(app_configs: Any = None, databases: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Warns about each replica that can't be reached or isn't a copy of the primary."""
    found: list[checks.CheckMessage] = []
    for alias in ALIASES if DEFAULT_DB_ALIAS in (databases or []) else []:
        if why := _why_unreadable(alias):
            sentence = f"{alias} of DATABASE_REPLICA_URL isn't used for reading: {why}"
            found.append(
                checks.Warning(sentence, hint="docs/scaling.md explains how to set it up.", id="workitems.W003")
            )
    return found


def _why_unreadable(alias: str) -> str:
    """Returns why nothing can be read from this database, or an empty string."""
    try:
        Replica(alias).check_position(primary_identity())
    except (UnusableReplica, *FAILURES) as failure:
        return str(failure).strip()
    finally:
        connections[alias].close()
    return ""
