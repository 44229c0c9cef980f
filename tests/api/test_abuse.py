"""Invalid queries, addresses, and headers: they never cause a server error, reveal other institutions' data, or list everything."""

import logging
from itertools import product
from urllib.parse import quote

import pytest
from django.db import OperationalError

from tests.factories import make_item
from tests.many_items import make_items
from tests.stored_items import as_stored
from workitems import transitions
from workitems.api import v1, v2, v3
from workitems.models import WorkItem, WorkItemQuerySet

from .api_client import Caller, Nobody

LISTS = {
    "/member-api/v1/items/": v1.MEMBER,
    "/member-api/v2/items/": v2.MEMBER,
    "/api/v2/items/": v2.ADMIN,
    "/member-api/v3/items": v3.MEMBER,
    "/admin-api/v3/items": v3.ADMIN,
}
OF_MEMBERS = [path for path in LISTS if path.startswith("/member-api/")]


@pytest.fixture
def adas(client, ada):
    return Caller(client, ada)


@pytest.fixture
def doras(client, dora):
    return Caller(client, dora)


# Values


ODD = {
    "long": "x" * 60_000,
    "NUL": "a%00b",
    "only NUL": "%00",
    "not UTF-8": "%ff",
    "half a surrogate pair": "%ED%A0%80",
    "a statement": quote("1; DROP TABLE workitems_workitem; --"),
    "wildcards": quote("%%__%%"),
    "lines": "%0d%0aSet-Cookie:%20a=b",
    "JSON": quote('{"$ne": null}'),
    "too large": str(10**30),
    "too large by one": str(2**63),
    "negative": "-1",
    "no number": "NaN",
    "null": "null",
}


@pytest.mark.parametrize("path", ["/member-api/v1/items/", "/api/v2/items/", "/admin-api/v3/items"])
def test_invalid_values_of_every_parameter(adas, item, theirs, path):
    """Each is refused with its name or finds nothing; it is never ignored."""
    for name, kind in product(LISTS[path].dialect.names, ODD):
        answer = adas.get(path, f"{name}={ODD[kind]}")
        if answer.status == 400:
            assert set(answer.body) == {name, "error"}
            assert len(answer.body["error"]) < 1000
        else:
            assert (answer.status, answer.body["count"], answer.body["results"]) == (200, 0, []), (name, kind)


@pytest.mark.parametrize("path", LISTS)
def test_unknown_parameter_names(adas, item, path):
    name = "name_exact" if "v1" in path else "name"
    for query in (
        *("bogus=1", "=1", "%00=1", "%ff=1", "x" * 60_000 + "=1", f"{name}[]=1", f"{name}[$ne]=1", f"{name}.x=1"),
        *(
            f"{name.upper()}=1",
            f"%20{name}=1",
            f"{name}%00=1",
            f"{name}__regex=.",
            f"{name}__icontains=a",
            "format=html",
        ),
        *(
            "_method=DELETE",
            "__class__=1",
            "self=1",
            "status=Pending;bogus=1",
            "error=1",
            "institution__name=a",
            "or=1",
        ),
        *("institution__people__email__startswith=a", "history__who=a", "search_text=a", "pk=1", "id=1", "note=a"),
        *("version=1", "date=2021-01-01", "limit=1", "offset=1", "fields=node", "include=node", "expand=state", "*=*"),
    ):
        answer = adas.get(path, query)
        assert answer.status == 400, query[:80]
        assert len(answer.body["error"]) < 61_000, query[:80]


def test_very_many_parameters(adas, item):
    for number in (1_000, 3_000):
        assert adas.get("/api/v2/items/", "&".join(f"a{n}=1" for n in range(number))).status == 400


@pytest.mark.parametrize("path", LISTS)
def test_very_many_values(adas, item, path):
    """A hundred values of each name are accepted; more are refused without a query."""
    for name in LISTS[path].dialect.names:
        assert adas.get(path, "&".join(f"{name}={n}" for n in range(1_000))).status == 400
    texts = [
        name
        for name in ("name", "name_exact", "etag", "object_identifier", "bucket")
        if name in LISTS[path].dialect.names
    ]
    query = "&".join(f"{name}={n}" for name in texts for n in range(100))
    assert adas.get(path, query).body["count"] == 0


