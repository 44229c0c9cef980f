"""The item's page, `/items/ID`."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from workitems import transitions
from workitems.listing import SORTS
from workitems.models import WorkItem

from ..factories import make_item
from ..stored_items import last_entry
from .page_elements import parse_page

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
SECRETS = ("worker-7", "4711", "worker-8", "4712", "Node", "Pid")


def url(item):
    return f"/items/{item.pk}"


def panel(response, name):
    """Returns the text of a section; empty if the page has no such section."""
    found = parse_page(response).all("section", aria_labelledby=name)
    return found[0].words if found else ""


# Hooks


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_the_pages_hooks(cast, signed_in, wally, item, who):
    client = signed_in(cast[who])
    transitions.progress(item, stage="Store", by=wally)
    transitions.fail(item, note="S3 says no", retry=False, by=wally)
    read = parse_page(client.get(url(item)))
    assert read.one("article").attributes == {
        "class": "item",
        "data-item-id": str(item.pk),
        "data-action": "Ingest",
        "data-stage": "Store",
        "data-status": "Failed",
        "data-reviewed": "false",
        "data-cause": str(item.failure.cause_id),
        "data-faults": "1",
    }
    assert [one["data-move"] for one in read.all("li", data_move=True)] == ["fail", "progress", "create"]
    transitions.review(item, by=cast["stan"])
    assert parse_page(client.get(url(item))).one("article")["data-reviewed"] == "true"


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_opening_the_page_changes_nothing(signed_in, ada, item, method):
    assert getattr(signed_in(ada), method)(url(item)).status_code == 405


# What now


def brought_to(item, state, by, ada):
    """The item in one of the states that pages distinguish."""
    if state == "running":
        transitions.progress(item, stage="Store", node="worker-7", by=by)
    elif state == "again":
        transitions.fail(item, note="S3 timed out", retry=True, by=by)
    elif state == "failed":
        transitions.fail(item, note="no manifest", retry=False, by=by)
    elif state == "held":
        transitions.suspend(item, note="ask", by=by)
    elif state == "done":
        transitions.succeed(item, stage="Record", by=by)
    elif state == "cancelled":
        transitions.cancel(item, note="by mistake", by=ada)
    return item


# state: status in words, who has to act, what a depositor may do, staff, an admin
STATES = {
    "waiting": ("Waiting: Receive", "No action needed.", "", "", "requeue cancel edit"),
    "running": ("Running: Store", "No action needed.", "", "", "requeue cancel edit"),
    "again": ("Will be retried: Receive", "No action needed.", "", "", "requeue cancel edit"),
    "failed": ("Failed at Receive", "Action needed: {} institution.", "", "review", "requeue edit review"),
    "held": ("On hold for APTrust", "Action needed: APTrust.", "", "", "requeue cancel edit"),
    "done": ("Done", "No action needed.", "", "review", "edit review"),
    "cancelled": ("Cancelled", "No action needed.", "", "review", "requeue edit review"),
}


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
@pytest.mark.parametrize("state", STATES)
def test_what_now(cast, signed_in, ada, wally, item, state, who):
    brought_to(item, state, wally, ada)
    said, acts, *may = STATES[state]
    response = signed_in(cast[who]).get(url(item))
    assert said in parse_page(response).one("header", class_="item-head").words
    assert acts.format("the" if who == "ada" else "your") in panel(response, "what-now")
    main = parse_page(response).one("main")
    offered = {link["href"].split("?")[0].rsplit("/", 1)[1] for link in main.all("a") if f"{item.pk}/" in link["href"]}
    offered |= {form["action"].rsplit("/", 1)[1] for form in main.all("form")}
    watches = {"watch"} if state in ("waiting", "running", "again", "held") else set()
    assert offered == {*may[["dora", "stan", "ada"].index(who)].split(), *watches}


@pytest.mark.parametrize(("who", "whose"), [("dora", "your institution"), ("stan", "your institution"), ("ada", "the institution")])  # fmt: skip
def test_who_needs_to_act(cast, signed_in, wally, item, who, whose):
    transitions.fail(item, note="no manifest", retry=False, by=wally)
    assert f"Action needed: {whose}." in panel(signed_in(cast[who]).get(url(item)), "what-now")


def test_every_term_is_explained_in_place(signed_in, dora, item):
    meaning = panel(signed_in(dora).get(url(item)), "meaning")
    for word in ("Action IngestA bag", "Stage ReceiveThe bag", "Status PendingWaiting"):
        assert word in meaning


def test_the_pipeline_marks_the_current_stage(signed_in, dora, wally, item):
    transitions.progress(item, stage="Store", by=wally)
    strip = parse_page(signed_in(dora).get(url(item))).one("section", class_="pipeline")
    [current] = strip.all("li", aria_current="step")
    assert "Store" in current.words
    assert current["class"] == "current"


# Text from outside


def test_html_in_texts_is_shown_and_never_run(signed_in, ada, stan, wally, virginia):
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>&amp;\"'{{ 7 }}"
    item = make_item(
        virginia,
        name=evil,
        etag="<i>e</i>",
        bucket="<i>b</i>",
        user="<i>u</i>",
        object_identifier="<i>o</i>",
        outcome="<i>out</i>",
    )
    transitions.fail(item, note=evil, retry=False, by=wally)
    transitions.review(item, by=stan)
    for user in (ada, stan):
        client = signed_in(user)
        for path in ("", "/review", "/cancel", "/requeue", "/edit") if user == ada else ("", "/review"):
            response = client.get(url(item) + path)
            read = parse_page(response)
            assert b"<script>alert" not in response.content
            assert all(one["src"].startswith("/static/") and not one.text for one in read.all("script"))
            assert not read.all("img")
            assert not read.all("i")
            assert evil in read.one("main").text
    response = client.post(f"{url(item)}/review", {"reviewed": "false"}, follow=True)
    assert evil in parse_page(response).one("div", class_="messages").text


def test_the_complete_note_is_shown(signed_in, dora, wally, item):
    note = "  first\n\n\tsecond\r\nthird  "
    transitions.fail(item, note=note, retry=False, by=wally)
    assert parse_page(signed_in(dora).get(url(item))).one("div", id="note-text").text.splitlines() == note.splitlines()


@pytest.mark.parametrize(("lines", "folded"), [(1, 0), (20, 0), (21, 1), (400, 380)])
def test_a_long_note_is_folded_after_twenty_lines(signed_in, dora, wally, item, lines, folded):
    note = [f"error {n}" for n in range(lines)]
    transitions.fail(item, note="\n".join(note), retry=False, by=wally)
    text = parse_page(signed_in(dora).get(url(item))).one("div", id="note-text")
    assert [line for one in text.all("pre") for line in one.text.splitlines()] == note
    summaries = [one.words for one in text.all("summary")]
    assert summaries == ([f"{folded} more line{'s' * (folded > 1)}"] if folded else [])
    assert len(text.all("pre")[0].text.splitlines()) == min(lines, 20)


def test_trailing_blank_lines_do_not_fold_a_note(signed_in, dora, wally, item):
    transitions.fail(item, note="error\n" * 20, retry=False, by=wally)
    assert parse_page(signed_in(dora).get(url(item))).one("div", id="note-text").all("summary") == []


def test_without_a_note(signed_in, dora, item):
    assert "No note." in panel(signed_in(dora).get(url(item)), "note")


# Who holds it


@pytest.mark.parametrize("who", ["dora", "stan"])
def test_members_do_not_see_process_fields(cast, signed_in, ada, wally, item, who):
    transitions.progress(item, stage="Store", node="worker-7", pid=4711, by=wally)
    transitions.edit(item, node="worker-8", pid=4712, by=ada)
    transitions.edit(item, needs_admin_review=True, by=ada)
    transitions.requeue(item, by=ada)
    transitions.progress(item, node="worker-7", pid=4711, by=wally)
    to_admin = signed_in(ada).get(url(item)).content.decode()
    for secret in SECRETS:
        assert secret in to_admin
    response = signed_in(cast[who]).get(url(item))
    shown = re.sub(r'value="\w{64}"', "", response.content.decode())  # a random token may hold any letters
    for secret in SECRETS:
        assert secret not in shown
    for name in ("node", "pid"):
        assert f"<code>{name}</code>" in to_admin
        assert f"<code>{name}</code>" not in shown
    # The entries are there, with what else they have changed.
    history = parse_page(response).one("section", aria_labelledby="history")
    assert [one["data-move"] for one in history.all("li")] == [
        "progress",
        "requeue",
        "edit",
        "edit",
        "progress",
        "create",
    ]
    assert "needs_admin_review: no → yes" in history.words


# All fields


def test_all_fields(signed_in, dora, wally, virginia):
    item = make_item(
        virginia,
        action="Delete",
        size=21_200_000_001,
        generic_file_identifier="virginia.edu/bag/data/1.tif",
        object_identifier="virginia.edu/bag",
        user="someone@virginia.edu",
        inst_approver="boss@virginia.edu",
        aptrust_approver="ada@aptrust.org",
        outcome="old words",
        bag_date=NOON,
    )
    fields = panel(signed_in(dora).get(url(item)), "fields")
    for said in (
        f"Number {item.pk} ",
        f"Name {item.name}",
        "Institution virginia.edu",
        f"Etag {item.etag}",
        "Size 21,200,000,001 bytes (21.2 GB)",
        "Object identifier virginia.edu/bag",
        "File identifier virginia.edu/bag/data/1.tif",
        "Requested by someone@virginia.edu",
        "Approved by (institution) boss@virginia.edu",
        "Approved by (consortium) ada@aptrust.org",
        "Bag created 4 May 2026, 12:00:00 UTC",
        "Retry yes",
        "Reviewed no",
        "Outcome (obsolete) old words",
    ):
        assert said in fields


def test_times_are_in_the_readers_time_zone(signed_in, dora, virginia):
    item = make_item(virginia, at=NOON)
    dora.time_zone = "America/New_York"
    dora.save()
    response = signed_in(dora).get(url(item))
    assert "Received 4 May 2026, 08:00:00 EDT" in panel(response, "fields")


# Other uploads, other items


@pytest.fixture
def uploads(virginia, jhu):
    """Three uploads of one bag, the last with other contents, and one of another institution with the same name."""
    hour = timedelta(hours=1)
    make_item(jhu, name="bag.tar", etag="zzz", at=NOON + 9 * hour)
    return [
        make_item(virginia, name="bag.tar", etag=etag, at=NOON + n * hour)
        for n, etag in enumerate(("aaa", "aaa", "bbb"))
    ]


def test_uploads_of_the_same_bag(signed_in, dora, uploads):
    first, _again, changed = uploads
    client = signed_in(dora)
    for one in uploads:
        section = parse_page(client.get(url(one))).one("section", aria_labelledby="uploads")
        rows = section.all("li")
        assert len(rows) == 3
        assert [row.attributes.get("class") for row in rows] == [
            "is-current" if other == one else None for other in reversed(uploads)
        ]
        linked = {link["href"] for link in section.all("a")}
        assert linked >= {url(other) for other in uploads if other != one}
        assert "This one counts" in rows[0].words
        assert "bbb" in rows[0].words
        for row in rows[1:]:
            assert "This one counts" not in row.words
            assert f"Superseded by {changed.pk}" in row.words or f"Duplicate of {first.pk}" in row.words


def test_a_superseded_upload_links_to_the_processed_one(signed_in, dora, uploads):
    first, _again, changed = uploads
    response = signed_in(dora).get(url(first))
    what_now = parse_page(response).one("section", aria_labelledby="what-now")
    assert "will never be ingested" in what_now.words
    assert [link["href"] for link in what_now.all("a")] == [url(changed)]
    assert "Superseded at Receive" in parse_page(response).one("header", class_="item-head").words


def test_an_only_upload_has_no_list_of_uploads(signed_in, dora, item, theirs):
    assert panel(signed_in(dora).get(url(item)), "uploads") == ""


def test_other_items_of_the_object(signed_in, dora, wally, virginia, jhu):
    ingest = transitions.succeed(make_item(virginia, name="bag.tar"), stage="Record", by=wally)
    assert ingest.object_identifier == "virginia.edu/bag"
    restore = make_item(virginia, action="Restore", name="bag.tar", object_identifier="virginia.edu/bag")
    make_item(virginia, action="Restore", name="other.tar", object_identifier="virginia.edu/other")
    make_item(jhu, action="Restore", name="bag.tar", object_identifier="virginia.edu/bag")
    client = signed_in(dora)
    for one, other in ((ingest, restore), (restore, ingest)):
        section = parse_page(client.get(url(one))).one("section", aria_labelledby="same-object")
        assert [link["href"] for link in section.all("a")] == [url(other)]


# The way through the list


@pytest.mark.parametrize("sort", SORTS)
def test_previous_and_next_follow_the_list_through_ties(signed_in, ada, virginia, jhu, sort):
    """Seven items with equal dates, names, and institutions in every combination."""
    items = [
        make_item((virginia, jhu)[n % 2], name=("a.tar", "b.tar")[n % 3 == 0], at=NOON + timedelta(hours=n // 3))
        for n in range(7)
    ]
    client = signed_in(ada)
    query = f"action=Ingest&sort={sort}"
    rows = parse_page(client.get(f"/items/?{query}")).all("tr", data_item_id=True)
    order = [int(row["data-item-id"]) for row in rows]
    assert sorted(order) == sorted(item.pk for item in items)
    canonical = query.replace("action", "item_action")
    for before, after in pairwise([None, *order, None]):
        if before:
            read = parse_page(client.get(f"/items/{before}", {"list": query}))
            links = {link["rel"]: link["href"] for link in read.all("a", rel=True)}
            assert links.get("next", "").split("?")[0] == (f"/items/{after}" if after else "")
            assert read.one("nav", class_="item-nav").all("a")[0]["href"] == f"/items/?{canonical}"
        if after:
            links = {
                link["rel"]: link["href"]
                for link in parse_page(client.get(f"/items/{after}", {"list": query})).all("a", rel=True)
            }
            assert links.get("prev", "").split("?")[0] == (f"/items/{before}" if before else "")


def test_links_to_neighbors_keep_the_list(signed_in, dora, virginia):
    items = [make_item(virginia) for _ in range(3)]
    client = signed_in(dora)
    where = f"/items/{items[0].pk}?list=sort%3Did%26per_page%3D10"
    for expected in items:
        read = parse_page(client.get(where))
        assert read.one("article")["data-item-id"] == str(expected.pk)
        where = next((link["href"] for link in read.all("a", rel="next")), None)
    assert where is None


def test_an_item_that_left_the_list_keeps_its_neighbors(signed_in, dora, wally, virginia):
    items = [make_item(virginia) for _ in range(3)]
    transitions.fail(items[1], note="bad", retry=False, by=wally)
    read = parse_page(signed_in(dora).get(url(items[1]), {"list": "status=Pending&sort=id"}))
    assert [link["href"].split("?")[0] for link in read.all("a", rel=True)] == [url(items[0]), url(items[2])]


def test_the_list_links_to_the_item_and_the_item_back(signed_in, dora, virginia):
    for _ in range(12):
        make_item(virginia)
    client = signed_in(dora)
    there = "/items/?status=Pending&q=bag&sort=name&page=2&per_page=10"
    link = parse_page(client.get(there)).all("tr", data_item_id=True)[0].one("a")
    assert parse_page(client.get(link["href"])).one("nav", class_="item-nav").all("a")[0]["href"] == there


@pytest.mark.parametrize("query", ["status=Nonsense", "unknown=1", "q=%00", "\x00", "page=0", "//evil.example", "=&=&", "institution=jhu.edu"])  # fmt: skip
def test_an_invalid_list_is_ignored(signed_in, dora, item, theirs, query):
    response = signed_in(dora).get(url(item), {"list": query})
    assert response.status_code == 200
    read = parse_page(response)
    assert read.one("nav", class_="item-nav").all("a")[0]["href"] == "/items/"
    assert read.all("a", rel=True) == []


# Long lives


def test_only_the_latest_entries_of_a_long_history_are_shown(signed_in, dora, ada, item):
    for n in range(205):
        transitions.edit(item, note=f"note {n}", by=ada)
    history = parse_page(signed_in(dora).get(url(item))).one("section", aria_labelledby="history")
    assert len(history.all("li")) == 200
    assert "note 204" in history.all("li")[0].words
    assert "6 older entries are not shown." in history.words


def test_an_item_imported_as_reviewed(signed_in, dora, wally, item):
    transitions.succeed(item, stage="Record", by=wally)
    WorkItem.objects.filter(pk=item.pk).update(reviewed=True)  # as an import leaves it
    said = panel(signed_in(dora).get(url(item)), "reviewed")
    assert "Reviewed before this item was imported." in said


def queries_of(client, item):
    with CaptureQueriesContext(connection) as found:
        assert client.get(url(item), {"list": "sort=name"}).status_code == 200
    return found.captured_queries


def test_the_number_of_queries_does_not_grow(signed_in, dora, ada, wally, virginia):
    """Thirteen, however many uploads, items of the object and history entries there are.

    Session; person with institution; the item with its institution; the uploads of the bag; the other items of the
    object; which of these bags were uploaded more than once, and for those that were (so one more) their marks;
    the usual times, which a process then keeps for a minute, so that they are not asked for again; how many wait before
    it; whether the reader is to be told of its end; the history; the summary, previous and next in the list.
    """
    item = make_item(virginia, name="bag.tar", object_identifier="virginia.edu/bag")
    client = signed_in(dora)
    few = queries_of(client, item)
    assert len(few) == 13, [query["sql"] for query in few]
    for n in range(30):
        make_item(virginia, name="bag.tar", etag=f"{n:032x}")
        make_item(virginia, action="Restore", name="bag.tar", object_identifier="virginia.edu/bag")
        transitions.edit(item, note=f"note {n}", by=ada)
    many = queries_of(client, item)
    assert len(many) == 12, [query["sql"] for query in many]  # superseded now, it waits for nothing
    assert len(parse_page(client.get(url(item))).all("li", data_move=True)) == 31
    assert last_entry(item).number == 31
