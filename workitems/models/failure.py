"""The tables of failures: each cause once, and the last failure of each item. `failures` fills them."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Cause(models.Model):
    """A cause of failures, stored once so that URLs can name it by its id."""

    text = models.CharField(max_length=200, unique=True)

    class Meta:
        verbose_name = _("cause")
        verbose_name_plural = _("causes")

    def __str__(self) -> str:
        return self.text


class Failure(models.Model):
    """The last failure of an item, kept when the item is retried. The item's `status` says whether it is still failed."""

    # No constraint: items are never deleted, and creating the constraint would block writers of the items table.
    item = models.OneToOneField(
        "WorkItem", models.PROTECT, primary_key=True, related_name="failure", db_constraint=False
    )
    # Copied from the item, so that failures can be found by time and institution without a join.
    institution_id = models.BigIntegerField()
    # NULL if the note says nothing but names and numbers: such failures have nothing in common.
    cause = models.ForeignKey(Cause, models.PROTECT, db_index=False, null=True)
    # How many faults the note says there are; NULL if the failure was recorded before faults were counted.
    faults = models.IntegerField(null=True)
    # lifecycle.Origin; NULL if the failure was recorded before notes were read for it.
    origin = models.CharField(max_length=16, null=True)
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
