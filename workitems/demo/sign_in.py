"""A Jinja extension that provides the demo's accounts to the sign-in page. settings.py adds it while DEBUG is on."""

from itertools import groupby

from django.conf import settings
from django.utils.functional import Promise
from jinja2 import Environment
from jinja2.ext import Extension

from pharos.accounts.roles import ROLES, Role

from .cast import sign_in_accounts


def emails_by_role() -> dict[str | Promise, list[str]]:
    """Returns {label of a role: emails of its people}; empty if the demo isn't loaded."""
    by_role = groupby(sign_in_accounts(), key=lambda person: person.role)
    return {ROLES[Role(role)].label: [person.email for person in people] for role, people in by_role}


class DemoAccounts(Extension):
    """Provides `templates/account/_demo_accounts.html` with the accounts and their password."""

    def __init__(self, environment: Environment):
        super().__init__(environment)
        environment.globals |= {"demo_emails_by_role": emails_by_role, "demo_password": settings.DEMO_PASSWORD}
