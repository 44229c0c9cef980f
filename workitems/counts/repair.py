"""Compares the summary table with the items, and repairs it, for `manage.py check_counts`.

Each is a single statement that sees items, summary, and deltas at one moment. So the differences are exact even while
others write, and nobody has to wait.
"""

from typing import Any, NamedTuple

from django.db import connection, transaction

from ..database import WORK_ITEMS
from ..models import CELL_COLUMNS, MOVING_SQL
from .triggers import DELTAS, FOLD_LOCK, SUMMARY

_CELL = ", ".join(CELL_COLUMNS)
_DIFFERENCES = f"""
    SELECT {_CELL}, SUM(counted) AS counted, SUM(kept) AS kept FROM (
        SELECT {_CELL}, COUNT(*) AS counted, 0 AS kept FROM {WORK_ITEMS} WHERE status NOT IN {MOVING_SQL} GROUP BY {_CELL}
        UNION ALL SELECT {_CELL}, 0, number FROM {SUMMARY}
        UNION ALL SELECT {_CELL}, 0, number FROM {DELTAS}
    ) AS cells GROUP BY {_CELL} HAVING SUM(counted) <> SUM(kept)
"""


class Difference(NamedTuple):
    """A cell for which the summary says `kept` although there are `counted` items."""

    cell: tuple[Any, ...]
    counted: int
    kept: int


def find_differences() -> list[Difference]:
    """Returns every cell in which the summary is wrong. Counts all items."""
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERENCES)
        return [Difference(cell, int(counted), int(kept)) for *cell, counted, kept in cursor.fetchall()]


def repair_counts() -> int:
    """Corrects the summary and returns how many cells were wrong. On PostgreSQL no writer waits for it."""
    right = f"SELECT {_CELL}, counted - kept FROM ({_DIFFERENCES}) AS wrong"
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # One repair at a time: two would both add what is missing. The lock is taken before the statement, so that it
            # sees the result of another repair.
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [FOLD_LOCK])
            cursor.execute(f"INSERT INTO {DELTAS} ({_CELL}, number) {right}")
        else:
            cursor.execute(
                f"INSERT INTO {SUMMARY} ({_CELL}, number) {right} WHERE true"
                f" ON CONFLICT ({_CELL}) DO UPDATE SET number = number + excluded.number"
            )
        return cursor.rowcount
