"""`/items/changes`: how many items of a list have changed since its page was drawn."""

from datetime import timedelta

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from pharos.replicas import reading
from pharos.replicas.pool import ReplicaChoice
from workitems import transitions
from workitems.listing import ItemList
from workitems.models import WorkItem
from workitems.pages.list import changes

from ..factories import make_item, service
from ..many_items import make_items
from ..page_hooks import item_ids
from ..replicas.test_reading import refused
from .page_elements import parse_page


def drawn(client, address="/items/"):
    """A page of the list, as a function that requests what has changed since."""
    response = client.get(address)
    probe = parse_page(response).one("div", class_="live-update")["data-live"]
    shown = ",".join(str(pk) for pk in item_ids(response))

    def ask():
        return client.get(f"{probe}&shown={shown}")

    return ask


def number(response):
    return 0 if response.status_code == 204 else response.json()["changed"]


# What is counted


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_no_changes(signed_in, cast, item, theirs, who):
    answer = drawn(signed_in(cast[who]))()
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(("who", "seen"), [("dora", 1), ("stan", 1), ("olga", 1), ("ada", 2)])
def test_each_role_only_learns_about_visible_items(signed_in, cast, item, theirs, wally, who, seen):
    ask = drawn(signed_in(cast[who]))
    for one in (item, theirs):
        transitions.fail(
            transitions.progress(one, stage="Store", by=wally), note="no", retry=True, by=wally
        )  # two changes of one item
    answer = ask()
    assert answer.status_code == 200
    assert answer.json() == {
        "changed": seen,
        "is_complete": True,
        "text": "1 item changed" if seen == 1 else "2 items changed",
    }
    assert number(ask()) == seen  # it is asked of the page, not of the last answer


def test_changes_already_shown_are_not_reported(signed_in, dora, item, wally):
    transitions.progress(item, stage="Store", by=wally)
    assert drawn(signed_in(dora))().status_code == 204


def test_a_new_item_is_reported(signed_in, dora, virginia, item):
    ask = drawn(signed_in(dora))
    make_item(virginia)
    assert number(ask()) == 1


@pytest.mark.parametrize("query", ["", "?status=Success", "?q=nothing+of+this+name"])
def test_the_first_item_of_an_empty_list_is_reported(signed_in, dora, virginia, query):
    ask = drawn(signed_in(dora), f"/items/{query}")
    transitions.succeed(make_item(virginia), stage="Cleanup", by=service())
    assert number(ask()) == (0 if "q=" in query else 1)


def test_only_changes_within_the_list_are_reported(signed_in, stan, virginia, wally):
    pending, failed, done = (make_item(virginia, name=name) for name in ("a.tar", "b.tar", "c.tar"))
    transitions.fail(failed, note="no", retry=False, by=wally)
    ask = drawn(signed_in(stan), "/items/?status=Failed")
    transitions.succeed(done, stage="Cleanup", by=wally)
    assert number(ask()) == 0
    transitions.review(failed, by=stan)
    transitions.fail(pending, note="no", retry=False, by=wally)
    assert number(ask()) == 2


def test_shown_items_that_left_the_list_are_reported(signed_in, stan, virginia, wally):
    shown, on_the_next_page = (make_item(virginia, at=timezone.now() - timedelta(days=days)) for days in (1, 2))
    ask = drawn(signed_in(stan), "/items/?status=Pending&per_page=1")
    for one in (shown, on_the_next_page):
        transitions.progress(one, stage="Store", by=wally)
    assert number(ask()) == 1


@pytest.mark.parametrize(
    "query",
    [
        "q=bag",
        "sort=name",
        "superseded=true",
        "size_min=1",
        "updated_after=2020-01-01",
        "phase=open&institution=virginia.edu",
    ],
)
def test_every_filter_works(signed_in, ada, virginia, theirs, wally, query):
    make_item(virginia, name="bag.tar", etag="1")
    make_item(virginia, name="bag.tar", etag="2")
    client = signed_in(ada)
    listed = item_ids(client.get(f"/items/?{query}"))
    ask = drawn(client, f"/items/?{query}")
    for pk in listed:
        transitions.progress(WorkItem.objects.get(pk=pk), stage="Fetch", by=wally)
    assert number(ask()) == len(listed) > 0


