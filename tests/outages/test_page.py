"""The page of an outage: which forms can be sent again from it. It must not fail itself, whatever was sent."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import RequestFactory

from pharos.outages import AWAY
from pharos.views import outage_page

from ..pages.page_elements import parse_page

SENT = {"note": "<b>too & fro</b>", "reviewed": "true"}


def page(request):
    response = outage_page(request, AWAY, OperationalError("connection refused"))
    assert (response.status_code, response["Retry-After"]) == (503, "5")
    return parse_page(response)


def test_a_form_can_be_sent_again():
    form = page(RequestFactory().post("/items/5/review?list=a%26b", SENT)).one("form")
    assert (form["action"], form.fields()) == ("/items/5/review?list=a%26b", SENT)


@pytest.mark.parametrize(
    ("data", "more"),
    [
        ({"login": "dora@virginia.edu", "password": "secret"}, {}),
        ({"file": SimpleUploadedFile("a.csv", b"1")}, {}),
        ({f"field{number}": "x" for number in range(1_200)}, {}),  # more than Django reads
        (b"not a form", {"content_type": "multipart/form-data; boundary=x"}),
        (b"{}", {"content_type": "application/json"}),
        (b"", {"content_type": "multipart/form-data"}),
    ],
    ids=["password", "file", "too many fields", "broken", "JSON", "no boundary"],
)
def test_what_cannot_be_sent_again_is_not_offered(data, more):
    found = page(RequestFactory().post("/views/", data, **more))
    assert found.all("form") == []
    assert "Go back and send the form again." in found.one("main").words
    assert "secret" not in found.one("main").words


def test_a_page_can_be_asked_for_again():
    assert page(RequestFactory().get("/items/?q=a%20b")).one("a", class_="button")["href"] == "/items/?q=a%20b"
