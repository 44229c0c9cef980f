"""A list that is read from a replica reads nothing from the primary, and what happens if the replica fails."""

import csv
import io
import json

import pytest
from django.db import OperationalError, connection, connections
from django.http import HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.views import View

from pharos.accounts.models import Institution
from pharos.replicas import reading
from pharos.replicas.pool import ReplicaChoice
from workitems.bulk import run
from workitems.import_export import csv_lines, json_lines
from workitems.listing import ItemList, fetch_rows
from workitems.listing.strategies import bounded_scan
from workitems.pages.list.facets import Facets, suggest_drops

from ..factories import make_item
from ..many_items import SOME_DAY, make_items
from ..page_hooks import body, item_ids

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "elsewhere"])
QUERIES = [
    "",
    "status=Failed&item_action=Ingest",
    "institution=virginia.edu&sort=name",
    "q=plain",
    "q=ÄRGER&sort=-updated&status=Failed",
    "superseded=true",
    "duplicate=false&per_page=5&page=2",
    "other_upload=true",
    "updated_after=2026-03-06&sort=updated",
    "received_from=2026-03-06&size_min=1&node_empty=true",
    "user=nobody@virginia.edu&status=Failed",
    "name=plain-1.tar&after=2026-03-08T00:00:00%2B00:00~9",
]


def refused(execute, sql, *rest):
    raise AssertionError(f"read from the first database: {sql}")


def read_all(listing, using):
    """Returns everything that a page or a file reads from the database."""
    mark, facets = run.read_marker(using), Facets(listing)
    page = facets.result.page()
    rows = fetch_rows(page.ids, SOME_DAY, listing.institutions, using)
    shown = [(row.item.pk, str(row.owner), row.status_label, row.uploads) for row in rows]
    files = ["".join(lines(listing.rows(), user=listing.user)) for lines in (csv_lines, json_lines)]
    beside = [facets.result.neighbors(rows[0].item)] if rows else []
    return mark, facets.counts, facets.total, page, shown, files, beside, facets.groups(), suggest_drops(listing)


@pytest.mark.parametrize("most", [10_000, 20])
def test_everything_a_list_needs_is_read_from_the_replica(virginia, jhu, ada, monkeypatch, most):
    make_items(120, [virginia, jhu])
    monkeypatch.setattr(bounded_scan, "COUNT_LIMIT", most)
    monkeypatch.setattr(bounded_scan, "SCAN_LIMIT", most)
    for query in QUERIES:
        here = read_all(ItemList(QueryDict(query), ada), "default")
        listing = ItemList(QueryDict(query), ada, using="elsewhere")
        with connection.execute_wrapper(refused):
            there = read_all(listing, "elsewhere")
        assert here == there, query


class Chosen:
    """A pool that always chooses this replica."""

    def __init__(self, alias):
        self.alias, self.said = alias, []

    def choose(self, seen):
        return ReplicaChoice(self.alias, 7)

    def report_success(self, choice):
        self.said.append((choice, "served"))

    def report_failure(self, choice, why):
        self.said.append((choice, str(why)))


def failing(*args, **kwargs):
    raise OperationalError("gone just now")


@pytest.fixture
def gone(monkeypatch):
    """The chosen replica fails when it is read."""
    chosen = Chosen("elsewhere")
    monkeypatch.setattr(reading, "replica_pool", chosen)
    with connections["elsewhere"].execute_wrapper(failing):
        yield chosen


@pytest.mark.parametrize("path", ["/items/", "/items/?q=bag", "/items/?format=csv", "/items/?format=json"])
def test_pages_and_files_are_read_from_the_primary_if_the_replica_fails(gone, signed_in, dora, virginia, path):
    item = make_item(virginia, name="bag.tar")
    answer = signed_in(dora).get(path)
    assert (answer.status_code, answer["X-Read-From"]) == (200, "default")
    assert gone.said == [(ReplicaChoice("elsewhere", 7), "gone just now")]
    text = body(answer)
    if "csv" in path:
        assert [row["id"] for row in csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))] == [str(item.pk)]
    elif "json" in path:
        assert [row["id"] for row in json.loads(text)] == [item.pk]
    else:
        assert item_ids(answer) == [item.pk]


class Template:
    def render(self, context, request=None):
        return ", ".join(str(one) for one in context["institutions"])


class Lazy(reading.ReadsFromReplica, View):
    """A view that reads only while it is rendered, like Django's generic views."""

    def get(self, request):
        return TemplateResponse(request, Template(), {"institutions": Institution.objects.using(self.using)})


def test_a_replica_that_fails_during_rendering_is_replaced_by_the_primary(gone, rf, virginia):
    answer = Lazy.as_view()(rf.get("/"))
    assert (answer.content, answer["X-Read-From"]) == (b"virginia.edu", "default")
    assert gone.said == [(ReplicaChoice("elsewhere", 7), "gone just now")]


def test_an_exception_in_the_page_does_not_count_as_a_replica_failure(gone, signed_in, dora, monkeypatch):
    monkeypatch.setattr("workitems.pages.views.listing.Facets", failing)
    assert signed_in(dora).get("/items/").status_code == 503
    assert gone.said == []


def test_successful_reads_are_reported_to_the_pool(monkeypatch, signed_in, dora, virginia):
    chosen = Chosen("elsewhere")
    monkeypatch.setattr(reading, "replica_pool", chosen)
    assert signed_in(dora).get("/items/")["X-Read-From"] == "elsewhere"
    assert chosen.said == [(ReplicaChoice("elsewhere", 7), "served")]


def test_without_replicas_there_is_no_header_or_cookie(signed_in, ada, item):
    client = signed_in(ada)
    assert "X-Read-From" not in client.get("/items/")
    assert client.post(f"/items/{item.pk}/cancel", {"note": "by mistake"}).status_code == 302
    assert reading.COOKIE not in client.cookies


def test_an_unknown_position_does_not_fail_the_request(monkeypatch, rf, ada, settings):
    """The user then reads only from the primary until the cookie expires."""
    settings.SESSION_COOKIE_SECURE = True
    monkeypatch.setattr(reading, "replica_pool", Chosen("elsewhere"))
    monkeypatch.setattr(reading, "write_position", failing)
    changing = rf.post("/items/1/cancel")
    changing.user = ada
    answer = reading.ReadYourWrites(lambda request: HttpResponse("done"))(changing)
    assert (answer.content, answer.cookies[reading.COOKIE]["secure"]) == (b"done", True)
    reader = rf.get("/items/")
    reader.COOKIES[reading.COOKIE] = answer.cookies[reading.COOKIE].value
    assert reading._required_position(reader) == 2**63 - 1
