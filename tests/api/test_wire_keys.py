"""Authentication: only the two headers count, not cookies, and only a valid key."""

import pytest
from django.utils import timezone

from pharos.accounts import api_keys
from tests.http_clients import BODY, Curl, GoClient, PythonClient, exchange, whole_record
from workitems.models import WorkItem

pytestmark = pytest.mark.django_db(transaction=True)
PLACES = [
    ("GET", "/api/v2/items/"),
    ("POST", "/api/v2/items/"),
    ("PUT", "/api/v2/items/{item}"),
    ("PUT", "/api/v2/items/{item}/requeue/"),
    ("POST", "/api/v2/item_state/"),
    ("GET", "/api/v2/notifications/spot_test_restoration/{item}/"),
    ("GET", "/api/v2/objects/virginia.edu%2Fbag"),
    ("GET", "/api/v2/institutions/"),
    ("GET", "/member-api/v1/items/"),
    ("GET", "/member-api/v2/items/"),
    ("GET", "/member-api/v2/items/{item}/"),
    ("GET", "/member-api/v3/items"),
    ("GET", "/admin-api/v3/items"),
    ("PUT", "/admin-api/v3/items/update/{item}"),
]


@pytest.fixture
def session(client, ada):
    """The cookies of an admin who is signed in to the pages, for a client to replay."""
    client.force_login(ada)
    return f"Cookie: pharos_session={client.cookies['pharos_session'].value}; csrftoken=abc"


def test_a_session_opens_the_pages_but_not_the_api(real_server, session, item):
    nobody = GoClient(real_server)
    file = exchange(real_server, nobody.request("GET", "/items/?format=csv", None, session))
    assert file.status == 200  # the session is good
    body = {**BODY, "institution_id": item.institution_id}
    for method, path in PLACES:
        sent = body if method != "GET" else None
        nobody.ask(method, path.format(item=item.pk), sent, session, status=401)
        nobody.ask(method, path.format(item=item.pk), sent, status=401)
    item.refresh_from_db()
    assert (WorkItem.objects.count(), item.history.count()) == (1, 1)


def test_an_admins_session_adds_nothing_to_a_members_key(real_server, session, dora, item, theirs):
    member = GoClient(real_server, dora)
    assert [found["id"] for found in member.get("/member-api/v2/items/", session)["results"]] == [item.pk]
    member.get(f"/member-api/v2/items/{theirs.pk}/", session, status=404)
    member.get("/api/v2/items/", session, status=403)
    member.put(f"/api/v2/items/{item.pk}", {"note": "Mine."}, session, status=403)
    item.refresh_from_db()
    assert item.note == ""


def test_a_session_cookie_does_not_change_who_writes(real_server, session, wally, item):
    worker = GoClient(real_server, wally)
    record = whole_record(worker.get(f"/api/v2/items/{item.pk}", session), note="Seen.")
    worker.put(f"/api/v2/items/{item.pk}", record, session)
    assert item.history.last().who == "wally@aptrust.org"


@pytest.mark.parametrize("kind", [GoClient, PythonClient, Curl])
def test_an_almost_right_key_is_401(real_server, kind, dora, stan, item):
    right = kind(real_server, dora)
    other = kind(real_server, stan)
    assert right.get("/member-api/v2/items/")["count"] == 1
    good = (dora.email, right.secret)
    for email, secret in (
        ("", right.secret),
        (dora.email, ""),
        (dora.email, f"{right.secret}x"),
        (dora.email, right.secret[:-1]),
        (dora.email, right.secret.swapcase()),
        (dora.email, other.secret),
        (stan.email, right.secret),
        ("nobody@virginia.edu", right.secret),
        (dora.email, "schlüssel-楽"),
        ("döra@virginia.edu", right.secret),
        (dora.email, "x" * 60_000),
    ):
        right.email, right.secret = email or " ", secret
        right.get("/member-api/v2/items/", status=401)
        right.get("/api/v2/items/", status=401)
    right.email, right.secret = good
    assert right.get("/member-api/v2/items/")["count"] == 1


def test_one_header_or_credentials_in_the_query_are_401(real_server, wally, item):
    worker = GoClient(real_server, wally)
    nobody = GoClient(real_server)
    nobody.get("/api/v2/items/", f"X-Pharos-Api-Key: {worker.secret}", status=401)
    nobody.get("/api/v2/items/", f"X-Pharos-Api-User: {worker.email}", status=401)
    nobody.get("/api/v2/items/", f"Authorization: Token {worker.secret}", status=401)
    nobody.get(f"/api/v2/items/?X-Pharos-Api-User={worker.email}&X-Pharos-Api-Key={worker.secret}", status=401)
    # Header names are the same in any letters.
    both = (f"x-pharos-api-key: {worker.secret}", f"X-PHAROS-API-USER: {worker.email}")
    assert nobody.get("/api/v2/items/", *both)["count"] == 1


def test_a_revoked_key_and_a_deactivated_user_are_401(real_server, dora, stan, item):
    client = PythonClient(real_server, dora)
    other = PythonClient(real_server, stan)
    api_keys.revoke_key(dora.api_keys.get(), now=timezone.now())
    client.get("/member-api/v2/items/", status=401)
    stan.is_active = False
    stan.save()
    other.get("/member-api/v2/items/", status=401)
