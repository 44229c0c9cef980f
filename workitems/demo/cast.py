"""The demo's cast: its institutions and people."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.hashers import make_password

from pharos.accounts.models import Institution, User
from pharos.accounts.roles import Role

# With each one's share of the items: one member owns the most, as in every consortium.
MEMBERS: dict[str, tuple[str, float]] = {
    "institution1.edu": ("Institution One", 0.40),
    "institution2.edu": ("Institution Two", 0.27),
    "test.edu": ("Test University", 0.20),
    "example.edu": ("Example College", 0.13),
}
DOMAINS_WITH_ACCOUNTS = ("institution1.edu", "institution2.edu", "test.edu")
_ZONES = {"institution1.edu": "America/New_York", "institution2.edu": "America/Chicago"}


def admin_email() -> str:
    return f"admin@{settings.CONSORTIUM_DOMAIN}"


def service_email() -> str:
    return f"system@{settings.CONSORTIUM_DOMAIN}"


@dataclass(frozen=True)
class Cast:
    """The people who act in the demo."""

    institutions: dict[str, Institution]
    service: User
    admin: User
    staff: dict[str, User]


def sign_in_accounts() -> list[User]:
    """The demo's depositors, staff, and admin, in this order; empty unless DEBUG is on and this database has all of
    them.

    Without DEBUG, `PeopleBackend` rejects their password, so the page must not offer it.
    """
    if not settings.DEBUG:
        return []
    emails = [*(f"{who}@{domain}" for who in ("depositor", "staff") for domain in DOMAINS_WITH_ACCOUNTS), admin_email()]
    found = {user.email: user for user in User.objects.filter(email__in=emails, is_active=True)}
    return [found[email] for email in emails] if len(found) == len(emails) else []


def get_consortium() -> Institution:
    return Institution.objects.get_or_create(identifier=settings.CONSORTIUM_DOMAIN, defaults={"name": "APTrust"})[0]


def create_service() -> User:
    """The account that workers use, created if it doesn't exist. It has no password, because services don't sign in on
    pages.
    """
    found = User.objects.filter(email=service_email(), role=Role.WORKER).first()
    return found or User.objects.create_user(
        service_email(), name="Services", role=Role.WORKER, institution=get_consortium()
    )


def create_cast() -> Cast:
    """Creates everyone. All share one password, hashed once: hashing is slow by design, and protects nothing here."""
    password = make_password(settings.DEMO_PASSWORD)
    institutions = {
        domain: Institution.objects.get_or_create(identifier=domain, defaults={"name": name})[0]
        for domain, (name, _share) in MEMBERS.items()
    }

    def person(email: str, name: str, role: Role, institution: Institution) -> User:
        zone = _ZONES.get(institution.identifier, "UTC")
        return User.objects.create(
            email=email, name=name, role=role, institution=institution, time_zone=zone, password=password
        )

    staff = {}
    for domain in DOMAINS_WITH_ACCOUNTS:
        member = institutions[domain]
        person(f"depositor@{domain}", f"Depositor of {member.name}", Role.DEPOSITOR, member)
        staff[domain] = person(f"staff@{domain}", f"Staff of {member.name}", Role.STAFF, member)
    admin = person(admin_email(), "Admin of APTrust", Role.ADMIN, get_consortium())
    return Cast(institutions, create_service(), admin, staff)
