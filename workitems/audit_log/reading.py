"""An item's history read as one: the entries at hand, and those that were moved out to the archive.

Each entry is in exactly one of the two tables; the databases see to that (migrations 0002, 0005, 0009; docs/history.md).
What an archive holds of an item is the beginning of its history, and `version`, the number of its last entry, says whether
that has to be asked for.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import models
from django.db.models import QuerySet

from ..models import AcceptedChange, ArchivedEntry, HistoryEntry, WorkItem

_TABLES = (HistoryEntry.objects, ArchivedEntry.objects)


def latest(item: WorkItem, most: int) -> list[AcceptedChange]:
    """The item's last entries, newest first, at most so many. The archive is asked only where some are missing."""
    found: list[AcceptedChange] = [*HistoryEntry.objects.filter(item_id=item.pk).order_by("-number")[:most]]
    if (missing := min(most, item.version) - len(found)) > 0:
        found += ArchivedEntry.objects.filter(item_id=item.pk).order_by("-number")[:missing]
    return found


def whole(versions: Mapping[int, int], columns: Sequence[str]) -> dict[int, list[tuple[Any, ...]]]:
    """{item: its entries, oldest first, each as the values of these columns}, of items {id: version}.

    The archive is asked for those items only of which some are missing; an item without any is not in the answer.
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


def every_entry(*columns: str, **conditions: Any) -> QuerySet[Any, Any]:
    """These columns of the entries that fulfil the conditions, from both tables, in no order, as named tuples.

    One statement, for what is asked seldom, or of a bulk act. It can be ordered by one of the columns, counted and sliced.
    """
    at_hand, archived = (
        entries.filter(**conditions).order_by().values_list(*columns, named=True) for entries in _TABLES
    )
    return at_hand.union(archived, all=True)
