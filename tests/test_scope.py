"""Another institution's item looks as if it didn't exist: by URL, filter, count, file, and bulk change; and who can sign in."""

import csv
import io
import json
import re
import uuid

import pytest
from django.core.exceptions import PermissionDenied
from django.test import RequestFactory
from django.urls import get_resolver, resolve
from django.utils import timezone

from pharos.accounts import authorization
from pharos.accounts.roles import Permission, Role
from workitems import transitions, urls
from workitems.listing import SORTS
from workitems.models import BulkChange, WorkItem

from .factories import InstitutionFactory, UserFactory, make_item
from .pages.page_elements import parse_page
from .stored_items import as_stored

MEMBERS = ("dora", "stan")
# Whoever has a mail with this link may follow it, signed in or not: see tests/pages/test_digest.py.
BY_LINK = "digests/stop/<str:token>"
PATTERNS = [
    pattern
    for pattern in (str(one.pattern) for one in urls.urlpatterns)
    if not pattern.startswith("api/docs") and pattern != BY_LINK
]
WITH_ITEM = [pattern for pattern in PATTERNS if pattern.startswith("items/<int:pk>")]
# What each page takes, so that only the item's absence stands in the way.
FORM = {"note": "Why not.", "stage": "Receive", "reviewed": "true", "retry": "false"}


def as_url(pattern, pk=1):
    return "/" + pattern.replace("<int:pk>", str(pk)).replace("<uuid:pk>", str(uuid.UUID(int=pk)))


def text(response):
    """Returns the body without what differs between answers: form tokens and the print footer."""
    content = b"".join(response.streaming_content) if response.streaming else response.content
    # The foot of a printed page repeats the time and the address that was asked for.
    printed = r'<p class="print-only">.*?</p>\s*</footer>'
    body = re.sub(printed, "", content.decode(), flags=re.DOTALL)
    return re.sub(r'name="csrfmiddlewaretoken" value="\w+"', "", body)


def answer(response, *, but=""):
    """Returns everything in an answer, without this number."""
    told = (response.status_code, response.get("Location", ""), text(response))
    return tuple(str(part).replace(str(but), "N") if but else part for part in told)


# Numbers that are found nowhere else on a page, of things that are there and of things that are not.
THERE, MISSING = 987_654_321_111, 987_654_321_222


@pytest.fixture
def jhu(db):
    return InstitutionFactory(pk=THERE, identifier="jhu.edu", name="Johns Hopkins University")


def make_secret(jhu, wally):
    """A finished item of the other institution with unique values in every field."""
    item = make_item(
        jhu,
        pk=THERE,
        name="jhu.edu.SECRET-NAME.tar",
        etag="5ec4e7e7a95ec4e7e7a95ec4e7e7a900",
        bucket="aptrust.receiving.SECRET",
        user="SECRET-PERSON@jhu.edu",
        object_identifier="jhu.edu/SECRET-OBJECT",
        generic_file_identifier="jhu.edu/SECRET-OBJECT/data/SECRET-FILE",
        size=987_654_321,
    )
    return transitions.fail(item, note="SECRET note", retry=False, by=wally)


@pytest.fixture
def secret(jhu, wally):
    return make_secret(jhu, wally)


@pytest.fixture
def one_moment(monkeypatch):
    """Freezes the time, because pages show how long ago things were."""
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)


@pytest.fixture
def own(virginia, wally):
    """Items of Virginia, some finished."""
    items = [make_item(virginia) for _ in range(4)]
    transitions.succeed(items[0], stage="Record", by=wally)
    transitions.fail(items[1], note="no manifest", retry=False, by=wally)
    return items


def test_every_url_with_an_item_is_tested():
    assert set(WITH_ITEM) == {
        "items/<int:pk>",
        *(f"items/<int:pk>/{move}" for move in ("cancel", "requeue", "review", "edit", "note", "version", "watch")),
    }


METHODS = {"get": FORM, "post": FORM, "head": FORM, "options": {}, "put": {}, "delete": {}}


@pytest.mark.parametrize("who", MEMBERS)
@pytest.mark.parametrize("pattern", WITH_ITEM)
def test_another_institutions_item_is_404_at_every_url(cast, signed_in, secret, own, who, pattern):
    client = signed_in(cast[who])
    before = as_stored(secret)
    for method, sent in METHODS.items():
        theirs, missing = (getattr(client, method)(as_url(pattern, pk), sent) for pk in (THERE, MISSING))
        assert answer(theirs, but=THERE) == answer(missing, but=MISSING)
        assert theirs.status_code in (200, 403, 404, 405)
        assert theirs.status_code != 200 or method == "options"
    assert client.get(as_url(pattern, THERE)).status_code == (404 if may_open(cast[who], pattern) else 403)
    assert as_stored(secret) == before


