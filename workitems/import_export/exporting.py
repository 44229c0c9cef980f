"""Exports everything with its history, in a format that `importing` reads back."""

import base64
import os
import tempfile
from collections.abc import Callable, Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, reset_queries
from django.utils import timezone

from pharos.accounts.models import Institution
from pharos.consistent_read import consistent_read

from ..audit_log import read_histories
from ..models import HistoryEntry, WorkItem, WorkItemState
from .reading import DERIVED_COLUMNS, as_json

FORMAT, VERSION = "pharos-work-items", 2  # version 1 has no worker states
NOT_EXPORTED = "people and their settings, API keys, saved views, watches, bulk changes, and emails waiting to be sent"

# Every column of an item except those derived from others.
ITEM_COLUMNS = [column.name for column in WorkItem._meta.concrete_fields if column.name not in DERIVED_COLUMNS]
ENTRY_COLUMNS = [column.name for column in HistoryEntry._meta.concrete_fields if column.name not in ("id", "item")]
_ITEMS_PER_FETCH = 500  # the histories of as many items are fetched at once


def export_lines(advance: Callable[[int], object] = lambda items: None) -> Generator[str]:
    """Every institution and every item with its history and worker state, as of one moment, in chunks of many lines.

    The last line has the number of items; a file without it is incomplete.
    """
    with consistent_read(DEFAULT_DB_ALIAS):
        yield as_json({"format": FORMAT, "version": VERSION, "exported_at": timezone.now()}) + "\n"
        for identifier, name in Institution.objects.order_by("identifier").values_list("identifier", "name"):
            yield as_json({"institution": {"identifier": identifier, "name": name}}) + "\n"
        total = 0
        for items, versions in _item_batches():
            yield from _with_history(items, versions)
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
    """Yields the lines of these items in a few chunks: a line with a worker's state can have tens of MB."""
    histories = read_histories(versions, ENTRY_COLUMNS)
    has_state = set(WorkItemState.objects.filter(pk__in=list(versions)).values_list("pk", flat=True))
    lines: list[str] = []
    for item in items:
        entries = [dict(zip(ENTRY_COLUMNS, values, strict=True)) for values in histories.get(item["id"], ())]
        if len(entries) < versions[item["id"]]:
            raise IncompleteHistory(item["id"], versions[item["id"]] - len(entries))
        line: dict[str, Any] = {"item": item, "history": entries}
        if item["id"] in has_state:
            line["state"] = _state_of(item["id"])
        lines.append(as_json(line) + "\n")
        if "state" in line:
            yield "".join(lines)
            lines.clear()
    yield "".join(lines)


def _state_of(number: int) -> dict[str, Any]:
    """Returns a worker's state, compressed as the database stores it."""
    state = WorkItemState.objects.get(pk=number)
    return {
        "action": state.action,
        "created_at": state.created_at,
        "updated_at": state.updated_at,
        "data": base64.b64encode(state.packed).decode(),
    }
