"""Every answer has a request ID, and every request a line in the access log."""

import logging
import re

import pytest
from django.core.handlers.exception import convert_exception_to_response
from django.db import OperationalError
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.utils.functional import SimpleLazyObject

from pharos.operations.request_ids import choose_request_id, current_request_id
from pharos.operations.requests import RequestMiddleware

from ..conftest import CAST

pytestmark = pytest.mark.django_db  # the end of a request closes connections that are too old
ID = re.compile(r"[0-9a-f]{16}")
OFFERED = "4f1c2a7e9b3d4c5e8f60718293a4b5c6"  # as nginx makes them


@pytest.fixture
def access_log(caplog):
    """A function that returns the fields of the access log's lines so far."""
    caplog.set_level(logging.INFO, logger="pharos.access")
    return lambda: [one.fields for one in caplog.records if one.name == "pharos.access"]


def answered(view, path="/items/"):
    return RequestMiddleware(view)(RequestFactory().get(path))


@pytest.mark.parametrize("offered", [OFFERED, "6ba7b810-9dad-11d1-80b4-00c04fd430c8", "Root.1_a-b.c"])
def test_a_sane_id_is_kept(offered):
    assert choose_request_id(offered) == offered


@pytest.mark.parametrize(
    "offered", [None, "", "short", "a" * 65, "has space in it", "abcdefgh\nx", "“quoted”1234", "-abcdefgh"]
)
def test_any_other_id_is_replaced(offered):
    made = choose_request_id(offered)
    assert ID.fullmatch(made)
    assert made != choose_request_id(offered)


@pytest.mark.parametrize(
    "path", ["/accounts/login/", "/nothing", "/api/v2/items/", "/healthz", "/items/", "/static/none.css"]
)
def test_every_answer_has_an_id(client, path):
    assert ID.fullmatch(client.get(path)["X-Request-ID"])


def test_only_a_trusted_proxy_can_choose_the_id(client, settings):
    assert client.get("/healthz", headers={"X-Request-ID": OFFERED})["X-Request-ID"] != OFFERED
    settings.TRUSTED_PROXIES = 1
    assert client.get("/healthz", headers={"X-Request-ID": OFFERED})["X-Request-ID"] == OFFERED


def test_the_id_is_current_while_the_view_runs_and_a_stream_is_sent():
    found = []

    def parts():
        found.append(current_request_id())
        yield b"one"

    def view(request):
        found.append(current_request_id())
        return StreamingHttpResponse(parts())

    response = answered(view)
    assert current_request_id() == ""
    assert response.getvalue() == b"one"
    assert found == [response["X-Request-ID"]] * 2
    assert current_request_id() == ""


def test_a_request_is_logged_with_its_size(access_log):
    answered(lambda request: HttpResponse(b"12345", status=201), "/items/%0Ax?token=hush")
    [line] = access_log()
    assert line.pop("ms") >= 0
    assert line == {"method": "GET", "path": "/items/%0Ax", "status": 201, "bytes": 5, "user": None}


def test_a_stream_is_logged_once_it_is_sent(access_log):
    response = answered(lambda request: StreamingHttpResponse(iter([b"one", b"three"])))
    assert access_log() == []
    assert response.getvalue() == b"onethree"
    response.close()
    assert [line["bytes"] for line in access_log()] == [8]


def test_a_stream_that_nobody_reads_is_logged_too(access_log):
    response = answered(lambda request: StreamingHttpResponse(iter([b"one", b"three"])))
    response.close()
    assert [line["bytes"] for line in access_log()] == [0]


def test_a_stream_that_fails_is_logged_too(access_log):
    def parts():
        yield b"one"
        raise OSError("the database is away")

    response = answered(lambda request: StreamingHttpResponse(parts()))
    with pytest.raises(OSError, match="away"):
        response.getvalue()
    response.close()
    assert [line["bytes"] for line in access_log()] == [3]


@pytest.mark.parametrize("name", [name for name in CAST if name != "wally"])  # who uses no pages
def test_people_are_logged_by_their_number(name, cast, signed_in, access_log):
    assert signed_in(cast[name]).get("/items/").status_code == 200
    [line] = access_log()
    assert line["user"] == cast[name].pk


def test_nobody_is_looked_up_for_the_log(access_log):
    def view(request):
        request.user = SimpleLazyObject(lambda: pytest.fail("somebody was looked up"))
        return HttpResponse()

    answered(view)
    assert [line["user"] for line in access_log()] == [None]


def test_the_error_page_has_the_id(monkeypatch, access_log):
    def fail(*args):
        raise RuntimeError("broken")

    monkeypatch.setattr("pharos.views.NotFound.dispatch", fail)
    response = Client(raise_request_exception=False).get("/nothing")
    assert response.status_code == 500
    assert f"Give this number to support: <code>{response['X-Request-ID']}</code>" in response.content.decode()
    assert [line["status"] for line in access_log()] == [500]


def test_the_page_of_an_outage_has_the_id(monkeypatch, client):
    def fail(*args):
        raise OperationalError("the database is away")

    monkeypatch.setattr("pharos.views.NotFound.dispatch", fail)
    response = client.get("/nothing")
    assert response.status_code == 503
    assert f"Give this number to support: <code>{response['X-Request-ID']}</code>" in response.content.decode()


def test_without_a_request_the_error_page_has_no_number():
    assert "number to support" not in render_to_string("500.html")


def test_not_found_is_an_answer_too(access_log):
    def view(request):
        raise Http404

    answered(convert_exception_to_response(view))
    assert [line["status"] for line in access_log()] == [404]
