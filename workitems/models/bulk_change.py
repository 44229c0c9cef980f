"""What is kept of a bulk act, while it runs and afterwards; `bulk` does it."""

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from pharos.accounts.models import Institution, User


class BulkChange(models.Model):
    """One move made with many items at once, piece by piece, so that it can be watched, interrupted and gone on with.

    `selection` is {"ids": […]}, the items that the dry run has shown; or {"query": …, "zone": …, "of": institution or None} with "until", the last item
    that there was; with "mark": the last history entry when the list was shown (an item with a later one is left alone), and
    "at_least" where there were more than `total`; or it is {"undo": act's id}. `cursor` is the last item that it has come to. Its
    entries in the items' histories carry its id. `institution`, `is_of_all`: whose items whoever began it saw then.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    by = models.ForeignKey(User, models.PROTECT, related_name="bulk_changes")
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="bulk_changes", null=True)
    is_of_all = models.BooleanField(db_default=True)  # closed unless said otherwise: only admins see such an act
    move = models.CharField(max_length=16)
    selection = models.JSONField()
    note = models.TextField(blank=True)
    from_the_beginning = models.BooleanField(default=False)  # a requeue: to the first stage, not to where each stopped
    query = models.TextField(blank=True)  # the list to go back to
    total = models.PositiveIntegerField()
    cursor = models.BigIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    skipped = models.JSONField(default=dict)  # {lifecycle.Refused.reason: number of items}
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "workitems_bulkact"
        verbose_name = _("bulk change")
        verbose_name_plural = _("bulk changes")
        indexes = [models.Index(fields=["-created_at", "-id"], name="act_latest")]

    def __str__(self) -> str:
        return f"{self.move} {self.total}"

    @property
    def is_whole(self) -> bool:
        """Whether `total` is all of it, and not only a number that it is more than."""
        return "at_least" not in self.selection

    @property
    def came_to(self) -> int:
        """How many items it has dealt with so far."""
        return self.changed + self.unchanged + sum(self.skipped.values())
