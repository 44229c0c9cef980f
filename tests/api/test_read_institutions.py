"""Institutions, as services and admins read them."""

import pytest

from .api_client import Caller, Nobody, check_who_reads, for_admins

KEYS = {"id", "name", "identifier"}


@pytest.fixture
def wallys(client, wally, virginia, jhu):
    return Caller(client, wally)


def test_the_list(wallys, virginia, jhu, consortium):
    answer = wallys.get("/api/v2/institutions/")
    assert answer.status == 200
    assert set(answer.body) == {"count", "next", "previous", "results"}
    assert [one["identifier"] for one in answer.body["results"]] == ["aptrust.org", "jhu.edu", "virginia.edu"]
    assert all(set(one) == KEYS for one in answer.body["results"])
    assert (answer.body["count"], answer.body["next"], answer.body["previous"]) == (3, None, None)


def test_page_by_page(wallys):
    seen, query = [], "per_page=1"
    while query:
        body = wallys.get("/api/v2/institutions/", query).body
        seen += [one["identifier"] for one in body["results"]]
        query = body["next"] and body["next"].partition("?")[2]
    assert seen == ["aptrust.org", "jhu.edu", "virginia.edu"]
    beyond = wallys.get("/api/v2/institutions/", "page=9")
    assert (beyond.status, beyond.body["results"], beyond.body["next"]) == (200, [], None)


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("domain", ["virginia.edu", "Virginia.EDU"])
def test_one(wallys, virginia, slash, domain):
    answer = wallys.get(f"/api/v2/institutions/{domain}{slash}")
    assert answer.status == 200
    assert answer.body == {"id": virginia.pk, "name": "University of Virginia", "identifier": "virginia.edu"}


@pytest.mark.parametrize("domain", ["nowhere.edu", "virginia", "%00", "%ff", "1", "a" * 60_000])
def test_unknown(wallys, domain):
    assert wallys.get(f"/api/v2/institutions/{domain}/").status == 404


@pytest.mark.parametrize(
    "query", ["per_page=0", "per_page=1001", "page=abc", "bogus=1", "status=Failed", "page=1&page=2"]
)
def test_what_is_wrong_is_said(wallys, query):
    answer = wallys.get("/api/v2/institutions/", query)
    assert answer.status == 400
    assert set(answer.body) == {query.split("=")[0], "error"}


@pytest.mark.parametrize("path", ["/api/v2/institutions/", "/api/v2/institutions/virginia.edu/"])
def test_for_services_and_admins(client, cast, path):
    check_who_reads(client, cast, path, for_admins)
    assert Nobody(client).get(path).status == 401


def test_members_have_no_such_address(client, dora):
    assert Caller(client, dora).get("/member-api/v2/institutions/").status == 404
