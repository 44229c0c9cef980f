"""Wrong passwords tried at the same moment: no more of them are looked at than one after the other."""

import pytest
from django.contrib.auth.hashers import check_password
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from pharos.accounts.models import User

from .test_api_keys_concurrency import THREADS, together

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _forget_the_counts():
    """Clears them afterwards: they are in no model's table, so pytest-django leaves them to the next test."""
    yield
    cache.clear()


def attempt(email):
    return Client().post(reverse("account_login"), {"login": email, "password": "wrong"}).status_code


def test_attempts_at_the_same_time_are_all_counted(dora, settings, monkeypatch):
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"sign_in_failed_at_place": "3/5m/key"}
    assert THREADS > 3
    looked_at = []
    monkeypatch.setattr(
        User, "check_password", lambda user, raw: looked_at.append(raw) or check_password(raw, user.password)
    )
    answers = together(lambda: attempt(dora.email))
    assert len(looked_at) == answers.count(200) == 3
    assert answers.count(429) == THREADS - 3
