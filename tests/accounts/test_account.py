"""“My account”, and how sign-in and passwords handle invalid requests; test_login.py has the successful cases."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from pharos.accounts.roles import Role

from ..pages.page_elements import parse_page, problems

PASSWORD = "lighthouse-keeper"
NEW = "a quite new passphrase"
MEMBERS = ("dora", "stan", "olga", "ada")
# As the form has it; a box that is not ticked is not sent.
SENT = {"name": "Dora", "time_zone": "UTC", "theme": "system", "rows_per_page": "25", "live_updates": "on"}
SENT |= {"keyboard_shortcuts": "on"}


def log_in(client, email, password=PASSWORD, **more):
    return client.post("/accounts/login/", {"login": email, "password": password, **more})


def is_signed_in(client):
    return client.get("/account").status_code == 200


def stored(user):
    values = get_user_model().objects.values().get(pk=user.pk)
    del values["last_login"]
    return values


# Signing in


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("dora@virginia.edu", "wrong"),
        ("dora@virginia.edu", ""),
        ("nobody@virginia.edu", PASSWORD),
        ("", PASSWORD),
        ("dora@virginia.edu\x00", PASSWORD),
        ("dora@virginia.edu", "\x00"),
        ("x" * 5000 + "@virginia.edu", PASSWORD),
        ("' OR 1=1 --", PASSWORD),
    ],
)
def test_wrong_credentials_do_not_sign_in(client, dora, email, password):
    response = log_in(client, email, password)
    assert response.status_code == 200
    assert problems(response)
    assert not is_signed_in(client)


def test_the_sign_in_error_does_not_reveal_accounts(client, dora):
    said = {tuple(problems(log_in(client, email, "wrong"))) for email in (dora.email, "nobody@virginia.edu")}
    assert len(said) == 1


@pytest.mark.parametrize("there", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_sign_in_never_redirects_to_another_site(client, dora, there):
    assert log_in(client, dora.email, next=there)["Location"] == "/"


def test_a_login_from_another_site_is_refused(dora):
    client = Client(enforce_csrf_checks=True)
    assert log_in(client, dora.email).status_code == 403
    assert not is_signed_in(client)


# My account


@pytest.mark.parametrize("who", MEMBERS)
def test_people_change_their_own_settings(cast, signed_in, who):
    client = signed_in(cast[who])
    before = stored(cast[who])
    read = parse_page(client.get("/account")).one("main").words
    assert cast[who].email in read
    assert cast[who].institution.identifier in read
    chosen = {"name": "Dora <b>Née</b> Ü.", "time_zone": "America/New_York", "theme": "dark", "rows_per_page": "100"}
    response = client.post("/account", chosen, follow=True)
    assert "Your settings have been saved." in parse_page(response).one("div", class_="messages").words
    off = {"rows_per_page": 100, "live_updates": False, "keyboard_shortcuts": False}
    assert stored(cast[who]) == before | chosen | off
    assert "America/New_York" in parse_page(response).one("footer").words
    assert parse_page(response).all("b") == []


def test_the_form_shows_the_stored_settings(signed_in, dora):
    dora.name = "Dora"
    dora.save()
    before = stored(dora)
    client = signed_in(dora)
    form = parse_page(client.get("/account")).one("main").one("form", action="/account")
    assert form.fields() == {"csrfmiddlewaretoken": form.fields()["csrfmiddlewaretoken"]} | {
        "name": "Dora",
        "theme": "system",
        "live_updates": "on",
        "keyboard_shortcuts": "on",
    }
    chosen = [option.attributes["value"] for option in form.all("option", selected=True)]
    assert chosen == ["", "UTC", "25"]
    assert client.post("/account", {**form.fields(), "time_zone": "UTC", "rows_per_page": "25"}).status_code == 302
    assert stored(dora) == before


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("time_zone", "Mars/Olympus"),
        ("time_zone", ""),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", "UTC\x00"),
        ("name", "x" * 256),
        ("name", "a\x00b"),
        ("theme", "pink"),
        ("theme", ""),
        ("theme", '"><script>'),
        ("theme", "\x00"),
        ("rows_per_page", "26"),
        ("rows_per_page", "0"),
        ("rows_per_page", "-25"),
        ("rows_per_page", "many"),
        ("rows_per_page", ""),
        ("rows_per_page", "9" * 400),
    ],
)
def test_invalid_settings_are_field_errors_and_are_not_stored(signed_in, dora, field, value):
    before = stored(dora)
    typed = {**SENT, "name": "A new name", "theme": "dark", field: value}
    response = signed_in(dora).post("/account", typed)
    assert response.status_code == 422
    assert len(problems(response)) == 1
    read = parse_page(response)
    tied = read.one("p", class_="error")["id"]
    assert tied == f"id_{field}_error"
    assert [one for one in read.all() if tied in (one.attributes.get("aria-describedby") or "").split()]
    assert stored(dora) == before
    assert "data-theme" not in read.one("html").attributes  # it is not stored, so it does not hold yet
    if field != "name":
        assert read.one("input", id="id_name")["value"] == "A new name"
    if field != "theme":
        assert read.one("input", name="theme", checked=True)["value"] == "dark"


def test_a_refused_key_does_not_change_the_settings(signed_in, dora):
    before = stored(dora)
    response = signed_in(dora).post("/account/keys", {"label": "x" * 200, "once": "no"})
    assert response.status_code == 422
    assert stored(dora) == before


def test_nobody_can_change_their_own_role(signed_in, dora, jhu):
    before = stored(dora)
    sent = {
        **SENT,
        "name": "",
        "role": Role.ADMIN,
        "institution": jhu.pk,
        "institution_id": jhu.pk,
        "email": "ada@aptrust.org",
        "is_active": "false",
        "pk": 1,
        "id": 1,
    }
    assert signed_in(dora).post("/account", sent).status_code == 302
    assert stored(dora) == before


def test_settings_from_another_site_are_refused(dora):
    client = Client(enforce_csrf_checks=True)
    client.force_login(dora)
    assert client.post("/account", SENT).status_code == 403


# Passwords


@pytest.mark.parametrize(
    "wrong",
    [
        {"oldpassword": "wrong"},
        {"password2": "another passphrase"},
        {"password1": "short", "password2": "short"},
        {"password1": "dora@virginia.edu", "password2": "dora@virginia.edu"},
        {"password1": "", "password2": ""},
    ],
)
def test_an_invalid_password_changes_nothing(client, dora, wrong):
    log_in(client, dora.email)
    before = stored(dora)["password"]
    sent = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW, **wrong}
    response = client.post("/accounts/password/change/", sent)
    assert response.status_code == 200
    assert problems(response)
    assert stored(dora)["password"] == before


def test_the_password_reset_does_not_reveal_accounts(client, dora):
    told = []
    for email in (dora.email, "nobody@virginia.edu"):
        response = client.post("/accounts/password/reset/", {"email": email}, follow=True)
        told.append((response.status_code, parse_page(response).one("main").words))
    assert told[0] == told[1]


def test_a_damaged_reset_link_is_refused(client, db):
    response = client.get("/accounts/password/reset/key/1-nonsense/", follow=True)
    assert response.status_code == 200
    assert "This link no longer works" in parse_page(response).one("h1").words
