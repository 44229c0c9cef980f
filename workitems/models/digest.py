"""The table of who gets which saved view by email, and when next; `mailing.digests` sends them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from pharos.accounts.models import User

from .saved_view import SavedView


class Every(models.TextChoices):
    DAY = "day", _("daily")
    WEEK = "week", _("weekly")


class Digest(models.Model):
    """A person gets a view by mail. `since`: when the last one went out, or had nothing to tell; before the first, when it was asked for.

    What has changed after that is new in the next one. `next_at`: when that is due, by the clocks of `zone`, the person's own when
    that was worked out. `has_begun`: whether there was a first one.
    """

    view = models.ForeignKey(SavedView, models.CASCADE, related_name="digests")
    person = models.ForeignKey(User, models.PROTECT, related_name="digests", verbose_name=_("person"))
    every = models.CharField(max_length=8, choices=Every)
    next_at = models.DateTimeField()
    zone = models.CharField(max_length=64)
    since = models.DateTimeField()
    has_begun = models.BooleanField(default=False)
    claimed_at = models.DateTimeField(null=True)

    view_id: int
    person_id: int

    class Meta:
        verbose_name = _("digest")
        verbose_name_plural = _("digests")
        constraints = [models.UniqueConstraint(fields=["view", "person"], name="one_digest_of_a_view")]
        indexes = [models.Index(fields=["next_at"], name="digest_due")]

    def __str__(self) -> str:
        return f"{self.person_id} gets {self.view_id}"
