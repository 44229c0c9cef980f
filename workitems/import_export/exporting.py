"""Exports: a list as CSV or JSON, and all items with their history in a format that `importing` reads back.

Each export is a generator of text, so a million rows need no more memory than a page, and shows the data as of one moment.
A caller that doesn't read it to the end must close it, which ends the transaction. A server does this when its client has
disconnected.
"""

import contextlib
import csv
import io
import json
import os
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, reset_queries, transaction
from django.utils import timezone

from pharos.accounts.models import Institution, User
from pharos.accounts.roles import Permission

from ..audit_log import read_histories
from ..lifecycle import PROCESS
from ..models import HistoryEntry, WorkItem, WorkItemQuerySet

FORMAT, VERSION = "pharos-work-items", 1

# {column in the file: field of the item}.
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
PROCESS_COLUMNS: dict[str, str] = {name: name for name in sorted(PROCESS)}

_ROWS_PER_FETCH = 2000
_ROWS_PER_CHUNK = 500  # sending each row as its own chunk would take longer than reading it
# A spreadsheet treats a cell that starts like this as a formula and runs it.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Clients of the API rely on text in these fields; other unset text is null, as in API responses.
_NEVER_NULL = frozenset({"name", "etag", "bucket", "note"})


def list_columns(user: User) -> dict[str, str]:
    """Returns the columns of a list that this user can export. Not everyone can see the process fields."""
    return LIST_COLUMNS | PROCESS_COLUMNS if user.can(Permission.SEE_PROCESS) else LIST_COLUMNS


def csv_lines(rows: WorkItemQuerySet, *, user: User) -> Generator[str]:
    """Yields the rows as CSV for a spreadsheet, with a header, in chunks of many lines."""
    columns = list_columns(user)
    before = _csv_text([list(columns)])
    with contextlib.closing(_chunks(rows, columns)) as pieces:
        for some in pieces:
            yield before + _csv_text([[_cell(value) for value in row] for row in some])
            before = ""
    if before:
        yield before


def json_lines(rows: WorkItemQuerySet, *, user: User) -> Generator[str]:
    """Yields the rows as a JSON array, one row per line, in chunks of many lines. `import_workitems` can read it."""
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


def format_time(value: datetime) -> str:
    """Formats a time as RFC 3339 in UTC, with as many digits as the database stores."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _plain(value: Any) -> str:
    return format_time(value) if isinstance(value, datetime) else str(value)


as_json = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), default=_plain
).encode  # created once, not per row


def _chunks(rows: WorkItemQuerySet, columns: dict[str, str]) -> Generator[Sequence[tuple[Any, ...]]]:
    # In a transaction, because otherwise PostgreSQL would need a cursor WITH HOLD, which reads all rows before it returns
    # the first one, and which doesn't work behind PgBouncer in transaction mode.
    with _consistent_read(rows.db), contextlib.closing(_fetch_rows(rows, columns)) as found:
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
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return format_time(value) if isinstance(value, datetime) else value


def _as_is(value: Any) -> Any:
    return value


def _null_if_empty(value: Any) -> Any:
    return None if value == "" else value


# Every column of an item except those derived from others.
_DERIVED = ("version", "search_text", "stage_entered_at")
ITEM_COLUMNS = [column.name for column in WorkItem._meta.concrete_fields if column.name not in _DERIVED]
ENTRY_COLUMNS = [column.name for column in HistoryEntry._meta.concrete_fields if column.name not in ("id", "item")]
_ITEMS_PER_FETCH = 500  # the histories of as many items are fetched at once


def export_lines(advance: Callable[[int], object] = lambda items: None) -> Iterator[str]:
    """Yields every institution and every item with its history, as of one moment, in chunks of many lines.

    The last line has the number of items; a file without it is incomplete.
    """
    with _consistent_read(DEFAULT_DB_ALIAS):
        yield as_json({"format": FORMAT, "version": VERSION, "exported_at": timezone.now()}) + "\n"
        for identifier, name in Institution.objects.order_by("identifier").values_list("identifier", "name"):
            yield as_json({"institution": {"identifier": identifier, "name": name}}) + "\n"
        total = 0
        for items, versions in _item_batches():
            yield "".join(_with_history(items, versions))
            total += len(items)
            advance(len(items))
            clear_query_log()
        yield as_json({"end": {"items": total}}) + "\n"


class IncompleteHistory(Exception):
    """Part of an item's history is not in the database, so the export would be incomplete."""

    def __init__(self, item: int, missing: int):
        super().__init__(
            f"{missing} history entries of item {item} are not in the database. If a year of the archive was detached, "
            "reattach it (docs/history.md) and export again."
        )


def clear_query_log() -> None:
    """Drops the log of statements that Django keeps while DEBUG is on, which would fill the memory in a long run."""
    if settings.DEBUG:
        reset_queries()


def write_export(path: Path, pieces: Iterable[str]) -> None:
    """Writes a temporary file and renames it, so that a partial export is never mistaken for a complete one."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with open(handle, "w", encoding="utf-8", newline="") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@contextlib.contextmanager
def _consistent_read(using: str) -> Iterator[None]:
    """Within this context, all reads see the same state, and no writer has to wait."""
    connection = connections[using]
    if connection.in_atomic_block:
        yield  # whoever opened the transaction has chosen its isolation level
    elif connection.vendor == "postgresql":
        with transaction.atomic(using):
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    else:
        # Without `atomic`: settings.py makes every Django transaction on SQLite a write transaction, which blocks writers.
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")


def _item_batches() -> Iterator[tuple[list[dict[str, Any]], dict[int, int]]]:
    """Yields batches of items, each with {item id: number of its history entries}."""
    columns = ["institution__identifier" if name == "institution" else name for name in ITEM_COLUMNS]
    last = 0
    following = WorkItem.objects.order_by("pk").values_list("version", *columns)
    while rows := list(following.filter(pk__gt=last)[:_ITEMS_PER_FETCH]):
        items = [dict(zip(ITEM_COLUMNS, values, strict=True)) for _version, *values in rows]
        yield items, {item["id"]: row[0] for item, row in zip(items, rows, strict=True)}
        last = items[-1]["id"]


def _with_history(items: list[dict[str, Any]], versions: dict[int, int]) -> Iterator[str]:
    histories = read_histories(versions, ENTRY_COLUMNS)
    for item in items:
        entries = [dict(zip(ENTRY_COLUMNS, values, strict=True)) for values in histories.get(item["id"], ())]
        if len(entries) < versions[item["id"]]:
            raise IncompleteHistory(item["id"], versions[item["id"]] - len(entries))
        yield as_json({"item": item, "history": entries}) + "\n"
