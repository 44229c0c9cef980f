"""Error pages, and that invalid requests never cause a server error."""

import logging
import uuid
from urllib.parse import urlsplit

import pytest
from django.core.exceptions import SuspiciousOperation
from django.test import Client

from workitems.pages import ItemPage

from ..factories import make_item
from .page_elements import parse_page

# Status, how it comes about, the heading.
PAGES = {
    400: "Invalid request",
    403: "Your role doesn't allow this",
    404: "Page not found",
}


def headline(response):
    return parse_page(response).one("h1").words


def test_400(signed_in, dora, item, monkeypatch):
    def damaged(*_args, **_kwargs):
        raise SuspiciousOperation("damaged")

    monkeypatch.setattr(ItemPage, "get", damaged)
    response = signed_in(dora).get(f"/items/{item.pk}")
    assert (response.status_code, headline(response)) == (400, PAGES[400])


def test_400_for_the_name_of_another_host(client, db):
    """Refused before the user is known."""
    response = client.get("/items/", HTTP_HOST="elsewhere.example")
    assert (response.status_code, headline(response)) == (400, PAGES[400])


def test_403(signed_in, dora, item):
    response = signed_in(dora).get(f"/items/{item.pk}/cancel")
    assert (response.status_code, headline(response)) == (403, PAGES[403])


@pytest.mark.parametrize("path", ["/items/999999", "/nowhere", "/items/x", "/items/x/", "/accounts/signup/", f"/acts/{uuid.UUID(int=7)}"])  # fmt: skip
def test_404(signed_in, stan, path):
    response = signed_in(stan).get(path)
    assert (response.status_code, headline(response)) == (404, PAGES[404])
    assert parse_page(response).one("main").all("a", class_="button")[0]["href"] == "/"


def test_404_when_signed_out(client, db):
    response = client.get("/nowhere")
    assert (response.status_code, headline(response)) == (404, PAGES[404])
    assert [nav["aria-label"] for nav in parse_page(response).all("nav")] == [
        "Skip links"
    ]  # and none that leads to items


def test_an_expired_form_says_that_nothing_was_changed(stan, item):
    client = Client(enforce_csrf_checks=True)
    client.force_login(stan)
    response = client.post(f"/items/{item.pk}/review", {"reviewed": "true"})
    assert (response.status_code, headline(response)) == (403, "This form has expired")
    assert "Nothing has been changed" in parse_page(response).one("main").words


def test_500_reveals_no_internals(ada, item, monkeypatch, caplog):
    def broken(*_args, **_kwargs):
        raise RuntimeError("the SECRET cause")

    monkeypatch.setattr(ItemPage, "get", broken)
    client = Client(raise_request_exception=False)
    client.force_login(ada)
    with caplog.at_level(logging.ERROR):
        response = client.get(f"/items/{item.pk}")
    assert (response.status_code, headline(response)) == (500, "Something went wrong on our side")
    assert "SECRET" not in response.content.decode()
    assert "SECRET" in caplog.text


def test_an_invalid_filter_is_reported_and_shows_no_rows(signed_in, dora, item):
    response = signed_in(dora).get("/items/?status=Broken&colour=red&q=bag")
    assert response.status_code == 400
    said = parse_page(response).one("div", class_="problem").words
    assert "status: “Broken” is not one of: Pending, Started" in said
    assert "colour: There is no filter with this name." in said
    assert parse_page(response).all(data_item_id=True) == []


ODD = [
    "%00",
    "%ff%fe",
    "%ed%a0%80",
    "%F0%9F%92%A9",
    "%E2%80%AE",
    "9" * 400,
    "-1",
    "1e999",
    "%27%22%3E%3Cscript%3E",
    "%25%5F%5C",
    "..%2F..%2Fetc",
    "%0d%0aX-Evil:%201",
    "a" * 1500,
]


