"""Objects in the API, by an identifier that contains slashes."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from tests.factories import make_item
from workitems.models import WorkItem

from .api_client import Caller, Nobody, check_who_reads, for_admins, for_virginia

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
ADMIN, MEMBER = "/api/v2/objects/", "/member-api/v2/objects/"
NAME = "virginia.edu/bag"


def ingested(institution, identifier=NAME, *, at=NOON, action="Ingest"):
    named = {"name": "bag.tar", "object_identifier": identifier}
    return make_item(institution, at=at, action=action, stage="Record", status="Success", **named)


@pytest.fixture
def wallys(client, wally):
    return Caller(client, wally)


@pytest.mark.parametrize("path", [ADMIN, MEMBER])
def test_all_fields_of_an_object(wallys, virginia, path):
    item = ingested(virginia)
    WorkItem.objects.filter(pk=item.pk).update(updated_at=NOON + timedelta(microseconds=1))
    answer = wallys.get(f"{path}virginia.edu%2Fbag")
    assert answer.status == 200
    assert answer.body == {
        "id": item.pk,
        "identifier": NAME,
        "title": None,
        "access": None,
        "state": "A",
        "storage_option": None,
        "created_at": "2026-05-04T12:00:00Z",
        "updated_at": "2026-05-04T12:00:00.000001Z",
    }


@pytest.mark.parametrize(
    "identifier",
    [
        "virginia.edu/bag",
        "virginia.edu/a.b..c/d",
        "virginia.edu/Ünï & “q” 100%+=?#;",
        "virginia.edu/" + "é" * 1200,
        "virginia.edu/..",
        "virginia.edu/two\nlines",
    ],
)
@pytest.mark.parametrize("safe", ["", "/"])
def test_identifiers_of_any_kind(wallys, virginia, identifier, safe):
    item = ingested(virginia, identifier)
    ingested(virginia, identifier + "x")
    answer = wallys.get(ADMIN + quote(identifier, safe=safe))
    assert (answer.status, answer.body["id"], answer.body["identifier"]) == (200, item.pk, identifier)


def test_a_trailing_slash_makes_no_difference(wallys, virginia):
    item = ingested(virginia)
    assert wallys.get(f"{ADMIN}virginia.edu%2Fbag/").body["id"] == item.pk
    assert wallys.get(f"{MEMBER}virginia.edu/bag/").body["id"] == item.pk


def test_a_deleted_object_says_so(wallys, virginia):
    ingested(virginia)
    ingested(virginia, at=NOON + timedelta(hours=1), action="Delete")
    assert wallys.get(f"{ADMIN}{NAME}").body["state"] == "D"
    again = ingested(virginia, at=NOON + timedelta(hours=2))
    assert wallys.get(f"{ADMIN}{NAME}").body["id"] == again.pk
    assert wallys.get(f"{ADMIN}{NAME}").body["state"] == "A"


@pytest.mark.parametrize(
    "identifier", ["virginia.edu", "virginia.edu%2Fba", "virginia.edu%2FBag", "%00", "%ff", "x" * 60_000, "1", "%25"]
)
def test_an_unknown_object_is_404(wallys, virginia, identifier):
    ingested(virginia)
    assert wallys.get(ADMIN + identifier).status == 404
    assert wallys.get(MEMBER + identifier).status == 404


def test_without_a_successful_ingest_there_is_no_object(wallys, virginia):
    make_item(virginia, object_identifier=NAME)
    make_item(virginia, object_identifier=NAME, action="Restore")
    assert wallys.get(ADMIN + NAME).status == 404


def test_without_an_identifier(wallys):
    for path in (ADMIN, MEMBER, "/api/v2/objects", "/api/v2/objects//"):
        assert wallys.get(path).status == 404


def test_which_users_see_it(client, cast, virginia):
    ingested(virginia)
    check_who_reads(client, cast, MEMBER + NAME, for_virginia)
    check_who_reads(client, cast, ADMIN + NAME, for_admins)
    assert Nobody(client).get(MEMBER + NAME).status == Nobody(client).get(ADMIN + NAME).status == 401


def test_another_institutions_object_is_404(client, olga, virginia):
    ingested(virginia)
    caller = Caller(client, olga)
    assert caller.get(MEMBER + NAME).body == caller.get(MEMBER + "nowhere.edu/bag").body


def test_objects_are_read_only(wallys, virginia):
    ingested(virginia)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = wallys.ask(method, ADMIN + NAME, json={"state": "D"})
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
