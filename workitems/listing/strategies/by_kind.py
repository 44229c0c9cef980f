"""Rows of chosen kinds in order: the first few of every kind, from the index that has them in order, merged.

A planner that reads the newest items until enough of a rare kind have come up may read millions. Here the summary has said of
which kinds there are items at all, so each is asked for by its own stretch of an index, and nothing is read in vain.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connection, connections

from ...counts import Kind
from ...database import WORK_ITEMS as ITEMS
from ...database import fetched
from ...models import KIND

# {the column that an order goes by: (indexes for no kind, a kind, an institution, an institution and a kind)}
_INDEXES = {
    "date": ("item_newest", "item_kind_newest", "item_newest_of_institution", "item_cell_newest"),
    "updated_at": ("item_last_changed", "item_kind_changed", "item_changed_of_institution", "item_cell_changed"),
}
COLUMNS = tuple(_INDEXES)


class IndexRange(NamedTuple):
    """A part of an order: its column, whether it falls, the place after which it begins, and bounds (lookup, value) of the column."""

    column: str
    falls: bool
    after: Sequence[Any] | None = None
    bounds: Sequence[tuple[str, datetime]] = ()


def rows_of_kinds(
    kinds: Sequence[Kind] | None,
    institutions: Sequence[int] | None,
    stretch: IndexRange,
    number: int,
    using: str = DEFAULT_DB_ALIAS,
) -> list[tuple[Any, int]]:
    """(value of the order's column, id) of the first so many items of these kinds and institutions; None: of any.

    `using`: the database that is asked.
    """
    names = [*(["institution_id"] if institutions is not None else []), *(KIND if kinds is not None else [])]
    probes = [
        (*([owner] if institutions is not None else []), *kind)
        for owner in ([None] if institutions is None else institutions)
        for kind in ([()] if kinds is None else kinds)
    ]
    if not probes:
        return []
    way = _in_one_statement if connections[using].vendor == "postgresql" else _one_by_one
    return way(using, names, probes, stretch, number)


_SIGNS = {"gte": ">=", "gt": ">", "lt": "<", "lte": "<="}


def _conditions(stretch: IndexRange) -> tuple[list[str], list[Any]]:
    column = stretch.column
    conditions = [f"i.{column} {_SIGNS[lookup]} %s" for lookup, _value in stretch.bounds]
    params: list[Any] = [_adapted(value) for _lookup, value in stretch.bounds]
    if stretch.after is not None:
        conditions.append(f"(i.{column}, i.id) {'<' if stretch.falls else '>'} (%s, %s)")
        params += [_adapted(stretch.after[0]), stretch.after[1]]
    return conditions, params


def _adapted(value: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(value)


def _rows(names: Iterable[str], values: Iterable[str], stretch: IndexRange, source: str) -> tuple[str, list[Any]]:
    """The statement for one kind, without its LIMIT, and the parameters that follow those of the kind."""
    conditions, params = _conditions(stretch)
    conditions = [*(f"i.{name} = {value}" for name, value in zip(names, values, strict=True)), *conditions]
    where = f"WHERE {' AND '.join(conditions)} " if conditions else ""
    way = "DESC" if stretch.falls else "ASC"
    order = f"ORDER BY i.{stretch.column} {way}, i.id {way}"
    return f"SELECT i.{stretch.column} AS place, i.id FROM {source} {where}{order} LIMIT {{}}", params


def _in_one_statement(
    using: str, names: Sequence[str], probes: Sequence[tuple[Any, ...]], stretch: IndexRange, number: int
) -> list[tuple[Any, int]]:
    if len(probes) == 1:
        sql, params = _rows(names, ["%s"] * len(names), stretch, f"{ITEMS} i")
        sql, params = sql.format(number), [*probes[0], *params]
    else:
        inner, params = _rows(names, [f"c.{name}" for name in names], stretch, f"{ITEMS} i")
        types = {"institution_id": "bigint", "reviewed": "boolean", "retry": "boolean"}
        lists = ", ".join(f"%s::{types.get(name, 'text')}[]" for name in names)
        way = "DESC" if stretch.falls else "ASC"
        sql = (
            f"SELECT r.place, r.id FROM unnest({lists}) AS c({', '.join(names)})"
            f" CROSS JOIN LATERAL ({inner.format(number)}) AS r ORDER BY r.place {way}, r.id {way} LIMIT {number}"
        )
        params = [*(list(column) for column in zip(*probes, strict=True)), *params]
    return fetched(using, sql, params)


def _one_by_one(
    using: str, names: Sequence[str], probes: Sequence[tuple[Any, ...]], stretch: IndexRange, number: int
) -> list[tuple[Any, int]]:
    """SQLite has no LATERAL; but there a statement costs no way to a server."""
    index = _INDEXES[stretch.column][("action" in names) + 2 * ("institution_id" in names)]
    sql, params = _rows(names, ["%s"] * len(names), stretch, f"{ITEMS} i INDEXED BY {index}")
    sql = sql.format(number)
    found: list[tuple[Any, int]] = []
    with connections[using].cursor() as cursor:
        for probe in probes:
            cursor.execute(sql, [*probe, *params])
            found += cursor.fetchall()
    return sorted(found, reverse=stretch.falls)[:number]
