"""The table of emails that wait to be sent, and of those that were given up."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

# A claim older than this was left behind by a run that crashed.
STALE_CLAIM_AGE = timedelta(minutes=15)
# Nobody can own an address in this domain (RFC 2606), so an email to it is to nobody.
NOBODYS_DOMAIN = ".invalid"


class QueuedEmailQuerySet(models.QuerySet["QueuedEmail"]):
    def waiting(self) -> "QueuedEmailQuerySet":
        return self.filter(given_up_at=None)

    def given_up(self) -> "QueuedEmailQuerySet":
        return self.exclude(given_up_at=None)

    def sendable(self, now: datetime) -> "QueuedEmailQuerySet":
        """Those that are due and that no other run is sending, longest due first."""
        unclaimed = Q(claimed_at=None) | Q(claimed_at__lt=now - STALE_CLAIM_AGE)
        return self.waiting().filter(unclaimed, next_attempt_at__lte=now).order_by("next_attempt_at", "pk")


class QueuedEmail(models.Model):
    """An email to one mailbox. The row is deleted once the mail server has accepted it.

    `claimed_at` is when a run claimed it in order to send it. `attempts` counts how often the mail server answered and
    didn't take it. One that was given up keeps what the server said, but not its text, which can hold links that work.
    """

    to = models.CharField(_("to"), max_length=320)
    sender = models.CharField(max_length=320)
    subject = models.TextField(_("subject"))
    text = models.TextField()
    html = models.TextField(blank=True)
    headers = models.JSONField(default=dict)
    about = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    next_attempt_at = models.DateTimeField(_("next attempt"), default=timezone.now)
    claimed_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    last_error = models.TextField(_("last error"), blank=True)
    given_up_at = models.DateTimeField(_("given up"), null=True)

    objects = QueuedEmailQuerySet.as_manager()

    class Meta:
        verbose_name = _("unsent email")
        verbose_name_plural = _("unsent emails")
        indexes = [
            models.Index(fields=["next_attempt_at"], name="email_due", condition=Q(given_up_at=None)),
            models.Index(fields=["about"], name="email_about", condition=~Q(about="")),
        ]

    def __str__(self) -> str:
        return f"{self.to}: {self.subject}"

    @property
    def is_to_nobody(self) -> bool:
        return self.to.endswith(NOBODYS_DOMAIN)
