"""Rows out: the current list as CSV or JSON, and the whole installation in a form that `importing` takes back.

Everything is a generator of text, so that a million rows need no more memory than a page of them.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from pharos.accounts.models import User
from pharos.accounts.roles import Permission

from .models import WorkItemQuerySet

# What a column is called outside, and where it is read from.
LIST_COLUMNS: dict[str, str] = {
    "id": "id",
    "name": "name",
    "etag": "etag",
    "bucket": "bucket",
    "user": "user",
    "institution": "institution__identifier",
    "action": "action",
    "stage": "stage",
    "status": "status",
    "note": "note",
    "outcome": "outcome",
    "object_identifier": "object_identifier",
    "generic_file_identifier": "generic_file_identifier",
    "size": "size",
    "bag_date": "bag_date",
    "date": "date",
    "retry": "retry",
    "reviewed": "reviewed",
    "needs_admin_review": "needs_admin_review",
    "queued_at": "queued_at",
    "stage_started_at": "stage_started_at",
    "created_at": "created_at",
    "updated_at": "updated_at",
    "inst_approver": "inst_approver",
    "aptrust_approver": "aptrust_approver",
}
PROCESS_COLUMNS: dict[str, str] = {"node": "node", "pid": "pid"}

_ROWS_PER_FETCH = 2000
_ROWS_PER_PIECE = 500  # a piece per row would cost a server more than the row itself
# A spreadsheet takes a cell that begins like this for a formula, and runs it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Clients of the API count on text here; other text that is not set is null, as in a reply.
_NEVER_NULL = frozenset({"name", "etag", "bucket", "note"})


def list_columns(user: User) -> dict[str, str]:
    """The columns that this person may have of a list: which process holds an item is not for everybody."""
    return LIST_COLUMNS | PROCESS_COLUMNS if user.can(Permission.SEE_PROCESS) else LIST_COLUMNS


def csv_lines(rows: WorkItemQuerySet, *, user: User) -> Iterator[str]:
    """The rows as CSV for a spreadsheet, header first, in pieces of many lines."""
    columns = list_columns(user)
    yield _csv_text([list(columns)])
    for some in _pieces(rows, columns):
        yield _csv_text([[_cell(value) for value in row] for row in some])


def json_lines(rows: WorkItemQuerySet, *, user: User) -> Iterator[str]:
    """The rows as one JSON array, a line each, in pieces of many lines. `import_workitems` reads it."""
    columns = list_columns(user)
    shapes: list[tuple[str, Callable[[Any], Any]]] = [
        (name, _as_is if name in _NEVER_NULL else _null_if_empty) for name in columns
    ]
    before = "[\n"
    for some in _pieces(rows, columns):
        objects = ({name: shape(value) for (name, shape), value in zip(shapes, row, strict=True)} for row in some)
        yield before + ",\n".join(as_json(one) for one in objects)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def as_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


def moment(value: datetime) -> str:
    """RFC 3339 in UTC, with as many digits as the database has."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(value: Any) -> str:
    return moment(value) if isinstance(value, datetime) else str(value)


def _pieces(rows: WorkItemQuerySet, columns: dict[str, str]) -> Iterator[Sequence[tuple[Any, ...]]]:
    found = rows.values_list(*columns.values()).iterator(chunk_size=_ROWS_PER_FETCH)
    while some := list(islice(found, _ROWS_PER_PIECE)):
        yield some


def _csv_text(rows: list[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return moment(value) if isinstance(value, datetime) else value


def _as_is(value: Any) -> Any:
    return value


def _null_if_empty(value: Any) -> Any:
    return None if value == "" else value
