"""Which cause each item failed for the last time, so that failures can be counted and listed by it.

The cause is worked out from the note once, when the failure is recorded: `causes.cause_of`.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import models, transaction
from django.db.models import Count, Exists, OuterRef, Q

from ..database import whole_number
from ..models import Cause, Failure
from ..vocabulary import Status
from .causes import cause_of

if TYPE_CHECKING:
    from ..models import WorkItem

_PIECE = 1000


class FailureRecord(NamedTuple):
    """A failure as the door has seen it."""

    item_id: int
    institution_id: int
    note: str
    at: datetime


def failures_among(rows: "Iterable[WorkItem]") -> "Iterator[FailureRecord]":
    """Those of the items that are failed, as they are now."""
    failed = (row for row in rows if row.status == Status.FAILED)
    return (FailureRecord(row.pk, row.institution_id, row.note, row.updated_at) for row in failed)


def record_failures(told: Iterable[FailureRecord], *, is_new: bool = True) -> None:
    """Records the failures, each instead of its item's last one, within the transaction that makes them.

    Not `is_new`: only what the last one was for is told anew, and not when it was.
    """
    texts = {failure: cause_of(failure.note) for failure in told}
    if not texts:
        return
    numbers = _numbers_of(set(texts.values()))
    Failure.objects.bulk_create(
        [
            Failure(item_id=one.item_id, institution_id=one.institution_id, cause_id=numbers[text], at=one.at)
            for one, text in texts.items()
        ],
        update_conflicts=True,
        unique_fields=["item"],
        update_fields=["cause", "at"] if is_new else ["cause"],
    )


def _numbers_of(texts: set[str]) -> dict[str, int]:
    known = dict(Cause.objects.filter(text__in=texts).values_list("text", "pk"))
    if missing := texts - known.keys():
        # In order, so that two writers who have the same new causes wait for each other in one direction only.
        Cause.objects.bulk_create([Cause(text=text) for text in sorted(missing)], ignore_conflicts=True)
        known |= dict(Cause.objects.filter(text__in=missing).values_list("text", "pk"))
    return known


def record_all_failures(
    items: "models.QuerySet[WorkItem]", *, progress: Callable[[int], None] = lambda number: None
) -> int:
    """Records, of the items that are failed now, those failures that are not recorded yet; a piece in a transaction."""
    unknown = items.filter(status=Status.FAILED, failure=None).order_by("pk")
    last, number = 0, 0
    while rows := list(unknown.filter(pk__gt=last).values_list("pk", "institution_id", "note", "updated_at")[:_PIECE]):
        with transaction.atomic():
            record_failures(FailureRecord(*row) for row in rows)
        last, number = rows[-1][0], number + len(rows)
        progress(number)
    return number


def causes_with(numbers: Iterable[str], institutions: Iterable[int] | None, *, using: str) -> list[tuple[int, str]]:
    """(number, text) of those of the causes that items of these institutions (None: of all) have failed for."""
    wanted = [pk for pk in map(whole_number, numbers) if pk is not None]
    failures: Any = Failure.objects.using(using).filter(cause=OuterRef("pk"))
    if institutions is not None:
        failures = failures.filter(institution_id__in=institutions)
    return list(Cause.objects.using(using).filter(Exists(failures), pk__in=wanted).values_list("pk", "text"))


def cause_of_item(pk: int) -> tuple[int, str] | None:
    """(number, text) of the cause that an item failed for the last time; None where it has never failed."""
    return Failure.objects.filter(item=pk).values_list("cause", "cause__text").first()


class Group(NamedTuple):
    """Failures of one cause: how many items, how many of them are failed still, of how many institutions."""

    cause: int
    text: str
    items: int
    still: int
    institutions: int


def by_cause(since: datetime, institutions: Iterable[int] | None, *, most: int, using: str) -> list[Group]:
    """The causes that most items failed for since then, in these institutions (None: in all), at most so many."""
    failures: Any = Failure.objects.using(using).filter(at__gte=since)
    if institutions is not None:
        failures = failures.filter(institution_id__in=institutions)
    counted = failures.values_list("cause", "cause__text").annotate(
        items=Count("pk"),
        still=Count("pk", filter=Q(item__status=Status.FAILED)),
        institutions=Count("institution_id", distinct=True),
    )
    return [Group(*row) for row in counted.order_by("-items", "cause")[:most]]
