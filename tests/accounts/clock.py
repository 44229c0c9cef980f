"""A clock that tests set forward, for the product and for allauth's counts."""

import time
from datetime import timedelta

import pytest
from django.utils import timezone


@pytest.fixture
def clock(monkeypatch):
    """A function that sets the time to so much after the start of the test."""
    start = timezone.now()

    def set_to(**later):
        moment = start + timedelta(**later)
        monkeypatch.setattr(timezone, "now", lambda: moment)
        monkeypatch.setattr(time, "time", moment.timestamp)
        return moment

    set_to()
    return set_to
