"""The review queue in orders in which a mark moves an item, and in lists that are too long for one scan."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from workitems import transitions
from workitems.listing.strategies import bounded_scan
from workitems.models import WorkItem
from workitems.review import queue

from ..many_items import make_items
from ..pages.page_elements import parse_page
from .queue_browser import URL, begun, follow, here, left, made, press, shown, walked


@pytest.fixture
def done(virginia, wally):
    """Six items of Virginia, finished one after the other; the first two failed with the same cause."""
    items = [made(virginia, n, name=f"bag-{n}.tar") for n in range(6)]
    for item in items[:2]:
        transitions.fail(item, stage="Validate", note="It has no manifest.", retry=False, by=wally)
    for item in items[2:]:
        transitions.succeed(item, stage="Record", by=wally)
    return items


@pytest.fixture(params=["-updated", "updated"])
def walk(request, done):
    """(the list's query, the items in its order)"""
    return f"sort={request.param}", done if request.param == "-updated" else done[::-1]


def test_skipped_and_marked_items_are_not_shown_again(signed_in, stan, walk):
    client, (query, items) = signed_in(stan), walk
    response, seen = begun(client, query), []
    for number in range(6):
        seen.append(shown(response))
        response = client.get(press(client, response)["Location"]) if number % 2 else follow(client, response, "next")
    assert seen == [item.pk for item in items]
    assert parse_page(response).one("h1").words == "You've reached the end"
    assert "3 items in this list still aren't reviewed" in parse_page(response).one("main").words


def test_going_back_to_a_marked_item_and_on(signed_in, stan, walk):
    client, (query, items) = signed_in(stan), walk
    response = follow(client, begun(client, query), "next")
    third = client.get(press(client, response)["Location"])
    second = follow(client, third, "prev")
    assert shown(second) == items[1].pk
    assert shown(follow(client, second, "next")) == items[2].pk
    first = follow(client, second, "prev")
    assert shown(follow(client, first, "next")) == items[2].pk  # the second is reviewed


def test_undoing_and_going_on(signed_in, stan, walk):
    client, (query, items) = signed_in(stan), walk
    response = follow(client, begun(client, query), "next")
    third = client.get(press(client, response)["Location"])
    second = client.get(press(client, third, "false")["Location"])
    assert shown(second) == items[1].pk
    # It has changed, and stands elsewhere in the list; the way goes on from where it stood.
    assert shown(follow(client, second, "next")) == items[2].pk
    assert here(press(client, second))["item"].startswith(f"{items[2].pk}-")


def test_a_colleagues_mark_does_not_restart_the_queue(signed_in, stan, ada, walk):
    client, (query, items) = signed_in(stan), walk
    third = follow(client, follow(client, begun(client, query), "next"), "next")
    transitions.review(WorkItem.objects.get(pk=items[2].pk), by=ada)
    transitions.review(WorkItem.objects.get(pk=items[3].pk), by=ada)
    assert here(press(client, third))["item"].startswith(f"{items[4].pk}-")
    assert shown(follow(client, client.get(f"{URL}?{third.request['QUERY_STRING']}"), "next")) == items[4].pk


def test_after_marking_similar_items_the_queue_continues_after_them(signed_in, stan, done):
    client = signed_in(stan)
    alike = parse_page(follow(client, begun(client, "sort=-updated"), "next")).one("form", class_="similar")
    preview = client.post(alike["action"], {**alike.fields(), "reviewed": "true"})
    sure = next(one for one in parse_page(preview).all("form") if one.all("button", name="confirmed"))
    act = client.get(client.post("/items/review", {**sure.fields(), "confirmed": "yes"})["Location"])
    assert set(WorkItem.objects.filter(reviewed=True)) == set(done[:2])
    onward = parse_page(act).one("a", class_="button primary")["href"]
    assert here(client.get(onward))["item"].startswith(f"{done[2].pk}-")


def test_the_position_is_stored_only_in_the_url(signed_in, stan, ada, walk):
    client, (query, items) = signed_in(stan), walk
    third = client.get(press(client, follow(client, begun(client, query), "next"))["Location"])
    other = Client()
    other.force_login(ada)
    same = other.get(f"{URL}?{third.request['QUERY_STRING']}")
    assert (shown(same), left(same)) == (items[2].pk, "5 of 6 left")
    assert shown(follow(other, follow(other, same, "prev"), "next")) == items[2].pk


# Lists too long for one look


def test_a_queue_too_long_for_its_order_keeps_the_order_it_started_with(signed_in, stan, done, monkeypatch):
    """By name the order would be 0 to 5. With more than five items the queue starts with the newest, and keeps that order."""
    monkeypatch.setattr(bounded_scan, "COUNT_LIMIT", 5)
    client = signed_in(stan)
    seen, response = walked(client, begun(client, "sort=name"))
    assert seen == [item.pk for item in done[::-1]]
    assert parse_page(response).one("h1").words == "Nothing left to review"
    # Begun anew, a list that is short enough goes by its own order.
    for item in done[:3]:
        transitions.review(WorkItem.objects.get(pk=item.pk), by=stan, reviewed=False)
    assert shown(begun(client, "sort=name")) == done[0].pk


@pytest.mark.parametrize("sort", ["id", "name", "-name"])
@pytest.mark.parametrize("act", ["mark", "skip"])
def test_a_queue_that_becomes_too_long_for_its_order_restarts_and_says_so(
    signed_in, stan, virginia, wally, done, monkeypatch, sort, act
):
    monkeypatch.setattr(bounded_scan, "COUNT_LIMIT", 6)
    client = signed_in(stan)
    first = begun(client, f"sort={sort}")
    assert shown(first) == (done[5] if sort == "-name" else done[0]).pk
    for n in (6, 7):
        transitions.succeed(made(virginia, n, name=f"bag-{n}.tar"), stage="Record", by=wally)
    if act == "mark":
        response = client.get(press(client, first)["Location"])
        assert WorkItem.objects.filter(reviewed=True).count() == 1
    else:
        response = follow(client, first, "next")
    assert "is now in a different order" in parse_page(response).one("div", class_="messages").words
    seen = []
    while parse_page(response).all("article"):
        seen.append(shown(response))
        response = follow(client, response, "next")
        assert parse_page(response).one("div", class_="messages").words == ""
    left = WorkItem.objects.filter(reviewed=False).order_by("-date", "-pk")
    assert seen == [item.pk for item in left]


def test_the_total_is_shown_once_it_is_known(signed_in, stan, done, monkeypatch):
    monkeypatch.setattr(bounded_scan, "COUNT_LIMIT", 4)
    client = signed_in(stan)
    response, said = begun(client, "q=bag"), []
    while parse_page(response).all("article"):
        said.append(left(response))
        response = client.get(press(client, response)["Location"])
    assert said == ["More than 4 left", "More than 4 left", "4 of 4 left", "3 of 4 left", "2 of 4 left", "1 of 4 left"]


@pytest.mark.parametrize("sort", ["updated", "-updated"])
def test_items_changed_before_1970_are_shown_and_passed(signed_in, stan, virginia, wally, done, sort):
    """As an import may contain them."""
    old = make_items(
        1, [virginia], status="Success", retry=True, reviewed=False, date=datetime(1969, 5, 1, tzinfo=UTC)
    )[0]
    client = signed_in(stan)
    seen, _end = walked(client, begun(client, f"sort={sort}"))
    assert sorted(seen) == sorted([old.pk, *(item.pk for item in done)])


@pytest.fixture
def rare(virginia, jhu, wally, monkeypatch):
    """One item to review before and one after a hundred that no index can exclude."""
    before = made(virginia, 0, name="rare-1.tar", generic_file_identifier="virginia.edu/rare/page-1.tif")
    make_items(100, [virginia])
    behind = made(virginia, -24 * 400, name="rare-2.tar", generic_file_identifier="virginia.edu/rare/page-1.tif")
    for item in (before, behind):
        transitions.succeed(item, stage="Record", by=wally)
    WorkItem.objects.filter(pk=before.pk).update(date=before.date + timedelta(days=400))
    monkeypatch.setattr(bounded_scan, "SCAN_LIMIT", 15)
    monkeypatch.setattr(bounded_scan, "COUNT_LIMIT", 10)
    return before, behind


QUERY = "file_identifier=virginia.edu/rare/page-1.tif"


def test_rare_items_among_many_are_found(signed_in, stan, rare):
    client = signed_in(stan)
    response, looks = begun(client, QUERY), 0
    assert shown(response) == rare[0].pk
    response = follow(client, response, "next")
    while not parse_page(response).all("article"):
        assert parse_page(response).one("h1").words == "None found so far"
        assert "Nothing is left" not in response.content.decode()
        back = parse_page(response).one("a", rel="prev")["href"]
        assert shown(client.get(back)) == rare[0].pk
        response, looks = follow(client, response, "next"), looks + 1
        assert looks < 9
    assert looks == 1  # of five stretches each
    assert shown(response) == rare[1].pk
    assert shown(follow(client, response, "prev")) == rare[0].pk


def test_the_end_page_does_not_claim_that_nothing_is_left_if_that_is_unknown(signed_in, stan, rare, monkeypatch):
    monkeypatch.setattr(queue, "MAX_SEEKS", 50)
    client = signed_in(stan)
    response = begun(client, QUERY)
    assert left(response) == "More than 1 left"
    response = client.get(press(client, response)["Location"])
    assert shown(response) == rare[1].pk
    response = client.get(press(client, response)["Location"])
    assert parse_page(response).one("h1").words == "You've reached the end"
    main = parse_page(response).one("main").words
    assert "may still need a review" in main
    assert parse_page(response).one("a", rel="next").words == "Start over"
    again = client.get(parse_page(response).one("a", rel="next")["href"])
    assert parse_page(again).one("h1").words == "You've reached the end"
