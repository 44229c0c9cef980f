"""The test users of `tests/conftest.py` and the demo's users, for a run outside pytest."""

from typing import Any

from django.test import override_settings

from pharos.accounts.models import User
from pharos.accounts.roles import Role
from workitems.demo import load_demo

from ..conftest import CAST
from ..factories import InstitutionFactory, UserFactory

FEW = 1000  # items: enough for several pages of a list, and for each part of the overview


def people() -> dict[str, Any]:
    """Returns all test users, by first name."""
    return {
        name: UserFactory(email=f"{name}@{domain}", role=role, institution=InstitutionFactory(identifier=domain))
        for name, (role, _institution, domain) in CAST.items()
    }


def demo() -> list[User]:
    """Loads the demo. Returns one of its users for each role that can sign in."""
    with override_settings(DEBUG=True):
        load_demo(count=FEW, quiet=True)
    return [User.objects.filter(role=role).order_by("pk")[0] for role in (Role.DEPOSITOR, Role.STAFF, Role.ADMIN)]
