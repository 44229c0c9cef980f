"""The sign-in page offers the demo's accounts, but only if the demo is loaded and DEBUG is on."""

from urllib.request import urlopen

import pytest
from django.db import connection
from django.urls import reverse

from pharos.accounts.models import User
from workitems.demo.cast import create_cast

from ..pages.page_elements import parse_page
from ..serving import database_url, server

SIGN_IN = reverse("account_login")
BY_ROLE = {
    "Depositor": ["depositor@institution1.edu", "depositor@institution2.edu", "depositor@test.edu"],
    "Institution staff": ["staff@institution1.edu", "staff@institution2.edu", "staff@test.edu"],
    "APTrust admin": ["admin@aptrust.org"],
}


@pytest.fixture
def demo(db, settings):
    """The demo's users, with DEBUG on."""
    settings.DEBUG = True
    return create_cast()


def form_of_accounts(client, address=SIGN_IN):
    """Returns the form with the accounts, or None."""
    found = parse_page(client.get(address)).all("form", class_="stack demo-accounts")
    return found[0] if found else None


def test_accounts_are_listed_by_role_with_the_password(demo, client):
    form = form_of_accounts(client)
    assert [one.text for one in form.all("dt")] == list(BY_ROLE)
    assert [[button["value"] for button in one.all("button")] for one in form.all("dd")] == list(BY_ROLE.values())
    assert [button.text for button in form.all("button")] == [button["value"] for button in form.all("button")]
    assert [one.text for one in form.all("code")] == ["lighthouse"]
    assert form.text.count("lighthouse") == 1


@pytest.mark.parametrize("email", [email for emails in BY_ROLE.values() for email in emails])
def test_choosing_an_account_signs_in_and_continues_to_the_requested_page(demo, client, email):
    form = form_of_accounts(client, f"{SIGN_IN}?next=/items/%3Fstatus%3DFailed")
    button = form.one("button", value=email)
    response = client.post(SIGN_IN, {**form.fields(), button["name"]: button["value"]})
    assert response["Location"] == "/items/?status=Failed"
    assert User.objects.get(pk=client.session["_auth_user_id"]).email == email


def test_without_debug_no_accounts_are_offered(demo, client, settings):
    settings.DEBUG = False
    assert form_of_accounts(client) is None


@pytest.mark.parametrize("changes", [{"is_active": False}, {"email": "somebody@institution1.edu"}])
def test_without_the_complete_demo_no_accounts_are_offered(demo, client, changes):
    User.objects.filter(email="staff@institution1.edu").update(**changes)
    assert form_of_accounts(client) is None


@pytest.mark.django_db(transaction=True)
def test_the_production_server_offers_no_accounts():
    create_cast()
    with server(database_url(connection.settings_dict)) as running:
        text = urlopen(f"{running.url}{SIGN_IN}").read().decode()  # noqa: S310  our own server
    assert "Sign in" in text
    assert "institution1.edu" not in text
    assert "lighthouse" not in text
