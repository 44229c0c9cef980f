"""Records the cause of each item's last failure, so that failures can be counted and listed by cause.

The cause is extracted from the note once, when the failure is recorded: see `causes.extract_cause`. When that has changed,
`rework_causes` does it again for all failures.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, prefetch_related_objects

from ..database import parse_bigint
from ..lifecycle import build_object_identifier, read_origin
from ..models import Cause, Failure
from ..notes import Faults, find_faults
from ..vocabulary import Status
from .causes import extract_cause

if TYPE_CHECKING:
    from ..models import WorkItem


class FailureRecord(NamedTuple):
    """A failure to be recorded. `names`: see `names_of`."""

    item_id: int
    institution_id: int
    note: str
    at: datetime
    names: tuple[str, ...]


def names_of(item: "WorkItem") -> tuple[str, ...]:
    """Returns the names that a note can call an item by, its institution and its bucket among them."""
    domain = item.institution.identifier
    identifier = build_object_identifier(domain, item.name)
    names = (identifier, identifier.removeprefix(f"{domain}/"), domain, item.bucket)
    return (*item.own_names, *filter(None, names))


def find_faults_of(item: "WorkItem") -> Faults:
    """Returns the faults in the note of a failed item, and none for any other item."""
    return find_faults(item.note, names_of(item)) if item.status == Status.FAILED else Faults([], 0)


def failed_items(rows: "Iterable[WorkItem]") -> "Iterator[FailureRecord]":
    """Yields a record for each item whose status is Failed."""
    failed = [row for row in rows if row.status == Status.FAILED]
    prefetch_related_objects(failed, "institution")
    return (FailureRecord(row.pk, row.institution_id, row.note, row.updated_at, names_of(row)) for row in failed)


def record_failures(failures: Iterable[FailureRecord], *, is_new: bool = True) -> None:
    """Records failures, replacing each item's previous one. Call it in the transaction that changes the items.

    With `is_new=False`, only the cause of a failure that is already recorded is updated, not its time.
    """
    # Sorted, so that two writers can't deadlock.
    listed = sorted(failures)
    if not listed:
        return
    faults = [find_faults(one.note, one.names) for one in listed]
    texts = [extract_cause(found.texts, one.names) for one, found in zip(listed, faults, strict=True)]
    numbers = _cause_ids(set(texts) - {""})
    Failure.objects.bulk_create(
        [
            Failure(
                item_id=one.item_id,
                institution_id=one.institution_id,
                cause_id=numbers.get(text),
                faults=found.number,
                origin=read_origin(one.note, one.names),
                at=one.at,
            )
            for one, found, text in zip(listed, faults, texts, strict=True)
        ],
        update_conflicts=True,
        unique_fields=["item"],
        update_fields=["cause", "faults", "origin", "at"] if is_new else ["cause", "faults", "origin"],
    )


def _cause_ids(texts: set[str]) -> dict[str, int]:
    known = _lock_causes(texts)
    if missing := texts - known.keys():
        # Sorted, so that two writers with the same new causes can't deadlock.
        Cause.objects.bulk_create([Cause(text=text) for text in sorted(missing)], ignore_conflicts=True)
        known |= _lock_causes(missing)
    return known


def _lock_causes(texts: set[str]) -> dict[str, int]:
    """Returns the ids of the causes that exist. None of them is deleted before this transaction ends."""
    if connection.vendor != "postgresql":
        return dict(Cause.objects.filter(text__in=texts).values_list("text", "pk"))
    if not texts:
        return {}
    with connection.cursor() as cursor:
        # Unlike Django's locks, this one doesn't make writers with the same cause wait for each other.
        cursor.execute("SELECT text, id FROM workitems_cause WHERE text = ANY(%s) FOR KEY SHARE", [list(texts)])
        return dict(cursor.fetchall())


def find_causes(numbers: Iterable[str], institutions: Iterable[int] | None, *, using: str) -> list[tuple[int, str]]:
    """Returns (id, text) of those causes for which items of these institutions (None: all) have failed."""
    wanted = [pk for pk in map(parse_bigint, numbers) if pk is not None]
    failures: Any = Failure.objects.using(using).filter(cause=OuterRef("pk"))
    if institutions is not None:
        failures = failures.filter(institution_id__in=institutions)
    return list(Cause.objects.using(using).filter(Exists(failures), pk__in=wanted).values_list("pk", "text"))


def find_last_cause(pk: int) -> tuple[int, str] | None:
    """Returns (id, text) of the cause of the item's last failure, or None if it has never failed or no cause is known."""
    return Failure.objects.filter(item=pk).exclude(cause=None).values_list("cause", "cause__text").first()


class CauseCount(NamedTuple):
    """Failures with one cause: how many items, how many of them are still failed, and at how many institutions."""

    cause: int
    text: str
    items: int
    still_failed: int
    institutions: int


def count_by_cause(since: datetime, institutions: Iterable[int] | None, *, most: int, using: str) -> list[CauseCount]:
    """Returns the most frequent causes since then, at these institutions (None: all), at most `most` of them."""
    failures: Any = Failure.objects.using(using).filter(at__gte=since).exclude(cause=None)
    if institutions is not None:
        failures = failures.filter(institution_id__in=institutions)
    counted = failures.values_list("cause", "cause__text").annotate(
        items=Count("pk"),
        still_failed=Count("pk", filter=Q(item__status=Status.FAILED)),
        institutions=Count("institution_id", distinct=True),
    )
    return [CauseCount(*row) for row in counted.order_by("-items", "cause")[:most]]
