"""Institutions, as services and admins read them."""

import pytest

from .api_client import Caller, Nobody, check_who_reads, for_admins

KEYS = {"id", "name", "identifier", "receiving_bucket", "restore_bucket"}


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
    assert answer.body == {
        "id": virginia.pk,
        "name": "University of Virginia",
        "identifier": "virginia.edu",
        "receiving_bucket": "aptrust.receiving.virginia.edu",
        "restore_bucket": "aptrust.restore.virginia.edu",
    }


def test_buckets_that_are_set_for_an_institution_or_the_installation(wallys, virginia, settings):
    settings.RESTORE_BUCKET = "out-{identifier}"
    type(virginia).objects.filter(pk=virginia.pk).update(receiving_bucket="virginia-in")
    shown = wallys.get("/api/v2/institutions/virginia.edu/").body
    assert (shown["receiving_bucket"], shown["restore_bucket"]) == ("virginia-in", "out-virginia.edu")


def test_what_an_ingest_worker_asks_at_its_start(wallys, virginia, jhu):
    type(jhu).objects.filter(pk=jhu.pk).update(name="Zebra")
    for query, first in (("order=name&per_page=200", "aptrust.org"), ("order=&per_page=200", "aptrust.org")):
        found = wallys.get("/api/v2/institutions/", query)
        assert (found.status, found.body["results"][0]["identifier"]) == (200, first)
    by_name = [one["identifier"] for one in wallys.get("/api/v2/institutions/", "order=name").body["results"]]
    assert by_name == ["aptrust.org", "virginia.edu", "jhu.edu"]
    assert wallys.get("/api/v2/institutions/", "order=size").status == 400


def test_version_3(wallys, virginia, jhu):
    for path in ("/admin-api/v3/institutions", "/admin-api/v3/institutions/"):
        assert [one["identifier"] for one in wallys.get(path).body["results"]] == [
            "aptrust.org",
            "jhu.edu",
            "virginia.edu",
        ]
    assert wallys.get("/admin-api/v3/institutions", "sort=identifier__desc").body["results"][0]["id"] == virginia.pk
    assert wallys.get(f"/admin-api/v3/institutions/show/{jhu.pk}").body["identifier"] == "jhu.edu"
    assert wallys.get("/admin-api/v3/institutions/show/987654321").status == 404


def test_in_version_3_an_institution_is_shown_by_its_number_or_its_domain(wallys, jhu):
    """Present workers know both."""
    shown = wallys.get(f"/admin-api/v3/institutions/show/{jhu.pk}")
    assert (shown.status, shown.body["identifier"]) == (200, "jhu.edu")
    for domain in ("jhu.edu", "JHU.edu", "jhu.edu/"):
        assert wallys.get(f"/admin-api/v3/institutions/show/{domain}").body == shown.body
    for unknown in ("0", "nowhere.edu", "9" * 30, "9" * 5_000, "%00", "-1"):
        assert wallys.get(f"/admin-api/v3/institutions/show/{unknown}").status == 404


@pytest.mark.parametrize("domain", ["nowhere.edu", "virginia", "%00", "%ff", "1", "a" * 60_000])
def test_an_unknown_institution_is_404(wallys, domain):
    assert wallys.get(f"/api/v2/institutions/{domain}/").status == 404


@pytest.mark.parametrize(
    "query", ["per_page=0", "per_page=1001", "page=abc", "bogus=1", "status=Failed", "page=1&page=2", "order=x"]
)
def test_invalid_queries_are_reported(wallys, query):
    answer = wallys.get("/api/v2/institutions/", query)
    assert answer.status == 400
    assert set(answer.body) == {query.split("=")[0], "error"}


@pytest.mark.parametrize(
    "path", ["/api/v2/institutions/", "/api/v2/institutions/virginia.edu/", "/admin-api/v3/institutions"]
)
def test_only_services_and_admins_can_read_them(client, cast, path):
    check_who_reads(client, cast, path, for_admins)
    assert Nobody(client).get(path).status == 401


def test_the_member_api_has_no_such_address(client, dora):
    assert Caller(client, dora).get("/member-api/v2/institutions/").status == 404