# Another institution, and the process


SECRET = {
    "name": "jhu.edu.SECRET.tar",
    "etag": "5ec4e7e7a95ec4e7e7a95ec4e7e7a900",
    "bucket": "aptrust.restore.SECRET",
    "user": "SECRET-PERSON@jhu.edu",
    "object_identifier": "jhu.edu/SECRET",
    "generic_file_identifier": "jhu.edu/SECRET/data/FILE",
    "size": 987_654_321,
    "action": "Restore",
    "needs_admin_review": True,
}
# What finds the secret item, by whoever may see it; v1 first, then what v2 and v3 have.
FINDS = {
    "/member-api/v1/items/": [
        *("", "name_exact=jhu.edu.SECRET.tar", "name_contains=secret", "item_action=restore", "stage=fetch"),
        *("status=start", "reviewed=false", "updated_since=2001-01-01", "per_page=1", "page=2&per_page=1"),
    ],
    "/member-api/v2/items/": [
        *("", "q=secret", "name=jhu.edu.SECRET.tar", "name_like=SECRET", f"etag={SECRET['etag']}", "etag_like=5ec4"),
        *("bucket=aptrust.restore.SECRET", "user=SECRET-PERSON@jhu.edu", "object_identifier=jhu.edu/SECRET"),
        *("object_identifier_like=secret", "file_identifier=jhu.edu/SECRET/data/FILE", "file_identifier_like=FILE"),
        *("size_min=987654321&size_max=987654321", "item_action=Restore", "stage=Fetch", "status=Started"),
        *("needs_admin_review=true", "sort=institution", "sort=name", "sort=updated", "phase=open", "retry=true"),
        *("queued=false", "created_after=2001-01-01", "per_page=1", "page=2&per_page=1", "sort=id&after=0"),
        *("superseded=false", "duplicate=false", "other_upload=false", "received_from=2001-01-01"),
    ],
    "/member-api/v3/items": [
        *("", "name=jhu.edu.SECRET.tar", f"etag={SECRET['etag']}", "action=Restore File", "status__in=Started"),
        *("stage__in=Fetch", "generic_file_identifier=jhu.edu/SECRET/data/FILE", "size__gteq=987654321"),
        *("sort=institution_name", "sort=size__desc", "per_page=1", "queued_at__is_null=true", "sort=id&after=0"),
        *("date_processed__gteq=2001-01-01", "bucket=aptrust.restore.SECRET", "user=SECRET-PERSON@jhu.edu"),
    ],
}


@pytest.mark.parametrize("who", ["dora", "stan"])
@pytest.mark.parametrize("path", FINDS)
def test_another_institutions_items_do_not_change_an_answer(client, cast, virginia, jhu, wally, path, who):
    """Rows, counts, and links are identical before and after it exists."""
    make_items(3, [virginia])
    caller = Caller(client, cast[who])
    before = {query: caller.get(path, query).body for query in FINDS[path]}
    secret = make_item(jhu, **SECRET)
    transitions.progress(secret, by=wally, stage="Fetch", node="SECRET-NODE", pid=4711)
    assert {query: caller.get(path, query).body for query in FINDS[path]} == before
    everywhere = Caller(client, wally)
    found = [query for query in FINDS[path] if "SECRET" in str(everywhere.get(path, query).body["results"])]
    assert set(FINDS[path]) - set(found) <= {"page=2&per_page=1", "per_page=1"}


@pytest.mark.parametrize("who", ["dora", "stan"])
@pytest.mark.parametrize("path", OF_MEMBERS)
def test_filtering_by_another_institution(client, cast, item, jhu, theirs, path, who):
    caller = Caller(client, cast[who])
    names = set(LISTS[path].dialect.names) & {"institution", "institution_id"}
    assert names
    for name in names:
        for value in (
            jhu.pk,
            "jhu.edu",
            "JHU.EDU",
            " jhu.edu ",
            "Johns Hopkins University",
            f"0{jhu.pk}",
            f"+{jhu.pk}",
        ):
            answer = caller.get(path, {name: value})
            assert answer.status == 400 or (answer.body["count"], answer.body["results"]) == (0, []), (name, value)
        both = caller.get(path, [(name, jhu.pk), (name, item.institution_id)])
        assert both.status == 400 or [one["id"] for one in both.body["results"]] == [item.pk]


