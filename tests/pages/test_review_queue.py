"""`/items/review/queue`: the finished, unreviewed items of a list, one after the other."""

import pytest
from django.test import Client

from workitems import transitions
from workitems.models import BulkChange, WorkItem

from ..page_hooks import data_hooks
from ..review.queue_browser import URL, begun, follow, form, here, left, made, press, shown, walked
from ..stored_items import as_stored, last_entry
from .page_elements import parse_page, problems


@pytest.fixture
def done(virginia, wally):
    """Five items of Virginia in the list's order: three that failed, two of them with the same cause."""
    items = [made(virginia, 9 - n, name=f"bag-{n}.tar") for n in range(5)]
    for item, bag in ((items[0], "a.tar"), (items[1], "b.tar")):
        transitions.fail(item, stage="Validate", note=f"Bag {bag} has no manifest.", retry=False, by=wally)
    transitions.succeed(items[2], stage="Record", by=wally)
    transitions.fail(items[3], note="The bag is 7 days too old.", retry=False, by=wally)
    transitions.succeed(items[4], stage="Record", by=wally)
    return items


@pytest.fixture
def others(virginia, jhu, wally, stan):
    """Items that are in no queue of Virginia: open, held, to be retried, reviewed, and the other institution's."""
    made(virginia, 20)
    transitions.suspend(made(virginia, 21), note="Wait.", by=wally)
    transitions.fail(made(virginia, 22), note="S3", retry=True, by=wally)
    transitions.review(transitions.succeed(made(virginia, 23), stage="Record", by=wally), by=stan)
    transitions.succeed(made(jhu, 24), stage="Record", by=wally)


# Who may


@pytest.mark.parametrize(("who", "status"), [("dora", 403), ("stan", 200), ("ada", 200)])
def test_which_roles_have_a_review_queue(cast, signed_in, done, who, status):
    client = signed_in(cast[who])
    address = f"{URL}?item={done[0].pk}"
    assert client.get(address).status_code == status
    before = as_stored(done[0])
    sent = {"item": done[0].pk, "reviewed": "true"}
    assert client.post(address, sent).status_code == (302 if status == 200 else 403)
    assert (as_stored(done[0]) == before) is (status == 403)


def test_signed_out_visitors_are_sent_to_sign_in(client, done):
    assert client.get(URL)["Location"].startswith("/accounts/login/")
    assert client.post(f"{URL}?item={done[0].pk}", {"item": done[0].pk, "reviewed": "true"}).status_code == 302
    assert not WorkItem.objects.filter(reviewed=True).exists()


def test_a_post_from_another_site_is_refused(stan, done):
    client = Client(enforce_csrf_checks=True)
    client.force_login(stan)
    assert client.post(f"{URL}?item={done[0].pk}", {"item": done[0].pk, "reviewed": "true"}).status_code == 403
    assert not WorkItem.objects.filter(reviewed=True).exists()


def test_other_institutions_items_are_not_found(signed_in, olga, done):
    client = signed_in(olga)
    assert client.get(URL).status_code == 200  # the end: there is nothing
    for address in (f"{URL}?item={done[0].pk}", f"{URL}?item=99"):
        assert client.get(address).status_code == 404
        assert client.post(address, {"item": done[0].pk, "reviewed": "true"}).status_code == 404
    # Where one comes from tells nothing either.
    assert client.get(f"{URL}?after={done[0].pk}&behind={done[0].pk}&marked={done[0].pk}").status_code == 200
    assert "bag-0" not in client.get(f"{URL}?after={done[0].pk}&marked={done[0].pk}").content.decode()


# The walk


