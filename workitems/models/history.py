"""The tables of an item's history: current entries, and those moved to the archive."""

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
    """One accepted change of an item. Append-only: triggers in the database refuse anything else."""

    item: models.ForeignKey[Any, Any]
    number = models.PositiveIntegerField()  # 1, 2, 3 … per item; unique, so two writers can't use the same number
    at = models.DateTimeField()
    who = models.CharField(max_length=255)  # text, so it outlives the account
    via = models.CharField(max_length=16)  # page, api, import, or command
    move = models.CharField(max_length=16)
    stage_before = models.CharField(max_length=32, blank=True)
    status_before = models.CharField(max_length=32, blank=True)
    stage_after = models.CharField(max_length=32)
    status_after = models.CharField(max_length=32)
    note = models.TextField(blank=True)  # the item's note after the change
    changes = models.JSONField(
        default=dict, encoder=DjangoJSONEncoder
    )  # {column: [old value, new value]} of other columns
    act = models.UUIDField(null=True)  # shared by the entries of one bulk change

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
    """A current entry: every change is recorded here."""

    item = models.ForeignKey("WorkItem", models.PROTECT, related_name="history", db_index=False)

    objects = HistoryQuerySet.as_manager()

    class Meta(AcceptedChange.Meta):
        verbose_name = _("history entry")
        verbose_name_plural = _("history entries")
        base_manager_name = "objects"  # otherwise an item's `history.add()` would bypass HistoryQuerySet
        constraints = [
            models.UniqueConstraint(fields=["item", "number"], name="one_entry_per_number"),
            models.CheckConstraint(
                condition=Q(number=1, move__in=["create", "import"]) | Q(number__gt=1) & ~Q(move="create"),
                name="first_entry_creates",
            ),
        ]
        indexes = [models.Index(fields=["act", "item"], name="history_act", condition=Q(act__isnull=False))]


class ArchivedEntry(AcceptedChange):
    """An entry of an item that was closed long ago. Only `audit_log.archiving` moves entries here.

    On PostgreSQL the table is partitioned by the year of `at`; migration 0009 defines the indexes of the partitions.
    """

    id = models.BigIntegerField(primary_key=True)  # the same as in HistoryEntry
    item = models.ForeignKey("WorkItem", models.PROTECT, related_name="archived_history", db_index=False)

    objects = HistoryQuerySet.as_manager()

    class Meta(AcceptedChange.Meta):
        verbose_name = _("archived entry")
        verbose_name_plural = _("archived entries")
        base_manager_name = "objects"
        constraints = [models.UniqueConstraint(fields=["item", "number"], name="one_archived_entry_per_number")]
        indexes = [models.Index(fields=["act", "item"], name="archived_act", condition=Q(act__isnull=False))]
