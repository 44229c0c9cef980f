"""A digest of all rows, by which a restored database is compared with the original."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection

from pharos.consistent_read import consistent_read

_CHUNK = 2000
_MODULUS = 1 << 256


@dataclass(frozen=True)
class TableDigest:
    """A table's name, its number of rows, and a SHA-256 that depends on their values but not on their order."""

    table: str
    rows: int
    digest: str


def digest_tables() -> Iterator[TableDigest]:
    """Yields the digest of every table, all as of one moment. Writers aren't blocked.

    The digests of rows are added up, so no table is sorted. This detects mistakes; it isn't protection against somebody who
    constructs rows for the purpose. Only databases of the same kind can be compared.
    """
    with consistent_read(DEFAULT_DB_ALIAS):
        for table in sorted(connection.introspection.table_names()):
            total, rows = 0, 0
            for row in _rows(table):
                total += int.from_bytes(hashlib.sha256(row).digest(), "big")
                rows += 1
            yield TableDigest(table, rows, f"{total % _MODULUS:064x}")


def digest_of_all(tables: list[TableDigest]) -> str:
    """Returns one digest for all of them."""
    return hashlib.sha256("\n".join(f"{one.table} {one.rows} {one.digest}" for one in tables).encode()).hexdigest()


def _rows(table: str) -> Iterator[bytes]:
    """Yields each row in the same form on every machine: the columns in the order of their names, times in UTC."""
    quote = connection.ops.quote_name
    with connection.cursor() as cursor:
        names = sorted(column.name for column in connection.introspection.get_table_description(cursor, table))
    columns = ", ".join(_as_text(quote(name)) for name in names)
    with connection.chunked_cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM {quote(table)}")  # noqa: S608  names from the database itself
        while chunk := cursor.fetchmany(_CHUNK):
            yield from map(_bytes, chunk)


def _as_text(column: str) -> str:
    return f"{column}::text" if connection.vendor == "postgresql" else column


def _bytes(row: tuple[Any, ...]) -> bytes:
    return repr(row).encode("utf-8", "backslashreplace")