@pytest.mark.parametrize("odd", ODD)
def test_invalid_values_never_break_a_page(signed_in, ada, virginia, odd):
    item = make_item(virginia)
    client = signed_in(ada)
    act = uuid.uuid4()
    for name in ("q", "status", "institution", "institution_id", "page", "size_min", "received_from", "bag_date", "pid", "sort", "reviewed", "format", "updated_after", odd):  # fmt: skip
        response = client.get(f"/items/?{name}={odd}")
        assert response.status_code in (200, 400), name
        assert "X-Evil" not in response
        assert client.get(f"/items/{item.pk}?list={name}%3D{odd}&{name}={odd}").status_code == 200
    for path in (f"/items/{odd}", f"/items/{odd}/cancel", f"/acts/{odd}", f"/{odd}", f"/acts/{act}?page={odd}"):
        assert client.get(path).status_code == 404, path
    assert client.get(f"/items/{item.pk}/cancel?start={odd}&list={odd}").status_code == 200
    assert client.get(f"/accounts/login/?next={odd}").status_code in (200, 302)


NAMES = (
    "note",
    "stage",
    "reviewed",
    "version",
    "list",
    "from",
    "retry",
    "needs_admin_review",
    "node",
    "pid",
    "ids",
    "which",
    "snapshot",
    "confirmed",
    "name",
    "time_zone",
    "login",
    "password",
    "next",
)
ELSEWHERE = {"bulk": "/items/review", "account": "/account", "login": "/accounts/login/"}


@pytest.mark.parametrize("path", ["cancel", "requeue", "review", "edit", *ELSEWHERE])
def test_invalid_values_never_break_a_form(signed_in, ada, virginia, path):
    client = signed_in(ada)
    for odd in ODD:
        item = make_item(virginia)
        body = "&".join(f"{name}={odd}" for name in NAMES)
        where = ELSEWHERE.get(path, f"/items/{item.pk}/{path}")
        response = client.post(where, body, "application/x-www-form-urlencoded")
        assert response.status_code in (200, 302, 400, 409, 422), odd
        assert urlsplit(response.get("Location", "/"))[:2] == ("", "")
        assert "X-Evil" not in response


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data; boundary=x", "multipart/form-data"])  # fmt: skip
@pytest.mark.parametrize("path", ["cancel", "requeue", "review"])
def test_a_body_that_is_not_a_form_is_refused(signed_in, ada, item, content_type, path):
    response = signed_in(ada).post(f"/items/{item.pk}/{path}", b'{"note": "no"}\xff\x00', content_type)
    assert response.status_code in (400, 422)
    assert item.history.count() == 1


@pytest.mark.parametrize("path", ["/items/", "/words", "/account", "/accounts/login/", "/nowhere"])
def test_every_page_has_security_headers(signed_in, ada, item, path):
    response = signed_in(ada).get(path)
    policy = response["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert response["X-Content-Type-Options"] == "nosniff"
    read = parse_page(response)
    assert all("src" in one.attributes and not one.words for one in read.all("script"))
    assert read.all("style") == []
    assert [one for one in read.all() if any(name == "style" or name.startswith("on") for name in one.attributes)] == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("/items", "/items/"),
        ("/items?status=Failed", "/items/?status=Failed"),
        ("/items/7/", "/items/7"),
        ("/account/", "/account"),
    ],
)
def test_a_missing_or_extra_slash_redirects(signed_in, stan, typed, meant):
    response = signed_in(stan).get(typed)
    assert (response.status_code, response["Location"]) == (302, meant)
    assert signed_in(stan).post(typed).status_code in (404, 405)


def test_not_found_looks_the_same_while_debugging(signed_in, stan, settings):
    settings.DEBUG = True
    response = signed_in(stan).get("/items/999999")
    assert (response.status_code, headline(response)) == (404, PAGES[404])
    assert "urlpatterns" not in signed_in(stan).get("/nowhere").content.decode()


@pytest.mark.parametrize("who", ["dora", "stan", "olga", "ada"])
def test_no_cache_stores_personal_pages(signed_in, cast, who, item):
    client = signed_in(cast[who])
    for url in (
        "/",
        "/items/",
        f"/items/{item.pk}",
        "/items/?format=csv",
        "/account",
        "/words",
        "/api/docs/",
        "/nowhere",
    ):
        assert {"no-store", "private"} <= set(client.get(url)["Cache-Control"].split(", ")), url
