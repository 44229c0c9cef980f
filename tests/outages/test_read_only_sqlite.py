"""What a database that takes no changes still does, and what people are told. PostgreSQL: test_postgresql.py."""

import pytest
from django.db import connection

from ..api.api_client import Caller
from ..page_hooks import data_hooks
from ..pages.page_elements import parse_page

pytestmark = [pytest.mark.usefixtures("on_sqlite"), pytest.mark.django_db(transaction=True)]


@pytest.fixture
def closed(client, signed_in, stan, wally, item):
    """A reader and a caller of a database that takes no changes from now on."""
    caller, reader = Caller(client, wally), signed_in(stan)
    reader.raise_request_exception = False
    set_read_only(True)
    try:
        yield reader, caller
    finally:
        set_read_only(False)


def set_read_only(is_on):
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA query_only = {'on' if is_on else 'off'}")


def test_lists_and_items_are_read(closed, item):
    reader, caller = closed
    for path in ("/", "/items/", f"/items/{item.pk}"):
        assert reader.get(path).status_code == 200, path
    assert caller.get(f"/api/v2/items/{item.pk}/").status == 200


def test_a_form_is_not_lost(closed):
    reader, _caller = closed
    sent = {"list": "status=Failed", "name": "<Mine>", "reach": "private"}
    answer = reader.post("/views/", sent)
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert data_hooks(answer, "outage") == ["read-only"]
    form = parse_page(answer).one("form")
    assert (form["action"], form["method"]) == ("/views/", "post")
    assert sent.items() <= form.fields().items()
    set_read_only(False)
    assert reader.post(form["action"], form.fields()).status_code == 302


def test_a_password_is_not_shown_again(closed):
    reader, _caller = closed
    answer = reader.post("/accounts/password/change/", {"oldpassword": "secret-one", "password1": "secret-two"})
    text = answer.content.decode()
    assert "secret" not in text


def test_an_api_call_is_told(closed, item):
    _reader, caller = closed
    record = caller.get(f"/api/v2/items/{item.pk}/").body
    answer = caller.put(f"/api/v2/items/{item.pk}/", record)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert "so nothing was saved" in answer.body["error"]
