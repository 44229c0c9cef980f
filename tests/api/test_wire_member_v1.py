"""The first member scripts (member API v1): 19 fields, with the names and headers of that time."""

import pytest

from tests.factories import make_item
from tests.http_clients import Curl, PythonClient

pytestmark = pytest.mark.django_db(transaction=True)
FIELDS = [
    "id",
    "created_at",
    "updated_at",
    "name",
    "etag",
    "bucket",
    "user",
    "institution",
    "note",
    "action",
    "stage",
    "status",
    "outcome",
    "bag_date",
    "date",
    "retry",
    "reviewed",
    "object_identifier",
    "generic_file_identifier",
]


class Script(PythonClient):
    pair = ("X-Fluctus-API-User", "X-Fluctus-API-Key")


class OldCurl(Curl):
    pair = ("X-Fluctus-API-User", "X-Fluctus-API-Key")


@pytest.fixture
def script(real_server, stan):
    return Script(real_server, stan)


@pytest.mark.parametrize("end", ["", "/", "?", "/?"])
def test_an_item_has_exactly_the_19_fields(script, item, theirs, end):
    answer = script.get(f"/member-api/v1/items{end}")
    assert (answer["count"], answer["next"], answer["previous"]) == (1, None, None)
    [found] = answer["results"]
    assert sorted(found) == sorted(FIELDS)
    assert (found["id"], found["name"], found["institution"]) == (item.pk, item.name, "virginia.edu")
    assert (found["action"], found["stage"], found["status"]) == ("Ingest", "Receive", "Pending")
    assert (found["note"], found["retry"], found["reviewed"]) == ("", True, False)


def test_ten_items_per_page_to_the_last_page(script, virginia):
    ids = {make_item(virginia).pk for _n in range(23)}
    pages = list(script.walk("/member-api/v1/items/"))
    assert [len(page["results"]) for page in pages] == [10, 10, 3]
    assert {item["id"] for page in pages for item in page["results"]} == ids
    assert [len(page["results"]) for page in script.walk("/member-api/v1/items/?page=1&per_page=20")] == [20, 3]


def test_words_are_given_by_numeric_keys(script, virginia, ada):
    waiting = make_item(virginia, name="a & b.tar")
    going = make_item(virginia, status="Started", stage="Fetch")
    asked = make_item(virginia, action="Glacier Restore")
    for query, items in (
        ("item_action=ingest", [waiting, going]),
        ("item_action=glacier_restore", [asked]),
        ("stage=receive", [waiting]),
        ("stage=requested", [asked]),
        ("status=start", [going]),
        ("status=pend&item_action=ingest", [waiting]),
        ("name_exact=a+%26+b.tar", [waiting]),
        ("name_contains=%26", [waiting]),
        ("reviewed=false&institution=virginia.edu", [waiting, going, asked]),
        ("updated_since=2999-01-01T00%3A00%3A00Z", []),
        ("updated_since=2001-01-01T00:00:00Z&name_exact=&status=", [waiting, going, asked]),
    ):
        found = {item["id"] for item in script.get(f"/member-api/v1/items/?{query}")["results"]}
        assert found == {item.pk for item in items}, query


def test_unknown_parameters_are_reported(script, item):
    for query in ("status=Pending", "item_action=bogus", "name=bag.tar", "node=1", "per_page=1001", "page=0"):
        assert query.split("=")[0] in script.get(f"/member-api/v1/items/?{query}", status=400)["error"]


def test_it_only_accepts_its_own_headers_and_is_read_only(real_server, stan, script, item):
    assert OldCurl(real_server, stan).get("/member-api/v1/items/")["count"] == 1
    PythonClient(real_server, stan).get("/member-api/v1/items/", status=401)
    Script(real_server).get("/member-api/v1/items/", status=401)
    script.get("/member-api/v2/items/", status=401)
    for method in ("POST", "PUT", "DELETE"):
        script.ask(method, "/member-api/v1/items/", {}, status=405)
    item.refresh_from_db()
    assert item.history.count() == 1
