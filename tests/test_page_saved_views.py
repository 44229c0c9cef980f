"""Saved views: `/views/`, `/views/ID` and its moves, the left column of the list, and `/items`, which begins with one."""

import threading

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from workitems import saved_views
from workitems.models import SavedView

from .elements import form_of, page, problems
from .factories import InstitutionFactory, UserFactory, make_item
from .pages import hooks, ids

FAILED = "status=Failed"


def save(client, query=FAILED, name="Failures", reach="private", **more):
    return client.post("/views/", {"list": query, "name": name, "reach": reach, **more})


def begin_with(client, number, **more):
    return client.post("/views/start", {"view": number, **more})


def view_of(who, **values):
    return SavedView.objects.create(
        **{"owner": who, "institution": who.institution, "name": "Failures", "query": FAILED, **values}
    )


def column(client, address="/items/"):
    """{name: number, or where to ask for it} of the views beside the list."""
    found = {}
    for section in page(client.get(address)).all("section", class_="group views"):
        for link in section.all("a", class_="value"):
            count = link.one("span", class_="count")
            at = count.attributes.get("data-count-at")
            found[link.all("span")[0].words] = at or int(count.words.replace(",", ""))
    return found


@pytest.fixture
def items(virginia, jhu, wally):
    """Two failed and one open of Virginia, one failed of Johns Hopkins."""
    made = [make_item(virginia, name=f"bag-{n}.tar") for n in range(3)] + [make_item(jhu)]
    for item in (made[0], made[1], made[3]):
        item.fail(note="no", retry=False, by=wally)
    return made


# Saving


@pytest.mark.parametrize(
    ("who", "reach", "is_saved"),
    [
        ("dora", "private", True),
        ("dora", "institution", False),
        ("dora", "everybody", False),
        ("stan", "private", True),
        ("stan", "institution", True),
        ("stan", "everybody", False),
        ("ada", "private", True),
        ("ada", "institution", True),
        ("ada", "everybody", True),
        ("ada", "nobody", False),
    ],
)
def test_who_saves_for_whom(cast, signed_in, items, who, reach, is_saved):
    response = save(signed_in(cast[who]), reach=reach)
    if is_saved:
        assert (response.status_code, response["Location"]) == (302, "/items/?status=Failed")
        view = SavedView.objects.get()
        stored = (view.owner, view.institution, view.name, view.query, view.reach)
        assert stored == (cast[who], cast[who].institution, "Failures", FAILED, reach)
    else:
        assert response.status_code == 422
        assert problems(response) == ["Choose who sees it. You may save views for those below."]
        assert not SavedView.objects.exists()


def test_from_the_list_and_back_to_it(signed_in, stan, items):
    client = signed_in(stan)
    listed = page(client.get("/items/?status=Failed&sort=name&page=1"))
    form = listed.one("details", class_="save-view").one("form")
    sent = {**form.fields(), "name": " Failures ", "reach": "institution"}
    response = client.post(form["action"], sent)
    assert SavedView.objects.get().query == "status=Failed&sort=name"
    assert SavedView.objects.get().name == "Failures"
    back = client.get(response["Location"])
    assert "Saved as “Failures”." in page(back).one("div", class_="messages").words
    assert page(back).one("title").words == "Failures · Work Items · Pharos"
    assert column(client) == {"Failures": 2}
    # There is nothing to save where nothing is asked for.
    assert page(client.get("/items/")).all("details", class_="save-view") == []


def test_a_list_with_nothing_in_it_can_be_saved_for_when_there_is(signed_in, stan, items):
    client = signed_in(stan)
    listed = page(client.get("/items/?status=Suspended"))
    form = listed.one("details", class_="save-view").one("form")
    client.post(form["action"], {**form.fields(), "name": "On hold", "reach": "private"})
    assert column(client) == {"On hold": 0}


def test_strangers_services_and_other_sites_may_not(client, dora, wally):
    assert save(client).status_code == 302
    client.force_login(wally)
    assert save(client).status_code in (302, 403)
    other = Client(enforce_csrf_checks=True)
    other.force_login(dora)
    assert save(other).status_code == 403
    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({"name": ""}, "Give the view a name."),
        ({"name": "  "}, "Give the view a name."),
        ({"name": "n" * 81}, "A name has at most 80 characters; this one has 81."),
        ({"name": "a\0b"}, "Null characters are not allowed."),
        ({"query": "q=" + "x" * 999 + "".join(f"&name={'y' * 900}{n}" for n in range(4))}, "too long to be saved"),
    ],
)
def test_what_cannot_be_saved_keeps_what_was_typed(signed_in, dora, sent, sentence):
    response = save(signed_in(dora), **sent)
    assert response.status_code == 422
    assert sentence in " ".join(problems(response))
    kept = form_of(response).fields()
    assert kept["list"] == sent.get("query", FAILED)
    assert kept["reach"] == "private"
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("query", ["status=Lost", "colour=red", "node=services-1", "institution=jhu.edu"])
def test_a_list_that_is_none_is_not_saved(signed_in, dora, jhu, query):
    client = signed_in(dora)
    response = save(client, query=query)
    assert response["Location"] == f"/items/?{query}"
    assert "This list cannot be saved" in client.get(response["Location"]).content.decode()
    assert not SavedView.objects.exists()


