"""Who can call which address: every address as every test user and without a key. Denied by default."""

import re

import pytest
from django.urls import resolve

from pharos.accounts.roles import Permission
from tests.factories import make_item
from tests.stored_items import as_stored
from workitems import transitions
from workitems.api import urls
from workitems.api.authentication import FLUCTUS, PHAROS, ApiKeyAuthentication
from workitems.api.base import ApiView
from workitems.api.variants import ApiVariant
from workitems.models import WorkItem

from .api_client import Caller, Nobody, check_who_reads, for_admins, for_everyone, for_virginia

# {address: the status for a person}. With {pk}, an item of Virginia's.
READS = {
    "/member-api/v1/items/": for_everyone,
    "/member-api/v2/items/": for_everyone,
    "/member-api/v2/items/{pk}/": for_virginia,
    "/member-api/v1/objects/": for_everyone,
    "/member-api/v2/objects/": for_everyone,
    "/member-api/v2/objects/virginia.edu%2Fdone": for_virginia,
    "/member-api/v3/objects": for_everyone,
    "/member-api/v3/objects/show/virginia.edu%2Fdone": for_virginia,
    "/member-api/v3/items": for_everyone,
    "/member-api/v3/items/show/{pk}": for_virginia,
    "/api/v2/items/": for_everyone,
    "/api/v2/items/{pk}/": for_virginia,
    "/api/v2/items/e7a9/bag.tar/0001-01-01T00:00:00Z": for_admins,
    "/api/v2/item_state/{pk}/": for_admins,
    "/api/v2/objects/": for_everyone,
    "/api/v2/objects/virginia.edu%2Fdone": for_virginia,
    "/api/v2/institutions/": for_admins,
    "/api/v2/institutions/virginia.edu/": for_admins,
    "/api/v2/notifications/spot_test_restoration/{restored}/": for_admins,
    "/admin-api/v3/objects": for_admins,
    "/admin-api/v3/objects/show/virginia.edu%2Fdone": for_admins,
    "/admin-api/v3/institutions": for_admins,
    "/admin-api/v3/institutions/show/{institution}": for_admins,
    "/admin-api/v3/items": for_admins,
    "/admin-api/v3/items/show/{pk}": for_admins,
}
ITEM = {"name": "new.tar", "action": "Ingest", "etag": "e", "institution_id": 0}
STATE = {"action": "Ingest", "state": "{}"}
# (method, address): (what is sent, what ada and wally get). Members get 403.
WRITES = {
    ("POST", "/api/v2/items/"): ({**ITEM, "institution_id": "{institution}"}, 201, 201),
    ("PUT", "/api/v2/items/"): ({"work_items": {"items": [{"id": "{pk}", "note": "Changed."}]}}, 200, 200),
    ("PUT", "/api/v2/items/{pk}/"): ({"note": "Changed."}, 200, 200),
    ("PUT", "/api/v2/items/e7a9/bag.tar/0001-01-01T00:00:00Z"): ({"note": "Changed."}, 200, 200),
    ("PUT", "/api/v2/items/{pk}/requeue/"): ({"item_stage": "Receive"}, 200, 403),
    ("POST", "/api/v2/item_state/"): ({**STATE, "work_item_id": "{pk}"}, 201, 201),
    ("PUT", "/api/v2/item_state/{pk}/"): (STATE, 200, 200),
    ("POST", "/admin-api/v3/items/create/{institution}"): ({"name": "new.tar", "action": "Ingest"}, 201, 201),
    ("PUT", "/admin-api/v3/items/update/{pk}"): ({"note": "Changed."}, 200, 200),
    ("PUT", "/admin-api/v3/items/requeue/{pk}"): ({"stage": "Receive"}, 200, 403),
}


