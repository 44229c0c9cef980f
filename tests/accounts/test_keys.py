"""API keys under “My account” and on the admin site: creating, showing once, listing, and revoking."""

import shlex
import uuid
from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from pharos.accounts import api_keys
from pharos.accounts.models import ApiKey

from ..pages.page_elements import find_form, parse_page, problems

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
MEMBERS = ("dora", "stan", "olga", "ada")
ADMIN = reverse("admin:accounts_apikey_changelist")
ADD = reverse("admin:accounts_apikey_add")


def make_form(client):
    """Returns what the form for a new key would send."""
    return parse_page(client.get("/account")).one("form", action="/account/keys").fields()


def rows(client):
    """Returns the text of each row of the table of keys."""
    return [row.words for row in parse_page(client.get("/account")).all("tr")[1:]]


def shown(response):
    """Returns the new key, and the example next to it as a shell would parse it."""
    key, _shell, example = (one.text for one in parse_page(response).all("pre"))
    return key, shlex.split(example.replace("\\\n", ""))


# Made, and shown once


@pytest.mark.parametrize("who", MEMBERS)
def test_a_user_creates_a_key(cast, signed_in, who):
    client = signed_in(cast[who])
    response = client.post("/account/keys", make_form(client) | {"label": "Reading <b>room</b>"})
    assert response.status_code == 200
    secret, example = shown(response)
    key = api_keys.find_key(cast[who].email, secret)
    assert (key.user, key.label) == (cast[who], "Reading <b>room</b>")
    assert parse_page(response).all("b") == []
    assert parse_page(response).one("main").all("a", href="/api/docs/")
    route = "/api/v2/items/" if who == "ada" else "/member-api/v2/items/"
    assert example == [
        "curl",
        "-H",
        "X-Pharos-API-User: $PHAROS_USER",
        "-H",
        "X-Pharos-API-Key: $PHAROS_KEY",
        f"http://testserver{route}?per_page=5",
    ]


def test_the_key_is_shown_once_and_not_in_the_example_command(signed_in, dora):
    """It would stay in the shell's history."""
    client = signed_in(dora)
    response = client.post("/account/keys", make_form(client))
    secret, _example = shown(response)
    assert response.text.count(secret) == 1


def test_an_email_with_a_quote_is_escaped_in_the_example(signed_in, dora):
    dora.email = "o'brien$(id)@virginia.edu"
    dora.save()
    client = signed_in(dora)
    for response in (client.post("/account/keys", make_form(client)), client.get("/api/docs/")):
        [lines] = [one.text for one in parse_page(response).all("pre") if "read -r" in one.text]
        assert shlex.split(lines.splitlines()[0]) == ["export", f"PHAROS_USER={dora.email}", "PHAROS_KEY"]


def test_the_key_form_has_its_own_heading(signed_in, dora):
    client = signed_in(dora)
    for heading in ("Create a key", "Create another key"):
        section = parse_page(client.get("/account")).one("section", aria_labelledby="keys")
        assert [one.words for one in section.all("h3")] == [heading]
        api_keys.create_key(dora, now=NOON)


def test_the_page_with_the_key_is_not_cached(signed_in, dora, caplog):
    """It is in no cache, cookie, session, message, log, URL, or later page."""
    client = signed_in(dora)
    response = client.post("/account/keys", make_form(client))
    secret, _example = shown(response)
    assert {"no-store", "private"} <= set(response["Cache-Control"].split(", "))
    assert response.request["PATH_INFO"] == "/account/keys"
    for kept in (
        *(cookie.value for cookie in client.cookies.values()),
        *(str(session.get_decoded()) for session in Session.objects.all()),
        caplog.text,
        client.get("/account").text,
        client.get("/account").text,
        client.get(f"/account/keys/{ApiKey.objects.get().pk}/revoke").text,
    ):
        assert secret[8:] not in kept
    assert len(rows(client)) == 1


