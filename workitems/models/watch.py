"""The table of watches: who wants an email when an item is done. `mailing.watches` sends these emails."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from pharos.accounts.models import User


class Watch(models.Model):
    """A person's request to be notified when an item is done. The row is deleted once the email is queued."""

    item = models.ForeignKey("WorkItem", models.PROTECT, related_name="watches", db_constraint=False, db_index=False)
    person = models.ForeignKey(User, models.PROTECT, related_name="watches", verbose_name=_("person"))
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("watched item")
        verbose_name_plural = _("watched items")
        constraints = [models.UniqueConstraint(fields=["item", "person"], name="watched_once")]

    def __str__(self) -> str:
        return f"{self.person_id} waits for {self.item_id}"
