"""Denied by default: requests every URL as every user."""

import re
import uuid

import pytest
from django.http import HttpResponse
from django.urls import URLResolver, get_resolver, path, resolve
from django.views import View

from pharos import urls
from pharos.accounts.authorization import PUBLIC, required_permission
from pharos.accounts.roles import Permission
from workitems.lifecycle import MOVES

from ..conftest import CAST

NOWHERE = "/there-is-nothing-here"
BY_LINK = "/digests/stop/1"  # opened by the signed link of a mail, which this is not
SAMPLES = {"uidb36": "1", "key": "abc", "url": "nothing-here", "app_label": "accounts", "object_id": "1"}
CONVERTED = {"int": "1", "uuid": str(uuid.UUID(int=1)), "path": "1", "str": "1", "slug": "a"}
# Pages of libraries that nobody needs: they stay closed.
CLOSED = {
    "account_signup",
    "account_email",
    "account_email_verification_sent",
    "account_confirm_email",
    "account_set_password",
    "account_confirm_login_code",
}


def leaves(patterns, before=""):
    """Yields (path, view) of every URL."""
    for entry in patterns:
        here = before + str(entry.pattern).removeprefix("^").removesuffix("$").removesuffix(r"\Z")
        if isinstance(entry, URLResolver):
            yield from leaves(entry.url_patterns, here)
            continue
        here = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^)]*\))*\)", lambda found: SAMPLES[found[1]], here)
        here = re.sub(r"<(?:(\w+):)?(\w+)>", lambda found: CONVERTED[found[1] or "str"], here)
        yield ("/" + here if entry.name != "not_found" else NOWHERE), entry.callback


ALL = dict(leaves(get_resolver("pharos.urls").url_patterns))
declares_nothing = lambda request: HttpResponse("open by mistake")  # noqa: E731


class DeclaresNothing(View):
    def get(self, request):
        return HttpResponse("open by mistake")


class OursDeclaresNothing(DeclaresNothing):
    __module__ = "workitems.pages.views.sample"


class DeclaresPublic(DeclaresNothing):
    permission = PUBLIC


def declares(permission):
    """A view that requires one permission."""
    return type("Declares", (DeclaresNothing,), {"permission": permission})


urlpatterns = [
    path("function", declares_nothing),
    path("class", DeclaresNothing.as_view()),
    path("ours", OursDeclaresNothing.as_view()),
    path("public", DeclaresPublic.as_view()),
    *(path(f"for/{permission}", declares(permission).as_view()) for permission in Permission),
    *urls.urlpatterns,
]


def test_every_url_is_tested():
    """Each sample path resolves to its own view, so that the tests below skip none."""
    for url, view in ALL.items():
        assert resolve(url, "pharos.urls").func == view, url
    assert len(ALL) > 40
    assert {"/items/", "/items/1/cancel", "/accounts/login/", "/admin/"} <= set(ALL)


def test_urls_that_nobody_can_open():
    closed = {resolve(url).view_name for url, view in ALL.items() if required_permission(view, resolve(url)) is None}
    assert closed == CLOSED


def test_urls_that_are_open_without_signing_in():
    public = {url for url, view in ALL.items() if required_permission(view, resolve(url)) == PUBLIC}
    described = {
        "/api/docs/",
        "/api/docs/moves/",
        *(f"/api/docs/v{n}{end}" for n in (1, 2, 3) for end in ("/", ".json")),
    }
    assert {url for url in public if not url.startswith("/accounts/")} == {
        "/healthz",
        "/metrics",  # checks its callers itself
        NOWHERE,
        BY_LINK,
    } | described


@pytest.mark.parametrize("who", ["nobody", *CAST])
def test_every_user_gets_exactly_what_the_view_declares(client, cast, who):
    person = cast.get(who)
    for url, view in ALL.items():
        client.logout()
        if person:
            client.force_login(person)
        permission = required_permission(view, resolve(url))
        for method in (client.get, client.post):
            response = method(url)
            asked_to_sign_in = response.status_code == 302 and response["Location"].startswith("/accounts/login/?next=")
            if permission is None:
                assert response.status_code == 404, url
            elif permission == PUBLIC:
                assert (response.status_code in (403, 404)) is (url in (NOWHERE, BY_LINK)), url
                assert not asked_to_sign_in, url
            elif person is None or not person.can(Permission.SIGN_IN):
                assert asked_to_sign_in, url
            elif not person.can(permission):
                assert response.status_code == 403, url
            else:
                # Behind the gate, Django's admin site refuses more: nobody adds an item there.
                assert response.status_code != 403 or url.startswith("/admin/"), url
                assert not asked_to_sign_in, url
            assert response.status_code < 500
            if not client.session.get("_auth_user_id") and person:
                client.force_login(person)  # the page was the logout


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("url", ["/function", "/class", "/ours"])
def test_a_view_without_a_declared_permission_is_denied_even_to_admins(signed_in, client, ada, url):
    for method in (client.get, client.post, client.head, client.options):
        assert method(url).status_code == 404
    assert signed_in(ada).get(url).status_code == 404


@pytest.mark.urls(__name__)
def test_only_undeclared_views_are_logged(client, caplog, db):
    """A request for allauth's sign-up page isn't a programming error."""
    client.get("/accounts/signup/")
    client.get("/function")
    assert "permission" not in caplog.text
    client.get("/ours")
    assert "OursDeclaresNothing" in caplog.text
    assert "declares no permission" in caplog.text


@pytest.mark.urls(__name__)
def test_a_public_view_is_open_without_signing_in(client, db):
    assert client.get("/public").content == b"open by mistake"


@pytest.mark.urls(__name__)
@pytest.mark.parametrize("who", ["nobody", *CAST])
def test_every_permission_opens_the_views_that_declare_it(signed_in, client, cast, who):
    person = cast.get(who)
    if person:
        signed_in(person)
    for permission in Permission:
        url = f"/for/{permission}"
        for ask in (client.get, client.head, client.options):
            response = ask(url)
            if person is None or not person.can(Permission.SIGN_IN):
                assert response["Location"] == f"/accounts/login/?next={url}"
            else:
                assert response.status_code == (200 if person.can(permission) else 403), permission


def test_every_move_view_requires_a_permission_of_its_move():
    """The last part of the address is the name of the move."""
    seen = set()
    for url, view in ALL.items():
        move = MOVES.get(url.rstrip("/").rpartition("/")[2])
        if url.startswith("/items/") and move:
            seen.add(move.name)
            assert required_permission(view, resolve(url)) in move.permissions, url
    assert {"cancel", "requeue", "review", "edit"} <= seen


def test_a_service_account_has_no_web_login_even_with_a_session(signed_in, wally):
    assert signed_in(wally).get("/items/")["Location"] == "/accounts/login/?next=/items/"


def test_a_deactivated_user_loses_access_immediately(signed_in, dora):
    client = signed_in(dora)
    assert client.get("/items/").status_code == 200
    dora.is_active = False
    dora.save()
    assert client.get("/items/")["Location"] == "/accounts/login/?next=/items/"