def may_open(user, pattern):
    return user.can(permission_of(as_url(pattern)))


@pytest.mark.parametrize("who", MEMBERS)
@pytest.mark.parametrize("move", ["", "/review"])
def test_an_own_item_is_found(cast, signed_in, own, who, move):
    """The pages that the test above compares aren't simply denied to everyone."""
    if who == "dora" and move:
        return
    assert signed_in(cast[who]).get(f"/items/{own[0].pk}{move}").status_code == 200


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("pattern", WITH_ITEM)
def test_only_users_who_see_every_institution_reach_others_items(client, virginia, secret, role, method, pattern):
    before = as_stored(secret)
    user = UserFactory(role=role, institution=virginia)
    client.force_login(user)
    response = getattr(client, method)(as_url(pattern, secret.pk), FORM)
    status = response.status_code
    if not user.can(Permission.SIGN_IN):
        assert status == 302
    elif not may_open(user, pattern):
        assert status == 403
    elif method == "post" and pattern in ("items/<int:pk>", "items/<int:pk>/note", "items/<int:pk>/version"):
        assert status == 405
    elif user.can(Permission.SEE_EVERY_INSTITUTION):
        assert status in (200, 302, 409)
        return
    else:
        assert status == 404
    assert "SECRET" not in text(response)
    assert as_stored(secret) == before


# Filters, search, counts


FILTERS = [
    "",
    "q=SECRET",
    "q=secret-name",
    "name=jhu.edu.SECRET-NAME.tar",
    "name_like=SECRET",
    "etag=5ec4e7e7a95ec4e7e7a95ec4e7e7a900",
    "etag_like=5ec4e7",
    "object_identifier=jhu.edu/SECRET-OBJECT",
    "object_identifier_like=SECRET",
    "file_identifier=jhu.edu/SECRET-OBJECT/data/SECRET-FILE",
    "file_identifier_like=SECRET",
    "bucket=aptrust.receiving.SECRET",
    "user=SECRET-PERSON@jhu.edu",
    "size_min=987654321&size_max=987654321",
    "status=Failed",
    "stage=Receive",
    "item_action=Ingest",
    "reviewed=false",
    "retry=false",
    "needs_admin_review=false",
    "phase=closed",
    "superseded=false",
    "received_from=2020-01-01",
    "created_after=2020-01-01",
    "updated_after=2020-01-01",
    *(f"sort={sort}" for sort in SORTS),
]


@pytest.mark.parametrize("who", MEMBERS)
@pytest.mark.parametrize("form", ["html", "csv", "json"])
def test_filters_searches_counts_and_files_reveal_nothing(one_moment, cast, signed_in, own, jhu, wally, who, form):
    """Every answer is identical before and after the other institution has items."""
    client = signed_in(cast[who])

    def ask(query):
        answered = answer(client.get(f"/items/?{query}&format={form}"))[2]
        # The snapshot carries the moment at which it was signed.
        return re.sub(r'name="snapshot" value="[^"]*"', "", answered)

    before = {query: ask(query) for query in FILTERS}
    make_secret(jhu, wally)
    for query, answered in before.items():
        assert ask(query) == answered, query


def test_the_admin_finds_it(signed_in, ada, secret, own):
    """An admin finds what the test above requests."""
    client = signed_in(ada)
    for query in FILTERS:
        assert f'data-item-id="{secret.pk}"' in text(client.get(f"/items/?{query}")), query
    listed = json.loads(text(client.get("/items/?q=SECRET&format=json")))
    assert [one["id"] for one in listed] == [secret.pk]


@pytest.mark.parametrize("who", MEMBERS)
@pytest.mark.parametrize("name", ["institution", "institution_id"])
def test_the_institution_filter_only_knows_the_users_institution(
    cast, signed_in, own, secret, jhu, virginia, who, name
):
    client = signed_in(cast[who])
    for theirs, missing in ((str(THERE), str(MISSING)), ("jhu.edu", "nowhere.edu")):
        told = [answer(client.get("/items/", {name: value}), but=value) for value in (theirs, missing)]
        assert told[0] == told[1]
        assert "data-item-id" not in told[0][2]
    own_rows = parse_page(client.get("/items/", {name: virginia.pk})).all("tr", data_item_id=True)
    assert len(own_rows) == len(own)


