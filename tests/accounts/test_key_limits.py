"""API keys that can only read or that expire, on the pages and in calls, and keys revoked with a password reset."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from pharos.accounts import api_keys
from pharos.accounts.models import ApiKey, KeyAccess
from workitems.models import HistoryEntry, WorkItem

from ..api.api_client import Caller
from ..emails import sent
from ..pages.page_elements import find_form, parse_page
from .clock import clock  # noqa: F401  a fixture
from .test_keys import ADD, ADMIN, add_form, make_form, rows, shown
from .test_login import NEW, ask_for_a_new_one, link_in

V2 = "/member-api/v2/items/"


def caller(client, person, **limits):
    """A caller whose key has these limits."""
    made = Caller(client, person)
    ApiKey.objects.filter(pk=made.key.pk).update(**limits)
    return made


# Read-only


@pytest.mark.parametrize("who", ["ada", "wally"])
def test_a_key_that_can_only_read(client, cast, who, item):
    reader = caller(client, cast[who], access=KeyAccess.READ)
    assert reader.get("/api/v2/items/").body["count"] == 1
    whole = reader.get(f"/api/v2/items/{item.pk}/").body
    for method, path, body in (
        ("put", f"/api/v2/items/{item.pk}/", {**whole, "note": "Changed."}),
        ("put", f"/admin-api/v3/items/requeue/{item.pk}", {"stage": "Receive"}),
        ("post", "/api/v2/items/", {"name": "new.tar"}),
        ("put", "/api/v2/items/", [{"name": "new.tar"}]),
    ):
        answer = getattr(reader, method)(path, body)
        assert answer.status == 403, path
        assert answer.body["error"] == "This API key can only read. Use a key that can read and write."
    assert WorkItem.objects.count() == 1
    assert WorkItem.objects.get().note == item.note
    assert HistoryEntry.objects.filter(item=item).count() == 1


@pytest.mark.parametrize("who", ["ada", "wally"])
def test_a_key_that_can_write(client, cast, who, item):
    writer = Caller(client, cast[who])
    whole = writer.get(f"/api/v2/items/{item.pk}/").body
    assert writer.put(f"/api/v2/items/{item.pk}/", {**whole, "note": "Changed."}).status == 200
    assert WorkItem.objects.get().note == "Changed."


@pytest.mark.parametrize("who", ["dora", "stan", "olga"])
def test_a_members_key_reads_whatever_it_says(client, cast, who, item):
    for access in KeyAccess:
        member = caller(client, cast[who], access=access)
        assert member.get(V2).status == 200
        assert member.put(f"/api/v2/items/{item.pk}/", {"note": "Mine."}).status == 403
    assert WorkItem.objects.get().note == item.note


def test_earlier_keys_read_and_write(dora):
    key = ApiKey(user=dora)
    assert (key.access, key.can_write, key.expires_at) == (KeyAccess.READ_WRITE, True, None)
    assert ApiKey._meta.get_field("access").db_default == KeyAccess.READ_WRITE  # for those in the table


# Expiry


@pytest.mark.parametrize("who", ["dora", "stan", "olga", "ada", "wally"])
def test_an_expired_key_says_so(client, cast, who, clock):  # noqa: F811
    moment = clock()
    made = caller(client, cast[who], expires_at=moment + timedelta(minutes=1))
    assert made.get(V2).status == 200
    ended = clock(minutes=1)
    answer = made.get(V2)
    assert answer.status == 401
    assert answer.body["error"].startswith(f"This API key expired on {ended:%Y-%m-%d} at {ended:%H:%M} UTC.")
    assert answer.headers["WWW-Authenticate"].startswith("ApiKey ")


def test_only_the_owner_of_the_key_learns_that_it_expired(client, dora, stan):
    made = caller(client, dora, expires_at=timezone.now() - timedelta(days=1))
    made.user = stan
    assert "expired" not in made.get(V2).body["error"]
    made.user = dora
    api_keys.revoke_key(made.key, now=timezone.now())
    assert "expired on" not in made.get(V2).body["error"]


def test_expired_keys_do_not_count_towards_the_maximum(dora):
    for _ in range(api_keys.MAX_ACTIVE_KEYS):
        api_keys.create_key(dora, days=1, now=timezone.now() - timedelta(days=2))
    assert api_keys.create_key(dora, now=timezone.now())


# On the pages


@pytest.mark.parametrize("who", ["dora", "stan", "olga", "ada"])
def test_people_choose_when_a_key_expires(cast, signed_in, who, clock):  # noqa: F811
    moment = clock()
    client = signed_in(cast[who])
    response = client.post("/account/keys", make_form(client) | {"days": "30"})
    assert "It expires on" in parse_page(response).one("main").words
    assert ApiKey.objects.get().expires_at == moment + timedelta(days=30)
    assert "never" in rows(client)[0]  # used
    ApiKey.objects.update(expires_at=moment - timedelta(days=1))
    assert "expired" in rows(client)[0]


@pytest.mark.parametrize("days", ["0", "-1", "3651", "x", "1.5", "9" * 400])
def test_an_impossible_number_of_days_is_an_error(signed_in, dora, days):
    client = signed_in(dora)
    assert client.post("/account/keys", make_form(client) | {"days": days}).status_code == 422
    assert not ApiKey.objects.exists()


def test_the_lifetime_that_the_form_suggests_is_a_setting(signed_in, dora, settings):
    client = signed_in(dora)
    assert make_form(client).get("days") in (None, "")
    settings.API_KEY_DAYS = 90
    assert make_form(client)["days"] == "90"
    client.post("/account/keys", make_form(client) | {"days": ""})
    assert ApiKey.objects.get().expires_at is None


def test_only_those_who_can_write_choose_the_access(signed_in, ada, dora):
    client = signed_in(ada)
    assert make_form(client)["access"] == "read_write"
    response = client.post("/account/keys", make_form(client) | {"access": "read"})
    assert "It can only read." in parse_page(response).one("main").words
    assert ApiKey.objects.get().access == KeyAccess.READ
    assert "Read" in rows(client)[0]
    assert "access" not in make_form(signed_in(dora))


@pytest.mark.parametrize("access", ["", "write", "read_write\x00"])
def test_an_unknown_access(signed_in, ada, access):
    client = signed_in(ada)
    response = client.post("/account/keys", make_form(client) | {"access": access})
    assert response.status_code == (422 if access else 200)
    assert [key.access for key in ApiKey.objects.all()] == ([] if access else [KeyAccess.READ_WRITE])


def test_an_admin_limits_a_key_of_a_service(signed_in, ada, wally, clock):  # noqa: F811
    moment = clock()
    client = signed_in(ada)
    sent_form = add_form(client) | {"user": wally.pk, "label": "reports", "access": "read", "days": "7"}
    secret, _example = shown(client.post(ADD, sent_form))
    key = api_keys.find_key(wally.email, secret)
    assert (key.access, key.expires_at) == (KeyAccess.READ, moment + timedelta(days=7))
    clock(days=7)
    client.force_login(ada)
    for query, number in (("", 1), ("?works=yes", 0), ("?works=expired", 1), ("?works=no", 0)):
        page = parse_page(client.get(ADMIN + query))
        assert [one.words for one in page.all("td", class_="field-state")] == ["expired"] * number, query


def test_the_command_limits_a_key(wally, settings, clock, capsys):  # noqa: F811
    moment = clock()
    settings.API_KEY_DAYS = 90
    for arguments in (["--read-only", "--days", "7"], [], ["--days", "0"]):
        call_command("create_api_key", wally.email, *arguments)
    found = [(key.access, key.expires_at) for key in ApiKey.objects.order_by("pk")]
    assert found == [
        (KeyAccess.READ, moment + timedelta(days=7)),
        (KeyAccess.READ_WRITE, moment + timedelta(days=90)),
        (KeyAccess.READ_WRITE, None),
    ]
    for days in ("-1", "3651"):
        with pytest.raises(CommandError, match="--days: use a number from 0 to 3650"):
            call_command("create_api_key", wally.email, "--days", days)


# With a password reset


def set_password(client, person, **more):
    """Sets a new password by email, and returns the form and the page after it."""
    ask_for_a_new_one(client, person.email)
    page = client.get(link_in(sent()[-1]), follow=True)
    response = client.post(page.redirect_chain[-1][0], {"password1": NEW, "password2": NEW, **more}, follow=True)
    return find_form(page), response


@pytest.mark.parametrize("who", ["dora", "stan", "olga", "ada"])
def test_a_password_reset_revokes_the_keys_if_wished(client, cast, who):
    person = cast[who]
    keys = [api_keys.create_key(person, now=timezone.now())[1] for _ in range(2)]
    others = [api_keys.create_key(one, now=timezone.now())[0] for one in cast.values() if one != person]
    form, response = set_password(client, person, revoke_keys="on")
    assert "Also revoke my 2 API keys" in form.words
    assert "revoke_keys" not in form.fields()  # not selected
    assert "Revoked 2 API keys." in parse_page(response).one("div", class_="messages").words
    assert [api_keys.find_key(person.email, secret) for secret in keys] == [None, None]
    assert set(ApiKey.objects.active(timezone.now())) == set(others)


def test_otherwise_they_stay(client, dora):
    key, secret = api_keys.create_key(dora, now=timezone.now())
    form, _response = set_password(client, dora)
    assert "Also revoke my API key" in form.words
    assert api_keys.find_key(dora.email, secret) == key
    dora.refresh_from_db()
    assert dora.check_password(NEW)


def test_a_refused_password_revokes_nothing(client, dora):
    key, _secret = api_keys.create_key(dora, now=timezone.now())
    _form, response = set_password(client, dora, revoke_keys="on", password2="other")
    assert find_form(response).fields()["revoke_keys"] == "on"  # still selected
    assert [*ApiKey.objects.not_revoked()] == [key]


def test_people_without_keys_are_not_asked(client, dora):
    key, _secret = api_keys.create_key(dora, now=timezone.now())
    api_keys.revoke_key(key, now=timezone.now())
    form, response = set_password(client, dora, revoke_keys="on")
    assert "revoke" not in form.words
    assert response.redirect_chain[-1][0] == reverse("account_reset_password_from_key_done")
