"""The list of bulk changes, `/acts/`: who sees which, what is said about each, and its pages."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from workitems import transitions
from workitems.bulk import run
from workitems.models import BulkChange
from workitems.pages.views import bulk as views

from ..factories import UserFactory, make_item
from .page_elements import parse_page


def act(by, *items, move="cancel", note="No.", query="stage=Receive"):
    selection = run.Selection({"ids": [item.pk for item in items]}, len(items), query)
    return run.run_slice(run.start(selection, move, by, note=note))


def shown(response):
    return [entry["data-change"] for entry in parse_page(response).all("li", data_change=True)]


def test_which_bulk_changes_each_role_sees(cast, signed_in, virginia, jhu, ada, stan, olga, wally):
    theirs, own = (transitions.succeed(make_item(place), stage="Record", by=wally) for place in (jhu, virginia))
    of_olga, of_stan = act(olga, theirs, move="review", note=""), act(stan, own, move="review", note="")
    of_ada = act(ada, make_item(virginia))
    all_of_them = {str(one.pk) for one in (of_olga, of_stan, of_ada)}
    assert set(shown(signed_in(ada).get("/acts/"))) == all_of_them
    assert shown(signed_in(stan).get("/acts/")) == [str(of_stan.pk)]
    assert shown(signed_in(olga).get("/acts/")) == [str(of_olga.pk)]
    assert signed_in(cast["dora"]).get("/acts/").status_code == 403
    for who, one, status in (
        (stan, of_olga, 404),
        (stan, of_ada, 404),
        (ada, of_stan, 200),
        (cast["dora"], of_ada, 403),
    ):
        assert signed_in(who).get(f"/acts/{one.pk}").status_code == status


def test_signed_out_visitors_are_sent_to_sign_in(client, db):
    assert client.get("/acts/")["Location"].startswith("/accounts/login/")


def test_each_bulk_change_is_described(signed_in, ada, virginia, wally):
    done = transitions.succeed(make_item(virginia), stage="Record", by=wally)
    made = act(ada, make_item(virginia), make_item(virginia), done, note="A note\nof two lines.")
    entry = parse_page(signed_in(ada).get("/acts/")).one("li", data_change=str(made.pk))
    assert "Cancelled 2 of 3. 1 skipped: already finished." in entry.words
    assert "A note of two lines." in entry.words
    assert ada.email in entry.words
    assert "Stage: Receive" in entry.words
    assert {link["href"] for link in entry.all("a")} == {f"/acts/{made.pk}", "/items/?stage=Receive"}


def test_a_running_bulk_change_shows_its_progress(signed_in, ada, stan, virginia):
    items = [make_item(virginia) for _ in range(2)]
    begun = run.start(run.Selection({"ids": [item.pk for item in items]}, 2, ""), "cancel", ada, note="No.")
    client = signed_in(ada)
    assert "Not finished: 0 of 2 done" in parse_page(client.get("/acts/")).one("li", data_change=str(begun.pk)).words
    assert parse_page(client.get(f"/acts/{begun.pk}")).one("form", class_="auto-continue")
    client.post(f"/acts/{begun.pk}")
    assert "Cancelled 2 of 2." in parse_page(client.get("/acts/")).one("main").words


def test_admins_can_continue_others_bulk_changes_and_staff_cannot(
    signed_in, ada, stan, virginia, wally, django_user_model
):
    item = transitions.succeed(make_item(virginia), stage="Record", by=wally)
    begun = run.start(run.Selection({"ids": [item.pk]}, 1, ""), "review", stan)
    colleague = django_user_model.objects.create_user(
        "sue@virginia.edu", "x", role=stan.role, institution=stan.institution
    )
    client = signed_in(colleague)
    assert not parse_page(client.get(f"/acts/{begun.pk}")).all("form", class_="auto-continue")
    assert client.post(f"/acts/{begun.pk}").status_code == 403
    assert signed_in(ada).post(f"/acts/{begun.pk}").status_code == 302
    item.refresh_from_db()
    assert item.reviewed
    assert item.history.last().who == stan.email


def test_pagination(signed_in, ada, virginia, monkeypatch):
    monkeypatch.setattr(views, "CHANGES_PER_PAGE", 2)
    made = [str(act(ada, make_item(virginia)).pk) for _ in range(5)]
    BulkChange.objects.update(created_at=BulkChange.objects.first().created_at)  # by number, of those of one moment
    client, seen, address = signed_in(ada), [], "/acts/"
    while address:
        answer = parse_page(client.get(address))
        seen += [entry["data-change"] for entry in answer.all("li", data_change=True)]
        further = answer.all("a", rel="next")
        address = "/acts/" + further[0]["href"] if further else ""
    assert sorted(seen) == sorted(made)
    assert len(seen) == 5


def test_the_number_of_statements_does_not_grow(signed_in, ada, virginia):
    client = signed_in(ada)

    def asked():
        with CaptureQueriesContext(connection) as found:
            assert client.get("/acts/").status_code == 200
        return len(found)

    act(ada, make_item(virginia), query="institution=virginia.edu")
    few = asked()
    for _ in range(5):
        act(ada, make_item(virginia), query="institution=virginia.edu&stage=Receive")
    assert asked() == few


@pytest.mark.parametrize("before", ["x", "~", "2026-01-01~x", "9" * 500, "2026-01-01T00:00:00~" + "0" * 32, "\0"])
def test_an_invalid_cursor_shows_the_first_page(signed_in, ada, virginia, before):
    made = act(ada, make_item(virginia))
    assert shown(signed_in(ada).get("/acts/", {"before": before})) == [str(made.pk)]


def test_a_bulk_change_stays_visible_to_its_original_institution(signed_in, cast, virginia, jhu, consortium, wally):
    """Its author may have changed role or institution since."""
    ada, stan, olga = cast["ada"], cast["stan"], cast["olga"]
    of_ada = act(ada, make_item(virginia), make_item(jhu))
    of_olga = act(olga, transitions.succeed(make_item(jhu), stage="Record", by=wally), move="review", note="")
    for person in (ada, olga):
        person.role, person.institution = stan.role, virginia
        person.save()
    for person in (stan, ada, olga):
        client = signed_in(person)
        assert shown(client.get("/acts/")) == []
        for made in (of_ada, of_olga):
            assert client.get(f"/acts/{made.pk}").status_code == 404
            assert client.post(f"/acts/{made.pk}/undo").status_code == 404
    # Nor are an admin's acts there for the staff of the consortium itself.
    stan.institution = consortium
    stan.save()
    assert shown(signed_in(stan).get("/acts/")) == []
    another = UserFactory(email="other@jhu.edu", institution=jhu, role=stan.role)
    assert shown(signed_in(another).get("/acts/")) == [str(of_olga.pk)]


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_an_items_history_links_to_visible_bulk_changes(signed_in, cast, virginia, wally, who):
    item = make_item(virginia)
    of_ada = act(cast["ada"], item)
    transitions.requeue(item, stage="Receive", by=cast["ada"])
    transitions.succeed(item, stage="Record", by=wally)
    of_stan = act(cast["stan"], item, move="review", note="")
    client = signed_in(cast[who])
    links = {one["href"] for one in parse_page(client.get(f"/items/{item.pk}")).all("a") if "/acts/" in one["href"]} - {
        "/acts/"
    }
    for link in links:
        assert client.get(link).status_code == 200
    visible = {"dora": [], "stan": [of_stan], "ada": [of_ada, of_stan]}[who]
    assert links == {f"/acts/{made.pk}" for made in visible}
