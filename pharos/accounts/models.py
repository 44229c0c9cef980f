import zoneinfo
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from .roles import Permission, Role, has_permission, role_choices

# The choices for the rows per page, unless a number is typed into the address.
ROWS_PER_PAGE = (10, 25, 50, 100, 250)

is_domain = RegexValidator(
    r"^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$",
    _("Enter the institution's domain in lowercase, such as virginia.edu."),
)


def is_time_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(
            _("%(name)s is not a time zone. Use one such as America/New_York."), params={"name": name}
        )


def time_zone_choices() -> list[tuple[str, str]]:
    return [
        (name, name.replace("_", " "))
        for name in sorted(zoneinfo.available_timezones())
        if "/" in name or name == "UTC"
    ]


def rows_choices() -> list[tuple[int, str]]:
    return [(number, str(number)) for number in ROWS_PER_PAGE]


class Theme(models.TextChoices):
    SYSTEM = "system", _("Match my system")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


def language_choices() -> list[tuple[str, Any]]:
    """(code, name in that language) of every language; blank for the browser's."""
    return [("", _("Browser language")), *settings.LANGUAGES]


class InstitutionQuerySet(models.QuerySet["Institution"]):
    def visible_to(self, user: "User") -> "InstitutionQuerySet":
        """The institutions that this user can see: their own, or all."""
        return self if user.can(Permission.SEE_EVERY_INSTITUTION) else self.filter(pk=user.institution_id)

    def sorted_by(self, name: str, *, descending: bool = False) -> "InstitutionQuerySet":
        """In the order of their names or identifiers."""
        ordered = self.order_by(name, "pk")
        return ordered.reverse() if descending else ordered

    def with_number(self, number: int) -> "Institution | None":
        return self.filter(pk=number).first() if number < 2**63 else None

    def with_identifier(self, identifier: str) -> "Institution | None":
        # PostgreSQL rejects text with a NUL character.
        return self.filter(identifier=identifier.lower()).first() if "\0" not in identifier else None


class Institution(models.Model):
    """A member of the consortium, or the consortium itself. Its identifier is its domain."""

    name = models.CharField(_("name"), max_length=255)
    identifier = models.CharField(_("identifier"), max_length=253, unique=True, validators=[is_domain])

    receiving_bucket = models.CharField(
        _("receiving bucket"),
        max_length=255,
        blank=True,
        default="",
        db_default="",
        help_text=_("Where its bags are uploaded to. Blank: as in the setting RECEIVING_BUCKET."),
    )
    restore_bucket = models.CharField(
        _("restoration bucket"),
        max_length=255,
        blank=True,
        default="",
        db_default="",
        help_text=_("Where restored bags are put. Blank: as in the setting RESTORE_BUCKET."),
    )

    objects = InstitutionQuerySet.as_manager()

    class Meta:
        ordering = ["identifier"]
        verbose_name = _("institution")
        verbose_name_plural = _("institutions")

    def __str__(self) -> str:
        return self.identifier

    @property
    def buckets(self) -> tuple[str, str]:
        """The buckets that its bags come from and that restored ones go to."""
        patterns = (settings.RECEIVING_BUCKET, settings.RESTORE_BUCKET)
        own = (self.receiving_bucket, self.restore_bucket)
        return tuple(  # type: ignore[return-value]
            name or pattern.replace("{identifier}", self.identifier)
            for name, pattern in zip(own, patterns, strict=True)
        )


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email=(email or "").lower())

    def create_user(self, email: str, password: str | None = None, **fields) -> "User":
        """Creates and saves a user; `role` and `institution` are required. Without a password, no password works."""
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields) -> "User":
        """Creates and saves an admin of the consortium, for `manage.py createsuperuser`."""
        consortium, _new = Institution.objects.get_or_create(
            identifier=settings.CONSORTIUM_DOMAIN, defaults={"name": "APTrust"}
        )
        return self.create_user(email, password, **{"role": Role.ADMIN, "institution": consortium, **fields})


class User(AbstractBaseUser):
    """A person or a service account, with one email address, one role, and one institution."""

    email = models.EmailField(_("email"), unique=True, error_messages={"unique": _("This email is already in use.")})
    name = models.CharField(_("name"), max_length=255, blank=True)
    role = models.CharField(_("role"), max_length=32, choices=role_choices)
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="people", verbose_name=_("institution"))
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[is_time_zone])
    language = models.CharField(
        _("language"), max_length=8, blank=True, choices=language_choices, default="", db_default=""
    )
    # Preferences. They have database defaults, so that servers running the previous version can still add users during
    # an upgrade.
    theme = models.CharField(
        _("colors"), max_length=8, choices=Theme, default=Theme.SYSTEM, db_default=Theme.SYSTEM.value
    )
    rows_per_page = models.PositiveSmallIntegerField(
        _("rows per page"), choices=rows_choices, default=25, db_default=25
    )
    live_updates = models.BooleanField(_("live updates"), default=True, db_default=True)
    keyboard_shortcuts = models.BooleanField(_("keyboard shortcuts"), default=True, db_default=True)
    # The number of the user's default view; `workitems` knows what it means.
    start_view = models.BigIntegerField(null=True, editable=False)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        ordering = ["email"]
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [
            # Two spellings of one address would be two accounts for one mailbox.
            models.CheckConstraint(
                condition=models.Q(email=models.functions.Lower("email")), name="email_is_lower_case"
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        super().clean()
        self.email = self.email.lower()

    def can(self, permission: Permission) -> bool:
        """Whether this person's role allows it. An inactive person can't do anything."""
        return self.is_active and has_permission(self.role, permission)

    @property
    def scope(self) -> list[int] | None:
        """The institutions whose items this user can see if they can browse at all; None means all of them."""
        return None if self.can(Permission.SEE_EVERY_INSTITUTION) else [self.institution_id]

    # Required by Django's admin site, which manages people and institutions, and shows items.
    @property
    def is_staff(self) -> bool:
        return self.can(Permission.MANAGE)

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.has_module_perms(perm.split(".")[0])

    def has_module_perms(self, app_label: str) -> bool:
        return app_label in {"accounts", "announcements", "email_queue", "workitems"} and self.can(Permission.MANAGE)


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def active(self) -> "ApiKeyQuerySet":
        return self.filter(revoked_at=None)


class ApiKey(models.Model):
    """What a program sends instead of a password; see `api_keys`. The key itself isn't stored."""

    # PROTECT: people are deactivated, and what was done with their keys stays traceable.
    user = models.ForeignKey(User, models.PROTECT, related_name="api_keys", verbose_name=_("person"))
    label = models.CharField(
        _("label"), max_length=100, blank=True, help_text=_("For example: desktop app on my laptop.")
    )
    prefix = models.CharField(_("starts with"), max_length=8, db_index=True)
    digest = models.CharField(_("SHA-256 digest"), max_length=64, unique=True)
    created_at = models.DateTimeField(_("created"))
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    # The calls counted in one minute, which is given in minutes since 1970; shared by all server processes.
    minute = models.PositiveIntegerField(default=0)
    calls = models.PositiveIntegerField(default=0)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return f"{self.prefix}… ({self.label})" if self.label else f"{self.prefix}…"
