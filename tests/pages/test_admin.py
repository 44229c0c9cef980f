"""The admin site shows items and their history, and can't change them."""

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from workitems import transitions
from workitems.models import HistoryEntry, WorkItem

from ..factories import make_item
from ..many_items import make_items
from ..stored_items import as_stored

MODELS = ["workitem", "historyentry"]


def url(model, page="changelist", *args):
    return reverse(f"admin:workitems_{model}_{page}", args=args)


@pytest.fixture
def moved(item, wally):
    transitions.fail(item, stage="Validate", note="Bag <b>is not</b> valid.", retry=False, by=wally)
    return item


@pytest.fixture
def keys(moved):
    """Returns the primary key of one row of each table."""
    return {"workitem": moved.pk, "historyentry": moved.history.get(number=2).pk}


@pytest.fixture
def adas(signed_in, ada):
    return signed_in(ada)


def found(response):
    return [*response.context["cl"].result_list]


def test_the_list_of_items(adas, moved, theirs):
    response = adas.get(url("workitem"))
    assert response.status_code == 200
    assert found(response) == [theirs, moved]
    for text in (moved.name, "virginia.edu", "Validate", "Failed", theirs.name):
        assert text in response.text


def test_an_item_links_to_its_history(adas, moved):
    response = adas.get(url("workitem", "change", moved.pk))
    assert response.status_code == 200
    for text in (moved.name, moved.etag, "Bag &lt;b&gt;is not&lt;/b&gt; valid.", "virginia.edu"):
        assert text in response.text
    way = f"{url('historyentry')}?q={moved.pk}"
    assert f'href="{way}"' in response.text
    assert f'href="{reverse("item", args=[moved.pk])}"' in response.text
    assert [entry.number for entry in found(adas.get(way))] == [2, 1]


def test_the_list_of_entries(adas, moved, theirs):
    response = adas.get(url("historyentry"))
    assert response.status_code == 200
    assert [(entry.item_id, entry.number) for entry in found(response)] == [
        (entry.item_id, entry.number) for entry in HistoryEntry.objects.order_by("-pk")
    ]
    assert "wally@aptrust.org" in response.text


def test_an_entry(adas, moved, keys):
    response = adas.get(url("historyentry", "change", keys["historyentry"]))
    assert response.status_code == 200
    for text in ("Bag &lt;b&gt;is not&lt;/b&gt; valid.", "wally@aptrust.org", "Receive", "Validate", moved.name):
        assert text in response.text


@pytest.mark.parametrize("model", MODELS)
def test_nothing_can_be_added_changed_or_deleted(adas, moved, keys, model):
    before = as_stored(moved)
    pk = keys[model]
    sent = {"name": "forged", "note": "forged", "stage": "Resolve", "status": "Success", "post": "yes"}
    for page in (url(model, "add"), url(model, "delete", pk)):
        assert adas.get(page).status_code == 403
        assert adas.post(page, sent).status_code == 403
    assert adas.post(url(model, "change", pk), sent).status_code == 403
    many = {"action": "delete_selected", "_selected_action": [pk], "post": "yes", "index": "0"}
    adas.post(url(model), many)
    assert as_stored(moved) == before
    assert WorkItem.objects.count() == 1
    page = adas.get(url(model, "change", pk)).text
    assert 'name="_save"' not in page
    assert "delete_selected" not in adas.get(url(model)).text


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("who", ["dora", "stan", "olga"])
def test_members_cannot_open_the_admin_site(signed_in, cast, keys, model, who):
    client = signed_in(cast[who])
    for page in (url(model), url(model, "change", keys[model]), url(model, "history", keys[model])):
        assert client.get(page).status_code == 403
        assert client.post(page).status_code == 403


def test_search_matches_complete_values(adas, moved, theirs, virginia):
    percent = make_item(virginia, name="50%_done.tar")
    for term, expected in (
        (moved.name, [moved]),
        (f" {moved.etag} ", [moved]),
        (str(theirs.pk), [theirs]),
        ("50%_done.tar", [percent]),
        ("%", []),
        (moved.name[:-4], []),
        ("9" * 30, []),
        ("²", []),
    ):
        response = adas.get(url("workitem"), {"q": term})
        assert response.status_code == 200
        assert found(response) == expected, term


def test_search_uses_indexes(on_postgresql, ada, virginia, item):
    make_items(1_000, [virginia])
    site = admin.site.get_model_admin(WorkItem)
    asked, _may_repeat = site.get_search_results(None, site.get_queryset(None), item.name)
    with connection.cursor() as cursor:
        # Or so few rows would be read all at once, by the table or in the order of their numbers.
        cursor.execute("ANALYZE workitems_workitem")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_indexscan = off")
    plan = asked.order_by("-id").explain()
    assert "item_name" in plan
    assert "item_etag" in plan


@pytest.mark.parametrize("term", ["x", "9" * 30, "-1", "0", "²"])
def test_an_unknown_id_finds_nothing(adas, moved, term):
    assert found(adas.get(url("historyentry"), {"q": term})) == []


@pytest.mark.parametrize("model", MODELS)
def test_the_number_of_queries_does_not_depend_on_the_rows(adas, virginia, item, model):
    def queries():
        with CaptureQueriesContext(connection) as asked:
            assert adas.get(url(model)).status_code == 200
        return len(asked)

    few = queries()
    for _ in range(5):
        make_item(virginia)
    assert queries() == few


@pytest.mark.parametrize("model", [WorkItem, HistoryEntry])
def test_a_page_stays_cheap(model):
    """By default, Django's admin counts all rows and the rows of each filter for every page."""
    site = admin.site.get_model_admin(model)
    assert not site.show_full_result_count
    assert site.show_facets is admin.ShowFacets.NEVER
    assert not site.list_filter
