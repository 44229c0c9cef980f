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


def test_pagination(wallys):
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
def test_a_single_institution(wallys, virginia, slash, domain):
    answer = wallys.get(f"/api/v2/institutions/{domain}{slash}")
    assert answer.status == 200
    assert answer.body == {"id": virginia.pk, "name": "University of Virginia", "identifier": "virginia.edu"}


@pytest.mark.parametrize("domain", ["nowhere.edu", "virginia", "%00", "%ff", "1", "a" * 60_000])
def test_an_unknown_institution_is_404(wallys, domain):
    assert wallys.get(f"/api/v2/institutions/{domain}/").status == 404


@pytest.mark.parametrize(
    "query", ["per_page=0", "per_page=1001", "page=abc", "bogus=1", "status=Failed", "page=1&page=2"]
)
def test_invalid_queries_are_reported(wallys, query):
    answer = wallys.get("/api/v2/institutions/", query)
    assert answer.status == 400
    assert set(answer.body) == {query.split("=")[0], "error"}


@pytest.mark.parametrize("path", ["/api/v2/institutions/", "/api/v2/institutions/virginia.edu/"])
def test_only_services_and_admins_can_read_them(client, cast, path):
    check_who_reads(client, cast, path, for_admins)
    assert Nobody(client).get(path).status == 401


def test_the_member_api_has_no_such_address(client, dora):
    assert Caller(client, dora).get("/member-api/v2/institutions/").status == 404