def test_a_reload_creates_no_second_key_and_shows_none(signed_in, dora):
    client = signed_in(dora)
    sent = make_form(client) | {"label": "laptop"}
    secret, _example = shown(client.post("/account/keys", sent))
    again = client.post("/account/keys", sent, follow=True)
    assert again.redirect_chain == [("/account", 302)]
    assert "already created its key" in parse_page(again).one("div", class_="messages").words
    assert secret[8:] not in again.text
    assert ApiKey.objects.count() == 1
    asked = client.get("/account/keys", follow=True)
    assert asked.redirect_chain == [("/account", 302)]
    assert secret[8:] not in asked.text
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize(
    "wrong", [{"label": "x" * 101}, {"label": "a\x00b"}, {"once": ""}, {"once": "x"}, {"once": "9" * 5000}]
)
def test_an_invalid_label_is_an_error_and_creates_nothing(signed_in, dora, wrong):
    dora.name = "Dora"
    dora.save()
    client = signed_in(dora)
    response = client.post("/account/keys", make_form(client) | wrong)
    assert response.status_code == 422
    assert len(problems(response)) == 1
    # The other form is as it was, and is still sent to its own address.
    assert parse_page(response).one("form", action="/account").fields()["name"] == "Dora"
    assert not ApiKey.objects.exists()


def test_the_twenty_first_is_refused(signed_in, dora):
    for _ in range(20):
        api_keys.create_key(dora, now=NOON)
    client = signed_in(dora)
    response = client.post("/account/keys", make_form(client), follow=True)
    assert "20 keys" in parse_page(response).one("div", class_="messages").words
    assert ApiKey.objects.count() == 20


def test_nobody_creates_a_key_for_another_user(signed_in, dora, stan):
    client = signed_in(dora)
    forged = {"user": stan.pk, "user_id": stan.pk, "prefix": "forged", "digest": "0", "calls": 7}
    client.post("/account/keys", make_form(client) | forged)
    key = ApiKey.objects.get()
    assert (key.user, key.calls) == (dora, 0)
    assert key.prefix != "forged"


# Seen


def test_the_table_lists_the_users_active_keys(signed_in, dora, stan):
    dora.time_zone = "America/New_York"
    dora.save()
    client = signed_in(dora)
    assert rows(client) == []
    first, secret = api_keys.create_key(dora, label="laptop", now=NOON)
    second, _secret = api_keys.create_key(dora, now=NOON.replace(hour=13))
    revoked, _secret = api_keys.create_key(dora, label="lost", now=NOON)
    api_keys.revoke_key(revoked, now=NOON)
    api_keys.create_key(stan, label="his", now=NOON)
    api_keys.count_call(api_keys.find_key(dora.email, secret), limit=10, now=NOON.replace(day=5))
    newest, oldest = rows(client)
    assert parse_page(client.get("/account")).all("time", title="5 Mar 2026, 07:00:00 EST")
    for text in ("No label", f"{second.prefix}…", "4 Mar 2026, 08:00", "never"):
        assert text in newest
    for text in ("laptop", f"{first.prefix}…", "4 Mar 2026, 07:00", "5 Mar 2026, 07:00"):
        assert text in oldest


# Revoked


@pytest.mark.parametrize("who", MEMBERS)
def test_a_user_revokes_a_key(cast, signed_in, who):
    key, secret = api_keys.create_key(cast[who], label="laptop", now=NOON)
    kept, kept_secret = api_keys.create_key(cast[who], now=NOON)
    client = signed_in(cast[who])
    way = f"/account/keys/{key.pk}/revoke"
    assert parse_page(client.get("/account")).one("a", href=way)
    asked = client.get(way)
    assert "laptop" in parse_page(asked).one("main").words
    assert api_keys.find_key(cast[who].email, secret)  # a GET only asks
    response = client.post(way, find_form(asked).fields(), follow=True)
    assert f"The key {key} has been revoked." in parse_page(response).one("div", class_="messages").words
    assert api_keys.find_key(cast[who].email, secret) is None
    assert api_keys.find_key(cast[who].email, kept_secret) == kept
    assert len(rows(client)) == 1


def test_revoking_twice_changes_nothing(signed_in, dora):
    key, _secret = api_keys.create_key(dora, now=NOON)
    api_keys.revoke_key(key, now=NOON)
    client = signed_in(dora)
    for answer in (client.get, client.post):
        response = answer(f"/account/keys/{key.pk}/revoke", follow=True)
        assert "has been revoked" in parse_page(response).one("div", class_="messages").words
    key.refresh_from_db()
    assert key.revoked_at == NOON