@pytest.fixture
def places(client, wally, virginia):
    """The values for the placeholders of addresses: an item of Virginia with a state, a restored one, and Virginia."""
    item = make_item(virginia, name="bag.tar", etag="e7a9")
    transitions.progress(item, stage="Fetch", by=wally)
    Caller(client, wally).post("/api/v2/item_state/", {**STATE, "work_item_id": item.pk})
    make_item(virginia, stage="Record", status="Success", object_identifier="virginia.edu/done")
    restored = make_item(virginia, action="Restore", object_identifier="virginia.edu/done")
    return {"pk": item.pk, "restored": restored.pk, "institution": virginia.pk}


def filled(value, places):
    """Fills in the placeholders of an address or body; a value that is only a placeholder becomes a number."""
    if isinstance(value, dict):
        return {name: filled(one, places) for name, one in value.items()}
    if isinstance(value, list):
        return [filled(one, places) for one in value]
    if isinstance(value, str) and value.startswith("{") and value[1:-1] in places:
        return places[value[1:-1]]
    return value.format(**places) if isinstance(value, str) and value.startswith("/") else value


def everything():
    return list(WorkItem.objects.order_by("pk").values()), [as_stored(one) for one in WorkItem.objects.order_by("pk")]


# Every pattern is walked


def as_pattern(path):
    """Returns the URL pattern that serves an address."""
    return resolve(path.split("?")[0], urlconf=urls.__name__).route


def served(path, places):
    path = filled(path, places).replace("%2F", "/")
    for spelling in (path, path.rstrip("/"), f"{path}/"):
        try:
            return as_pattern(spelling)
        except Exception:  # noqa: S112  the entry takes both spellings
            continue
    raise AssertionError(path)


def test_every_address_is_tested(places):
    asked = {(method, served(path, places)) for method, path in [*(("GET", path) for path in READS), *WRITES]}
    mounted = {
        (method.upper(), str(one.pattern))
        for one in urls.urlpatterns
        for method in ("get", "post", "put")
        if method in one.callback.view_class.http_method_names and hasattr(one.callback.view_class, method)
    }
    assert asked == mounted


@pytest.mark.parametrize("pattern", urls.urlpatterns, ids=lambda one: str(one.pattern))
def test_every_view_is_denied_by_default(pattern):
    view, given = pattern.callback.view_class, pattern.callback.view_initkwargs
    assert issubclass(view, ApiView)
    variant = given["variant"]
    assert isinstance(variant, ApiVariant)
    route = str(pattern.pattern).lstrip("^")
    assert variant.permission == (Permission.BROWSE if route.startswith("member-api/") else Permission.ADMIN_API)
    assert variant.headers == (FLUCTUS if "/v1/" in route else PHAROS)
    assert f"/{variant.version}/" in route
    assert view.authentication_classes == [ApiKeyAuthentication]
    assert view.perform_authentication is ApiView.perform_authentication  # it also counts the call
    assert view.check_permissions is ApiView.check_permissions
    assert view.initial is ApiView.initial


def test_a_view_without_a_variant_is_closed_to_everyone(client, ada, monkeypatch):
    [pattern] = [one for one in urls.urlpatterns if str(one.pattern) == "admin-api/v3/items"]
    monkeypatch.setitem(pattern.callback.view_initkwargs, "variant", None)
    assert Caller(client, ada).get("/admin-api/v3/items").status == 500


# Reading


@pytest.mark.parametrize("path", READS)
def test_which_roles_can_read(client, cast, places, path):
    """With and without the trailing slash."""
    for spelling in (path.rstrip("/"), path.rstrip("/") + "/"):
        address = filled(spelling, places)
        check_who_reads(client, cast, address, READS[path])
        assert Nobody(client).get(address).status == 401


@pytest.mark.parametrize("path", READS)
def test_head_is_get_without_a_body(client, ada, places, path):
    caller, address = Caller(client, ada), filled(path, places)
    if "notifications" in path:
        assert caller.ask("HEAD", address).status == 405  # or looking at it would send a mail
        return
    shown, head = caller.raw("GET", address), caller.raw("HEAD", address)
    assert (head.status_code, head.content) == (200, b"")
    assert head["Content-Length"] == shown["Content-Length"] == str(len(shown.content))


