"""Objects in the API, by an identifier that contains slashes."""

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from tests.factories import make_item
from workitems.models import WorkItem

from .api_client import Caller, Nobody, check_who_reads, for_virginia

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
    WorkItem.objects.filter(pk=item.pk).update(updated_at=NOON + timedelta(microseconds=1_999))
    answer = wallys.get(f"{path}virginia.edu%2Fbag")
    assert answer.status == 200
    assert answer.body == {
        "id": item.pk,
        "identifier": NAME,
        "title": None,
        "access": None,
        "state": "A",
        "storage_option": None,
        "institution_id": virginia.pk,
        "etag": item.etag,
        "bag_name": "bag.tar",
        "size": item.size,
        "created_at": "2026-05-04T12:00:00.000Z",
        "updated_at": "2026-05-04T12:00:00.001Z",
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
    for path in ("/api/v2/objects//", "/member-api/v2/objects//"):
        assert wallys.get(path).status == 404


def test_which_users_see_it(client, cast, virginia):
    ingested(virginia)
    check_who_reads(client, cast, MEMBER + NAME, for_virginia)
    check_who_reads(client, cast, ADMIN + NAME, for_virginia)
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


# Lists


LISTS = ["/member-api/v1/objects/", "/member-api/v2/objects/", "/api/v2/objects/", "/member-api/v3/objects"]


@pytest.fixture
def objects(virginia, jhu):
    """{identifier: its last ingest}: one ingested twice, one deleted since, one with a file deleted, and another institution's."""
    ingested(virginia, "virginia.edu/a")
    found = {"virginia.edu/a": ingested(virginia, "virginia.edu/a", at=NOON + timedelta(hours=1))}
    found["virginia.edu/b"] = ingested(virginia, "virginia.edu/b", at=NOON + timedelta(hours=2))
    ingested(virginia, "virginia.edu/b", at=NOON + timedelta(hours=3), action="Delete")
    found["virginia.edu/c"] = ingested(virginia, "virginia.edu/c", at=NOON + timedelta(hours=4))
    make_item(virginia, object_identifier="virginia.edu/d")
    found["jhu.edu/a"] = ingested(jhu, "jhu.edu/a", at=NOON + timedelta(hours=5))
    return found


@pytest.mark.parametrize("path", LISTS)
def test_a_member_lists_the_own_objects(client, dora, objects, path):
    body = Caller(client, dora).get(path).body
    assert (body["count"], body["next"], body["previous"]) == (3, None, None)
    assert [(one["identifier"], one["state"]) for one in body["results"]] == [
        ("virginia.edu/c", "A"),
        ("virginia.edu/b", "D"),
        ("virginia.edu/a", "A"),
    ]
    assert body["results"][2]["id"] == objects["virginia.edu/a"].pk
    assert (
        body["results"][0] == Caller(client, dora).get("/member-api/v2/objects/virginia.edu%2Fc").body or "v3" in path
    )


def test_whoever_sees_all_lists_all(wallys, objects):
    for path in ("/api/v2/objects/", "/admin-api/v3/objects", "/member-api/v2/objects/"):
        assert {one["identifier"] for one in wallys.get(path).body["results"]} == set(objects)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("state=A", "ca"),
        ("state=d", "b"),
        ("identifier=virginia.edu/b", "b"),
        ("identifier=virginia.edu/B", ""),
        ("identifier=virginia.edu/a&state=D", ""),
        ("state=&identifier=", "cba"),
    ],
)
@pytest.mark.parametrize("path", LISTS)
def test_what_can_be_asked(client, dora, objects, path, query, names):
    body = Caller(client, dora).get(path, query).body
    assert (body["count"], [one["identifier"][-1] for one in body["results"]]) == (len(names), list(names))


def test_the_orders(client, dora, objects):
    caller = Caller(client, dora)
    for path, query, names in (
        ("/member-api/v2/objects/", "sort=name", "abc"),
        ("/member-api/v2/objects/", "sort=date&access=institution", "cba"),
        ("/member-api/v3/objects", "sort=identifier__asc", "abc"),
        ("/member-api/v3/objects", "sort=updated_at__desc", "cba"),
        ("/member-api/v3/objects", "sort=id", "abc"),
    ):
        assert [one["identifier"][-1] for one in caller.get(path, query).body["results"]] == list(names), query


@pytest.mark.parametrize("path", LISTS)
def test_page_by_page(client, dora, objects, path):
    caller, seen, query = Caller(client, dora), [], "per_page=2&state=A"
    while query:
        body = caller.get(path, query).body
        assert body["count"] == 2
        seen += [one["identifier"] for one in body["results"]]
        query = body["next"] and body["next"].partition("?")[2]
    assert seen == ["virginia.edu/c", "virginia.edu/a"]


@pytest.mark.parametrize(
    "query", ["state=X", "bogus=1", "per_page=0", "page=x", "sort=size", "state=A&state=D", "identifier=%00"]
)
@pytest.mark.parametrize("path", LISTS)
def test_what_is_wrong_with_a_list_is_said(client, dora, path, query):
    answer = Caller(client, dora).get(path, query)
    assert (answer.status, set(answer.body)) == (400, {query.partition("=")[0], "error"})


def test_two_spellings_of_an_identifier_that_differ_are_an_error(client, dora, objects):
    caller, path = Caller(client, dora), "/member-api/v2/objects/"
    same = caller.get(path, "identifier=virginia.edu/b&object_identifier=virginia.edu/b")
    assert (same.status, same.body["count"]) == (200, 1)
    assert caller.get(path, "identifier=virginia.edu/b&object_identifier=virginia.edu/a").status == 400


@pytest.mark.parametrize("area", ["/member-api", "/admin-api"])
def test_in_version_3_an_object_is_shown_by_its_number_or_its_identifier(client, ada, dora, objects, area):
    """As the command line asks for it."""
    caller = Caller(client, ada if area == "/admin-api" else dora)
    stored = objects["virginia.edu/a"]
    shown = caller.get(f"{area}/v3/objects/show/virginia.edu%2Fa")
    assert (shown.status, shown.body["id"], shown.body["identifier"]) == (200, stored.pk, "virginia.edu/a")
    assert shown.body in caller.get(f"{area}/v3/objects").body["results"]
    for key in (stored.pk, f"{stored.pk}/", "virginia.edu/a", "virginia.edu%2Fa/"):
        assert caller.get(f"{area}/v3/objects/show/{key}").body == shown.body
    for unknown in ("0", "9" * 19, "9" * 5_000, "virginia.edu", "%00", "virginia.edu%2Fnone"):
        assert caller.get(f"{area}/v3/objects/show/{unknown}").status == 404


def test_another_institutions_object_is_not_shown_in_version_3(client, dora, objects):
    other = next(one for identifier, one in objects.items() if not identifier.startswith("virginia.edu/"))
    for key in (other.pk, other.object_identifier):
        assert Caller(client, dora).get(f"/member-api/v3/objects/show/{key}").status == 404
