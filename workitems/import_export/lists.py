"""A list as CSV or JSON: generators of text, so a million rows need no more memory than a page of them.

A file shows the data at one moment. A caller that doesn't read it to the end must close it, as a server does when its
client has gone: that ends the reading.
"""

import contextlib
import csv
import io
from collections.abc import Callable, Generator, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from pharos.accounts.models import User
from pharos.accounts.roles import Permission
from pharos.consistent_read import consistent_read

from ..lifecycle import PROCESS
from ..models import WorkItem, WorkItemQuerySet
from .reading import DERIVED_COLUMNS, as_json, format_time
from .spreadsheet_cells import guard, shorten

# The columns in front, and those that a file of a list doesn't have; every other column of an item follows by itself.
_FIRST = (
    *("id", "name", "etag", "bucket", "user", "institution", "action", "stage", "status", "note", "outcome"),
    *("object_identifier", "generic_file_identifier", "size", "bag_date", "date", "retry", "reviewed"),
    *("needs_admin_review", "queued_at", "stage_started_at", "created_at", "updated_at"),
    *("inst_approver", "aptrust_approver"),
)
_NOT_LISTED = PROCESS | DERIVED_COLUMNS
# {column in the file: field of the item}.
LIST_COLUMNS: dict[str, str] = {
    name: "institution__identifier" if name == "institution" else name
    for name in dict.fromkeys([*_FIRST, *(column.name for column in WorkItem._meta.concrete_fields)])
    if name not in _NOT_LISTED
}
PROCESS_COLUMNS: dict[str, str] = {name: name for name in sorted(PROCESS)}

_ROWS_PER_FETCH = 2000
_ROWS_PER_CHUNK = 500  # a chunk per row would cost a server more than the row itself
# Without this mark, a spreadsheet reads the file in the encoding of its country.
_UTF8_MARK = "\ufeff"
# Clients of the API rely on text in these fields; other unset text is null, as in API responses.
_NEVER_NULL = frozenset({"name", "etag", "bucket", "note"})


def list_columns(user: User) -> dict[str, str]:
    """Returns the columns of a list that this user can export. Not everyone can see the process fields."""
    return LIST_COLUMNS | PROCESS_COLUMNS if user.can(Permission.SEE_PROCESS) else LIST_COLUMNS


def csv_lines(rows: WorkItemQuerySet, *, user: User, items_url: str = "/items/") -> Generator[str]:
    """The rows as CSV for a spreadsheet, with a header, in chunks of many lines. `import_workitems` reads it.

    A note that is too long for a cell ends with the item's address, which is `items_url` and its id.
    """
    columns = list_columns(user)
    names = list(columns)
    number, note = names.index("id"), names.index("note")
    before = _UTF8_MARK + _csv_text([names])
    with contextlib.closing(_chunks(rows, columns)) as pieces:
        for some in pieces:
            cells = [[_cell(value) for value in row] for row in some]
            for cell, row in zip(cells, some, strict=True):
                cell[note] = shorten(row[note], f"{items_url}{row[number]}")
            yield before + _csv_text(cells)
            before = ""
    if before:
        yield before


def json_lines(rows: WorkItemQuerySet, *, user: User, items_url: str = "") -> Generator[str]:
    """The rows as one JSON array, one per line, in chunks of many lines. `import_workitems` reads it.

    JSON has no limit, so no text needs the address of its item.
    """
    columns = list_columns(user)
    converters: list[tuple[str, Callable[[Any], Any]]] = [
        (name, _as_is if name in _NEVER_NULL else _null_if_empty) for name in columns
    ]
    before = "[\n"
    with contextlib.closing(_chunks(rows, columns)) as pieces:
        for some in pieces:
            objects = (
                {name: convert(value) for (name, convert), value in zip(converters, row, strict=True)} for row in some
            )
            yield before + ",\n".join(as_json(one) for one in objects)
            before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


class StartedStream:
    """A generator whose first chunk is read immediately, so that a failing query fails before the response has started."""

    def __init__(self, pieces: Generator[str]):
        self._pieces = pieces
        self._first = [next(pieces)]

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        return self._first.pop() if self._first else next(self._pieces)

    def close(self) -> None:
        self._pieces.close()


def _chunks(rows: WorkItemQuerySet, columns: dict[str, str]) -> Generator[Sequence[tuple[Any, ...]]]:
    # In a transaction, because otherwise PostgreSQL would need a cursor WITH HOLD, which reads all rows before it returns
    # the first one, and which doesn't work behind PgBouncer in transaction mode.
    with consistent_read(rows.db), contextlib.closing(_fetch_rows(rows, columns)) as found:
        while some := list(islice(found, _ROWS_PER_CHUNK)):
            yield some


def _fetch_rows(rows: WorkItemQuerySet, columns: dict[str, str]) -> Generator[tuple[Any, ...]]:
    """Like `iterator()`, but with a server-side cursor even where settings.py disables them in general, behind
    PgBouncer.
    """
    compiler = rows.values_list(*columns.values()).query.get_compiler(rows.db)
    yield from compiler.results_iter(tuple_expected=True, chunked_fetch=True, chunk_size=_ROWS_PER_FETCH)


def _csv_text(rows: list[list[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return guard(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return format_time(value) if isinstance(value, datetime) else value


def _as_is(value: Any) -> Any:
    return value


def _null_if_empty(value: Any) -> Any:
    return None if value == "" else value