@pytest.mark.parametrize("who", ["stan", "olga", "ada"])
def test_another_users_key_is_not_found(cast, signed_in, dora, who):
    key, secret = api_keys.create_key(dora, now=NOON)
    client = signed_in(cast[who])
    assert client.get(f"/account/keys/{key.pk}/revoke").status_code == 404
    assert client.post(f"/account/keys/{key.pk}/revoke").status_code == 404
    assert api_keys.find_key(dora.email, secret) == key


@pytest.mark.parametrize("number", ["0", "9" * 30])
def test_an_unknown_key_is_not_found(signed_in, dora, number):
    assert signed_in(dora).post(f"/account/keys/{number}/revoke").status_code == 404


@pytest.mark.parametrize("who", ["wally", None])
def test_service_accounts_have_no_page(cast, client, who):
    key, _secret = api_keys.create_key(cast["wally"], now=NOON)
    if who:
        client.force_login(cast[who])
    for way in ("/account/keys", f"/account/keys/{key.pk}/revoke"):
        for answer in (client.get(way), client.post(way, {"once": uuid.uuid4()})):
            assert answer["Location"] == f"/accounts/login/?next={way}"
    assert [*ApiKey.objects.not_revoked()] == [key]


def test_requests_from_other_sites_are_refused(dora):
    key, _secret = api_keys.create_key(dora, now=NOON)
    client = Client(enforce_csrf_checks=True)
    client.force_login(dora)
    assert client.post("/account/keys", {"label": "", "once": uuid.uuid4()}).status_code == 403
    assert client.post(f"/account/keys/{key.pk}/revoke").status_code == 403
    assert [*ApiKey.objects.not_revoked()] == [key]


# On the admin site


def add_form(client):
    return parse_page(client.get(ADD)).one("form", id="apikey_form").fields()


def test_an_admin_creates_a_key_for_a_service_account(signed_in, ada, wally):
    client = signed_in(ada)
    sent = add_form(client) | {"user": wally.pk, "label": "ingest"}
    response = client.post(ADD, sent)
    secret, example = shown(response)
    key = api_keys.find_key(wally.email, secret)
    assert (key.user, key.label) == (wally, "ingest")
    assert "no-store" in response["Cache-Control"]
    assert "http://testserver/api/v2/items/?per_page=5" in example
    assert parse_page(response).one("main").all("a", href=ADMIN)
    again = client.post(ADD, sent, follow=True)
    assert "already created its key" in again.text
    later = (again.text, client.get(ADMIN).text, *(str(one.__dict__) for one in LogEntry.objects.all()))
    assert not [text for text in later if secret[8:] in text]
    assert [*ApiKey.objects.all()] == [key]
    assert LogEntry.objects.get().object_repr == str(key)


@pytest.mark.parametrize("who", ["dora", "ada", "switched off", "nobody"])
def test_admins_cannot_create_keys_for_people(cast, signed_in, ada, wally, who):
    """With a person's key, an admin would act in that person's name."""
    wally.is_active = False
    wally.save()
    chosen = cast[who].pk if who in cast else {"switched off": wally.pk, "nobody": ""}[who]
    client = signed_in(ada)
    response = client.post(ADD, add_form(client) | {"user": chosen})
    assert response.status_code == 200
    assert "errorlist" in response.text
    assert not ApiKey.objects.exists()


def test_the_admin_site_refuses_the_twenty_first_key(signed_in, ada, wally):
    for _ in range(20):
        api_keys.create_key(wally, now=NOON)
    client = signed_in(ada)
    response = client.post(ADD, add_form(client) | {"user": wally.pk}, follow=True)
    assert "20 keys" in response.text
    assert ApiKey.objects.count() == 20
    assert not LogEntry.objects.exists()


