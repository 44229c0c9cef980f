"""The list of what a bulk change has changed: `act`."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.http import QueryDict
from django.utils import timezone

from workitems import transitions
from workitems.audit_log import archive_histories
from workitems.bulk import run
from workitems.lifecycle import TransitionRequest
from workitems.listing import ItemList, find
from workitems.models import ArchivedEntry, HistoryEntry

from ..api.api_client import Caller
from ..factories import make_item
from ..pages.page_elements import parse_page

LONG_AGO = datetime(2020, 1, 2, tzinfo=UTC)


def act(by, *items, move="cancel", note="No."):
    selection = run.Selection({"ids": [item.pk for item in items]}, len(items), "")
    return run.run_slice(run.start(selection, move, by, note=note))


def listing(user, query):
    return ItemList(QueryDict(query), user)


def listed(user, query):
    found = listing(user, query)
    assert found.is_valid(), found.errors
    return [row.pk for row in find(found).rows_from(0, 100)]


@pytest.fixture
def made(ada, virginia, jhu):
    """Three items, of which a bulk change has cancelled two."""
    items = [make_item(virginia), make_item(jhu), make_item(virginia)]
    return act(ada, *items[:2]), items


def test_it_lists_what_the_bulk_change_has_changed(ada, made):
    change, items = made
    assert sorted(listed(ada, f"act={change.pk}")) == [items[0].pk, items[1].pk]
    assert listed(ada, f"act={change.pk}&institution=jhu.edu") == [items[1].pk]
    transitions.requeue(items[0], by=ada)
    assert listed(ada, f"act={change.pk}&status=Cancelled") == [items[1].pk]


def test_several_bulk_changes_and_other_spellings(ada, made):
    change, items = made
    other = act(ada, items[2])
    both = f"act={str(change.pk).upper()}&act={other.pk.hex}"
    assert sorted(listed(ada, both)) == [item.pk for item in items]


def test_archived_entries_count(ada, virginia):
    old = make_item(virginia, at=LONG_AGO)
    change = run.start(run.Selection({"ids": [old.pk]}, 1, ""), "cancel", ada, note="No.")
    request = TransitionRequest(note="No.")
    transitions.apply("cancel", [old.pk], request, by=ada, act=change.pk, at=LONG_AGO + timedelta(days=1))
    archive_histories(LONG_AGO + timedelta(days=365), now=timezone.now())
    assert ArchivedEntry.objects.filter(act=change.pk).count() == 1
    assert not HistoryEntry.objects.filter(act=change.pk).exists()
    assert listed(ada, f"act={change.pk}") == [old.pk]


def test_the_chip_names_the_bulk_change(ada, made):
    [chip] = listing(ada, f"act={made[0].pk}").chips()
    assert chip.label == "Bulk change"
    assert chip.value == f"Cancel, {made[0].created_at:%-d %b %Y %H:%M}"


@pytest.mark.parametrize("who", ["dora", "stan", "olga"])
def test_what_one_cannot_see_looks_like_what_does_not_exist(cast, signed_in, made, who):
    change, _items = made
    errors = [listing(cast[who], f"act={number}") for number in (change.pk, uuid.uuid4())]
    assert [found.is_valid() for found in errors] == [False, False]
    assert errors[0].errors == errors[1].errors
    pages = [signed_in(cast[who]).get("/items/", {"act": number}) for number in (change.pk, uuid.uuid4())]
    said = {parse_page(page).one("div", class_="problem").words for page in pages}
    assert len(said) == 1
    assert "There is no bulk change with this identifier that you can see." in said.pop()


def test_staff_list_their_own_institutions_bulk_changes(stan, olga, virginia, wally):
    item = transitions.succeed(make_item(virginia), stage="Record", by=wally)
    change = act(stan, item, move="review", note="")
    assert listed(stan, f"act={change.pk}") == [item.pk]
    assert not listing(olga, f"act={change.pk}").is_valid()


@pytest.mark.parametrize("text", ["x", "1", "0" * 31, "é" * 32])
def test_what_is_no_identifier_is_an_error(ada, text):
    found = listing(ada, f"act={text}")
    assert not found.is_valid()
    assert "is not an identifier" in found.errors["act"]


def test_lists_from_many_queries_name_their_bulk_changes_at_once(ada, made, django_assert_max_num_queries):
    change, _items = made
    start = listing(ada, "")
    assert start.institutions
    with django_assert_max_num_queries(1):
        lists = start.for_queries([f"act={change.pk}"] * 5 + ["stage=Store"])
        assert [chip.value.partition(",")[0] for one in lists for chip in one.chips()] == ["Cancel"] * 5 + ["Store"]


@pytest.mark.parametrize(("who", "place", "status"), [("ada", "/api/v2", 200), ("dora", "/member-api/v2", 400)])
def test_version_2_of_the_api_has_it(cast, client, made, who, place, status):
    change, items = made
    answer = Caller(client, cast[who]).get(f"{place}/items/", f"act={change.pk}")
    assert answer.status == status
    if status == 200:
        assert {one["id"] for one in answer.body["results"]} == {items[0].pk, items[1].pk}
    else:
        assert answer.body["act"] == ["There is no bulk change with this identifier that you can see."]
