"""SQL without Django: a separate connection to the configured database, with the same statements for PostgreSQL and SQLite."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg


class RawConnection:
    """One connection; on PostgreSQL, every statement is prepared. Parameters are marked %s on both databases."""

    def __init__(self, values: dict[str, Any]):
        self.is_postgresql = values["ENGINE"].endswith("postgresql")
        self.connection: Any
        if self.is_postgresql:
            self.connection = psycopg.connect(
                host=values["HOST"],
                port=values["PORT"],
                user=values["USER"],
                dbname=values["NAME"],
                options="-c jit=off",
                autocommit=True,
                prepare_threshold=0,
            )
        else:
            self.connection = sqlite3.connect(values["NAME"], isolation_level=None)
            self.connection.execute("PRAGMA synchronous=NORMAL")  # like the product's connection

    def query(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if self.is_postgresql:
            cursor = self.connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []
        parameters = [str(value.replace(tzinfo=None)) if isinstance(value, datetime) else value for value in values]
        return self.connection.execute(statement.replace("%s", "?"), parameters).fetchall()

    def run(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> None:
        """Runs the statements in order and discards their rows."""
        for statement, values in statements:
            self.query(statement, values)

    def close(self) -> None:
        self.connection.close()


Statement = tuple[str, Sequence[Any]]


def where(conditions: dict[str, Any], more: Sequence[Statement] = ()) -> Statement:
    """A WHERE clause of these equalities and further conditions, with its values. Empty if there are no conditions."""
    parts = [(f"{column} = %s", [value]) for column, value in conditions.items()] + list(more)
    if not parts:
        return "", []
    return " WHERE " + " AND ".join(text for text, _values in parts), [v for _text, values in parts for v in values]
