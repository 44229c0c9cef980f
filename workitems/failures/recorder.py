"""Records the cause of each item's last failure, so that failures can be counted and listed by cause.

The cause is extracted from the note once, when the failure is recorded: see `causes.extract_cause`.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import models, transaction
from django.db.models import Count, Exists, OuterRef, Q

from ..database import parse_bigint
from ..models import Cause, Failure
from ..vocabulary import Status
from .causes import extract_cause

if TYPE_CHECKING:
    from ..models import WorkItem

_BATCH_SIZE = 1000


class FailureRecord(NamedTuple):
    """A failure to be recorded."""

    item_id: int
    institution_id: int
    note: str
    at: datetime


def failed_items(rows: "Iterable[WorkItem]") -> "Iterator[FailureRecord]":
    """Yields a record for each item whose status is Failed."""
    failed = (row for row in rows if row.status == Status.FAILED)
    return (FailureRecord(row.pk, row.institution_id, row.note, row.updated_at) for row in failed)


def record_failures(failures: Iterable[FailureRecord], *, is_new: bool = True) -> None:
    """Records failures, replacing each item's previous one. Call it in the transaction that changes the items.

    With `is_new=False`, only the cause of a failure that is already recorded is updated, not its time.
    """
    texts = {failure: extract_cause(failure.note) for failure in failures}
    if not texts:
        return
    numbers = _cause_ids(set(texts.values()))
    Failure.objects.bulk_create(
        [
            Failure(item_id=one.item_id, institution_id=one.institution_id, cause_id=numbers[text], at=one.at)
            for one, text in texts.items()
        ],
        update_conflicts=True,
        unique_fields=["item"],
        update_fields=["cause", "at"] if is_new else ["cause"],
    )


def _cause_ids(texts: set[str]) -> dict[str, int]:
    known = dict(Cause.objects.filter(text__in=texts).values_list("text", "pk"))
    if missing := texts - known.keys():
        # Sorted, so that two writers with the same new causes can't deadlock.
        Cause.objects.bulk_create([Cause(text=text) for text in sorted(missing)], ignore_conflicts=True)
        known |= dict(Cause.objects.filter(text__in=missing).values_list("text", "pk"))
    return known


def backfill_failures(
    items: "models.QuerySet[WorkItem]", *, progress: Callable[[int], None] = lambda number: None
) -> int:
    """Records failures of these items that haven't been recorded yet, a batch per transaction. Returns how many."""
    unknown = items.filter(status=Status.FAILED, failure=None).order_by("pk")
    last, number = 0, 0
    while rows := list(
        unknown.filter(pk__gt=last).values_list("pk", "institution_id", "note", "updated_at")[:_BATCH_SIZE]
    ):
        with transaction.atomic():
            record_failures(FailureRecord(*row) for row in rows)
        last, number = rows[-1][0], number + len(rows)
        progress(number)
    return number


def find_causes(numbers: Iterable[str], institutions: Iterable[int] | None, *, using: str) -> list[tuple[int, str]]:
    """Returns (id, text) of those causes for which items of these institutions (None: all) have failed."""
    wanted = [pk for pk in map(parse_bigint, numbers) if pk is not None]
    failures: Any = Failure.objects.using(using).filter(cause=OuterRef("pk"))
    if institutions is not None:
        failures = failures.filter(institution_id__in=institutions)
    return list(Cause.objects.using(using).filter(Exists(failures), pk__in=wanted).values_list("pk", "text"))


def find_last_cause(pk: int) -> tuple[int, str] | None:
    """Returns (id, text) of the cause of the item's last failure, or None if it has never failed."""
    return Failure.objects.filter(item=pk).values_list("cause", "cause__text").first()


class CauseCount(NamedTuple):
    """Failures with one cause: how many items, how many of them are still failed, and at how many institutions."""

    cause: int
    text: str
    items: int
    still_failed: int
    institutions: int


def count_by_cause(since: datetime, institutions: Iterable[int] | None, *, most: int, using: str) -> list[CauseCount]:
    """Returns the most frequent causes since then, at these institutions (None: all), at most `most` of them."""
    failures: Any = Failure.objects.using(using).filter(at__gte=since)
    if institutions is not None:
        failures = failures.filter(institution_id__in=institutions)
    counted = failures.values_list("cause", "cause__text").annotate(
        items=Count("pk"),
        still_failed=Count("pk", filter=Q(item__status=Status.FAILED)),
        institutions=Count("institution_id", distinct=True),
    )
    return [CauseCount(*row) for row in counted.order_by("-items", "cause")[:most]]