@pytest.mark.parametrize("who", MEMBERS)
def test_there_is_no_institution_group(cast, signed_in, own, secret, who):
    response = signed_in(cast[who]).get("/items/")
    assert parse_page(response).all(data_facet="institution") == []
    assert "jhu.edu" not in text(response)
    assert parse_page(response).one(data_total=True)["data-total"] == str(len(own))


def test_the_admin_has_the_institution_group(signed_in, ada, own, secret):
    found = parse_page(signed_in(ada).get("/items/")).all("a", data_facet="institution")
    assert {one["data-value"]: one["data-count"] for one in found} == {"jhu.edu": "1", "virginia.edu": "4"}


@pytest.mark.parametrize("who", MEMBERS)
def test_files_have_only_own_items_and_no_process_fields(cast, signed_in, own, secret, wally, who):
    transitions.progress(own[2], stage="Store", node="worker-7", pid=4711, by=wally)
    client = signed_in(cast[who])
    as_csv, as_json = (text(client.get(f"/items/?format={form}")) for form in ("csv", "json"))
    rows = list(csv.DictReader(io.StringIO(as_csv.removeprefix("\ufeff"))))
    assert {int(row["id"]) for row in rows} == {one["id"] for one in json.loads(as_json)} == {one.pk for one in own}
    for file in (as_csv, as_json):
        assert not re.search("SECRET|jhu|worker-7|4711|node|pid", file)


@pytest.mark.parametrize("who", MEMBERS)
@pytest.mark.parametrize("query", ["node=worker-7", "node_empty=false", "pid=4711", "pid_not_empty=true"])
def test_process_fields_cannot_be_filtered(cast, signed_in, own, wally, who, query):
    transitions.progress(own[2], stage="Store", node="worker-7", pid=4711, by=wally)
    response = signed_in(cast[who]).get(f"/items/?{query}")
    assert response.status_code == 400
    assert "There is no filter with this name." in text(response)
    assert parse_page(response).all("tr", data_item_id=True) == []


# Beside an own item


@pytest.mark.parametrize("who", MEMBERS)
@pytest.mark.parametrize("query", ["", "sort=name", "q=bag", "status=Pending"])
def test_neighbors_and_lists_on_an_own_items_page(one_moment, cast, signed_in, own, jhu, who, query):
    client = signed_in(cast[who])
    own[1].object_identifier = own[2].object_identifier = "virginia.edu/same"
    WorkItem.objects.bulk_update(own[1:3], ["object_identifier"])

    def ask():
        return [answer(client.get(f"/items/{one.pk}", {"list": query})) for one in own]

    before = ask()
    for one in own:
        make_item(jhu, name=one.name, etag="0" * 32, object_identifier="virginia.edu/same")
        make_item(jhu, name=one.name, etag=one.etag)
    assert ask() == before


@pytest.mark.parametrize("who", MEMBERS)
@pytest.mark.parametrize("query", ["institution=jhu.edu", "institution=nowhere.edu", "institution_id=1&node=w"])
def test_the_list_parameter_reveals_nothing(one_moment, cast, signed_in, own, secret, who, query):
    client = signed_in(cast[who])
    asked = answer(client.get(f"/items/{own[0].pk}", {"list": query}))
    assert asked == answer(client.get(f"/items/{own[0].pk}"))


def test_another_institutions_upload_replaces_nothing(signed_in, dora, own, jhu):
    make_item(jhu, name=own[2].name, etag="0" * 32)
    read = parse_page(signed_in(dora).get(f"/items/{own[2].pk}"))
    assert "Superseded" not in read.one("main").text
    assert "Duplicate" not in read.one("main").text


# Acts with many


@pytest.mark.parametrize("confirmed", ["", "yes"])
def test_bulk_changes_reveal_nothing(one_moment, signed_in, stan, own, secret, confirmed):
    client = signed_in(stan)
    before = as_stored(secret)
    told = []
    for foreign in (THERE, MISSING):
        sent = {"ids": [foreign], "reviewed": "true", "confirmed": confirmed, "number": str(uuid.UUID(int=1))}
        response = client.post("/items/review", sent, follow=True)
        # When a change started is by its table's own clock, which does not stand still.
        told.append(re.sub(r"Started by .* UTC", "", answer(response, but=foreign)[2]))
        BulkChange.objects.all().delete()
    assert told[0] == told[1]
    assert as_stored(secret) == before


