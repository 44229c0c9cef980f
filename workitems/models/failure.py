"""The tables of why items failed: each cause once, and the last failure of each item. `failures` fills them."""

from django.db import models
from django.utils.translation import gettext_lazy as _


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
