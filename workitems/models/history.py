"""The tables of an item's history: the entries at hand, and those that were moved out to the archive."""

from typing import Any, NoReturn

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from .append_only import AppendOnly


class HistoryQuerySet(models.QuerySet[Any]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly("History entries can only be added.")

    def delete(self) -> NoReturn:
        raise AppendOnly("History entries can only be added.")

    def bulk_update(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("History entries can only be added.")


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
            raise AppendOnly("History entries can only be added.")
        super().save(*args, **{**kwargs, "force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("History entries can only be added.")


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
