"""What the sign-in page needs in order to offer the demo's accounts. settings.py names this extension while DEBUG is on."""

from itertools import groupby

from django.conf import settings
from django.utils.functional import Promise
from jinja2 import Environment
from jinja2.ext import Extension

from pharos.accounts.roles import ROLES, Role

from .cast import people_to_sign_in_as


def emails_by_role() -> dict[str | Promise, list[str]]:
    """{role in words: the emails of its people}; empty where the demo is not loaded."""
    by_role = groupby(people_to_sign_in_as(), key=lambda person: person.role)
    return {ROLES[Role(role)].label: [person.email for person in people] for role, people in by_role}


class DemoAccounts(Extension):
    """Gives `templates/account/_demo_accounts.html` the accounts and their password."""

    def __init__(self, environment: Environment):
        super().__init__(environment)
        environment.globals |= {"demo_emails_by_role": emails_by_role, "demo_password": settings.DEMO_PASSWORD}