@pytest.mark.parametrize("path", READS)
def test_callers_without_a_key_learn_nothing(client, places, path):
    there = Nobody(client).get(filled(path, places))
    missing = Nobody(client).get(filled(path, {**places, "pk": 987_654_321, "restored": 987_654_321}))
    assert there.body == missing.body
    assert there.headers["WWW-Authenticate"].startswith("ApiKey ")


@pytest.mark.parametrize("who", ["dora", "stan"])
@pytest.mark.parametrize("path", [path for path in READS if "{" in path])
def test_a_refused_member_learns_nothing(client, cast, places, path, who):
    caller = Caller(client, cast[who])
    missing = caller.get(filled(path, {**places, "pk": 987_654_321, "restored": 987_654_321}))
    is_for_members = READS[path] is not for_admins
    assert missing.status == (404 if is_for_members else 403)
    if not is_for_members:
        assert caller.get(filled(path, places)).body == missing.body


def test_without_a_state_it_is_404(client, wally, item):
    caller = Caller(client, wally)
    for number in (item.pk, 0, 987_654_321):
        assert caller.get(f"/api/v2/item_state/{number}/").status == 404


# Writing


@pytest.mark.parametrize("who", ["dora", "stan", "olga", None])
@pytest.mark.parametrize("call", WRITES, ids=" ".join)
def test_members_and_callers_without_a_key_cannot_write(client, cast, places, call, who):
    method, path = call
    caller = Caller(client, cast[who]) if who else Nobody(client)
    before = everything()
    answer = caller.ask(method, filled(path, places), json=filled(WRITES[call][0], places))
    assert answer.status == (403 if who else 401)
    assert everything() == before
    without_body = caller.ask(method, filled(path, places))
    assert (without_body.status, without_body.body) == (answer.status, answer.body)


@pytest.mark.parametrize("who", ["ada", "wally"])
@pytest.mark.parametrize("call", WRITES, ids=" ".join)
def test_services_and_admins_can_make_the_same_calls(client, cast, places, call, who):
    """The calls that the test above expects to be refused are otherwise valid."""
    method, path = call
    sent, for_admin, for_service = WRITES[call]
    answer = Caller(client, cast[who]).ask(method, filled(path, places), json=filled(sent, places))
    assert answer.status == (for_admin if who == "ada" else for_service), answer.body


@pytest.mark.parametrize("who", ["dora", "stan", "ada", "wally"])
def test_the_member_api_is_read_only(client, cast, places, who):
    caller = Caller(client, cast[who])
    before = everything()
    for path in READS:
        if not path.startswith("/member-api/"):
            continue
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = caller.ask(
                method, filled(path, places), json={"note": "Changed.", "name": "n", "action": "Ingest"}
            )
            assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert everything() == before


def test_an_unsupported_method_gets_405(client, ada, places):
    caller = Caller(client, ada)
    allowed = {
        "/api/v2/items/": "GET, HEAD, POST, PUT",
        "/api/v2/items/{pk}/": "GET, HEAD, PUT",
        "/api/v2/items/{pk}/requeue/": "PUT",
        "/api/v2/items/e7a9/bag.tar/0001-01-01T00:00:00Z": "GET, HEAD, PUT",
        "/api/v2/item_state/": "POST",
        "/api/v2/item_state/{pk}/": "GET, HEAD, PUT",
        "/api/v2/notifications/spot_test_restoration/{pk}/": "GET",
        "/admin-api/v3/items": "GET, HEAD",
        "/admin-api/v3/items/create/{institution}": "POST",
        "/admin-api/v3/items/update/{pk}": "PUT",
        "/admin-api/v3/items/requeue/{pk}": "PUT",
    }
    before = everything()
    for path, methods in allowed.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"} - set(
            re.split(", ", methods)
        ):
            answer = caller.ask(method, filled(path, places), json={"item_stage": "Receive", "stage": "Receive"})
            assert (answer.status, answer.headers["Allow"]) == (405, methods), (method, path)
            assert method in answer.body["error"]
    assert everything() == before
