"""The table of digests: who receives which saved view by email, and when the next one is due. `mailing` sends them."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from pharos.accounts.models import User

from .saved_view import SavedView


class Every(models.TextChoices):
    DAY = "day", _("daily")
    WEEK = "week", _("weekly")


class Digest(models.Model):
    """A saved view that a person receives by email.

    `since` is when the last digest was sent or skipped because it was empty; before the first one, when it was
    requested. Changes after that are new in the next digest. `next_at` is when that one is due, computed for `zone`, the
    person's time zone at that time. `has_begun` says whether a first digest was sent.
    """

    view = models.ForeignKey(SavedView, models.CASCADE, related_name="digests")
    person = models.ForeignKey(User, models.PROTECT, related_name="digests", verbose_name=_("person"))
    every = models.CharField(max_length=8, choices=Every)
    next_at = models.DateTimeField()
    zone = models.CharField(max_length=64)
    since = models.DateTimeField()
    has_begun = models.BooleanField(default=False)

    view_id: int
    person_id: int

    class Meta:
        verbose_name = _("digest")
        verbose_name_plural = _("digests")
        constraints = [models.UniqueConstraint(fields=["view", "person"], name="one_digest_of_a_view")]
        indexes = [models.Index(fields=["next_at"], name="digest_due")]

    def __str__(self) -> str:
        return f"{self.person_id} gets {self.view_id}"
