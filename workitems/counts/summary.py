"""Reading the summary: the numbers of a whole page, out of one statement."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connections

from ..database import WORK_ITEMS, fetched
from ..models import COLUMNS, KIND, MOVING_SQL, CountChange, ItemCount

_KIND = ", ".join(KIND)
_Condition = tuple[str, list[Any]]  # SQL, and its parameters


class Kind(NamedTuple):
    """What an item is, whoever owns it: a cell without its institution."""

    action: str
    stage: str
    status: str
    reviewed: bool
    retry: bool


# Of each column the values that are wanted; a column that is not named may have any. Several masks mean "or".
Mask = Mapping[str, frozenset[Any]]
ANYTHING: tuple[Mask, ...] = ({},)


def both(some: Iterable[Mask], others: Iterable[Mask]) -> tuple[Mask, ...]:
    """The masks of what fits one of some and one of the others."""
    pairs = [(one, other) for one in some for other in others]
    met = [{column: _met(one, other, column) for column in {**one, **other}} for one, other in pairs]
    return tuple(mask for mask in met if all(mask.values()))


def _met(one: Mask, other: Mask, column: str) -> frozenset[Any]:
    if column not in one or column not in other:
        return one.get(column) or other.get(column) or frozenset()
    return one[column] & other[column]


def fits(kind: Kind, masks: Iterable[Mask]) -> bool:
    return any(all(getattr(kind, column) in values for column, values in mask.items()) for mask in masks)


@dataclass(frozen=True)
class Tally:
    """{kind: number} over the chosen institutions, and {institution's id: number} over the kinds wanted."""

    kinds: dict[Kind, int]
    institutions: dict[int, int]


def tally(
    scope: Collection[int] | None,
    chosen: Collection[int] | None,
    masks: Iterable[Mask] | None,
    *,
    using: str = DEFAULT_DB_ALIAS,
) -> Tally:
    """Sums the summary up, exactly as things are at this moment, in one statement.

    `scope`: the institutions that may be seen; `chosen`: those that the kinds are counted over; None for all. `masks`: of which
    kinds the institutions are counted; None where nobody asks for that. `using`: the database that is asked.
    """
    within, params = _within("institution_id", scope)
    cell = ", ".join(COLUMNS)
    kept = [f"SELECT {cell}, number FROM {table._meta.db_table} WHERE {within}" for table in (ItemCount, CountChange)]
    moving = f"SELECT {cell}, COUNT(*) FROM {WORK_ITEMS} WHERE status IN {MOVING_SQL} AND {within} GROUP BY {cell}"
    over = _within("institution_id", chosen)
    if masks is not None and connections[using].vendor == "postgresql":
        sums, more = _in_one_scan(over, _any(masks))
    else:
        sums, more = _one_after_the_other(over, None if masks is None else _any(masks))
    return _sorted_out(
        fetched(using, f"WITH cells AS ({' UNION ALL '.join([*kept, moving])}) {sums}", [*params * 3, *more])
    )


def _in_one_scan(over: _Condition, fitting: _Condition) -> _Condition:
    """The sums of both at once, in two thirds of the time; SQLite has no grouping sets."""
    number = (
        f"CASE WHEN GROUPING(institution_id) = 0 THEN SUM(number) FILTER (WHERE {fitting[0]})"
        f" ELSE SUM(number) FILTER (WHERE {over[0]}) END"
    )
    sums = f"SELECT institution_id, {_KIND}, {number} FROM cells GROUP BY GROUPING SETS ((institution_id), ({_KIND}))"
    return sums, [*fitting[1], *over[1]]


def _one_after_the_other(over: _Condition, fitting: _Condition | None) -> _Condition:
    sums = f"SELECT NULL, {_KIND}, SUM(number) FROM cells WHERE {over[0]} GROUP BY {_KIND}"
    if fitting is None:
        return sums, over[1]
    owners = f"SELECT institution_id, {', '.join(['NULL'] * len(KIND))}, SUM(number) FROM cells WHERE {fitting[0]}"
    return f"{sums} UNION ALL {owners} GROUP BY institution_id", [*over[1], *fitting[1]]


def _any(masks: Iterable[Mask]) -> _Condition:
    """The condition that a row fits one of the masks, and its parameters."""
    parts, params = [], []
    for mask in masks:
        conditions = [_within(column, values) for column, values in mask.items()]
        parts.append(" AND ".join(["1 = 1", *(sql for sql, _values in conditions)]))
        params += [value for _sql, values in conditions for value in values]
    return f"({' OR '.join(parts) or '1 = 0'})", params


def _within(column: str, values: Collection[Any] | None) -> _Condition:
    if values is None:
        return "1 = 1", []
    if not values:
        return "1 = 0", []
    return f"{column} IN ({', '.join(['%s'] * len(values))})", list(values)


def _sorted_out(rows: Iterable[tuple[Any, ...]]) -> Tally:
    found = Tally({}, {})
    for institution, *kind, number in rows:
        if not number:  # all of them have moved on, or none was asked for
            continue
        if institution is None:
            action, stage, status, reviewed, retry = kind
            found.kinds[Kind(action, stage, status, bool(reviewed), bool(retry))] = int(number)
        else:
            found.institutions[institution] = int(number)
    return found
