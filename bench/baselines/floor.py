"""The floor: the least work a page can give the database, as prepared statements that use the best index for each case.

For a list, that is one round trip, the summary rows that its counts are added up from, and its rows. Where several queries
can find the rows, the fastest one counts.
"""

from typing import Any

from ..bulk_loading import HISTORY, ITEMS
from ..cases import PER_PAGE, ListRequest
from ..raw_sql import RawConnection, Statement, where

COLUMNS = (
    "id, name, action, stage, status, retry, reviewed, needs_admin_review, node, queued_at, stage_started_at, size, "
    "object_identifier, generic_file_identifier, date, updated_at, institution_id, substr(note, 1, 200)"
)
ROUND_TRIP: Statement = ("SELECT 1", [])
KIND = ("action", "stage", "status", "reviewed", "retry")


def cells(request: ListRequest) -> Statement:
    """The summary rows that the facet counts are added up from: all of them, or one institution's."""
    condition, values = where(_scope(request))
    return f"SELECT * FROM bench_cell{condition}", values


def rows(request: ListRequest, raw: RawConnection) -> list[list[Statement]]:
    """Alternative queries for the rows of a page, each as a list of statements."""
    last = request.case.position == "last"
    order = "date, id" if last else "date DESC, id DESC"
    number = PER_PAGE
    more: list[Statement] = []
    if request.case.position == "middle" and request.before:
        more.append(("(date, id) < (%s, %s)", request.before))
    if request.term is not None:
        return _search(request, raw, order)
    condition, values = where(_scope(request) | request.case.filters, more)
    plain = (f"SELECT {COLUMNS} FROM {ITEMS}{condition} ORDER BY {order} LIMIT {number}", values)
    return [[plain], _merged(request, raw, order)] if request.case.filters else [[plain]]


def _scope(request: ListRequest) -> dict[str, Any]:
    return {"institution_id": request.person.institution} if request.person.institution else {}


def _merged(request: ListRequest, raw: RawConnection, order: str) -> list[Statement]:
    """The newest items of each matching kind, from an index that starts with the kind, merged."""
    condition, values = where(_scope(request) | request.case.filters)
    kinds = raw.query(f"SELECT DISTINCT {', '.join(KIND)} FROM bench_cell{condition}", values)
    if not kinds:
        return [cells(request)]
    parts: list[str] = []
    given: list[Any] = []
    for kind in kinds:
        of_kind, its_values = where(_scope(request) | dict(zip(KIND, kind, strict=True)))
        parts.append(f"SELECT * FROM (SELECT id, date FROM {ITEMS}{of_kind} ORDER BY {order} LIMIT {PER_PAGE}) AS k")
        given += its_values
    newest = f"SELECT id FROM ({' UNION ALL '.join(parts)}) AS n ORDER BY {order} LIMIT {PER_PAGE}"
    return [(f"SELECT {COLUMNS} FROM {ITEMS} WHERE id IN ({newest}) ORDER BY {order}", given)]


def _search(request: ListRequest, raw: RawConnection, order: str) -> list[list[Statement]]:
    """By scanning from the newest item, and by a trigram index where the product has one."""
    pattern = f"%{request.term}%"
    queries = []
    sources = [(ITEMS, "id", "search_text")]
    if raw.is_postgresql:
        sources += raw.query(
            "SELECT t.relname, (SELECT attname FROM pg_attribute p JOIN pg_index k ON k.indrelid = t.oid AND k.indisprimary"
            " AND p.attnum = k.indkey[0] WHERE p.attrelid = t.oid), a.attname FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid"
            " JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = i.indkey[0]"
            " WHERE pg_get_indexdef(i.indexrelid) LIKE '%%gin_trgm_ops%%'"
        )
    for table, key, column in sources:
        if table == ITEMS:
            condition, values = where(_scope(request), [(f"{column} LIKE %s", [pattern])])
        else:
            found = f"id IN (SELECT {key} FROM {table} WHERE {column} LIKE %s)"
            condition, values = where(_scope(request), [(found, [pattern])])
        queries.append([(f"SELECT {COLUMNS} FROM {ITEMS}{condition} ORDER BY {order} LIMIT {PER_PAGE}", values)])
    return queries


def item(pk: int) -> list[Statement]:
    """An item and its history."""
    return [
        (f"SELECT * FROM {ITEMS} WHERE id = %s", [pk]),
        (f"SELECT * FROM {HISTORY} WHERE item_id = %s ORDER BY number", [pk]),
    ]
