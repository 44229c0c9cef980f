import zoneinfo

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from .roles import Permission, Role, may, role_choices

is_domain = RegexValidator(
    r"^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+$",
    _("Give the institution's domain in lower case, like virginia.edu."),
)


def is_time_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError(_("%(name)s is not a time zone; take one like America/New_York."), params={"name": name})


def time_zone_choices() -> list[tuple[str, str]]:
    return [
        (name, name.replace("_", " "))
        for name in sorted(zoneinfo.available_timezones())
        if "/" in name or name == "UTC"
    ]


class Institution(models.Model):
    """A member of the consortium, or the consortium itself. Its identifier is its domain."""

    name = models.CharField(_("name"), max_length=255)
    identifier = models.CharField(_("identifier"), max_length=253, unique=True, validators=[is_domain])

    class Meta:
        ordering = ["identifier"]
        verbose_name = _("institution")
        verbose_name_plural = _("institutions")

    def __str__(self) -> str:
        return self.identifier


class UserManager(BaseUserManager["User"]):
    def get_by_natural_key(self, email: str | None) -> "User":
        return self.get(email=(email or "").lower())

    def create_user(self, email: str, password: str | None = None, **fields) -> "User":
        """A stored person; `role` and `institution` are required. No password means that none will work."""
        user = self.model(email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields) -> "User":
        """An admin of the consortium: what `manage.py createsuperuser` makes."""
        consortium, _new = Institution.objects.get_or_create(
            identifier=settings.CONSORTIUM_DOMAIN, defaults={"name": "APTrust"}
        )
        return self.create_user(email, password, **{"role": Role.ADMIN, "institution": consortium, **fields})


class User(AbstractBaseUser):
    """A person or a service account: one e-mail address, one role, one institution."""

    email = models.EmailField(
        _("e-mail"), unique=True, error_messages={"unique": _("Somebody has this e-mail already.")}
    )
    name = models.CharField(_("name"), max_length=255, blank=True)
    role = models.CharField(_("role"), max_length=32, choices=role_choices)
    institution = models.ForeignKey(Institution, models.PROTECT, related_name="people", verbose_name=_("institution"))
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC", validators=[is_time_zone])
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
        """Whether this person's role allows it. An inactive person may do nothing."""
        return self.is_active and may(self.role, permission)

    # What Django's admin site asks. It serves people and institutions, and shows items; nothing else.
    @property
    def is_staff(self) -> bool:
        return self.can(Permission.MANAGE)

    def has_perm(self, perm: str, obj: object = None) -> bool:
        return self.has_module_perms(perm.split(".")[0])

    def has_module_perms(self, app_label: str) -> bool:
        return app_label in {"accounts", "workitems"} and self.can(Permission.MANAGE)