def test_a_review_from_the_list_to_the_end(signed_in, stan, done, others):
    client = signed_in(stan)
    link = parse_page(client.get("/items/")).one("a", href=URL)
    assert link.words == "Review 5 one by one"
    response, seen = client.get(client.get(link["href"])["Location"]), []
    for number in range(5, 0, -1):
        assert left(response) == f"{number} of 5 left"
        seen.append(shown(response))
        answer = press(client, response)
        entry = last_entry(WorkItem.objects.get(pk=seen[-1]))
        assert (entry.move, entry.who, entry.via) == ("review", stan.email, "page")
        response = client.get(answer["Location"])
    assert seen == [item.pk for item in done]
    assert parse_page(response).one("h1").words == "Nothing left to review"
    assert "Every finished item in this list has been reviewed." in parse_page(response).one("main").words
    assert WorkItem.objects.filter(reviewed=True).count() == 6
    assert parse_page(client.get("/items/")).all("a", href=URL) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=Failed", [0, 1, 3]),
        ("status=Failed&sort=-date&page=3&per_page=10", [3, 1, 0]),
        ("sort=-name&status=Success", [4, 2]),
        ("sort=updated", [4, 3, 2, 1, 0]),
        ("sort=-updated", [0, 1, 2, 3, 4]),
        ("q=bag-3", [3]),
        ("phase=open&phase=closed", [0, 1, 2, 3, 4]),
        ("reviewed=true&reviewed=false", [0, 1, 2, 3, 4]),
    ],
)
def test_the_queue_has_only_the_lists_items_in_its_order(signed_in, stan, done, others, query, expected):
    client = signed_in(stan)
    seen, _end = walked(client, begun(client, query))
    assert seen == [done[n].pk for n in expected]


@pytest.mark.parametrize("query", ["reviewed=true", "phase=open", "phase=open&status=Failed", "status=Started"])
def test_a_list_without_reviewable_items_has_an_empty_queue(signed_in, stan, done, others, query):
    client = signed_in(stan)
    end = client.get(URL, {"list": query})
    assert parse_page(end).one("h1").words == "Nothing left to review"
    assert parse_page(end).all("a", rel="next") == []
    inside = client.get(URL, {"list": query, "item": done[0].pk})
    assert left(inside) == "Nothing left"
    assert parse_page(inside).all("progress") == parse_page(inside).all("form", class_="similar") == []
    assert "item" not in here(press(client, inside))


def test_an_invalid_list_is_shown_as_such(signed_in, stan, done):
    client = signed_in(stan)
    for method in (client.get, client.post):
        response = method(f"{URL}?list=status%3DLost")
        assert response["Location"] == "/items/?status=Lost"
    assert client.get(response["Location"]).status_code == 400


def test_skip_and_back(signed_in, stan, done):
    client = signed_in(stan)
    first = begun(client)
    assert parse_page(first).all("a", rel="prev") == []
    second = follow(client, first, "next")
    assert (shown(second), left(second)) == (done[1].pk, "5 of 5 left")
    again = follow(client, second, "prev")
    assert shown(again) == done[0].pk
    assert parse_page(again).all("a", rel="prev") == []
    response = second
    for _ in range(4):
        response = follow(client, response, "next")
    assert parse_page(response).one("h1").words == "You've reached the end"
    assert "5 items in this list still aren't reviewed" in parse_page(response).one("main").words
    assert shown(follow(client, response, "next")) == done[0].pk
    assert shown(follow(client, response, "prev")) == done[4].pk
    assert not WorkItem.objects.filter(reviewed=True).exists()


def test_going_back_to_a_marked_item_and_on(signed_in, stan, done):
    client = signed_in(stan)
    second = client.get(press(client, begun(client))["Location"])
    back = follow(client, second, "prev")
    assert shown(back) == done[0].pk
    assert "Reviewed by stan@virginia.edu" in parse_page(back).one("main").words
    assert shown(follow(client, back, "next")) == done[1].pk
    response = press(client, back, "false")
    assert here(response)["item"] == str(done[0].pk)
    assert not WorkItem.objects.get(pk=done[0].pk).reviewed


def test_undo(signed_in, stan, done):
    client = signed_in(stan)
    second = client.get(press(client, begun(client))["Location"])
    assert "Marked bag-0.tar as reviewed." in parse_page(second).one("form", class_="marked").words
    response = press(client, second, "false")
    assert here(response) == {"of": "5", "order": "date", "item": str(done[0].pk)}
    assert last_entry(done[0]).move == "unreview"
    assert left(client.get(response["Location"])) == "5 of 5 left"


def test_undo_after_the_last_one(signed_in, stan, done):
    client = signed_in(stan)
    end = client.get(press(client, begun(client, "q=bag-3"))["Location"])
    assert parse_page(end).all("article") == []
    assert parse_page(end).one("h1").words == "Nothing left to review"
    press(client, end, "false")
    assert not WorkItem.objects.get(pk=done[3].pk).reviewed


