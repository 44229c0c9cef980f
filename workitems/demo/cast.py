"""The institutions and people of the demo."""

from dataclasses import dataclass

from django.conf import settings
from django.contrib.auth.hashers import make_password

from pharos.accounts.models import Institution, User
from pharos.accounts.roles import Role

# {domain: (name, share of the items)}.
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
    """The institutions and people of a loaded demo."""

    institutions: dict[str, Institution]
    service: User
    admin: User
    staff: dict[str, User]


def sign_in_accounts() -> list[User]:
    """Returns the demo's depositors, staff, and admin, in this order; empty unless DEBUG is on and all of them exist.

    Without DEBUG, `PeopleBackend` rejects their password, so the sign-in page must not offer it.
    """
    if not settings.DEBUG:
        return []
    emails = [*(f"{who}@{domain}" for who in ("depositor", "staff") for domain in DOMAINS_WITH_ACCOUNTS), admin_email()]
    found = {user.email: user for user in User.objects.filter(email__in=emails, is_active=True)}
    return [found[email] for email in emails] if len(found) == len(emails) else []


def get_consortium() -> Institution:
    return Institution.objects.get_or_create(identifier=settings.CONSORTIUM_DOMAIN, defaults={"name": "APTrust"})[0]


def create_service() -> User:
    """Returns the account that workers use, and creates it if necessary.

    It has no password, because services don't sign in to pages.
    """
    found = User.objects.filter(email=service_email(), role=Role.WORKER).first()
    return found or User.objects.create_user(
        service_email(), name="Services", role=Role.WORKER, institution=get_consortium()
    )


def create_cast() -> Cast:
    """Creates the institutions and people. All share one password, which is hashed only once because hashing is slow."""
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
