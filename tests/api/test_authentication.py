"""Authentication of API calls: what isn't a valid key, what a check costs, and the rate limits."""

import base64
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pharos.accounts import api_keys
from workitems.models import WorkItem

from .api_client import Caller, Nobody

V1, V2, V3 = "/member-api/v1/items/", "/member-api/v2/items/", "/member-api/v3/items"
FLUCTUS = ("X-Fluctus-API-User", "X-Fluctus-API-Key")
PHAROS = ("X-Pharos-API-User", "X-Pharos-API-Key")
PAIRS = {V1: FLUCTUS, V2: PHAROS, V3: PHAROS, "/api/v2/items/": PHAROS, "/admin-api/v3/items": PHAROS}


@pytest.fixture(autouse=True)
def one_minute(monkeypatch):
    """All calls of a test happen in one minute, which no other test uses."""
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    monkeypatch.setattr(api_keys, "_counters", {})


@pytest.fixture
def adas(client, ada):
    return Caller(client, ada)


def pair(path, email, key):
    return dict(zip(PAIRS[path], (email, key), strict=True))


@pytest.mark.parametrize("path", PAIRS)
def test_the_right_pair(adas, path):
    assert adas.get(path, headers=pair(path, adas.user.email, adas.secret)).status == 200
    assert adas.get(path, headers=pair(path, adas.user.email.upper(), adas.secret)).status == 200


@pytest.mark.parametrize("path", PAIRS)
@pytest.mark.parametrize("which", [0, 1])
def test_only_one_of_the_two_headers(adas, path, which):
    name, other = PAIRS[path][which], PAIRS[path][1 - which]
    whole = pair(path, adas.user.email, adas.secret)
    for value in (None, "", " ", "\t"):
        sent = {other: whole[other]} | ({} if value is None else {name: value})
        answer = adas.get(path, headers=sent)
        assert answer.status == 401
        assert answer.body["error"].endswith(f"Missing or empty: {name}.")


@pytest.mark.parametrize("path", PAIRS)
def test_the_headers_of_another_version(adas, path):
    others = FLUCTUS if PAIRS[path] is PHAROS else PHAROS
    answer = adas.get(path, headers=dict(zip(others, (adas.user.email, adas.secret), strict=True)))
    assert answer.status == 401
    assert all(name in answer.body["error"] for name in PAIRS[path])
    assert answer.headers["WWW-Authenticate"] == f"ApiKey {PAIRS[path][1]}"


def test_with_both_pairs_of_headers_the_versions_own_count(adas, client, dora, item, theirs):
    doras = Caller(client, dora)
    both = {
        **dict(zip(FLUCTUS, (dora.email, doras.secret), strict=True)),
        **dict(zip(PHAROS, (adas.user.email, adas.secret), strict=True)),
    }
    assert adas.get(V1, headers=both).body["count"] == 1
    assert adas.get(V2, headers=both).body["count"] == 2


