"""`/views/ID` and `/views/ID/delete`: renaming, sharing, and deleting a view."""

import pytest

from workitems import saved_views
from workitems.models import SavedView

from ..factories import InstitutionFactory, UserFactory
from .page_elements import find_form, problems
from .saving_views import FAILED, begin_with, column, view_of

MAY_CHANGE = {
    "own": {"dora"},
    "virginia": {"stan"},  # its owner is another of the staff, who has left
    "everybody": {"ada"},
}


@pytest.mark.parametrize("which", MAY_CHANGE)
@pytest.mark.parametrize("who", ["dora", "stan", "olga", "ada"])
def test_who_can_change_which_views(cast, signed_in, consortium, virginia, which, who):
    former = UserFactory(email="gone@virginia.edu", institution=virginia, role=cast["stan"].role)
    another = UserFactory(email="other@aptrust.org", institution=consortium, role=cast["ada"].role)
    view = {
        "own": lambda: view_of(cast["dora"]),
        "virginia": lambda: view_of(former, reach="institution"),
        "everybody": lambda: view_of(another, reach="everybody"),
    }[which]()
    client = signed_in(cast[who])
    sent = {"name": "New", "reach": "private" if which == "own" else view.reach}
    is_allowed = who in MAY_CHANGE[which]
    refused = 404 if not SavedView.objects.visible_to(cast[who]).filter(pk=view.pk).exists() else 403
    assert client.get(f"/views/{view.pk}").status_code == (200 if is_allowed else refused)
    assert client.get(f"/views/{view.pk}/delete").status_code == (200 if is_allowed else refused)
    assert client.post(f"/views/{view.pk}", sent).status_code == (302 if is_allowed else refused)
    view.refresh_from_db()
    assert view.name == ("New" if is_allowed else "Failures")
    assert (view.query, view.institution) == (FAILED, view.owner.institution)
    assert client.post(f"/views/{view.pk}/delete").status_code == (302 if is_allowed else refused)
    assert SavedView.objects.exists() is not is_allowed


def test_errors_keep_typed_values_and_names_stay_unique(signed_in, stan):
    first, second = view_of(stan, name="One", reach="institution"), view_of(stan, name="Two")
    client = signed_in(stan)
    assert find_form(client.get(f"/views/{second.pk}")).fields() | {"csrfmiddlewaretoken": ""} == {
        "csrfmiddlewaretoken": "",
        "name": "Two",
        "reach": "private",
    }
    response = client.post(f"/views/{second.pk}", {"name": "One", "reach": "institution"})
    assert response.status_code == 422
    assert problems(response) == ["Your institution already has a view with this name. Choose another name."]
    assert find_form(response).fields()["reach"] == "institution"
    assert set(SavedView.objects.values_list("name", "reach")) == {("One", "institution"), ("Two", "private")}
    assert client.post(f"/views/{second.pk}", {"name": "Two", "reach": "everybody"}).status_code == 422
    assert client.post(f"/views/{second.pk}", {"name": "Deux", "reach": "institution"}).status_code == 302
    second.refresh_from_db()
    assert (second.name, second.reach) == ("Deux", "institution")
    assert first.name == "One"


@pytest.fixture
def meanwhile(monkeypatch):
    """A function that runs something between reading a view and changing it."""
    change = saved_views.change_view

    def do(what):
        def late(*args, **values):
            what()
            return change(*args, **values)

        monkeypatch.setattr(saved_views, "change_view", late)

    return do


def test_a_view_deleted_in_the_meantime_stays_deleted(signed_in, stan, meanwhile):
    view = view_of(stan)
    meanwhile(lambda: SavedView.objects.filter(pk=view.pk).delete())
    response = signed_in(stan).post(f"/views/{view.pk}", {"name": "New", "reach": "private"})
    assert response.status_code == 404
    assert not SavedView.objects.exists()


def test_a_query_saved_in_the_meantime_is_kept(signed_in, stan, meanwhile):
    view = view_of(stan)
    meanwhile(lambda: SavedView.objects.filter(pk=view.pk).update(query="stage=Store"))
    assert signed_in(stan).post(f"/views/{view.pk}", {"name": "New", "reach": "private"}).status_code == 302
    view.refresh_from_db()
    assert (view.name, view.query) == ("New", "stage=Store")


def test_a_user_who_lost_access_cannot_change_it(signed_in, stan, ada, meanwhile):
    view = view_of(stan, reach="institution")
    meanwhile(lambda: SavedView.objects.filter(pk=view.pk).update(owner=ada, reach="everybody"))
    response = signed_in(stan).post(f"/views/{view.pk}", {"name": "New", "reach": "private"})
    assert response.status_code == 403
    view.refresh_from_db()
    assert (view.name, view.reach) == ("Failures", "everybody")


def test_another_users_view_cannot_be_made_private(signed_in, stan, virginia):
    former = UserFactory(email="gone@virginia.edu", institution=virginia, role=stan.role)
    view = view_of(former, reach="institution")
    client = signed_in(stan)
    assert [one["value"] for one in find_form(client.get(f"/views/{view.pk}")).all("input", name="reach")] == [
        "institution"
    ]
    assert client.post(f"/views/{view.pk}", {"name": "New", "reach": "private"}).status_code == 422
    view.refresh_from_db()
    assert (view.name, view.reach) == ("Failures", "institution")


@pytest.mark.parametrize("pk", [987654321, 2**63, 10**30])
def test_an_unknown_view_is_404(signed_in, stan, pk):
    client = signed_in(stan)
    for act in ("", "/delete", "/count"):
        assert client.get(f"/views/{pk}{act}").status_code == 404
    assert begin_with(client, pk).status_code == 404


def test_a_user_who_changes_institution_keeps_only_private_views(signed_in, stan, dora):
    shared, own = view_of(stan, reach="institution"), view_of(stan, name="Mine")
    stan.institution = InstitutionFactory(identifier="emory.edu")
    stan.save()
    client = signed_in(stan)
    assert list(column(client)) == ["Mine"]
    assert client.post(f"/views/{shared.pk}/delete").status_code == 404
    assert list(column(signed_in(dora))) == ["Failures"]
    # What is shared from now on is the new institution's, and so is its name.
    client = signed_in(stan)
    assert client.post(f"/views/{own.pk}", {"name": "Failures", "reach": "institution"}).status_code == 302
    own.refresh_from_db()
    assert own.institution == stan.institution
    assert len(column(signed_in(dora))) == 1


def test_a_user_who_can_no_longer_share_cannot_change_shared_views(signed_in, stan, dora):
    view = view_of(stan, reach="institution")
    stan.role = dora.role
    stan.save()
    client = signed_in(stan)
    assert list(column(client)) == ["Failures"]
    for act in ("", "/delete"):
        assert client.get(f"/views/{view.pk}{act}").status_code == 403
        assert client.post(f"/views/{view.pk}{act}", {"name": "X", "reach": "private"}).status_code == 403
    assert set(SavedView.objects.values_list("name", "reach")) == {("Failures", "institution")}