def test_bulk_changes_of_all_matching_items_reveal_nothing(signed_in, stan, own, secret):
    client = signed_in(stan)
    before = as_stored(secret)
    form = parse_page(client.get("/items/")).one("form", id="bulk").fields()
    client.post("/items/review", {**form, "which": "matching", "reviewed": "true", "confirmed": "yes"})
    assert BulkChange.objects.get().total == len(own)
    assert WorkItem.objects.filter(reviewed=True).count() == 2
    assert as_stored(secret) == before


def test_a_user_who_changes_institution_loses_access(signed_in, stan, olga, jhu, own, secret):
    client = signed_in(stan)
    form = parse_page(client.get("/items/")).one("form", id="bulk").fields()
    stan.institution = jhu
    stan.save()
    client.post("/items/review", {**form, "which": "matching", "reviewed": "true", "confirmed": "yes"})
    assert set(WorkItem.objects.filter(reviewed=True).values_list("pk", flat=True)) <= {secret.pk}
    assert client.get(f"/items/{own[0].pk}").status_code == 404
    assert client.get(f"/items/{secret.pk}").status_code == 200


# Strangers, and those who have no web login


def every_url():
    """Returns (URL, what serves it) for everything that the installation answers, with 1 for each id."""

    def walk(patterns, prefix, app):
        for one in patterns:
            path = prefix + str(one.pattern).lstrip("^")
            if hasattr(one, "url_patterns"):
                yield from walk(one.url_patterns, path, one.app_name or app)
            else:
                yield path, one, app

    for path, one, app in walk(get_resolver().url_patterns, "/", None):
        path = re.sub(r"\(\?P<\w+>[^)]*\)", "1", path).rstrip("$")
        yield path.replace("<uuid:pk>", str(uuid.UUID(int=1))).replace("<int:pk>", "1"), one, app


URLS = {url: one for url, one, app in every_url() if app != "admin"}


def permission_of(url):
    match = resolve(url)
    return authorization.required_permission(match.func, match)


def test_the_tests_cover_every_page():
    assert set(URLS) >= {as_url(pattern) for pattern in PATTERNS} | {"/", "/account", "/accounts/login/", "/healthz"}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_page_of_items_declares_a_permission(pattern):
    assert permission_of(as_url(pattern)) in tuple(Permission)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("url", URLS)
def test_signed_out_visitors_only_reach_public_pages(client, db, url, method):
    permission = permission_of(url)
    response = getattr(client, method)(url)
    if permission is None:
        assert response.status_code == 404
    elif url == f"/{BY_LINK}":
        assert response.status_code == 404  # its signature is none
    elif permission == authorization.PUBLIC:
        assert response.status_code in (200, 302, 405)
        assert not response.get("Location", "").startswith("/items")
    else:
        assert response.status_code == 302
        assert response["Location"].startswith("/accounts/login/?next=")


def test_the_list_of_public_pages():
    assert {url for url in URLS if permission_of(url) == authorization.PUBLIC} == {
        "/accounts/inactive/",
        "/accounts/login/",
        "/accounts/logout/",
        "/accounts/password/reset/",
        "/accounts/password/reset/done/",
        "/accounts/password/reset/key/1-1/",
        "/accounts/password/reset/key/done/",
        "/healthz",
        "/metrics",  # checks its callers itself
        f"/{BY_LINK}",
        "/api/docs/",
        "/api/docs/moves/",
        *(f"/api/docs/{version}{end}" for version in ("v1", "v2", "v3") for end in ("/", ".json")),
    }


@pytest.mark.parametrize("url", [as_url(pattern) for pattern in PATTERNS] + ["/", "/account", "/admin/"])
def test_a_service_account_has_no_pages(client, wally, item, url):
    """A session of a service account is ignored, and its permissions wouldn't open any page."""
    client.force_login(wally)
    response = client.get(url)
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/?next=")
    request = RequestFactory().get(url)
    request.user, request.resolver_match = wally, resolve(url)
    with pytest.raises(PermissionDenied):
        authorization.PermissionMiddleware(None).process_view(request, request.resolver_match.func, (), {})


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_a_deactivated_user_loses_access_immediately(cast, signed_in, item, who):
    client = signed_in(cast[who])
    assert client.get("/items/").status_code == 200
    cast[who].is_active = False
    cast[who].save()
    response = client.get("/items/")
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/")
