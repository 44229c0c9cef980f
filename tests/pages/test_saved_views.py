"""Saved views: `/views/`, and the left column of the list."""

import threading

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from workitems import transitions
from workitems.models import Cause, SavedView
from workitems.saved_views import editing, showing

from ..factories import UserFactory, make_item
from ..page_hooks import data_hooks, item_ids
from .page_elements import find_form, parse_page, problems
from .saving_views import FAILED, begin_with, column, save, view_of


@pytest.fixture
def items(virginia, jhu, wally):
    """Two failed items and an open one of Virginia, and a failed one of Johns Hopkins."""
    made = [make_item(virginia, name=f"bag-{n}.tar") for n in range(3)] + [make_item(jhu)]
    for item in (made[0], made[1], made[3]):
        transitions.fail(item, note="no", retry=False, by=wally)
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
def test_which_roles_can_share_with_whom(cast, signed_in, items, who, reach, is_saved):
    response = save(signed_in(cast[who]), reach=reach)
    if is_saved:
        assert (response.status_code, response["Location"]) == (302, "/items/?status=Failed")
        view = SavedView.objects.get()
        stored = (view.owner, view.institution, view.name, view.query, view.reach)
        assert stored == (cast[who], cast[who].institution, "Failures", FAILED, reach)
    else:
        assert response.status_code == 422
        assert problems(response) == ["Choose one of the options below."]
        assert not SavedView.objects.exists()


def test_saving_a_view_returns_to_the_list(signed_in, stan, items):
    client = signed_in(stan)
    listed = parse_page(client.get("/items/?status=Failed&sort=name&page=1"))
    form = listed.one("details", class_="save-view").one("form")
    sent = {**form.fields(), "name": " Failures\r\n of\tours ", "reach": "institution"}
    response = client.post(form["action"], sent)
    assert SavedView.objects.get().query == "status=Failed&sort=name"
    assert SavedView.objects.get().name == "Failures of ours"
    back = client.get(response["Location"])
    assert (
        "Saved as “Failures of ours”. Your institution can see it."
        in parse_page(back).one("div", class_="messages").words
    )
    assert parse_page(back).one("title").words == "Failures of ours · Work Items · Pharos"
    assert column(client) == {"Failures of ours": 2}
    # There is nothing to save where nothing is asked for.
    assert parse_page(client.get("/items/")).all("details", class_="save-view") == []


def test_an_empty_list_can_be_saved(signed_in, stan, items):
    client = signed_in(stan)
    listed = parse_page(client.get("/items/?status=Suspended"))
    form = listed.one("details", class_="save-view").one("form")
    client.post(form["action"], {**form.fields(), "name": "On hold", "reach": "private"})
    assert column(client) == {"On hold": 0}


def test_signed_out_visitors_services_and_other_sites_are_refused(client, dora, wally):
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
        ({"name": ""}, "Enter a name for the view."),
        ({"name": "  "}, "Enter a name for the view."),
        ({"name": "n" * 81}, "A name can have at most 80 characters; this one has 81."),
        ({"name": "a\0b"}, "This name contains invisible characters."),
        ({"name": "a\u202eb"}, "This name contains invisible characters."),
        ({"name": "\u200d\u200d"}, "This name contains invisible characters."),
        ({"name": "\u200b"}, "This name contains invisible characters."),
        ({"name": "\u3164"}, "This name contains invisible characters."),
        ({"name": "\ufe0f"}, "This name contains invisible characters."),
        *(({"name": name}, "This name contains invisible characters.") for name in ("a\ufffe", "\u2065", "\ufdd0")),
        *(({"name": name}, "This name contains invisible characters.") for name in ("\U000e0080", "\ufff0")),
        ({"query": "q=" + "x" * 999 + "".join(f"&name={'y' * 900}{n}" for n in range(4))}, "too long to be saved"),
    ],
)
def test_errors_keep_typed_values(signed_in, dora, sent, sentence):
    response = save(signed_in(dora), **sent)
    assert response.status_code == 422
    assert sentence in " ".join(problems(response))
    kept = find_form(response).fields()
    assert kept["list"] == sent.get("query", FAILED)
    assert kept["reach"] == "private"
    assert not SavedView.objects.exists()


@pytest.mark.parametrize("query", ["status=Lost", "colour=red", "node=services-1", "institution=jhu.edu"])
def test_an_invalid_list_is_not_saved(signed_in, dora, jhu, query):
    client = signed_in(dora)
    response = save(client, query=query)
    assert response.status_code == 422
    assert "This list can't be saved" in problems(response)[0]
    fields = find_form(response).fields()
    assert (fields["name"], fields["list"]) == ("Failures", query)
    back = next(one for one in parse_page(response).all("a", class_="button") if one.words == "Back to the list")
    assert client.get(back["href"]).status_code == 400
    assert not SavedView.objects.exists()