def test_a_change_committed_after_the_page_is_reported(signed_in, dora, item, wally):
    """Its entry has the time when the transaction started."""
    began = timezone.now()
    ask = drawn(signed_in(dora))
    transitions.progress(item, stage="Store", by=wally, at=began)
    assert number(ask()) == 1


def test_a_change_on_a_machine_with_a_slow_clock_is_reported(signed_in, dora, item, wally):
    ask = drawn(signed_in(dora))
    transitions.progress(item, stage="Store", by=wally, at=timezone.now() - timedelta(seconds=50))
    assert number(ask()) == 1


def test_the_page_remembers_a_limited_number_of_changes(signed_in, dora, virginia, wally, monkeypatch):
    monkeypatch.setattr(changes, "MAX_SEEN", 3)
    items = [make_item(virginia) for _n in range(5)]
    ask = drawn(signed_in(dora))
    assert ask().status_code == 204
    for one in items:
        transitions.progress(one, stage="Store", by=wally)
    assert number(ask()) == 5
    assert drawn(signed_in(dora))().status_code == 204


def test_the_pages_state_can_be_parsed_again(dora, item):
    since = changes.take_baseline(ItemList(QueryDict(""), dora), timezone.now())
    assert since.seen == {item.pk: 1}
    assert changes.parse(changes.serialize(since)) == since


# How much is looked at


def test_many_changes_are_reported_as_more_than_a_hundred(signed_in, ada, virginia, jhu):
    ask = drawn(signed_in(ada))
    make_items(130, [virginia, jhu])
    WorkItem.objects.update(updated_at=timezone.now())
    assert ask().json() == {"changed": 100, "is_complete": False, "text": "At least 100 items changed"}


def test_more_changes_than_are_examined(signed_in, ada, virginia, wally, monkeypatch):
    monkeypatch.setattr(changes, "MAX_EXAMINED", 3)
    failed = make_item(virginia)
    transitions.fail(failed, note="no", retry=False, by=wally)
    others = [make_item(virginia) for _n in range(4)]
    asking = [drawn(signed_in(ada), address) for address in ("/items/", "/items/?status=Failed")]
    for one in others:
        transitions.progress(one, stage="Store", by=wally)
    assert [ask().json()["text"] for ask in asking] == [
        "At least 3 items changed",
        "Many items changed, possibly some of these",
    ]


# The session and the reader, what was changed last; where something was, whether it is in the list.
@pytest.mark.parametrize("who", ["dora", "ada"])
def test_the_number_of_statements_is_limited(signed_in, cast, virginia, wally, django_assert_num_queries, who):
    make_items(70, [virginia])
    client = signed_in(cast[who])
    ask = drawn(client, "/items/?q=plain")
    with django_assert_num_queries(3):
        assert ask().status_code == 204
    for pk in item_ids(client.get("/items/?per_page=20&phase=open")):
        transitions.progress(WorkItem.objects.get(pk=pk), by=wally)
    with django_assert_num_queries(4):
        ask()


# Who may ask, and what


def test_ids_of_other_institutions_items_reveal_nothing(signed_in, dora, theirs, wally):
    client = signed_in(dora)
    probe = parse_page(client.get("/items/")).one("div", class_="live-update")["data-live"]
    transitions.progress(theirs, stage="Store", by=wally)
    assert client.get(f"{probe}&shown={theirs.pk}").status_code == 204


def test_signed_out_visitors_and_services_are_sent_to_sign_in(client, signed_in, wally):
    for asking in (client, signed_in(wally)):
        answer = asking.get("/items/changes?since=1")
        assert answer.status_code == 302
        assert answer["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize(
    "since",
    [
        "",
        "a",
        "-1",
        "1.1",
        "1.1-",
        "1.1-1-1",
        "1.1-1.",
        "²3",
        "9" * 18,
        "9" * 19,
        "1." + "9" * 19 + "-1",
        "1.\x00",
        "1" + ".1-1" * 51,
    ],
)
def test_invalid_page_states(signed_in, dora, item, since):
    answer = signed_in(dora).get("/items/changes", {"since": since})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["since"]


