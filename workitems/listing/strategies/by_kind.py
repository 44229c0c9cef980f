"""Reads rows of given kinds in order: the first rows of each kind, from an index that has them in order, merged.

A query planner that reads the newest items until it has found enough of a rare kind may read millions. The summary table
says which kinds have any items, so each kind is read from its own range of an index, and no row is read in vain.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connection, connections

from ...counts import Kind
from ...database import WORK_ITEMS as ITEMS
from ...database import fetch_prepared
from ...models import KIND_COLUMNS

# {column of the order: (index for no kind, for a kind, for an institution, for an institution and a kind)}
_INDEXES = {
    "date": ("item_newest", "item_kind_newest", "item_newest_of_institution", "item_cell_newest"),
    "updated_at": ("item_last_changed", "item_kind_changed", "item_changed_of_institution", "item_cell_changed"),
}
COLUMNS = tuple(_INDEXES)


class IndexRange(NamedTuple):
    """A range of an order: its column and direction, where it starts (exclusive), and (lookup, value) bounds."""

    column: str
    descending: bool
    after: Sequence[Any] | None = None
    bounds: Sequence[tuple[str, datetime]] = ()


def merge_kinds(
    kinds: Sequence[Kind] | None,
    institutions: Sequence[int] | None,
    index_range: IndexRange,
    number: int,
    using: str = DEFAULT_DB_ALIAS,
) -> list[tuple[Any, int]]:
    """Returns (value of the order's column, id) of the first `number` items of these kinds and institutions.

    None means any. `using`: the database to read.
    """
    names = [*(["institution_id"] if institutions is not None else []), *(KIND_COLUMNS if kinds is not None else [])]
    probes = [
        (*([owner] if institutions is not None else []), *kind)
        for owner in ([None] if institutions is None else institutions)
        for kind in ([()] if kinds is None else kinds)
    ]
    if not probes:
        return []
    read = _in_one_statement if connections[using].vendor == "postgresql" else _one_by_one
    return read(using, names, probes, index_range, number)


_SIGNS = {"gte": ">=", "gt": ">", "lt": "<", "lte": "<="}


def _conditions(index_range: IndexRange) -> tuple[list[str], list[Any]]:
    column = index_range.column
    conditions = [f"i.{column} {_SIGNS[lookup]} %s" for lookup, _value in index_range.bounds]
    params: list[Any] = [_adapted(value) for _lookup, value in index_range.bounds]
    if index_range.after is not None:
        conditions.append(f"(i.{column}, i.id) {'<' if index_range.descending else '>'} (%s, %s)")
        params += [_adapted(index_range.after[0]), index_range.after[1]]
    return conditions, params


def _adapted(value: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(value)


def _rows(names: Iterable[str], values: Iterable[str], index_range: IndexRange, source: str) -> tuple[str, list[Any]]:
    """Returns the statement for one kind, without its LIMIT, and the parameters that follow those of the kind."""
    conditions, params = _conditions(index_range)
    conditions = [*(f"i.{name} = {value}" for name, value in zip(names, values, strict=True)), *conditions]
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    direction = "DESC" if index_range.descending else "ASC"
    order = f"ORDER BY i.{index_range.column} {direction}, i.id {direction}"
    return f"SELECT i.{index_range.column} AS sort_value, i.id FROM {source} {where}{order} LIMIT {{}}", params


def _in_one_statement(
    using: str, names: Sequence[str], probes: Sequence[tuple[Any, ...]], index_range: IndexRange, number: int
) -> list[tuple[Any, int]]:
    if len(probes) == 1:
        sql, params = _rows(names, ["%s"] * len(names), index_range, f"{ITEMS} i")
        sql, params = sql.format(number), [*probes[0], *params]
    else:
        inner, params = _rows(names, [f"c.{name}" for name in names], index_range, f"{ITEMS} i")
        types = {"institution_id": "bigint", "reviewed": "boolean", "retry": "boolean"}
        lists = ", ".join(f"%s::{types.get(name, 'text')}[]" for name in names)
        direction = "DESC" if index_range.descending else "ASC"
        sql = (
            f"SELECT r.sort_value, r.id FROM unnest({lists}) AS c({', '.join(names)})"
            f" CROSS JOIN LATERAL ({inner.format(number)}) AS r ORDER BY r.sort_value {direction}, r.id {direction} LIMIT {number}"
        )
        params = [*(list(column) for column in zip(*probes, strict=True)), *params]
    return fetch_prepared(using, sql, params)


def _one_by_one(
    using: str, names: Sequence[str], probes: Sequence[tuple[Any, ...]], index_range: IndexRange, number: int
) -> list[tuple[Any, int]]:
    """SQLite has no LATERAL, but a statement there needs no round trip to a server."""
    index = _INDEXES[index_range.column][("action" in names) + 2 * ("institution_id" in names)]
    sql, params = _rows(names, ["%s"] * len(names), index_range, f"{ITEMS} i INDEXED BY {index}")
    sql = sql.format(number)
    found: list[tuple[Any, int]] = []
    with connections[using].cursor() as cursor:
        for probe in probes:
            cursor.execute(sql, [*probe, *params])
            found += cursor.fetchall()
    return sorted(found, reverse=index_range.descending)[:number]
