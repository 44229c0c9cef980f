"""Moves the histories of items that were closed long ago out of the table that everything is recorded in, into the archive.

The databases do the moving (migration 0009): what is inserted into the archive has to lie in the history, and leaves it.
Here is decided which entries, and in what pieces. docs/history.md says why, when, and what can be done with an archive.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import OperationalError, connection, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import ExtractYear

from ..models import ArchivedEntry, HistoryEntry, WorkItem, WorkItemQuerySet

# What was drawn or begun with a list in view may still ask what has changed since; nobody does after a year.
YOUNGEST = timedelta(days=365)
_LOOK = 5_000  # items looked through at a time, without a lock
_PIECE = 2_500  # entries moved in one transaction: whoever wants to change one of the items waits for one piece at most
_ATTEMPTS = 60
_PAUSE = 0.5  # seconds

_COLUMNS = ", ".join(f'"{column.column}"' for column in HistoryEntry._meta.concrete_fields)
_MOVE = (
    f"INSERT INTO {ArchivedEntry._meta.db_table} ({_COLUMNS}) SELECT {_COLUMNS} FROM {HistoryEntry._meta.db_table} "  # noqa: S608
    "WHERE item_id IN ({})"
)


class TooYoung(ValueError):
    """The date is not long enough ago; the sentence says which would be."""


@dataclass
class Moved:
    """How many items have had their histories moved out, and of how many entries; `busy` ones are for the next run."""

    items: int = 0
    entries: int = 0
    busy: int = 0


def highest_number() -> int:
    """That of the last item: how far a run has to go, for its progress."""
    return WorkItem.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def move_out(
    before: datetime,
    *,
    now: datetime,
    moved: Moved | None = None,
    advance: Callable[[int], object] = lambda numbers: None,
) -> Moved:
    """Moves what is entered, at this moment, of closed items whose last entry is from before that time.

    `advance` is told after each step by how many numbers of items it has gone on. Each piece is a transaction of its own, so
    a run can be broken off at any time, by Ctrl-C or worse, and the next one goes on; `moved` is kept up to date for whoever
    catches it. Raises TooYoung.
    """
    moved = moved or Moved()
    if before > now - YOUNGEST:
        raise TooYoung(
            f"Only histories at least a year old can be archived. Use a date before {now - YOUNGEST:%Y-%m-%d} so that no one "
            "still has a list or a bulk change from that time open."
        )
    years = _years() if connection.vendor == "postgresql" else None
    last = 0
    while window := _window(last):
        for ids in _pieces(before, last, window):
            if years is not None:
                _make_years(ids, years)
            items, entries = _move_piece(ids, before)
            moved.items += items
            moved.entries += entries
            moved.busy += len(ids) - items
        advance(window - last)
        last = window
    return moved


def _window(last: int) -> int | None:
    """The number of the item where the next look ends; None behind the last one."""
    following = WorkItem.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:_LOOK]
    return max(following, default=None)


def _pieces(before: datetime, last: int, window: int) -> Iterator[list[int]]:
    """The items to be moved after `last` up to `window`, as many at a time as have about _PIECE entries; at least one."""
    found = _old(before).filter(pk__gt=last, pk__lte=window).order_by("pk")
    ids: list[int] = []
    entries = 0
    for pk, version in list(found.values_list("pk", "version")):
        if ids and entries + version > _PIECE:
            yield ids
            ids, entries = [], 0
        ids.append(pk)
        entries += version
    if ids:
        yield ids


def _old(before: datetime) -> WorkItemQuerySet:
    """Closed items whose last entry is here, and from before that time."""
    last_entry = HistoryEntry.objects.filter(item=OuterRef("pk"), number=OuterRef("version"), at__lt=before)
    return WorkItem.objects.closed().filter(Exists(last_entry))


@transaction.atomic
def _move_piece(ids: Sequence[int], before: datetime) -> tuple[int, int]:
    """How many of the items, and of how many entries, were moved."""
    # Asked again under the lock: it may have been requeued since the look. Who holds one now is not waited for.
    free = _old(before).filter(pk__in=ids).select_for_update(skip_locked=True, no_key=True, of=("self",))
    locked = [item.pk for item in free.only("pk").order_by("pk")]
    if not locked:
        return 0, 0
    with connection.cursor() as cursor:
        cursor.execute(_MOVE.format(", ".join(["%s"] * len(locked))), locked)
        return len(locked), cursor.rowcount


# --- PostgreSQL: a table for each year


def _years() -> set[int]:
    """Those that the archive has a table for."""
    table = ArchivedEntry._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass", [table])
        return {int(name.rpartition("_")[2]) for [name] in cursor.fetchall()}


def _make_years(ids: Sequence[int], years: set[int]) -> None:
    """Tables for the years of these items' entries. The lock on items that the foreign key takes is never queued for long."""
    wanted = HistoryEntry.objects.filter(item_id__in=ids).order_by()
    for year in {*wanted.values_list(ExtractYear("at", tzinfo=UTC), flat=True).distinct()} - years:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                _make_year(year)
                break
            except OperationalError as error:
                if attempt == _ATTEMPTS or getattr(error.__cause__, "sqlstate", "") != "55P03":  # lock_not_available
                    raise
                time.sleep(_PAUSE)
        years.add(year)


@transaction.atomic
def _make_year(year: int) -> None:
    parent = ArchivedEntry._meta.db_table
    table = f"{parent}_{year:04}"
    bounds = ", ".join(f"'{datetime(y, 1, 1, tzinfo=UTC).isoformat()}'" for y in (year, year + 1))
    start, end = bounds.split(", ")
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '1s'")
        cursor.execute(f"CREATE TABLE {table} PARTITION OF {parent} FOR VALUES FROM ({start}) TO ({end})")
        # Of its own, besides those that come with the parent's: those go again when the year is detached.
        for name, acts, each in (
            ("year_is_append_only", "UPDATE OR DELETE", "ROW"),
            ("archive_is_not_emptied", "TRUNCATE", "STATEMENT"),
        ):
            cursor.execute(
                f"CREATE TRIGGER {name} BEFORE {acts} ON {table} "
                f"FOR EACH {each} EXECUTE FUNCTION workitems_archive_is_append_only()"
            )