@pytest.mark.parametrize("who", ["dora", "stan"])
@pytest.mark.parametrize("path", OF_MEMBERS)
def test_members_never_see_process_fields(client, cast, item, wally, path, who):
    transitions.progress(item, by=wally, stage="Fetch", node="SECRET-NODE", pid=471_147_114)
    Caller(client, wally).post("/api/v2/item_state/", {"work_item_id": item.pk, "action": "x", "state": "SECRET-STATE"})
    caller = Caller(client, cast[who])
    words = ("node", "node_empty", "node_not_empty", "pid", "pid_empty", "pid_not_empty", "state", "work_item_state_id")
    for word in (*words, "node__is_null", "node__not_null", "node_like", "pid__gteq"):
        assert caller.get(path, {word: "true"}).status == 400
        for way in ("", "-", "__asc", "__desc"):
            sort = f"-{word}" if way == "-" else word + way
            assert caller.get(path, {"sort": sort}).status == 400
    for query in ("", "name_like=SECRET-NODE" if "v2" in path else "", "per_page=1000"):
        told = str(caller.get(path, query).body)
        assert not any(secret in told for secret in ("SECRET", "471147114", "'node'", "'pid'", "state_id"))


@pytest.mark.parametrize("who", ["dora", "stan", "wally"])
def test_members_can_only_use_the_member_api(client, cast, item, who):
    caller = Caller(client, cast[who])
    for path in (
        *(
            "v1/items/{}",
            "v1/item_state/{}",
            "v2/item_state/{}/",
            "v2/item_state/",
            "v2/institutions/",
            "v2/items/{}/state",
        ),
        *("v2/items/{}/requeue/", "v2/notifications/spot_test_restoration/{}/", "v2/items/a/b/2021-01-01T00:00:00Z"),
        *("v3/items/create/1", "v3/items/update/{}", "v3/items/requeue/{}", "v3/items/{}", "v4/items"),
    ):
        for method in ("GET", "PUT", "POST"):
            answer = caller.ask(method, "/member-api/" + path.format(item.pk), json={"note": "x", "stage": "Receive"})
            assert answer.status == 404, path
    assert item.history.count() == 1


# Numbers in addresses


WITH_NUMBER = [
    *("/member-api/v2/items/{}/", "/member-api/v3/items/show/{}", "/api/v2/items/{}/", "/api/v2/items/{}/requeue/"),
    *("/api/v2/item_state/{}/", "/api/v2/notifications/spot_test_restoration/{}/", "/admin-api/v3/items/show/{}"),
    *("/admin-api/v3/items/update/{}", "/admin-api/v3/items/requeue/{}", "/admin-api/v3/items/create/{}"),
]
NUMBERS = [
    *(
        "0",
        "-1",
        "987654321",
        str(2**31),
        str(2**63 - 1),
        str(2**63),
        str(2**64),
        str(10**30),
        "9" * 5_000,
        "1.0",
        "+1",
    ),
    *("0x1", "1e3", "%201", "1%20", "1%00", "1%0a", "٣", "null", "None", "%ff", "1;1", "1%2F2", "*", "..", "%2e%2e"),
]


@pytest.mark.parametrize("path", WITH_NUMBER)
def test_ids_that_do_not_exist(adas, item, path):
    before = as_stored(item)
    for number in NUMBERS:
        for method in ("GET", "PUT", "POST"):
            answer = adas.ask(method, path.format(number), json={"note": "x", "name": "n.tar", "action": "Ingest"})
            is_create = "create" in path and method == "POST" and answer.status == 422
            assert answer.status in (404, 405) or is_create, (method, path.format(number)[:80], answer)
    assert as_stored(item) == before
    assert WorkItem.objects.count() == 1


