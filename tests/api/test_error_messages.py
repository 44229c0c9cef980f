"""Error messages: they say what is wrong and what to do."""

import gzip
from datetime import UTC, datetime

import pytest

from tests.factories import make_item

from .api_client import Caller

MEMBER = "/member-api/v2/items/"
ITEMS = "/api/v2/items/"


@pytest.fixture
def doras(client, dora):
    return Caller(client, dora)


@pytest.fixture
def adas(client, ada):
    return Caller(client, ada)


@pytest.fixture
def worker(client, wally):
    return Caller(client, wally)


@pytest.mark.parametrize("value", ["0", "-1", "1001", "5.0", "5e0", "abc", "٥", "9" * 5000])
def test_a_number_out_of_range_is_told_both_bounds(doras, value):
    answer = doras.get(MEMBER, {"per_page": value})
    assert (answer.status, answer.body["per_page"]) == (400, ["Use a whole number from 1 to 1000."])


@pytest.mark.parametrize("value", ["5", " 5", "005"])
def test_an_invalid_number_is_reported(doras, value):
    assert doras.get(MEMBER, {"per_page": value}).status == 200


@pytest.mark.parametrize("name", ["institution", "institution_id"])
def test_another_institution_gets_the_same_error_by_id_and_domain(doras, virginia, jhu, name):
    own = virginia.pk if name == "institution_id" else virginia.identifier
    for asked in (str(jhu.pk), "987654321"):
        answer = doras.get(MEMBER, {name: asked})
        assert answer.status == 400
        assert answer.body[name] == [f"You can see only your own institution, {own}, not “{asked}”."]
    assert doras.get(MEMBER, {name: str(virginia.pk)}).status == 200


def test_an_unknown_institution_is_reported_with_an_example(adas, virginia, jhu):
    answer = adas.get(MEMBER, "institution=virgina.edu")
    assert "There is no institution “virgina.edu”. Use its domain, such as " in answer.body["error"]
    answer = adas.get("/admin-api/v3/items", "institution_id=987654321")
    assert answer.status == 400
    assert "There is no institution with the number “987654321”. Use a number such as " in answer.body["error"]
    assert adas.get("/admin-api/v3/items", f"institution_id={jhu.pk}").status == 200


@pytest.mark.parametrize(
    ("method", "path", "taken"),
    [
        ("PATCH", "/api/v2/items/1/", "GET, HEAD and PUT"),
        ("DELETE", "/api/v2/institutions/", "GET and HEAD"),
        ("GET", "/api/v2/items/1/requeue/", "PUT only"),
    ],
)
def test_an_unsupported_method_is_reported(adas, method, path, taken):
    answer = adas.ask(method, path)
    assert answer.status == 405
    assert answer.body["error"] == f"{method} is not supported; this address supports {taken}."


@pytest.mark.parametrize(
    ("kind", "told"),
    [("text/plain", "it is now text/plain."), ("", "it is missing."), ("x" * 900, "it is now x")],
)
def test_an_unsupported_content_type_is_reported(worker, kind, told):
    answer = worker.ask("POST", ITEMS, body=b"{}", content_type=kind)
    assert answer.status == 415
    assert answer.body["error"].startswith("Send application/json, and set the header Content-Type accordingly;")
    assert told in answer.body["error"]
    assert len(answer.body["error"]) < 200


def test_the_error_names_forms_where_they_are_accepted(adas, virginia):
    answer = adas.ask("PUT", f"{ITEMS}{make_item(virginia).pk}/requeue/", body=b"<x/>", content_type="text/xml")
    assert answer.body["error"].startswith("Send application/json or application/x-www-form-urlencoded, ")


def test_a_compressed_body_is_refused(worker):
    answer = worker.ask("POST", ITEMS, body=gzip.compress(b"{}"), HTTP_CONTENT_ENCODING="gzip")
    assert answer.status == 415
    assert "compressed (gzip)" in answer.body["error"]
    assert worker.ask("POST", ITEMS, body=b"{}", HTTP_CONTENT_ENCODING="identity").status == 422


def test_a_number_of_thousands_of_digits(worker):
    answer = worker.ask("POST", ITEMS, body=b'{"size": ' + b"9" * 5000 + b"}")
    assert answer.status == 400
    assert answer.body["error"] == "A number in the body is too long; the largest is 9223372036854775807."


@pytest.mark.parametrize("body", [b"[1,", b"\xff", b'{"size": NaN}'])
def test_invalid_json_is_reported(worker, body):
    answer = worker.ask("POST", ITEMS, body=body)
    assert answer.status == 400
    assert answer.body["error"].startswith("The body is not JSON: ")


def test_a_nul_in_a_text(worker, virginia):
    item = make_item(virginia)
    answer = worker.put(f"{ITEMS}{item.pk}/", {"outcome": "a\0b"})
    assert answer.status == 422
    assert answer.body["outcome"] == ["Remove the NUL character (\\u0000). Text can't contain one."]


def test_a_401_says_how_to_get_a_key(client, wally):
    answer = Caller(client, wally).get(ITEMS, headers={"X-Pharos-API-User": wally.email, "X-Pharos-API-Key": "x"})
    assert answer.status == 401
    for way in ("“My account”", "the admin site", "create_api_key"):
        assert way in answer.body["error"]


def test_times_in_errors_have_the_format_of_the_api(worker, virginia):
    item = make_item(virginia, bag_date=datetime(2026, 11, 20, 15, 11, 12, 500_000, tzinfo=UTC))
    answer = worker.put(f"{ITEMS}{item.pk}/", {"bag_date": "2026-11-20T15:11:14Z"})
    assert answer.body["bag_date"] == [
        "A save can't change the “bag_date” of an item. It is “2026-11-20T15:11:12.500Z”."
    ]
    assert worker.get(f"{ITEMS}{item.pk}/").body["bag_date"] in answer.body["error"]


@pytest.mark.parametrize(("given", "meant"), [("stauts", "status"), ("institutions", "institution"), ("colour", None)])
def test_an_unknown_name_gets_a_suggestion_and_a_link_to_the_docs(doras, given, meant):
    told = doras.get(MEMBER, {given: "x"}).body[given][0]
    assert (f"Did you mean {meant}?" in told) is (meant is not None)
    assert ("Did you mean" in told) is (meant is not None)
    assert told.endswith("See /api/docs/ for the available ones.")


def test_other_errors_do_not_link_to_the_docs(doras):
    assert "/api/docs/" not in doras.get(MEMBER, "status=Gone").body["error"]


def test_a_batch_with_an_id_missing_or_twice(worker, virginia):
    item = make_item(virginia)
    answer = worker.put(ITEMS, {"work_items": {"items": [{"id": item.pk}, {"note": "x"}]}})
    assert (answer.status, answer.body["index"]) == (422, 1)
    assert (
        answer.body["error"]
        == "Record 2 of the batch doesn't say which item it is about. Add the item's number as “id”."
    )
    answer = worker.put(ITEMS, {"work_items": {"items": [{"id": item.pk}, {"id": item.pk}]}})
    assert (answer.status, answer.body["index"], answer.body["id"]) == (422, 1, item.pk)
    assert (
        answer.body["error"]
        == f"Record 2 of the batch, item {item.pk}: this item is in the batch twice; send each once."
    )
