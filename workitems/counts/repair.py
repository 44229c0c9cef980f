"""Comparing the summary with the items, and mending it: for `manage.py check_counts`, and for the first count of all.

Each is one statement, which sees the items, the summary and the changes as they are at one moment. So the difference is exact
whoever writes meanwhile, and nobody has to wait.
"""

from typing import Any, NamedTuple

from django.db import connection, transaction

from ..database import WORK_ITEMS
from ..models import COLUMNS, MOVING_SQL
from .triggers import CHANGES, FOLDING, SUMMARY

_CELL = ", ".join(COLUMNS)
_COMPARED = f"""
    SELECT {_CELL}, SUM(counted) AS counted, SUM(kept) AS kept FROM (
        SELECT {_CELL}, COUNT(*) AS counted, 0 AS kept FROM {WORK_ITEMS} WHERE status NOT IN {MOVING_SQL} GROUP BY {_CELL}
        UNION ALL SELECT {_CELL}, 0, number FROM {SUMMARY}
        UNION ALL SELECT {_CELL}, 0, number FROM {CHANGES}
    ) AS cells GROUP BY {_CELL} HAVING SUM(counted) <> SUM(kept)
"""


class Difference(NamedTuple):
    """A cell of which the summary says `kept`, where there are `counted` items."""

    cell: tuple[Any, ...]
    counted: int
    kept: int


def count_differences() -> list[Difference]:
    """Every cell in which the summary is wrong. Counts all items."""
    with connection.cursor() as cursor:
        cursor.execute(_COMPARED)
        return [Difference(cell, int(counted), int(kept)) for *cell, counted, kept in cursor.fetchall()]


def repair_counts() -> int:
    """Makes the summary right, and says how many cells were not. Nobody who writes waits for it on PostgreSQL."""
    right = f"SELECT {_CELL}, counted - kept FROM ({_COMPARED}) AS wrong"
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # One at a time: two would both add what is missing. Taken before the statement, which sees what the other has done.
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FOLDING])
            cursor.execute(f"INSERT INTO {CHANGES} ({_CELL}, number) {right}")
        else:
            cursor.execute(
                f"INSERT INTO {SUMMARY} ({_CELL}, number) {right} WHERE true"
                f" ON CONFLICT ({_CELL}) DO UPDATE SET number = number + excluded.number"
            )
        return cursor.rowcount