def test_undo_skips_items_that_have_changed(signed_in, stan, ada, done):
    client = signed_in(stan)
    second = client.get(press(client, begun(client))["Location"])
    address, fields = form(second, "false")
    transitions.requeue(done[0], stage="Receive", by=ada)
    before = as_stored(done[0])
    response = client.post(address, fields)
    assert response.status_code == 409
    assert shown(response) == done[0].pk
    assert "unreview is only for items that are closed" in problems(response)[0]
    assert "This item is no longer finished" in parse_page(response).one("main").words
    assert as_stored(done[0]) == before
    assert (
        parse_page(client.get(second.request["PATH_INFO"] + "?" + second.request["QUERY_STRING"])).all(
            "form", class_="marked"
        )
        == []
    )


# Two at once


def test_items_marked_by_another_reviewer_are_skipped(signed_in, stan, ada, done):
    client, other = signed_in(stan), Client()
    other.force_login(ada)
    first = begun(client)
    second = other.get(press(other, begun(other))["Location"])
    press(other, second)
    response = press(client, first)
    assert here(response)["item"] == str(done[2].pk)
    assert "marked" not in here(response)
    assert last_entry(done[0]).who == ada.email
    told = client.get(response["Location"])
    assert "bag-0.tar has already been marked." in parse_page(told).one("div", class_="messages").words
    assert left(told) == "3 of 5 left"


def test_a_button_pressed_twice_marks_once_and_can_be_undone(signed_in, stan, done):
    client = signed_in(stan)
    first = begun(client)
    assert here(press(client, first)) == here(press(client, first))
    assert last_entry(done[0]).number == 3


def test_an_item_that_has_changed_is_shown_again_before_it_is_marked(signed_in, stan, ada, done):
    client = signed_in(stan)
    first = begun(client)
    transitions.edit(done[0], note="Looked at by hand.", by=ada)
    before = as_stored(done[0])
    response = press(client, first)
    assert response.status_code == 409
    assert "has changed since" in problems(response)[0]
    assert "Looked at by hand." in parse_page(response).one("section", aria_labelledby="note").words
    assert as_stored(done[0]) == before
    assert here(press(client, response))["item"] == str(done[1].pk)
    assert last_entry(done[0]).move == "review"


def test_a_requeued_item_returns_when_it_is_finished(signed_in, stan, ada, wally, done):
    client = signed_in(stan)
    press(client, begun(client))
    transitions.requeue(done[0], stage="Receive", by=ada)
    assert not WorkItem.objects.get(pk=done[0].pk).reviewed
    assert shown(begun(client)) == done[1].pk
    open_one = client.get(f"{URL}?item={done[0].pk}")
    assert "This item is no longer finished" in parse_page(open_one).one("main").words
    assert parse_page(open_one).all("button", name="reviewed") == []
    transitions.succeed(done[0], stage="Record", by=wally)
    assert shown(begun(client)) == done[0].pk


# Those that ended alike


def test_items_with_the_same_cause_are_counted_and_marked_together(signed_in, stan, done):
    client = signed_in(stan)
    first = begun(client)
    alike = parse_page(first).one("form", class_="similar")
    assert "One more of these failed for the same cause: Bag … has no manifest." in alike.words
    assert data_hooks(client.get(alike.one("a")["href"]), "total") == ["2"]
    preview = client.post(alike["action"], {**alike.fields(), "reviewed": "true"})
    assert not WorkItem.objects.filter(reviewed=True).exists()
    sure = next(one for one in parse_page(preview).all("form") if one.all("button", name="confirmed"))
    assert sure.one("button", name="confirmed").words == "Mark 2 items as reviewed"
    assert shown(client.get(sure.one("a")["href"])) == done[0].pk
    answer = client.post("/items/review", {**sure.fields(), "confirmed": "yes"})
    act = client.get(answer["Location"])
    assert set(WorkItem.objects.filter(reviewed=True)) == {done[0], done[1]}
    assert BulkChange.objects.get().changed == 2
    onward = parse_page(act).one("a", class_="button primary")
    assert onward.words == "Continue reviewing"
    there = here(client.get(onward["href"]))
    assert (there["item"], there["of"]) == (str(done[2].pk), "5")
    # Undone, it goes on where that was begun.
    undo = next(one for one in parse_page(act).all("form") if one.attributes["action"].endswith("/undo"))
    undone = client.get(client.post(undo["action"], undo.fields())["Location"])
    assert not WorkItem.objects.filter(reviewed=True).exists()
    assert shown(client.get(parse_page(undone).one("a", class_="button primary")["href"])) == done[0].pk