# Places


PLACES = [
    *("x", "~", "~~", "x~y~z~1", "1~x", f"a~{10**30}", f"{10**30}~1", f"{'9' * 1_300}~1", "x" * 60_000, "2021-01-01~1"),
    *("2021-01-01T00:00:00~1", "0001-01-01T00:00:00+14:00~1", "9999-12-31T23:59:59-14:00~1", "' OR 1=1 --~1", "a\0~1"),
    *("None~1", "1.5~1", "٣~٣", "~1"),
]


@pytest.mark.parametrize("path", ["/api/v2/items/", "/admin-api/v3/items"])
def test_invalid_cursors(adas, item, theirs, path):
    """In every sort order, it is refused or returns only what comes after it."""
    for sort in LISTS[path].dialect.sorts:
        if sort.endswith("__asc") or sort in v3.COLUMNS:  # the same the other way round
            continue
        for place in PLACES:
            answer = adas.get(path, {"sort": sort, "after": place})
            assert answer.status in (200, 400), (sort, place[:40])
            if answer.status == 400:
                assert set(answer.body) == {"after", "error"}


def test_a_cursor_of_another_order_never_returns_the_whole_list(adas, virginia):
    make_items(9, [virginia])
    first = adas.get("/api/v2/items/", "sort=name&per_page=4").body
    [place] = [one for one in first["next"].partition("?")[2].split("&") if one.startswith("after=")]
    for sort in ("date", "updated", "institution", "id"):
        answer = adas.get("/api/v2/items/", f"sort={sort}&{place}")
        assert answer.status == 400 or len(answer.body["results"]) < 9


@pytest.mark.parametrize("path", ["/member-api/v2/items/", "/member-api/v3/items"])
def test_another_users_cursor_reveals_nothing(adas, doras, virginia, jhu, path):
    make_items(6, [virginia])
    make_items(6, [jhu])
    query, sort = "per_page=3", "&sort=id"
    following = adas.get(path, query + sort).body["next"].partition("?")[2]
    own = {item.pk for item in WorkItem.objects.filter(institution=virginia)}
    while following:
        body = doras.get(path, following).body
        assert {one["id"] for one in body["results"]} <= own
        assert body["count"] == len(own)
        following = body["next"] and body["next"].partition("?")[2]


# Addresses, hosts, headers


NOWHERE = [
    *("/api", "/api/", "/api/v1/items/", "/api/v2", "/api/v3/items", "/api/v2/items/x", "/api/v2/items.json"),
    *(
        "/api//v2/items/",
        "/api/v2//items/",
        "/api/v2/items/%00",
        "/api/v2/items/%ff",
        "/api/v2/../v2/items",
        "/api/%2e%2e/admin",
    ),
    *(
        "/api/v2/institutions/a/b",
        "/api/v2/objects",
        "/api/doc",
        "/api/docsx",
        "/member-api",
        "/member-api/v3/items/show",
    ),
    *(
        "/member-api/v4/items",
        "/admin-api/",
        "/admin-api/v2/items/",
        "/admin-api/v3/items/delete/1",
        "/api/" + "x" * 60_000,
    ),
    *("/api/v2/items/<script>", "/api/%0d%0aSet-Cookie:%20a=b", "/api/v2/users/", "/api/admin/"),
]


def test_unknown_addresses(adas, client, item):
    for path in NOWHERE:
        for caller in (adas, Nobody(client)):
            for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
                answer = caller.ask(method, path, json={})
                assert answer.status == 404, (method, path[:80])
                assert len(answer.body["error"]) < 1_000
                assert "Set-Cookie" not in answer.headers


def test_line_breaks_in_an_identifier_do_not_become_headers(adas, virginia):
    evil = "virginia.edu/a\r\nSet-Cookie: a=b"
    item = make_item(virginia, name="a.tar", object_identifier=evil, stage="Record", status="Success")
    answer = adas.get(f"/api/v2/objects/{quote(evil, safe='')}")
    assert (answer.status, answer.body["identifier"]) == (200, evil)
    make_item(virginia, object_identifier=evil)
    body = adas.get("/api/v2/items/", {"object_identifier": evil, "per_page": 1}).body
    assert body["count"] == 2
    assert item.pk not in [one["id"] for one in body["results"]]
    assert "\r" not in body["next"]
    assert "%0D%0A" in body["next"]


