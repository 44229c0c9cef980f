"""What `manage.py check --database default` says of how the database is set up, beside the search's index (`searched`)."""

from typing import Any

from django.core import checks
from django.db import DEFAULT_DB_ALIAS, connections

from pharos.replicas.pool import ALIASES, FAILURES, Replica, UnusableReplica, primary_identity


@checks.register(checks.Tags.database)
def queries_are_not_compiled(
    app_configs: Any = None, databases: Any = None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """Says so where PostgreSQL compiles what is faster to run: our connections forbid it, but not through PgBouncer."""
    return [
        checks.Warning(
            f"PostgreSQL compiles the queries of the database “{alias}” (jit is on), which costs seconds where running them costs "
            "milliseconds.",
            hint="Let the database's owner run ALTER ROLE … SET jit = off for the account that DATABASE_URL names.",
            id="workitems.W002",
        )
        for alias in databases or []
        if connections[alias].vendor == "postgresql" and _says(alias, "SHOW jit") == "on"
    ]


def _says(alias: str, sql: str) -> Any:
    with connections[alias].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


@checks.register(checks.Tags.database)
def standbys_can_be_read(app_configs: Any = None, databases: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Names each standby that is not there, or is none of the primary's."""
    found: list[checks.CheckMessage] = []
    for alias in ALIASES if DEFAULT_DB_ALIAS in (databases or []) else []:
        if why := _unfit(alias):
            sentence = f"Nothing is read from {alias} of DATABASE_REPLICA_URL: {why}"
            found.append(checks.Warning(sentence, hint="docs/scaling.md says how to set it up.", id="workitems.W003"))
    return found


def _unfit(alias: str) -> str:
    """Why nothing can be read from it; empty where it can."""
    try:
        Replica(alias).check_position(primary_identity())
    except (UnusableReplica, *FAILURES) as failure:
        return str(failure).strip()
    finally:
        connections[alias].close()
    return ""
