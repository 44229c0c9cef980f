"""`/items`, which opens with the user's default view."""

import pytest

from pharos.accounts.models import User
from workitems.models import SavedView
from workitems.saved_views import editing

from ..factories import make_item
from ..page_hooks import item_ids
from .page_elements import parse_page
from .saving_views import begin_with, view_of


@pytest.fixture
def items(virginia):
    return [make_item(virginia, name=f"bag-{n}.tar") for n in range(3)]


def link_to_items(client):
    return next(
        one["href"]
        for one in parse_page(client.get("/words")).one("nav", aria_label="Main").all("a")
        if one.words == "Work Items"
    )


def test_items_opens_with_the_default_view(signed_in, dora, stan, items):
    view = view_of(stan, reach="institution", query="status=Failed&sort=name")
    client = signed_in(dora)
    assert link_to_items(client) == "/items/"
    assert client.get("/items")["Location"] == "/items/"
    assert client.get("/items?stage=Store")["Location"] == "/items/?stage=Store"
    begin_with(client, view.pk)
    assert User.objects.get(pk=dora.pk).start_view == view.pk
    assert User.objects.get(pk=stan.pk).start_view is None
    assert link_to_items(client) == "/items"
    assert client.get("/items")["Location"] == "/items/?status=Failed&sort=name"
    assert client.get("/items?stage=Store")["Location"] == "/items/?stage=Store"
    assert len(item_ids(client.get("/items/"))) == 3  # all are still there to be had
    view.query = "stage=Receive"
    view.save()
    assert client.get("/items")["Location"] == "/items/?stage=Receive"
    begin_with(client, "")
    assert link_to_items(client) == "/items/"


def test_a_deleted_default_view_is_ignored(signed_in, dora, stan, items):
    view = view_of(stan, reach="institution")
    client = signed_in(dora)
    begin_with(client, view.pk)
    view.reach = "private"
    view.save()
    assert client.get("/items")["Location"] == "/items/"
    view.reach, view.query = "institution", "node=services-1"
    view.save()
    response = client.get("/items", follow=True)
    assert response.redirect_chain == [("/items/", 302)]
    assert (
        "your default view, uses a filter that isn't available to your role" in parse_page(response).one("body").words
    )
    editing.delete_view(view)
    assert User.objects.get(pk=dora.pk).start_view is None


def test_a_get_changes_nothing(signed_in, dora):
    view = view_of(dora)
    client = signed_in(dora)
    assert client.get("/views/start").status_code == 302
    client.get(f"/views/{view.pk}/delete")
    assert User.objects.get(pk=dora.pk).start_view is None
    assert SavedView.objects.count() == 1


def test_the_default_view_can_be_chosen_in_the_account(signed_in, dora, stan, olga):
    view_of(olga, reach="institution", name="Theirs")
    view = view_of(stan, reach="institution")
    client = signed_in(dora)
    form = parse_page(client.get("/account")).one("form", action="/views/start")
    assert [(one["value"], one.words) for one in form.all("option")] == [("", "All items"), (str(view.pk), "Failures")]
    response = client.post("/views/start", {**form.fields(), "view": str(view.pk)})
    assert response["Location"] == "/account"
    assert User.objects.get(pk=dora.pk).start_view == view.pk
    chosen = parse_page(client.get("/account")).one("form", action="/views/start").one("option", selected=True)
    assert chosen["value"] == str(view.pk)
    assert begin_with(client, "", **{"from": "account"})["Location"] == "/account"
    assert User.objects.get(pk=dora.pk).start_view is None


@pytest.mark.parametrize("number", ["x", "-1", "9" * 30, "1.5", "\0"])
def test_an_invalid_default_view_is_refused(signed_in, dora, number):
    view_of(dora)
    assert begin_with(signed_in(dora), number).status_code == 404
    assert User.objects.get(pk=dora.pk).start_view is None