def test_method_override_headers_are_ignored(adas, item):
    before = as_stored(item)
    for name in ("X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"):
        assert adas.get(f"/api/v2/items/{item.pk}/", more={name: "PUT"}).body["id"] == item.pk
        assert adas.ask("POST", f"/api/v2/items/{item.pk}/", json={"note": "x"}, more={name: "PUT"}).status == 405
    assert as_stored(item) == before


@pytest.mark.parametrize("accept", ["text/html", "*/*", "", "application/xml", "x", "application/json; indent=4"])
def test_the_answer_is_json_whatever_the_accept_header_says(adas, item, accept):
    for path in (f"/api/v2/items/{item.pk}/", "/api/v2/items/", "/api/nowhere", "/api/v2/items/?bogus=1"):
        assert adas.get(path, more={"Accept": accept}).status in (200, 400, 404)
        assert Nobody(adas.client).get(path, more={"Accept": accept}).status in (401, 404)


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "a b", "testserver:x", "@", "[::1", ""])
def test_an_unknown_host_is_refused(adas, item, host):
    answer = adas.get("/api/v2/items/", HTTP_HOST=host)
    assert answer.status == 400 or (host == "" and answer.status == 200)
    assert host == "" or host not in str(answer.body)
    put = adas.put(f"/api/v2/items/{item.pk}/", {"note": "x"}, HTTP_HOST="evil.example")
    assert put.status == 400
    assert WorkItem.objects.get(pk=item.pk).note == ""


@pytest.mark.parametrize("path", [*LISTS, "/api/v2/institutions/", "/api/nowhere"])
def test_plain_http_is_refused_with_https_on(adas, settings, item, path):
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_HSTS_SECONDS = 60
    plain = adas.get(path)
    assert plain.status == 403
    assert "https" in plain.body["error"]
    assert "Location" not in plain.headers
    assert adas.put(f"/api/v2/items/{item.pk}/", {"note": "x"}).status == 403
    safe = adas.get(path, secure=True)
    assert safe.status == (404 if "nowhere" in path else 200)
    assert safe.headers["Strict-Transport-Security"] == "max-age=60"
    assert WorkItem.objects.get(pk=item.pk).note == ""


# Faults of ours


def broken(error):
    def raises(*args, **kwargs):
        raise error

    return raises


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_an_unexpected_exception_is_a_json_error(adas, item, settings, monkeypatch, caplog, debug, method):
    settings.DEBUG = debug
    monkeypatch.setattr(WorkItemQuerySet, "visible_to", broken(RuntimeError("the password is SECRET")))
    answer = adas.ask(method, f"/api/v2/items/{item.pk}/", json={"note": "x"})
    assert answer.status == 500
    assert list(answer.body) == ["error"]
    assert not any(word in answer.body["error"] for word in ("SECRET", "RuntimeError", "Traceback", ".py"))
    told = [record for record in caplog.records if record.name == "workitems.api.middleware"]
    assert [record.levelno for record in told] == [logging.ERROR]
    assert "SECRET" in caplog.text
    assert adas.secret not in caplog.text


def test_a_busy_database_is_a_json_error(adas, item, monkeypatch):
    monkeypatch.setattr(WorkItemQuerySet, "visible_to", broken(OperationalError("database is locked: SECRET")))
    answer = adas.get("/api/v2/items/")
    assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
    assert "SECRET" not in answer.body["error"]


def test_an_exception_in_the_middleware_is_a_json_error(client, db, monkeypatch):
    monkeypatch.setattr("workitems.api.middleware._resolve", broken(RuntimeError("SECRET")))
    answer = Nobody(client).get("/api/v2/items/")
    assert (answer.status, "SECRET" in answer.body["error"]) == (500, False)
