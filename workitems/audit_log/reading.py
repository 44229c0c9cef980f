"""Reads histories from both tables: current entries and archived ones.

Each entry is in exactly one of the tables, which the database ensures (migrations 0002, 0005, 0009; docs/history.md).
The archive holds the start of a history. An item's `version`, the number of its last entry, shows whether the archive
must be read.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import models
from django.db.models import QuerySet

from ..models import AcceptedChange, ArchivedEntry, HistoryEntry, WorkItem

_TABLES = (HistoryEntry.objects, ArchivedEntry.objects)


def latest_entries(item: WorkItem, limit: int) -> list[AcceptedChange]:
    """Returns the item's last entries, newest first, at most `limit`. Reads the archive only if some are missing."""
    found: list[AcceptedChange] = [*HistoryEntry.objects.filter(item_id=item.pk).order_by("-number")[:limit]]
    if (missing := min(limit, item.version) - len(found)) > 0:
        found += ArchivedEntry.objects.filter(item_id=item.pk).order_by("-number")[:missing]
    return found


def read_histories(versions: Mapping[int, int], columns: Sequence[str]) -> dict[int, list[tuple[Any, ...]]]:
    """Returns {item id: its entries, oldest first, as tuples of these columns} for items given as {id: version}.

    Reads the archive only for items with missing entries. Items without any entry are left out.
    """
    found = _read(HistoryEntry.objects, versions, columns)
    if short := [pk for pk, version in versions.items() if len(found.get(pk, ())) < version]:
        for pk, entries in _read(ArchivedEntry.objects, short, columns).items():
            found[pk] = entries + found.get(pk, [])
    return found


def _read(table: models.Manager[Any], ids: Iterable[int], columns: Sequence[str]) -> dict[int, list[tuple[Any, ...]]]:
    histories = defaultdict(list)
    entries = table.filter(item_id__in=list(ids)).order_by("item_id", "number")
    for pk, *values in entries.values_list("item_id", *columns):
        histories[pk].append(tuple(values))
    return dict(histories)


def query_entries(*columns: str, **conditions: Any) -> QuerySet[Any, Any]:
    """Returns these columns of the entries that meet the conditions, from both tables, unordered, as named tuples.

    This is one statement. The result can be ordered by one of the columns, counted, and sliced.
    """
    current, archived = (
        entries.filter(**conditions).order_by().values_list(*columns, named=True) for entries in _TABLES
    )
    return current.union(archived, all=True)