def test_damaged_copies_are_not_offered_to_be_marked_together(signed_in, ada, virginia, wally):
    for hour in (8, 9):
        check = made(virginia, hour, action="Fixity Check", object_identifier="virginia.edu/x")
        transitions.fail(check, stage="Validate", note="The digests differ.", retry=False, by=wally)
    page = parse_page(begun(signed_in(ada)))
    assert "One more of these failed for the same cause" in page.one("div", class_="similar").words
    assert page.all("form", class_="similar") == []


def test_an_invalid_bulk_selection_returns_to_the_queue(signed_in, stan, done):
    client = signed_in(stan)
    alike = parse_page(begun(client)).one("form", class_="similar")
    response = client.post(alike["action"], {**alike.fields(), "snapshot": "forged", "reviewed": "true"})
    back = client.get(response["Location"])
    assert shown(back) == done[0].pk
    assert "This selection is no longer valid." in parse_page(back).one("div", class_="messages").words


def test_items_that_did_not_fail_are_grouped_by_action_and_status(signed_in, stan, virginia, wally, done):
    deleted = made(virginia, -5, action="Delete", object_identifier="virginia.edu/x")
    transitions.succeed(deleted, stage="Resolve", by=wally)
    client = signed_in(stan)
    alike = parse_page(client.get(f"{URL}?item={done[2].pk}")).one("form", class_="similar")
    assert "One more of these is Ingest / Success." in alike.words
    for only_one in (deleted, done[3]):
        assert parse_page(client.get(f"{URL}?item={only_one.pk}")).all("form", class_="similar") == []


# What an address may say


@pytest.mark.parametrize(
    "query",
    [
        "item=x",
        "item=-1",
        "of=many&behind=a.b..9&marked=x",
        "after=999999999999",
        "item=99999999999999999999",
        "behind=" + ".".join(["1"] * 500),
        "of=9223372036854775808",
        "item=%00",
        "after=²",
        "item=-&after=-2-3&order=colour",
        "after=999999999999-999999999999999999",
    ],
)
def test_invalid_parameters_are_ignored(signed_in, stan, done, query):
    assert here(signed_in(stan).get(f"{URL}?{query}"))["item"] == str(done[0].pk)


def test_an_unknown_item_is_404(signed_in, stan, done):
    client = signed_in(stan)
    assert client.get(f"{URL}?item=987654321").status_code == 404
    for sent in ({}, {"item": "987654321"}, {"item": "x"}):
        assert client.post(f"{URL}?item={done[0].pk}", {**sent, "reviewed": "true"}).status_code == 404


@pytest.mark.parametrize("reviewed", [None, "", "yes", "\x00"])
def test_the_value_is_true_or_false(signed_in, stan, done, reviewed):
    before = as_stored(done[0])
    sent = {"item": done[0].pk} | ({} if reviewed is None else {"reviewed": reviewed})
    response = signed_in(stan).post(f"{URL}?item={done[0].pk}", sent)
    assert response.status_code == 422
    assert problems(response) == ["“reviewed” must be true or false."]
    assert as_stored(done[0]) == before


def test_a_step_takes_no_more_statements_in_a_long_queue(
    signed_in, stan, virginia, wally, done, django_assert_max_num_queries
):
    for n in range(30):
        transitions.succeed(made(virginia, -n), stage="Record", by=wally)
    client = signed_in(stan)
    first = begun(client)
    # Session, person, item, uploads, the queue and those alike, what has happened, the history.
    with django_assert_max_num_queries(16):
        client.get(f"{URL}?item={done[0].pk}&of=35")
    address, fields = form(first)
    with django_assert_max_num_queries(22):
        client.post(address, fields)