TAKEN = {
    "private": "You already have a view with this name.",
    "institution": "Your institution already has a view with this name.",
    "everybody": "There is already a view with this name for everyone.",
}


@pytest.mark.parametrize("reach", TAKEN)
def test_a_view_is_replaced_only_if_requested(signed_in, ada, consortium, reach):
    """Also by a colleague who can change it."""
    client, theirs = signed_in(ada), view_of(ada)
    if reach != "private":
        theirs.owner = UserFactory(email="other@aptrust.org", institution=consortium, role=ada.role)
    theirs.reach = reach
    theirs.save()
    response = save(client, query="stage=Store", reach=reach)
    assert problems(response) == [TAKEN[reach] + " Choose another name, or select the checkbox to replace the view."]
    theirs.refresh_from_db()
    assert theirs.query == FAILED
    client.post("/views/", {**find_form(response).fields(), "replace": "on"})
    theirs.refresh_from_db()
    stored = (SavedView.objects.count(), theirs.query, theirs.reach, theirs.owner)
    assert stored == (1, "stage=Store", reach, ada)  # saved by whoever has saved it last


def test_saving_a_private_view_does_not_change_a_shared_one_with_its_name(signed_in, stan, dora, items):
    client = signed_in(stan)
    save(client, reach="institution")
    for replace in ({}, {"replace": "on"}):
        assert save(client, query="stage=Store", **replace).status_code == 302
    stored = set(SavedView.objects.values_list("name", "reach", "query"))
    assert stored == {("Failures", "private", "stage=Store"), ("Failures", "institution", FAILED)}
    assert column(signed_in(dora)) == {"Failures": 2}


def test_the_number_of_views_per_user_is_limited(signed_in, dora, monkeypatch):
    monkeypatch.setattr(editing, "MAX_VIEWS_PER_USER", 2)
    client = signed_in(dora)
    for name in "ab":
        save(client, name=name)
    response = save(client, name="c")
    assert problems(response) == ["You already have 2 views, which is the maximum. Delete one before you save another."]
    assert save(client, name="a", query="stage=Store", replace="on").status_code == 302
    assert set(SavedView.objects.values_list("name", "query")) == {("a", "stage=Store"), ("b", FAILED)}


def test_replacing_a_colleagues_view_counts_toward_the_limit(signed_in, stan, virginia, monkeypatch):
    former = UserFactory(email="gone@virginia.edu", institution=virginia, role=stan.role)
    view_of(former, reach="institution")
    monkeypatch.setattr(editing, "MAX_VIEWS_PER_USER", 1)
    client = signed_in(stan)
    save(client, name="mine")
    assert problems(save(client, reach="institution", replace="on")) == [
        "You already have 1 views, which is the maximum. Delete one before you save another."
    ]


@pytest.mark.django_db(transaction=True)
def test_two_windows_at_the_same_time_save_one_view(dora):
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


def test_which_views_each_user_sees(cast, signed_in, items, jhu):
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
        assert len(item_ids(client.get(f"/items/?{FAILED}"))) == counts[who]
        listed = parse_page(client.get("/views/"))
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
def test_counts_outside_the_summary_are_requested_by_script(signed_in, dora, items, query):
    view = view_of(dora, query=query)
    client = signed_in(dora)
    at = column(client)["Failures"]
    assert at == f"/views/{view.pk}/count"
    response = client.get(at)
    assert "private" in response["Cache-Control"]
    number = response.json()
    total = int(data_hooks(client.get(f"/items/?{query}"), "total")[0])
    assert number == {"number": total, "text": str(total)}
    assert column(client, f"/items/?{query}")["Failures"] == total  # its own page knows it


@pytest.mark.parametrize(
    "query", ["", "phase=open", "status=Failed&status=Pending", "reviewed=false&sort=name", "retry=false"]
)
@pytest.mark.parametrize("who", ["dora", "ada"])
def test_the_count_matches_the_list(cast, signed_in, items, who, query):
    view_of(cast[who], query=query, name="This")
    client = signed_in(cast[who])
    assert column(client)["This"] == int(data_hooks(client.get(f"/items/?{query}"), "total")[0])


def test_the_current_view_is_marked(signed_in, dora, items):
    view_of(dora)
    client = signed_in(dora)
    for address, marked in (("/items/?status=Failed", ["true"]), ("/items/", [])):
        section = parse_page(client.get(address)).one("section", class_="group views")
        assert [one["aria-current"] for one in section.all("a", aria_current=True)] == marked