def test_an_admin_revokes_the_keys_of_any_user(signed_in, ada, wally, dora):
    live, _secret = api_keys.create_key(wally, now=NOON)
    hers, _secret = api_keys.create_key(dora, now=NOON)
    kept, _secret = api_keys.create_key(dora, now=NOON)
    earlier, _secret = api_keys.create_key(dora, now=NOON)
    api_keys.revoke_key(earlier, now=NOON)
    sent = {"action": "revoke", "_selected_action": [live.pk, hers.pk, earlier.pk], "index": "0"}
    client = signed_in(ada)
    asked = parse_page(client.post(ADMIN, sent)).one("div", id="content")
    assert ApiKey.objects.not_revoked().count() == 3
    assert live.prefix in asked.words
    assert earlier.prefix not in asked.words
    form = asked.one("form")
    assert form.all("input", type="submit", value="Revoke 2 keys")
    chosen = [one["value"] for one in form.all("input", name="_selected_action")]
    response = client.post(ADMIN, form.fields() | {"_selected_action": chosen}, follow=True)
    assert "Revoked 2 keys." in response.text
    assert [*ApiKey.objects.not_revoked()] == [kept]
    earlier.refresh_from_db()
    assert earlier.revoked_at == NOON
    assert {entry.object_id for entry in LogEntry.objects.all()} == {str(live.pk), str(hers.pk)}


def test_the_message_counts_the_revoked_keys(signed_in, ada, wally):
    key, _secret = api_keys.create_key(wally, now=NOON)
    client = signed_in(ada)
    sent = {"action": "revoke", "_selected_action": [key.pk]}
    assert 'value="Revoke 1 key"' in client.post(ADMIN, sent | {"index": "0"}).text
    assert "Revoked 1 key." in client.post(ADMIN, sent | {"confirmed": "yes"}, follow=True).text
    again = client.post(ADMIN, sent | {"index": "0"}, follow=True)
    assert "None of these keys is active" in again.text
    assert LogEntry.objects.count() == 1


def test_active_and_revoked_keys_look_different(signed_in, ada, wally):
    live, _secret = api_keys.create_key(wally, now=NOON)
    gone, _secret = api_keys.create_key(wally, now=NOON)
    api_keys.revoke_key(gone, now=NOON)
    client = signed_in(ada)
    read = parse_page(client.get(ADMIN))
    assert [one.words for one in read.all("del")] == [f"{gone.prefix}…"]
    assert [one.words for one in read.all("td", class_="field-state")] == ["revoked", "active"]
    for query, key in (("works=yes", live), ("works=no", gone)):
        [row] = parse_page(client.get(f"{ADMIN}?{query}")).one("table", id="result_list").all("tr")[1:]
        assert key.prefix in row.words


def test_the_list_and_the_page_of_a_key(signed_in, ada, dora):
    key, _secret = api_keys.create_key(dora, label="laptop", now=NOON)
    client = signed_in(ada)
    for way in (f"{ADMIN}?q={key.prefix}", reverse("admin:accounts_apikey_change", args=[key.pk])):
        read = client.get(way).text
        for text in (key.prefix, "laptop", dora.email):
            assert text in read
        assert key.digest not in read
        assert 'name="_save"' not in read
        assert "delete_selected" not in read


def test_nothing_else_is_changed_or_deleted(signed_in, ada, dora):
    key, _secret = api_keys.create_key(dora, label="laptop", now=NOON)
    before = ApiKey.objects.values().get()
    client = signed_in(ada)
    sent = {
        "user": ada.pk,
        "label": "forged",
        "digest": "0" * 64,
        "revoked_at": "",
        "post": "yes",
        "once": uuid.uuid4(),
    }
    for name in ("change", "delete"):
        assert client.post(reverse(f"admin:accounts_apikey_{name}", args=[key.pk]), sent).status_code == 403
    client.post(ADMIN, {"action": "delete_selected", "_selected_action": [key.pk], "post": "yes", "index": "0"})
    assert ApiKey.objects.values().get() == before


@pytest.mark.parametrize("who", ["dora", "stan", "olga"])
def test_members_cannot_open_the_admin_pages_of_keys(cast, signed_in, wally, who):
    client = signed_in(cast[who])
    for way in (ADMIN, ADD):
        assert client.get(way).status_code == 403
        assert client.post(way, {"user": wally.pk, "once": uuid.uuid4()}).status_code == 403
    assert not ApiKey.objects.exists()