def test_a_name_that_is_taken_is_replaced_only_if_one_says_so(signed_in, dora, stan):
    client, theirs = signed_in(dora), view_of(stan)
    save(client)
    response = save(client, query="stage=Store")
    assert problems(response) == ["You have a view of this name. Take another name, or tick the box to replace it."]
    assert SavedView.objects.get(owner=dora).query == FAILED
    client.post("/views/", {**form_of(response).fields(), "replace": "on"})
    assert SavedView.objects.get(owner=dora).query == "stage=Store"
    theirs.refresh_from_db()
    assert theirs.query == FAILED


def test_there_is_an_end_to_it(signed_in, dora, monkeypatch):
    monkeypatch.setattr(saved_views, "MOST_OF_ONE", 2)
    client = signed_in(dora)
    for name in "ab":
        save(client, name=name)
    response = save(client, name="c")
    assert problems(response) == ["You have 2 views. Delete one before you save another."]
    assert save(client, name="a", query="stage=Store", replace="on").status_code == 302
    assert set(SavedView.objects.values_list("name", "query")) == {("a", "stage=Store"), ("b", FAILED)}


@pytest.mark.django_db(transaction=True)
def test_two_windows_at_once_save_one(dora):
    client = Client()
    client.force_login(dora)
    ready, codes = threading.Barrier(2), []

    def post():
        other = Client()
        other.cookies = client.cookies
        ready.wait(20)
        codes.append(save(other).status_code)
        connections.close_all()

    threads = [threading.Thread(target=post) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(codes) == [302, 422]
    assert SavedView.objects.count() == 1


# Seeing


def test_who_sees_which(cast, signed_in, items, jhu):
    views = {
        "Dora's": view_of(cast["dora"], name="Dora's"),
        "Stan's": view_of(cast["stan"], name="Stan's"),
        "Virginia's": view_of(cast["stan"], name="Virginia's", reach="institution"),
        "Everybody's": view_of(cast["ada"], name="Everybody's", reach="everybody"),
        "Hopkins'": view_of(cast["olga"], name="Hopkins'", reach="institution"),
    }
    seen = {
        "dora": ["Dora's", "Virginia's", "Everybody's"],
        "stan": ["Stan's", "Virginia's", "Everybody's"],
        "olga": ["Hopkins'", "Everybody's"],
        "ada": ["Everybody's"],
    }
    counts = {"dora": 2, "stan": 2, "olga": 1, "ada": 3}
    for who, names in seen.items():
        client = signed_in(cast[who])
        # Re-scoped to whoever opens it, the number and the items.
        assert list(column(client).items()) == [(name, counts[who]) for name in names]
        assert len(ids(client.get(f"/items/?{FAILED}"))) == counts[who]
        listed = page(client.get("/views/"))
        assert {int(row["data-view"]) for row in listed.all("tr", data_view=True)} == {views[n].pk for n in names}
        for name, view in views.items():
            expected = 200 if name in names else 404
            assert client.get(f"/views/{view.pk}/count").status_code == expected
            if expected == 404:
                for act in ("", "/delete"):
                    assert client.get(f"/views/{view.pk}{act}").status_code == 404
                    assert client.post(f"/views/{view.pk}{act}").status_code == 404
                assert begin_with(client, view.pk).status_code == 404
    assert SavedView.objects.count() == 5


@pytest.mark.parametrize(
    "query", ["q=bag-1", "late=true", "sort=updated&q=bag", "status=Failed&received_from=2020-01-01"]
)
def test_what_the_summary_does_not_know_is_asked_for(signed_in, dora, items, query):
    view = view_of(dora, query=query)
    client = signed_in(dora)
    at = column(client)["Failures"]
    assert at == f"/views/{view.pk}/count"
    response = client.get(at)
    assert "private" in response["Cache-Control"]
    number = response.json()
    total = int(hooks(client.get(f"/items/?{query}"), "total")[0])
    assert number == {"number": total, "text": str(total)}
    assert column(client, f"/items/?{query}")["Failures"] == total  # its own page knows it


@pytest.mark.parametrize(
    "query", ["", "phase=open", "status=Failed&status=Pending", "reviewed=false&sort=name", "retry=false"]
)
@pytest.mark.parametrize("who", ["dora", "ada"])
def test_the_number_is_that_of_the_list(cast, signed_in, items, who, query):
    view_of(cast[who], query=query, name="This")
    client = signed_in(cast[who])
    assert column(client)["This"] == int(hooks(client.get(f"/items/?{query}"), "total")[0])


def test_the_present_one_is_marked(signed_in, dora, items):
    view_of(dora)
    client = signed_in(dora)
    for address, marked in (("/items/?status=Failed", ["true"]), ("/items/", [])):
        section = page(client.get(address)).one("section", class_="group views")
        assert [one["aria-current"] for one in section.all("a", aria_current=True)] == marked


def test_an_institutions_filter_is_nobody_elses(signed_in, ada, dora, items):
    """A view for everybody may ask for what not everybody may: then it says so, and shows nothing else."""
    view = view_of(ada, name="Hopkins", query="institution=jhu.edu", reach="everybody")
    client = signed_in(dora)
    assert client.get(f"/views/{view.pk}/count").json() == {"number": None, "text": ""}
    assert "It asks for something that is not there for you any more." in page(client.get("/views/")).one("main").words
    assert client.get("/items/?institution=jhu.edu").status_code == 400
    admin = signed_in(ada)
    assert admin.get(f"/views/{view.pk}/count").json() == {"number": 1, "text": "1"}


def test_a_long_column_ends(signed_in, dora, items):
    for n in range(20):
        view_of(dora, name=f"View {n:02}")
    client = signed_in(dora)
    assert len(column(client)) == saved_views.MOST_IN_COLUMN
    assert len(page(client.get("/views/")).all("tr", data_view=True)) == 20


def statements(client):
    with CaptureQueriesContext(connection) as asked:
        client.get("/items/")
    return len(asked)


def test_the_column_costs_one_statement_more_however_many(signed_in, dora, items):
    client = signed_in(dora)
    client.get("/items/")
    without = statements(client)
    for n in range(10):
        view_of(dora, name=f"View {n}", query=f"status=Failed&q={'x' * (n // 5)}")
    assert statements(client) == without + 1


# Changing and deleting


MAY_CHANGE = {
    "own": {"dora"},
    "virginia": {"stan"},  # its owner is another of the staff, who has left
    "everybody": {"ada"},
}


@pytest.mark.parametrize("which", MAY_CHANGE)
@pytest.mark.parametrize("who", ["dora", "stan", "olga", "ada"])
def test_who_may_change_which(cast, signed_in, consortium, virginia, which, who):
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


def test_a_change_keeps_what_was_typed_and_names_stay_apart(signed_in, stan):
    first, second = view_of(stan, name="One"), view_of(stan, name="Two")
    client = signed_in(stan)
    assert form_of(client.get(f"/views/{second.pk}")).fields() | {"csrfmiddlewaretoken": ""} == {
        "csrfmiddlewaretoken": "",
        "name": "Two",
        "reach": "private",
    }
    response = client.post(f"/views/{second.pk}", {"name": "One", "reach": "institution"})
    assert response.status_code == 422
    assert problems(response) == ["There is a view of this name already. Take another name."]
    assert form_of(response).fields()["reach"] == "institution"
    assert set(SavedView.objects.values_list("name", "reach")) == {("One", "private"), ("Two", "private")}
    assert client.post(f"/views/{second.pk}", {"name": "Two", "reach": "everybody"}).status_code == 422
    assert client.post(f"/views/{second.pk}", {"name": "Deux", "reach": "institution"}).status_code == 302
    second.refresh_from_db()
    assert (second.name, second.reach) == ("Deux", "institution")
    assert first.name == "One"


def test_anothers_view_is_not_hidden(signed_in, stan, virginia):
    former = UserFactory(email="gone@virginia.edu", institution=virginia, role=stan.role)
    view = view_of(former, reach="institution")
    client = signed_in(stan)
    assert [one["value"] for one in form_of(client.get(f"/views/{view.pk}")).all("input", name="reach")] == [
        "institution"
    ]
    assert client.post(f"/views/{view.pk}", {"name": "New", "reach": "private"}).status_code == 422
    view.refresh_from_db()
    assert (view.name, view.reach) == ("Failures", "institution")


@pytest.mark.parametrize("pk", [987654321, 2**63, 10**30])
def test_a_view_that_is_not_there(signed_in, stan, pk):
    client = signed_in(stan)
    for act in ("", "/delete", "/count"):
        assert client.get(f"/views/{pk}{act}").status_code == 404
    assert begin_with(client, pk).status_code == 404


def test_somebody_who_moves_takes_only_what_is_his(signed_in, stan, dora):
    view_of(stan, reach="institution")
    stan.institution = InstitutionFactory(identifier="emory.edu")
    stan.save()
    assert list(column(signed_in(stan))) == ["Failures"]
    assert list(column(signed_in(dora))) == ["Failures"]
