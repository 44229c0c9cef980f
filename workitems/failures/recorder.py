"""Which cause each item failed for the last time, so that failures can be counted and listed by it.

The cause is worked out from the note once, when the failure is recorded: `causes.cause_of`.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import models, transaction
from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from ..transitions.values import whole_number
from ..vocabulary import Status
from .causes import cause_of

if TYPE_CHECKING:
    from ..models.work_item import WorkItem

_PIECE = 1000


class Cause(models.Model):
    """A cause in words, once. Its number is short enough for an address."""

    text = models.CharField(max_length=200, unique=True)

    class Meta:
        verbose_name = _("cause")
        verbose_name_plural = _("causes")

    def __str__(self) -> str:
        return self.text


class Failure(models.Model):
    """The last failure of an item. It stays when the item goes on; `status` says whether it is still so."""

    # Items are never deleted; and a foreign key would keep writers out of their table while a migration makes it.
    item = models.OneToOneField(
        "WorkItem", models.PROTECT, primary_key=True, related_name="failure", db_constraint=False
    )
    # The item's, again: a failure is looked for by time and institution without the items.
    institution_id = models.BigIntegerField()
    cause = models.ForeignKey(Cause, models.PROTECT, db_index=False)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("failure")
        verbose_name_plural = _("failures")
        indexes = [
            models.Index(fields=["at"], name="failure_at"),
            models.Index(fields=["institution_id", "at"], name="failure_of_institution"),
            models.Index(fields=["cause", "institution_id"], name="failure_of_cause"),
        ]

    def __str__(self) -> str:
        return f"{self.item_id}: {self.cause_id}"


class Told(NamedTuple):
    """A failure as the door has seen it."""

    item_id: int
    institution_id: int
    note: str
    at: datetime


def note_failures(told: Iterable[Told], *, is_new: bool = True) -> None:
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


def note_all(items: "models.QuerySet[WorkItem]", *, progress: Callable[[int], None] = lambda number: None) -> int:
    """Records, of the items that are failed now, those failures that are not recorded yet; a piece in a transaction."""
    unknown = items.filter(status=Status.FAILED, failure=None).order_by("pk")
    last, number = 0, 0
    while rows := list(unknown.filter(pk__gt=last).values_list("pk", "institution_id", "note", "updated_at")[:_PIECE]):
        with transaction.atomic():
            note_failures(Told(*row) for row in rows)
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