def test_an_invalid_list(signed_in, dora):
    answer = signed_in(dora).get("/items/changes?since=1&status=Lost&colour=red")
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["colour", "status"]


@pytest.mark.parametrize("shown", ["", "x", "1,,2", "-1", "9" * 30, "1," * 5000, "\x00"])
def test_invalid_row_ids(signed_in, dora, item, shown):
    answer = signed_in(dora).get("/items/changes", {"since": "1", "shown": shown})
    assert answer.json()["changed"] == 1


def test_only_get_is_allowed(signed_in, ada):
    for method in ("post", "put", "delete", "patch"):
        assert getattr(signed_in(ada), method)("/items/changes?since=1").status_code == 405


def test_polling_changes_nothing_and_does_not_extend_the_session(signed_in, dora, item, settings):
    client = signed_in(dora)
    ask = drawn(client)
    before = client.session.get_expiry_date(), list(WorkItem.objects.values())
    expires = client.cookies[settings.SESSION_COOKIE_NAME]["expires"]
    for answer in (ask(), client.get(f"/items/{item.pk}/version")):
        assert not answer.cookies
    assert client.cookies[settings.SESSION_COOKIE_NAME]["expires"] == expires
    assert not settings.SESSION_SAVE_EVERY_REQUEST
    assert list(WorkItem.objects.values()) == before[1]


# On the page


def test_the_page_polls_its_own_list(signed_in, ada, item):
    read = parse_page(signed_in(ada).get("/items/?status=Failed&sort=name&format=html"))
    live = read.one("div", class_="live-update")
    assert live["data-live"].startswith("/items/changes?since=")
    assert live["data-live"].endswith("&status=Failed&sort=name")
    assert live.one("a", data_show=True)["href"] == "/items/?status=Failed&sort=name"
    assert live.one("p", role="status").words == ""


def test_pages_do_not_poll_if_updates_are_off(signed_in, dora, item):
    client = signed_in(dora)
    client.get("/items/")  # what a process asks once has been asked
    with CaptureQueriesContext(connection) as with_updates:
        client.get("/items/")
    dora.live_updates = False
    dora.save()
    with CaptureQueriesContext(connection) as without:
        read = parse_page(client.get("/items/"))
    assert len(without) == len(with_updates) - 1
    for response in (read, parse_page(client.get(f"/items/{item.pk}"))):
        assert not response.all("div", class_="live-update")
        assert not [one for one in response.all("script") if "live" in one["src"]]


def test_an_invalid_list_does_not_poll(signed_in, dora):
    assert not parse_page(signed_in(dora).get("/items/?status=Lost")).all("div", class_="live-update")


# Where it is read


class Standby:
    def choose(self, seen):
        return ReplicaChoice("elsewhere", 7)

    def report_success(self, choice):
        pass


@pytest.mark.django_db(transaction=True, databases=["default", "elsewhere"])
def test_changes_are_read_from_the_same_replica_as_the_list(signed_in, dora, item, wally, monkeypatch):
    monkeypatch.setattr(reading, "replica_pool", Standby())
    ask = drawn(signed_in(dora))
    transitions.progress(item, stage="Store", by=wally)
    answer = ask()
    assert (number(answer), answer["X-Read-From"]) == (1, "elsewhere")


@pytest.mark.django_db(transaction=True, databases=["default", "elsewhere"])
def test_nothing_is_read_from_the_primary(dora, item):
    listing = ItemList(QueryDict("q=virginia"), dora, using="elsewhere")
    with connection.execute_wrapper(refused):
        since = changes.take_baseline(listing, timezone.now())
    transitions.progress(item, stage="Store", by=service())
    with connection.execute_wrapper(refused):
        assert changes.count_changes(listing, since, [item.pk]).number == 1
        assert changes.count_changes(listing, since, []).number == 1
