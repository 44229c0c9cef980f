"""Bare statements on the database that Django is set up for: by a connection of their own, prepared, the same text for both."""

import sqlite3
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg


class Bare:
    """One connection. `ask` runs a statement with its parameters marked by %s, and gives its rows."""

    def __init__(self, values: dict[str, Any]):
        self.is_postgresql = values["ENGINE"].endswith("postgresql")
        self.connection: Any
        if self.is_postgresql:
            self.connection = psycopg.connect(
                host=values["HOST"],
                user=values["USER"],
                dbname=values["NAME"],
                options="-c jit=off",
                autocommit=True,
                prepare_threshold=0,
            )
        else:
            self.connection = sqlite3.connect(values["NAME"], isolation_level=None)
            self.connection.execute("PRAGMA synchronous=NORMAL")  # as the product has it

    def ask(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        if self.is_postgresql:
            cursor = self.connection.execute(statement, values)
            return cursor.fetchall() if cursor.description else []
        kept = [str(value.replace(tzinfo=None)) if isinstance(value, datetime) else value for value in values]
        return self.connection.execute(statement.replace("%s", "?"), kept).fetchall()

    def all(self, statements: Sequence[tuple[str, Sequence[Any]]]) -> None:
        """Runs them one after the other."""
        for statement, values in statements:
            self.ask(statement, values)

    def close(self) -> None:
        self.connection.close()


Statement = tuple[str, Sequence[Any]]


def where(conditions: dict[str, Any], more: Sequence[Statement] = ()) -> Statement:
    """A WHERE of equalities and other conditions, with its values; nothing where there are none."""
    parts = [(f"{column} = %s", [value]) for column, value in conditions.items()] + list(more)
    if not parts:
        return "", []
    return " WHERE " + " AND ".join(text for text, _values in parts), [v for _text, values in parts for v in values]
