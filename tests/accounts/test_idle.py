"""Signing people out after a time without activity (SESSION_IDLE_MINUTES)."""

import pytest
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from pharos.accounts.idle import BACKGROUND_HEADER
from workitems.models import WorkItem

from ..pages.page_elements import parse_page
from .clock import clock  # noqa: F401  a fixture

POLL = {BACKGROUND_HEADER: "1"}
SIGN_IN = "/accounts/login/?next="


@pytest.fixture
def ten_minutes():
    with override_settings(SESSION_IDLE_MINUTES=10):
        yield


def is_in(client, url="/items/", **headers):
    return client.get(url, headers=headers).status_code in (200, 204)


@pytest.mark.parametrize("who", ["dora", "stan", "olga", "ada"])
def test_everyone_is_signed_out_when_the_time_is_over(ten_minutes, client, cast, clock, who):  # noqa: F811
    client.force_login(cast[who])
    assert is_in(client)
    clock(minutes=10)
    response = client.get("/items/?status=Failed")
    assert response["Location"] == f"{SIGN_IN}/items/%3Fstatus%3DFailed"
    page = parse_page(client.get(response["Location"]))
    assert "You were signed out after 10 minutes without activity." in page.one("div", class_="messages").words
    assert "_auth_user_id" not in client.session
    assert not is_in(client)


def test_activity_extends_the_time(ten_minutes, client, dora, clock):  # noqa: F811
    client.force_login(dora)
    for minutes in (0, 9, 18, 27):
        clock(minutes=minutes)
        assert is_in(client)
    clock(minutes=37)
    assert not is_in(client)


def test_polling_is_no_activity(ten_minutes, client, dora, item, clock):  # noqa: F811
    client.force_login(dora)
    assert is_in(client)
    for minutes in range(1, 10):
        clock(minutes=minutes)
        for url in (f"/items/{item.pk}/version", f"/items/{item.pk}"):
            assert is_in(client, url, **POLL)
    clock(minutes=10)
    assert client.get(f"/items/{item.pk}/version", headers=POLL)["Location"].startswith(SIGN_IN)
    # The next page can still say what has happened.
    told = client.get("/items/", follow=True)
    assert "You were signed out after 10 minutes" in parse_page(told).one("div", class_="messages").words


def test_what_is_sent_too_late_changes_nothing_and_leads_back(ten_minutes, client, ada, item, clock):  # noqa: F811
    client.force_login(ada)
    assert is_in(client, f"/items/{item.pk}/cancel")
    clock(minutes=11)
    response = client.post(f"/items/{item.pk}/cancel", {"note": "Too late."})
    assert response["Location"] == f"{SIGN_IN}/items/{item.pk}/cancel"
    assert WorkItem.objects.get(pk=item.pk).status == item.status


def test_most_requests_write_nothing(ten_minutes, client, dora, clock):  # noqa: F811
    client.force_login(dora)
    is_in(client)
    clock(seconds=29)
    with CaptureQueriesContext(connection) as queries:
        is_in(client)
    assert not [one["sql"] for one in queries if one["sql"].startswith(("UPDATE", "INSERT"))]
    clock(seconds=30)
    with CaptureQueriesContext(connection) as queries:
        is_in(client)
    assert [one["sql"].split()[1] for one in queries if one["sql"].startswith("UPDATE")] == ['"django_session"']


@pytest.mark.parametrize("minutes", [9, 11])
def test_a_read_only_database_keeps_nobody_from_reading(ten_minutes, client, dora, clock, monkeypatch, minutes):  # noqa: F811
    client.force_login(dora)
    is_in(client)

    def fail(*args, **more):
        raise OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(Session, "save", fail)
    monkeypatch.setattr(Session, "delete", fail)
    clock(minutes=minutes)
    assert is_in(client) is (minutes < 10)


def test_people_who_are_not_signed_in_and_the_sign_in_page(ten_minutes, client, db):
    assert client.get("/accounts/login/").status_code == 200
    assert client.get("/items/")["Location"] == f"{SIGN_IN}/items/"


def test_it_is_off_by_default(client, dora, clock):  # noqa: F811
    client.force_login(dora)
    assert is_in(client)
    assert "last_active" not in client.session
    clock(days=3)
    assert is_in(client)