WRONG = {
    "another text": lambda key: "A" * 43,
    "one letter": lambda key: key[:-1] + ("a" if key[-1] != "a" else "b"),
    "shorter": lambda key: key[:-1],
    "longer": lambda key: key + "a",
    "other case": str.swapcase,
    "the prefix": lambda key: key[:8],
    "not ASCII": lambda key: "é" * 43,
    "60,000 characters": lambda key: "a" * 60_000,
    "NUL": lambda key: key[:-1] + "\0",
    "twice": lambda key: f"{key}, {key}",
    "a percent": lambda key: "%" * 43,
    "SQL": lambda key: "' OR 1=1 --",
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_key(adas, kind):
    answer = adas.get(V2, headers=pair(V2, adas.user.email, WRONG[kind](adas.secret)))
    assert answer.status == 401
    assert adas.secret not in answer.body["error"]


@pytest.mark.parametrize(
    "email", ["nobody@aptrust.org", "ädå@aptrust.org", "a" * 60_000, "\0", "ada@aptrust.org\0", "*", "%"]
)
def test_a_wrong_email(adas, email):
    assert adas.get(V2, headers=pair(V2, email, adas.secret)).status == 401


def test_somebody_elses_key(adas, client, dora, stan):
    doras, stans = Caller(client, dora), Caller(client, stan)
    told = {
        adas.get(V2, headers=pair(V2, email, secret)).body["error"]
        for email, secret in ((dora.email, adas.secret), (adas.user.email, doras.secret), (dora.email, stans.secret))
    }
    assert told == {adas.get(V2, headers=pair(V2, "nobody@aptrust.org", "A" * 43)).body["error"]}


def test_a_revoked_key(adas):
    api_keys.revoke_key(adas.key, now=timezone.now())
    assert adas.get(V2).status == 401


def test_a_deactivated_user(adas, ada):
    ada.is_active = False
    ada.save()
    assert adas.get(V2).status == 401
    assert adas.put("/api/v2/items/", {}).status == 401


def test_an_unknown_role(adas, ada):
    type(ada).objects.filter(pk=ada.pk).update(role="emperor")
    assert adas.get(V2).status == 401


def test_another_key_of_the_same_user(adas, client, ada):
    other = Caller(client, ada)
    api_keys.revoke_key(other.key, now=timezone.now())
    assert other.get(V2).status == 401
    assert adas.get(V2).status == 200


def test_a_session_does_not_authenticate(client, ada, dora, item, theirs):
    client.force_login(ada)
    assert client.get("/items/").status_code == 200
    session = client.cookies["pharos_session"].value
    for path in PAIRS:
        assert Nobody(client).get(path).status == 401
    assert Nobody(client).put(f"/api/v2/items/{item.pk}/", {"note": "Mine."}).status == 401
    doras = Caller(client, dora)
    assert doras.get(V2).body["count"] == 1
    assert doras.get("/api/v2/items/").status == 403
    assert client.cookies["pharos_session"].value == session  # it was sent, and nothing was done to it
    assert WorkItem.objects.get(pk=item.pk).note == ""


def test_other_authentication_does_not_count(client, ada, item):
    basic = base64.b64encode(b"ada@aptrust.org:lighthouse-keeper").decode()
    for header in (f"Basic {basic}", f"Bearer {Caller(client, ada).secret}"):
        assert Nobody(client).get(V2, more={"Authorization": header}).status == 401


# What it costs


WRITING = ("INSERT", "UPDATE", "DELETE")


def test_most_calls_write_nothing(client, dora, wally, item):
    for user, path, most in ((dora, V2, 4), (wally, "/api/v2/items/", 1)):
        caller = Caller(client, user)
        with CaptureQueriesContext(connection) as asked:
            for _n in range(30):
                caller.get(path)
        writes = [query["sql"] for query in asked if query["sql"].lstrip().startswith(WRITING)]
        assert len(writes) <= most
        assert all("accounts_apikey" in sql for sql in writes)
        # A key, the summary, the items' numbers (of one kind only, so that SQLite asks once, too), and the items.
        assert len(asked) - len(writes) == 30 * 4


def test_a_refused_call_takes_one_query_and_writes_nothing(client, db, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert Nobody(client).get(V2).status == 401
    with django_assert_num_queries(1):
        assert Nobody(client).get(V2, headers=pair(V2, "ada@aptrust.org", "a" * 60_000)).status == 401


def test_last_used_is_recorded(adas):
    assert adas.key.last_used_at is None
    adas.get(V2)
    adas.key.refresh_from_db()
    assert adas.key.last_used_at == timezone.now()


# How often


@pytest.fixture
def few(settings):
    settings.API_CALLS_PER_MINUTE = 3
    settings.API_CALLS_PER_MINUTE_SERVICES = 5


@pytest.mark.parametrize(("who", "limit"), [("dora", 3), ("stan", 3), ("wally", 5), ("ada", 5)])
def test_the_rate_limit_is_a_setting(few, client, cast, who, limit):
    caller = Caller(client, cast[who])
    assert [caller.get(V2).status for _n in range(limit + 2)] == [200] * limit + [429] * 2


def test_calls_above_the_limit_get_429(few, client, dora):
    caller = Caller(client, dora)
    for _n in range(3):
        caller.get(V2)
    answer = caller.get(V2)
    wait = 60 - int(timezone.now().timestamp()) % 60
    assert (answer.status, answer.headers["Retry-After"]) == (429, str(wait))
    assert f"{wait} seconds" in answer.body["error"]


def test_calls_are_accepted_again_in_the_next_minute(few, client, dora, monkeypatch):
    caller = Caller(client, dora)
    for _n in range(4):
        answer = caller.get(V2)
    later = timezone.now() + timedelta(seconds=int(answer.headers["Retry-After"]))
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert caller.get(V2).status == 200


def test_each_key_has_its_own_limit(few, client, dora):
    one, other = Caller(client, dora), Caller(client, dora)
    assert [one.get(V2).status for _n in range(4)][-1] == 429
    assert other.get(V2).status == 200


def test_all_addresses_and_errors_count(few, client, dora, item):
    caller = Caller(client, dora)
    assert caller.get(V1).status == 200
    assert caller.get(V2, "bogus=1").status == 400
    assert caller.get(f"{V2}987654321/").status == 404
    assert caller.get(V3).status == 429


def test_repeated_forbidden_calls_change_nothing(few, client, dora, item):
    caller = Caller(client, dora)
    found = [caller.put(f"/api/v2/items/{item.pk}/", {"note": "x"}).status for _n in range(5)]
    assert set(found) <= {403, 429}
    assert found[0] == 403


def test_calls_without_a_key_use_up_no_limit(few, client, dora):
    caller = Caller(client, dora)
    for _n in range(10):
        assert caller.get(V2, headers=pair(V2, dora.email, "A" * 43)).status == 401
    assert caller.get(V2).status == 200
