"""The check-ingest tool: lists the ingests of a bag, then requests the object of each of them."""

from datetime import UTC, datetime

import pytest

from tests.factories import make_item
from tests.http_clients import GoClient, escaped
from workitems.models import WorkItem

pytestmark = pytest.mark.django_db(transaction=True)
HARD_NAMES = [
    "virginia.edu.uva-lib_2274642.tar",
    'Tom & Jerry\'s "best", 100% of 1940.v1.2.tar',
    "päck <b>ä+b;c=d?e#f</b> \\ 楽.tar",
    f"{'long & wide ' * 83}.tar"[-1000:],
    f"{'楽' * 996}.tar",
]


@pytest.fixture
def tool(real_server, wally):
    return GoClient(real_server, wally)


def asked_for(name, etag=None):
    """Returns the address of the list with its parameters sorted like in Go, and + for spaces."""
    narrower = f"etag={etag}&" if etag else ""
    return f"/api/v2/items/?{narrower}item_action=Ingest&name={escaped(name).replace('%20', '+')}&sort=date"


@pytest.mark.parametrize("name", HARD_NAMES)
def test_it_finds_the_ingests_of_a_bag_newest_first_and_their_objects(tool, virginia, jhu, name):
    stored = make_item(virginia, name=name, stage="Cleanup", status="Success", date=datetime(2026, 1, 1, tzinfo=UTC))
    later = make_item(virginia, name=name, date=datetime(2026, 2, 1, tzinfo=UTC))
    make_item(virginia, name=f"x{name}"[:1000])
    make_item(virginia, name=name, action="Restore")
    answer = tool.get(asked_for(name))
    assert (answer["count"], answer["next"], answer["previous"]) == (2, None, None)
    assert [item["id"] for item in answer["results"]] == [later.pk, stored.pk]
    assert {item["name"] for item in answer["results"]} == {name}
    assert [item["id"] for item in tool.get(asked_for(name, stored.etag))["results"]] == [stored.pk]
    assert tool.get(asked_for(name, "0" * 31 + "x"))["results"] == []

    [waiting, done] = answer["results"]
    assert waiting["object_identifier"] in (None, "")
    identifier = f"virginia.edu/{name.removesuffix('.tar')}"
    assert done["object_identifier"] == identifier
    known = tool.get(f"/api/v2/objects/{escaped(identifier)}")
    assert known["identifier"] == identifier
    stored.refresh_from_db()
    assert known["id"] == stored.pk


def test_an_object_has_its_eight_fields_and_what_is_unknown_is_null(tool, virginia):
    stored = make_item(virginia, name="bag.tar", stage="Cleanup", status="Success")
    known = tool.get("/api/v2/objects/virginia.edu%2Fbag")
    assert {"id", "identifier", "title", "access", "state", "storage_option", "created_at", "updated_at"} <= set(known)
    assert (known["id"], known["identifier"], known["state"]) == (stored.pk, "virginia.edu/bag", "A")
    assert (known["title"], known["access"], known["storage_option"]) == (None, None, None)


def test_identifiers_with_dots_and_slashes_however_they_are_written(tool, virginia):
    make_item(virginia, name="ncsu.1840.16-1004..v2.tar", stage="Cleanup", status="Success")
    identifier = "virginia.edu/ncsu.1840.16-1004..v2"
    for written in (escaped(identifier), identifier.replace("/", "%2f"), identifier):
        for end in ("", "?", "/"):
            assert tool.get(f"/api/v2/objects/{written}{end}")["identifier"] == identifier


def test_an_unknown_object_is_404(tool, virginia):
    make_item(virginia, name="open.tar", object_identifier="virginia.edu/open")
    for identifier in ("virginia.edu%2Fopen", "virginia.edu%2Fnever", "virginia.edu", "%2F", "..%2F..%2Fetc", "a%00b"):
        tool.get(f"/api/v2/objects/{identifier}", status=404)


def test_a_name_that_is_in_no_item_finds_nothing_and_never_everything(tool, item):
    assert tool.get(asked_for("other.tar")) == {"count": 0, "next": None, "previous": None, "results": []}
    said = tool.get("/api/v2/items/?item_action=Ingest&nmae=other.tar&sort=date", status=400)
    assert "nmae" in said["error"]
    assert "results" not in said


def test_blank_values_and_a_bare_question_mark_ask_for_everything(tool, item):
    for query in ("", "?", "?name=&etag=&sort="):
        for slash in ("", "/"):
            answer = tool.get(f"/api/v2/items{slash}{query}")
            assert [found["id"] for found in answer["results"]] == [item.pk]


def test_a_depositor_only_sees_their_own_institutions_objects(real_server, dora, virginia, jhu):
    make_item(virginia, name="bag.tar", stage="Cleanup", status="Success")
    make_item(jhu, name="secret.tar", stage="Cleanup", status="Success")
    depositor = GoClient(real_server, dora)
    own = depositor.get("/member-api/v2/objects/virginia.edu%2Fbag")
    assert own["identifier"] == "virginia.edu/bag"
    theirs = depositor.get("/member-api/v2/objects/jhu.edu%2Fsecret", status=404)
    assert theirs == depositor.get("/member-api/v2/objects/jhu.edu%2Fnothing", status=404)
    for path in (asked_for("bag.tar"), "/api/v2/objects/virginia.edu%2Fbag", "/api/v2/objects/jhu.edu%2Fsecret"):
        depositor.get(path, status=403)
    assert WorkItem.objects.count() == 2
