"""Moves the histories of items closed long ago to the archive.

The database moves the rows (migration 0009): one can be inserted into the archive only if it exists in the history, from
which it is then removed. This module chooses the entries and the batches. docs/history.md explains when to use it.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import OperationalError, connection, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import ExtractYear

from ..models import ArchivedEntry, HistoryEntry, WorkItem, WorkItemQuerySet

# Snapshots of lists and bulk changes still need to know what has changed since; none is older than a year.
MIN_AGE = timedelta(days=365)
_WINDOW_SIZE = 5_000  # items examined at a time, without a lock
_BATCH_SIZE = 2_500  # entries moved in one transaction; a writer of these items waits for one batch at most
_MAX_ATTEMPTS = 60
_RETRY_PAUSE = 0.5  # seconds

_COLUMNS = ", ".join(f'"{column.column}"' for column in HistoryEntry._meta.concrete_fields)
_MOVE = (
    f"INSERT INTO {ArchivedEntry._meta.db_table} ({_COLUMNS}) SELECT {_COLUMNS} FROM {HistoryEntry._meta.db_table} "  # noqa: S608
    "WHERE item_id IN ({})"
)


class TooRecent(ValueError):
    """The date is less than MIN_AGE ago. The message says which dates are allowed."""


@dataclass
class ArchiveResult:
    """How many items and entries were archived. `busy` items were being changed and are left for the next run."""

    items: int = 0
    entries: int = 0
    busy: int = 0


def last_item_id() -> int:
    """Returns the id of the last item, for the progress of a run."""
    return WorkItem.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def archive_histories(
    before: datetime,
    *,
    now: datetime,
    moved: ArchiveResult | None = None,
    advance: Callable[[int], object] = lambda numbers: None,
) -> ArchiveResult:
    """Archives the current entries of closed items whose last entry is older than `before`.

    Calls `advance` after each step with the number of item ids covered. Each batch is a transaction, so a run can be
    interrupted at any time and the next one continues; `moved` is updated as it goes, for callers that catch the
    interruption. Raises TooRecent.
    """
    moved = moved or ArchiveResult()
    if before > now - MIN_AGE:
        raise TooRecent(
            f"Only histories at least a year old can be archived. Use a date before {now - MIN_AGE:%Y-%m-%d} so that no one "
            "still has a list or a bulk change from that time open."
        )
    years = _existing_years() if connection.vendor == "postgresql" else None
    last = 0
    while window := _window_end(last):
        for ids in _batches(before, last, window):
            if years is not None:
                _create_partitions(ids, years)
            items, entries = _archive_batch(ids, before)
            moved.items += items
            moved.entries += entries
            moved.busy += len(ids) - items
        advance(window - last)
        last = window
    return moved


def _window_end(last: int) -> int | None:
    """Returns the id at which the next window of items ends, or None after the last one."""
    following = WorkItem.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:_WINDOW_SIZE]
    return max(following, default=None)


def _batches(before: datetime, last: int, window: int) -> Iterator[list[int]]:
    """Yields the items to archive between `last` and `window`, in batches of about _BATCH_SIZE entries, at least one
    item each.
    """
    found = _archivable(before).filter(pk__gt=last, pk__lte=window).order_by("pk")
    ids: list[int] = []
    entries = 0
    for pk, version in list(found.values_list("pk", "version")):
        if ids and entries + version > _BATCH_SIZE:
            yield ids
            ids, entries = [], 0
        ids.append(pk)
        entries += version
    if ids:
        yield ids


def _archivable(before: datetime) -> WorkItemQuerySet:
    """Returns closed items whose last entry is current and older than `before`."""
    last_entry = HistoryEntry.objects.filter(item=OuterRef("pk"), number=OuterRef("version"), at__lt=before)
    return WorkItem.objects.closed().filter(Exists(last_entry))


@transaction.atomic
def _archive_batch(ids: Sequence[int], before: datetime) -> tuple[int, int]:
    """Archives a batch. Returns the number of items and entries moved."""
    # Checked again under the lock, because an item may have been requeued in the meantime. Locked items are skipped.
    free = _archivable(before).filter(pk__in=ids).select_for_update(skip_locked=True, no_key=True, of=("self",))
    locked = [item.pk for item in free.only("pk").order_by("pk")]
    if not locked:
        return 0, 0
    with connection.cursor() as cursor:
        cursor.execute(_MOVE.format(", ".join(["%s"] * len(locked))), locked)
        return len(locked), cursor.rowcount


# --- PostgreSQL: one partition per year


def _existing_years() -> set[int]:
    """Returns the years that have a partition."""
    table = ArchivedEntry._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table])
        return {int(name.rpartition("_")[2]) for [name] in cursor.fetchall()}


def _create_partitions(ids: Sequence[int], years: set[int]) -> None:
    """Creates partitions for the years of these items' entries.

    Waits only briefly for the lock on the items table that the foreign key needs.
    """
    wanted = HistoryEntry.objects.filter(item_id__in=ids).order_by()
    for year in {*wanted.values_list(ExtractYear("at", tzinfo=UTC), flat=True).distinct()} - years:
        for attempt in range(1, _MAX_ATTEMPTS + 1):
            try:
                _create_partition(year)
                break
            except OperationalError as error:
                if (
                    attempt == _MAX_ATTEMPTS or getattr(error.__cause__, "sqlstate", "") != "55P03"
                ):  # lock_not_available
                    raise
                time.sleep(_RETRY_PAUSE)
        years.add(year)


@transaction.atomic
def _create_partition(year: int) -> None:
    parent = ArchivedEntry._meta.db_table
    table = f"{parent}_{year:04}"
    bounds = ", ".join(f"'{datetime(y, 1, 1, tzinfo=UTC).isoformat()}'" for y in (year, year + 1))
    start, end = bounds.split(", ")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '1s'")
        cursor.execute(f"CREATE TABLE {table} PARTITION OF {parent} FOR VALUES FROM ({start}) TO ({end})")
        # Triggers of the partition itself: it loses the inherited ones when it is detached.
        for name, acts, each in (
            ("year_is_append_only", "UPDATE OR DELETE", "ROW"),
            ("archive_is_not_emptied", "TRUNCATE", "STATEMENT"),
        ):
            cursor.execute(
                f"CREATE TRIGGER {name} BEFORE {acts} ON {table} "
                f"FOR EACH {each} EXECUTE FUNCTION workitems_archive_is_append_only()"
            )
