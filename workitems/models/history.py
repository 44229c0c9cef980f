"""An item's history: the entries at hand, those that were moved out to the archive, and how both are read as one.

Each entry is in exactly one of the two tables; the databases see to that (migrations 0002, 0005, 0009; docs/history.md).
What an archive holds of an item is the beginning of its history, and `version`, the number of its last entry, says whether
that has to be asked for.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from .append_only import AppendOnly

if TYPE_CHECKING:
    from .work_item import WorkItem


class HistoryQuerySet(models.QuerySet[Any]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly("History is only ever added to.")

    def delete(self) -> NoReturn:
        raise AppendOnly("History is only ever added to.")

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("History is only ever added to.")


class AcceptedChange(models.Model):
    """One accepted change of an item. Append-only: the database itself refuses anything else, by triggers."""

    item: models.ForeignKey[Any, Any]
    number = models.PositiveIntegerField()  # 1, 2, 3 … per item: two writers can never both have the next one
    at = models.DateTimeField()
    who = models.CharField(max_length=255)  # text: it stays when the account is gone
    via = models.CharField(max_length=16)
    move = models.CharField(max_length=16)
    stage_before = models.CharField(max_length=32, blank=True)
    status_before = models.CharField(max_length=32, blank=True)
    stage_after = models.CharField(max_length=32)
    status_after = models.CharField(max_length=32)
    note = models.TextField(blank=True)  # the item's note after the change
    changes = models.JSONField(default=dict, encoder=DjangoJSONEncoder)  # {field: [before, after]} of what else changed
    act = models.UUIDField(null=True)  # shared by the entries of one bulk act

    class Meta:
        abstract = True
        ordering = ["item", "number"]

    def __str__(self) -> str:
        return f"{self.item_id} #{self.number} {self.move}"  # type: ignore[attr-defined]

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise AppendOnly("History is only ever added to.")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("History is only ever added to.")


class HistoryEntry(AcceptedChange):
    """An entry at hand: where every change is recorded."""

    item = models.ForeignKey("WorkItem", models.PROTECT, related_name="history", db_index=False)

    objects = HistoryQuerySet.as_manager()

    class Meta(AcceptedChange.Meta):
        verbose_name = _("history entry")
        verbose_name_plural = _("history entries")
        base_manager_name = "objects"  # or an item's `history.add()` would go around HistoryQuerySet
        constraints = [
            models.UniqueConstraint(fields=["item", "number"], name="one_entry_per_number"),
            models.CheckConstraint(
                condition=Q(number=1, move__in=["create", "import"]) | Q(number__gt=1) & ~Q(move="create"),
                name="first_entry_creates",
            ),
        ]
        indexes = [models.Index(fields=["act", "item"], name="history_act", condition=Q(act__isnull=False))]


class ArchivedEntry(AcceptedChange):
    """An entry of long ago, of an item that was closed long ago. `archiving` moves them here; nothing else can.

    On PostgreSQL it lies in one table for each year of `at`, which have the indexes that migration 0009 says.
    """

    id = models.BigIntegerField(primary_key=True)  # the one that it has always had
    item = models.ForeignKey("WorkItem", models.PROTECT, related_name="archived_history", db_index=False)

    objects = HistoryQuerySet.as_manager()

    class Meta(AcceptedChange.Meta):
        verbose_name = _("archived entry")
        verbose_name_plural = _("archived entries")
        base_manager_name = "objects"
        constraints = [models.UniqueConstraint(fields=["item", "number"], name="one_archived_entry_per_number")]
        indexes = [models.Index(fields=["act", "item"], name="archived_act", condition=Q(act__isnull=False))]


_TABLES = (HistoryEntry.objects, ArchivedEntry.objects)


def latest(item: "WorkItem", most: int) -> list[AcceptedChange]:
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
