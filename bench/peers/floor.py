"""The floor: the least that a page must ask of the database, by bare prepared statements and the best index for the case.

For a list that is one round trip, the cells that its counts are added up from, and its rows; of several ways to the rows the
fastest counts.
"""

from typing import Any

from ..cases import PER_PAGE, Asked
from ..loading import HISTORY, ITEMS
from ..statements import Bare, Statement, where

COLUMNS = (
    "id, name, action, stage, status, retry, reviewed, needs_admin_review, node, queued_at, stage_started_at, size, "
    "object_identifier, generic_file_identifier, date, updated_at, institution_id, substr(note, 1, 200)"
)
ROUND_TRIP: Statement = ("SELECT 1", [])
KIND = ("action", "stage", "status", "reviewed", "retry")


def cells(asked: Asked) -> Statement:
    """The summary that the counts of the left column come from: all of it, or one institution's."""
    condition, values = where(_scope(asked))
    return f"SELECT * FROM bench_cell{condition}", values


def rows(asked: Asked, bare: Bare) -> list[list[Statement]]:
    """Ways to the rows of a page, each as its statements."""
    last = asked.case.place == "last"
    order = "date, id" if last else "date DESC, id DESC"
    number = PER_PAGE
    more: list[Statement] = []
    if asked.case.place == "middle" and asked.before:
        more.append(("(date, id) < (%s, %s)", asked.before))
    if asked.term is not None:
        return _search(asked, bare, order)
    condition, values = where(_scope(asked) | asked.case.filters, more)
    plain = (f"SELECT {COLUMNS} FROM {ITEMS}{condition} ORDER BY {order} LIMIT {number}", values)
    return [[plain], _merged(asked, bare, order)] if asked.case.filters else [[plain]]


def _scope(asked: Asked) -> dict[str, Any]:
    return {"institution_id": asked.person.institution} if asked.person.institution else {}


def _merged(asked: Asked, bare: Bare, order: str) -> list[Statement]:
    """The newest of each kind of item that fits, by an index that begins with the kind, merged."""
    condition, values = where(_scope(asked) | asked.case.filters)
    kinds = bare.ask(f"SELECT DISTINCT {', '.join(KIND)} FROM bench_cell{condition}", values)
    if not kinds:
        return [cells(asked)]
    parts: list[str] = []
    given: list[Any] = []
    for kind in kinds:
        of_kind, its_values = where(_scope(asked) | dict(zip(KIND, kind, strict=True)))
        parts.append(f"SELECT * FROM (SELECT id, date FROM {ITEMS}{of_kind} ORDER BY {order} LIMIT {PER_PAGE}) AS k")
        given += its_values
    newest = f"SELECT id FROM ({' UNION ALL '.join(parts)}) AS n ORDER BY {order} LIMIT {PER_PAGE}"
    return [(f"SELECT {COLUMNS} FROM {ITEMS} WHERE id IN ({newest}) ORDER BY {order}", given)]


def _search(asked: Asked, bare: Bare, order: str) -> list[list[Statement]]:
    """By reading on from the newest, and by an index of trigrams where the product has one."""
    pattern = f"%{asked.term}%"
    ways = []
    sources = [(ITEMS, "id", "search_text")]
    if bare.is_postgresql:
        sources += bare.ask(
            "SELECT t.relname, (SELECT attname FROM pg_attribute p JOIN pg_index k ON k.indrelid = t.oid AND k.indisprimary"
            " AND p.attnum = k.indkey[0] WHERE p.attrelid = t.oid), a.attname FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid"
            " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]"
            " WHERE pg_get_indexdef(i.indexrelid) LIKE '%%gin_trgm_ops%%'"
        )
    for table, key, column in sources:
        if table == ITEMS:
            condition, values = where(_scope(asked), [(f"{column} LIKE %s", [pattern])])
        else:
            found = f"id IN (SELECT {key} FROM {table} WHERE {column} LIKE %s)"
            condition, values = where(_scope(asked), [(found, [pattern])])
        ways.append([(f"SELECT {COLUMNS} FROM {ITEMS}{condition} ORDER BY {order} LIMIT {PER_PAGE}", values)])
    return ways


def item(pk: int) -> list[Statement]:
    """An item and its history."""
    return [
        (f"SELECT * FROM {ITEMS} WHERE id = %s", [pk]),
        (f"SELECT * FROM {HISTORY} WHERE item_id = %s ORDER BY number", [pk]),
    ]
