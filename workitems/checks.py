"""What `manage.py check --database default` says of the server, beside the search's index (see `searched`)."""

from typing import Any

from django.core import checks
from django.db import connections


@checks.register(checks.Tags.database)
def jit_is_off(app_configs: Any = None, databases: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """settings.py turns it off for its own connections; behind PgBouncer it cannot."""
    return [
        checks.Warning(
            "PostgreSQL compiles large queries (JIT), which takes seconds for a list that is read in 70 ms.",
            hint="Turn it off for the account: ALTER ROLE pharos SET jit = off.",
            id="workitems.W002",
        )
        for alias in databases or []
        if _compiles(connections[alias])
    ]


def _compiles(connection: Any) -> bool:
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SHOW jit")
        return cursor.fetchone() == ("on",)