def test_a_shared_view_with_an_institution_filter_is_hidden_from_others(signed_in, ada, dora, items):
    """A view for everyone can use filters that not everyone has."""
    view = view_of(ada, name="Hopkins", query="institution=jhu.edu", reach="everybody")
    client = signed_in(dora)
    assert client.get(f"/views/{view.pk}/count").json() == {"number": None, "text": ""}
    assert parse_page(client.get("/views/")).all("tr", data_view=True) == []
    assert column(client) == {}
    assert "Hopkins" not in client.get("/account").content.decode()
    for address, sent in (("/views/start", {"view": view.pk}), (f"/views/{view.pk}/digest", {"every": "day"})):
        said = parse_page(client.post(address, sent, follow=True)).one("div", class_="messages").words
        assert said == "“Hopkins” uses a filter that isn't available to your role or institution."
    dora.refresh_from_db()
    assert (dora.start_view, dora.digests.count()) == (None, 0)
    assert client.get("/items/?institution=jhu.edu").status_code == 400
    admin = signed_in(ada)
    assert column(admin) == {"Hopkins": f"/views/{view.pk}/count"}
    assert admin.get(f"/views/{view.pk}/count").json() == {"number": 1, "text": "1"}


@pytest.mark.parametrize(
    ("query", "reach", "is_told"),
    [
        ("institution=jhu.edu", "everybody", True),
        ("node=services-1", "everybody", True),
        ("institution=jhu.edu", "private", False),
        ("cause=1", "everybody", True),
        ("node=services-1", "institution", True),
        ("status=Failed", "everybody", False),
    ],
)
def test_saving_a_view_that_not_everyone_can_open_gives_a_warning(signed_in, ada, items, query, reach, is_told):
    client = signed_in(ada)
    query = query.replace("cause=1", f"cause={Cause.objects.first().pk}")
    back = client.get(save(client, query=query, reach=reach)["Location"])
    said = parse_page(back).one("div", class_="messages").words
    assert ("don't have access" in said) is is_told
    # The same where it is shared only later.
    view = SavedView.objects.get()
    told = client.post(f"/views/{view.pk}", {"name": "Failures", "reach": "everybody"}, follow=True)
    assert ("don't have access" in parse_page(told).one("div", class_="messages").words) is (query != FAILED)


def test_an_own_view_that_no_longer_opens_is_marked(signed_in, ada, dora, virginia, jhu):
    view = view_of(ada, name="Hopkins", query="institution=jhu.edu")
    ada.role, ada.institution = dora.role, virginia
    ada.save()
    client = signed_in(ada)
    assert column(client) == {}
    listed = parse_page(client.get("/views/")).one("tr", data_view=str(view.pk))
    assert "This view uses a filter that isn't available to your role or institution." in listed.words
    assert listed.one("th", scope="row").all("a") == []
    assert client.post(f"/views/{view.pk}/delete").status_code == 302
    assert not SavedView.objects.exists()


def test_views_that_cannot_be_opened_take_no_place_in_the_sidebar(signed_in, ada, dora, items):
    for n in range(showing.MAX_IN_SIDEBAR):
        view_of(ada, name=f"H {n:02}", query="institution=jhu.edu", reach="everybody")
    view_of(ada, name="Z failed", reach="everybody")
    assert column(signed_in(dora)) == {"Z failed": 2}
    assert len(column(signed_in(ada))) == showing.MAX_IN_SIDEBAR


def test_views_with_the_same_name_have_different_labels(signed_in, dora, stan, ada, items):
    for who, reach in ((dora, "private"), (stan, "institution"), (ada, "everybody")):
        view_of(who, reach=reach)
    view_of(dora, name="Another")
    client = signed_in(dora)
    names = ["Another", "Failures (only you)", "Failures (your institution)", "Failures (everyone)"]
    assert list(column(client)) == names
    assert [one.words for one in parse_page(client.get("/account")).one("select", name="view").all("option")][
        1:
    ] == names
    labelled = [one["aria-label"] for one in parse_page(client.get("/views/")).all("select", name="every")]
    assert labelled == [f"{name} by email" for name in names]


def test_the_sidebar_is_limited(signed_in, dora, items):
    for n in range(20):
        view_of(dora, name=f"View {n:02}")
    client = signed_in(dora)
    assert len(column(client)) == showing.MAX_IN_SIDEBAR
    group = parse_page(client.get("/items/")).one("section", class_="group views")
    assert [one["href"] for one in group.all("a") if one.words == "All 20 saved views"] == ["/views/"]
    assert len(parse_page(client.get("/views/")).all("tr", data_view=True)) == 20


def statements(client):
    with CaptureQueriesContext(connection) as asked:
        client.get("/items/")
    return len(asked)


def test_the_sidebar_takes_one_statement_for_any_number_of_views(signed_in, dora, items):
    client = signed_in(dora)
    client.get("/items/")
    without = statements(client)
    for n in range(10):
        view_of(dora, name=f"View {n}", query=f"status=Failed&q={'x' * (n // 5)}")
    assert statements(client) == without + 1
    for n in range(10):
        view_of(dora, name=f"Cause {n}", query=f"cause={Cause.objects.first().pk}&q={'x' * n}")
    assert statements(client) == without + 2
