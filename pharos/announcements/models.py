"""The table of announcements."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from pharos.accounts.models import Institution

MAX_LENGTH = 500


class AnnouncementQuerySet(models.QuerySet["Announcement"]):
    def not_ended(self, now: datetime) -> "AnnouncementQuerySet":
        """Those that are shown or will be, latest first."""
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=now)).order_by("-starts_at", "-pk")


class Announcement(models.Model):
    """A sentence or two for the people of one institution, or for everyone, from one time to another."""

    text = models.TextField(_("text"), max_length=MAX_LENGTH, help_text=_("Plain text, a sentence or two."))
    institution = models.ForeignKey(
        Institution,
        models.CASCADE,
        null=True,
        blank=True,
        verbose_name=_("institution"),
        help_text=_("Whose people see it. Blank: everyone."),
    )
    is_public = models.BooleanField(
        _("also on the sign-in page"),
        default=False,
        help_text=_("Then everyone on the internet can read it, so it must be for everyone."),
    )
    starts_at = models.DateTimeField(_("from"), default=timezone.now)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True, help_text=_("Blank: until it is deleted."))

    objects = AnnouncementQuerySet.as_manager()

    institution_id: int | None

    class Meta:
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")
        constraints = [
            models.CheckConstraint(condition=Q(ends_at=None) | Q(ends_at__gt=F("starts_at")), name="ends_after_start"),
            models.CheckConstraint(condition=Q(is_public=False) | Q(institution=None), name="public_is_for_everyone"),
        ]

    def __str__(self) -> str:
        return self.text[:60]

    def clean(self) -> None:
        if self.ends_at and self.starts_at and self.ends_at <= self.starts_at:
            raise ValidationError({"ends_at": _("Choose a time after it begins.")})
        if self.is_public and self.institution_id:
            raise ValidationError({"is_public": _("Only an announcement for everyone can be on the sign-in page.")})
