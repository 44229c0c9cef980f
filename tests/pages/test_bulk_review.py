"""Marking many items as reviewed: `/items/review`, `/acts/ID`, `/acts/ID/undo`."""

import re
import uuid

import pytest
from django.core import signing
from django.test import Client

from workitems import transitions
from workitems.bulk import run
from workitems.models import BulkChange, HistoryEntry, WorkItem

from ..factories import make_item
from ..many_items import make_items
from ..stored_items import as_stored, last_entry
from .page_elements import find_form, parse_page

URL = "/items/review"


@pytest.fixture
def done(virginia, wally):
    """Three finished items of Virginia."""
    return [transitions.succeed(make_item(virginia), stage="Record", by=wally) for _ in range(3)]


def snapshot_of(client, query=""):
    """Returns what the list's page would post for all matching items."""
    form = parse_page(client.get(f"/items/?{query}")).one("form", id="bulk")
    return {name: value for name, value in form.fields().items() if name in ("snapshot", "list")}


def ticked(*items, reviewed="true", **more):
    return {"which": "ids", "ids": [item.pk for item in items], "reviewed": reviewed, **more}


def matching(client, query="", reviewed="true"):
    return {"which": "matching", "reviewed": reviewed, **snapshot_of(client, query)}


def done_at_once(client, sent):
    """Posts the confirmed form. Returns the bulk change and its page."""
    response = client.post(URL, {**sent, "confirmed": "yes"})
    assert response.status_code == 302
    act = BulkChange.objects.get(pk=response["Location"].rsplit("/", 1)[1])
    return act, client.get(response["Location"])


def outcome(response):
    return parse_page(response).one("p", class_="outcome").words


def reviewed():
    return set(WorkItem.objects.filter(reviewed=True).values_list("pk", flat=True))


def keys(*items):
    return {item.pk for item in items}


# Who may


@pytest.mark.parametrize(("who", "status"), [("dora", 403), ("stan", 200), ("ada", 200)])
def test_which_roles_can_review_in_bulk(cast, signed_in, done, who, status):
    client = signed_in(cast[who])
    assert client.post(URL, ticked(*done)).status_code == status
    response = client.post(URL, ticked(*done, confirmed="yes"))
    assert response.status_code == (302 if status == 200 else 403)
    assert reviewed() == (keys(*done) if status == 200 else set())
    assert BulkChange.objects.exists() is (status == 200)


def test_signed_out_visitors_are_sent_to_sign_in(client, done):
    response = client.post(URL, ticked(*done, confirmed="yes"))
    assert response["Location"].startswith("/accounts/login/")
    assert reviewed() == set()


def test_a_post_from_another_site_is_refused(stan, done):
    client = Client(enforce_csrf_checks=True)
    client.force_login(stan)
    assert client.post(URL, ticked(*done, confirmed="yes")).status_code == 403
    assert reviewed() == set()


def test_a_get_redirects_to_the_list_and_changes_nothing(signed_in, stan, done):
    response = signed_in(stan).get(URL, ticked(*done, confirmed="yes"))
    assert (response.status_code, response["Location"]) == (302, "/items/")
    assert reviewed() == set()


def test_depositors_have_no_checkboxes(signed_in, dora, done):
    read = parse_page(signed_in(dora).get("/items/"))
    assert read.all("form", id="bulk") == []
    assert read.all("input", name="ids") == []


# Ticked items


def test_it_asks_for_confirmation_and_can_be_undone(signed_in, stan, done):
    client = signed_in(stan)
    asked = client.post(URL, ticked(*done[:2], list="status=Success"))
    assert asked.status_code == 200
    assert reviewed() == set()
    said = parse_page(asked).one("ul", class_="preview").words
    assert said == "2 items selected 2 will be marked as reviewed: 2 Success"
    form = find_form(asked)
    assert form.words.startswith("Mark 2 items as reviewed")
    assert form.one("a", class_="button")["href"] == "/items/?status=Success"
    boxes = [field["value"] for field in form.all("input", name="ids")]
    act, response = done_at_once(client, {**form.fields(), "ids": boxes})
    assert reviewed() == keys(*done[:2])
    assert outcome(response) == "Marked 2 of 2 as reviewed."
    entries = HistoryEntry.objects.filter(act=act.pk)
    assert {(entry.item_id, entry.move, entry.who, entry.via) for entry in entries} == {
        (item.pk, "review", stan.email, "page") for item in done[:2]
    }
    assert last_entry(done[2]).act is None
    assert parse_page(response).one("main").all("a", class_="button")[0]["href"] == "/items/?status=Success"

    response = client.post(parse_page(response).one("form", action=f"/acts/{act.pk}/undo")["action"], follow=True)
    assert reviewed() == set()
    assert outcome(response) == "Marked 2 of 2 as not reviewed."
    assert last_entry(done[0]).move == "unreview"
    assert last_entry(done[0]).act not in (None, act.pk)
    assert not parse_page(response).one("main").all("form")  # an undo is not undone


def test_open_items_are_skipped_with_their_number_and_a_reason(signed_in, stan, wally, virginia, done):
    waiting, again, held = (make_item(virginia) for _ in range(3))
    transitions.fail(again, note="S3", retry=True, by=wally)
    transitions.suspend(held, note="ask", by=wally)
    before = [as_stored(item) for item in (waiting, again, held)]
    client = signed_in(stan)
    sent = ticked(*done, waiting, again, held)
    said = parse_page(client.post(URL, sent)).one("ul", class_="preview").words
    assert said == "6 items selected 3 will be marked as reviewed: 3 Success 3 will be skipped: not finished yet"
    _act, response = done_at_once(client, sent)
    assert outcome(response) == "Marked 3 of 6 as reviewed. 3 skipped: not finished yet."
    assert reviewed() == keys(*done)
    assert [as_stored(item) for item in (waiting, again, held)] == before


def test_items_already_marked_are_counted_but_not_recorded(signed_in, stan, ada, done):
    transitions.review(done[0], by=ada)
    stored = as_stored(done[0])
    client = signed_in(stan)
    said = parse_page(client.post(URL, ticked(*done))).one("ul", class_="preview").words
    assert said == "3 items selected 2 will be marked as reviewed: 2 Success 1 is already done"
    act, response = done_at_once(client, ticked(*done))
    assert outcome(response) == "Marked 2 of 3 as reviewed. 1 was already done."
    assert as_stored(done[0]) == stored
    client.post(f"/acts/{act.pk}/undo")
    assert reviewed() == keys(done[0])


def test_marking_not_reviewed(signed_in, stan, done):
    client = signed_in(stan)
    done_at_once(client, ticked(*done))
    act, response = done_at_once(client, ticked(*done[:2], reviewed="false"))
    assert outcome(response) == "Marked 2 of 2 as not reviewed."
    assert reviewed() == keys(done[2])
    client.post(f"/acts/{act.pk}/undo")
    assert reviewed() == keys(*done)


def test_nothing_to_mark_has_no_button(signed_in, stan, item):
    asked = signed_in(stan).post(URL, ticked(item))
    assert find_form(asked).all("button") == []


def test_a_selected_item_that_has_changed_is_skipped(signed_in, stan, ada, wally, done):
    client = signed_in(stan)
    shown = snapshot_of(client)
    transitions.edit(done[0], note="Look again, please.", by=ada)
    said = parse_page(client.post(URL, ticked(*done, **shown))).one("ul", class_="preview").words
    assert "1 will be skipped: changed since you opened the list" in said
    asked = find_form(client.post(URL, ticked(*done, **shown))).fields()
    assert asked["snapshot"] == shown["snapshot"]
    _act, response = done_at_once(client, ticked(*done, **shown))
    assert outcome(response) == "Marked 2 of 3 as reviewed. 1 skipped: changed since the list was opened."
    assert reviewed() == keys(*done[1:])


@pytest.mark.parametrize(
    "ids", [[], [""], ["x"], ["-1"], ["1.5"], ["\x00"], ["١"], ["9" * 19], [str(10**30)], ["1; DROP TABLE"]]
)
def test_invalid_ids_are_ignored(signed_in, stan, done, ids):
    client = signed_in(stan)
    response = client.post(URL, {"ids": ids, "reviewed": "true", "list": "status=Success", "confirmed": "yes"})
    assert (response.status_code, response["Location"]) == (302, "/items/?status=Success")
    assert "Select items first" in parse_page(client.get(response["Location"])).one("div", class_="messages").words
    assert not BulkChange.objects.exists()


def test_too_many_selected_items_are_refused(stan):
    with pytest.raises(run.InvalidSelection, match="at most 1000 items"):
        run.select_by_ids([str(n) for n in range(1, 1002)], "", "", stan)


@pytest.mark.parametrize("value", [None, "", "maybe", "\x00"])
def test_the_value_is_true_or_false(signed_in, stan, done, value):
    client = signed_in(stan)
    sent = ticked(*done, confirmed="yes")
    del sent["reviewed"]
    response = client.post(URL, sent if value is None else {**sent, "reviewed": value})
    assert response.status_code == 302
    assert "must be true or false" in parse_page(client.get(response["Location"])).one("div", class_="messages").words
    assert not BulkChange.objects.exists()


# All matching items


def test_all_matching_items(signed_in, stan, wally, virginia, done, item):
    failed = transitions.fail(make_item(virginia), note="bad", retry=False, by=wally)
    client = signed_in(stan)
    sent = matching(client, "status=Success&status=Pending&per_page=10")
    said = parse_page(client.post(URL, sent)).one("ul", class_="preview").words
    assert said == "4 items selected 3 will be marked as reviewed: 3 Success 1 will be skipped: not finished yet"
    _act, response = done_at_once(client, sent)
    assert outcome(response) == "Marked 3 of 4 as reviewed. 1 skipped: not finished yet."
    assert reviewed() == keys(*done)
    assert failed.pk not in reviewed()


def test_items_that_changed_after_the_page_was_drawn_are_skipped(signed_in, stan, ada, wally, virginia, done, item):
    client = signed_in(stan)
    sent = matching(client)
    transitions.succeed(item, stage="Record", by=wally)
    transitions.edit(done[0], note="Look again, please.", by=ada)
    late = transitions.succeed(make_item(virginia), stage="Record", by=wally)
    said = parse_page(client.post(URL, sent)).one("ul", class_="preview").words
    assert (
        said
        == "4 items selected 2 will be marked as reviewed: 2 Success 2 will be skipped: changed since you opened the list"
    )
    asked = find_form(client.post(URL, sent)).fields()
    transitions.succeed(make_item(virginia), stage="Record", by=wally)
    _act, response = done_at_once(client, asked)
    assert outcome(response) == "Marked 2 of 4 as reviewed. 2 skipped: changed since the list was opened."
    assert reviewed() == keys(*done[1:])
    assert late.pk not in reviewed()


def test_the_snapshot_depends_on_filters_and_not_on_presentation(signed_in, stan, virginia, wally):
    items = [transitions.succeed(make_item(virginia, name=f"x-{n}.tar"), stage="Record", by=wally) for n in range(12)]
    other = transitions.succeed(make_item(virginia, name="y.tar"), stage="Record", by=wally)
    client = signed_in(stan)
    _act, response = done_at_once(client, matching(client, "name_like=x-&reviewed=false&sort=name&page=2&per_page=10"))
    assert outcome(response) == "Marked 12 of 12 as reviewed."
    assert reviewed() == keys(*items)
    assert other.pk not in reviewed()


def forged(query, user, mark=10**9):
    return signing.dumps({"user": user.pk, "query": query, "total": 3, "mark": mark}, key="another key", salt=run.SALT)


@pytest.mark.parametrize("kind", ["none", "garbage", "cut", "turned", "nul", "foreign", "forged", "other salt"])
def test_a_forged_snapshot_is_refused(signed_in, stan, ada, done, kind):
    own = snapshot_of(signed_in(stan))["snapshot"]
    token = {
        "none": "",
        "garbage": "a:b:c",
        "cut": own[:-3],
        "turned": own[::-1],
        "nul": "\x00" + own,
        "foreign": snapshot_of(signed_in(ada))["snapshot"],
        "forged": forged("", stan),
        "other salt": signing.dumps({"user": stan.pk, "query": "", "total": 3, "mark": 10**9}, salt="else"),
    }[kind]
    client = signed_in(stan)
    sent = {"which": "matching", "reviewed": "true", "snapshot": token, "list": "status=Success", "confirmed": "yes"}
    response = client.post(URL, sent)
    assert (response.status_code, response["Location"]) == (302, "/items/?status=Success")
    assert "is no longer valid" in parse_page(client.get(response["Location"])).one("div", class_="messages").words
    assert not BulkChange.objects.exists()
    if token:
        assert client.post(URL, ticked(*done, snapshot=token, confirmed="yes"))["Location"] == "/items/"
        assert not BulkChange.objects.exists()


def test_an_admins_snapshot_reaches_every_institution_and_staffs_only_their_own(
    signed_in, ada, stan, wally, done, theirs
):
    transitions.succeed(theirs, stage="Record", by=wally)
    done_at_once(signed_in(stan), matching(signed_in(stan)))
    assert reviewed() == keys(*done)
    _act, response = done_at_once(signed_in(ada), matching(signed_in(ada)))
    assert outcome(response) == "Marked 1 of 4 as reviewed. 3 were already done."
    assert theirs.pk in reviewed()


def test_losing_the_permission_stops_the_bulk_change(signed_in, stan, done, monkeypatch):
    monkeypatch.setattr(run, "BATCH_SIZE", 1)
    monkeypatch.setattr(run, "TIME_SLICE", run.TIME_SLICE * 0)
    act, _response = done_at_once(signed_in(stan), ticked(*done))
    assert len(reviewed()) == 1
    stan.role = "institutional_user"
    stan.save()
    assert signed_in(stan).post(f"/acts/{act.pk}").status_code == 403
    assert len(reviewed()) == 1


# Ids of another institution


def test_ids_of_another_institution_are_as_if_they_did_not_exist(signed_in, stan, wally, done, theirs):
    transitions.succeed(theirs, stage="Record", by=wally)
    before = as_stored(theirs)
    client = signed_in(stan)
    missing = theirs.pk + 1000
    said = []
    for foreign in (theirs.pk, missing):
        sent = {"ids": [done[0].pk, foreign], "reviewed": "true"}
        asked = client.post(URL, sent)
        act, response = done_at_once(client, sent)
        client.post(f"/acts/{act.pk}/undo")
        # But for when it was, which may be a second later.
        said.append([re.sub(r"\d\d:\d\d:\d\d", "", parse_page(one).one("main").words) for one in (asked, response)])
    assert said[0] == said[1]
    assert as_stored(theirs) == before
    assert theirs.name not in "".join(said[0])


# Undo


def test_undo_skips_items_changed_since(signed_in, stan, ada, wally, virginia, done):
    done[1] = transitions.fail(make_item(virginia), note="bad", retry=False, by=wally)
    client = signed_in(stan)
    act, _response = done_at_once(client, ticked(*done))
    transitions.edit(done[0], note="Look again, please.", by=ada)
    transitions.requeue(done[1], by=ada)
    before = [as_stored(item) for item in done[:2]]
    response = client.post(f"/acts/{act.pk}/undo", follow=True)
    assert outcome(response) == "Marked 1 of 3 as not reviewed. 2 skipped: changed since they were marked."
    left_alone = parse_page(response).one("section", aria_labelledby="skipped")
    assert {link["href"] for link in left_alone.all("a")} == {f"/items/{item.pk}" for item in done[:2]}
    assert reviewed() == keys(done[0])
    assert [as_stored(item) for item in done[:2]] == before


def test_undo_twice_changes_once(signed_in, stan, done):
    client = signed_in(stan)
    act, _response = done_at_once(client, ticked(*done))
    client.post(f"/acts/{act.pk}/undo")
    stored = [as_stored(item) for item in done]
    response = client.post(f"/acts/{act.pk}/undo", follow=True)
    assert outcome(response) == "Marked 3 of 3 as not reviewed."
    assert BulkChange.objects.count() == 2
    assert parse_page(client.get(f"/acts/{act.pk}")).all("form", action=f"/acts/{act.pk}/undo") == []
    assert [as_stored(item) for item in done] == stored


def test_a_get_never_undoes(signed_in, stan, done):
    client = signed_in(stan)
    act, _response = done_at_once(client, ticked(*done))
    assert client.get(f"/acts/{act.pk}/undo")["Location"] == f"/acts/{act.pk}"
    assert client.get(f"/acts/{act.pk}").status_code == 200
    assert reviewed() == keys(*done)


# The act


@pytest.mark.parametrize("path", ["", "/undo"])
def test_another_institutions_bulk_change_is_not_found(signed_in, stan, olga, done, path):
    act, _response = done_at_once(signed_in(stan), ticked(*done))
    client = signed_in(olga)
    theirs, missing = (client.post(f"/acts/{pk}{path}") for pk in (act.pk, uuid.uuid4()))
    assert (theirs.status_code, missing.status_code) == (404, 404)
    assert client.get(f"/acts/{act.pk}").status_code == 404
    assert reviewed() == keys(*done)


def test_an_admin_sees_others_bulk_changes_and_cannot_undo_them(signed_in, stan, ada, done):
    act, _response = done_at_once(signed_in(stan), ticked(*done))
    client = signed_in(ada)
    read = parse_page(client.get(f"/acts/{act.pk}"))
    assert stan.email in read.one("main").words
    assert not read.all("form", action=f"/acts/{act.pk}/undo")
    assert client.post(f"/acts/{act.pk}/undo").status_code == 403
    assert reviewed() == keys(*done)


@pytest.mark.parametrize("pk", ["1", "x", "%00", "0" * 36])
def test_invalid_ids_of_bulk_changes(signed_in, stan, pk):
    assert signed_in(stan).get(f"/acts/{pk}").status_code == 404


@pytest.mark.parametrize("number", ["x", "0", "-1", "999", "\x00"])
def test_every_page_of_a_bulk_change_can_be_opened(signed_in, stan, done, number):
    client = signed_in(stan)
    act, _response = done_at_once(client, ticked(*done))
    assert client.get(f"/acts/{act.pk}", {"page": number}).status_code == 200


def test_an_interrupted_bulk_change_continues_where_it_stopped(signed_in, stan, wally, virginia, monkeypatch):
    items = make_items(7, [virginia], action="Ingest", stage="Record", status="Success", retry=False, reviewed=False)
    monkeypatch.setattr(run, "BATCH_SIZE", 3)
    monkeypatch.setattr(run, "TIME_SLICE", run.TIME_SLICE * 0)
    client = signed_in(stan)
    act, response = done_at_once(client, matching(client, "status=Success"))
    assert reviewed() == keys(*items[:3])
    read = parse_page(response)
    assert "3 of 7 done" in read.one("main").words
    assert read.one("progress").attributes["value"] == "3"
    assert read.one("main").all("form", action=f"/acts/{act.pk}/undo") == []  # not before its end
    stored = as_stored(items[0])
    assert read.one("form", class_="auto-continue").words == "Continue"
    client.get(f"/acts/{act.pk}")  # looking does not go on
    assert reviewed() == keys(*items[:3])
    assert client.post(f"/acts/{act.pk}")["Location"] == f"/acts/{act.pk}"
    assert reviewed() == keys(*items[:6])
    response = client.post(f"/acts/{act.pk}", follow=True)
    assert outcome(response) == "Marked 7 of 7 as reviewed."
    assert reviewed() == keys(*items)
    assert as_stored(items[0]) == stored
    finished = BulkChange.objects.values().get(pk=act.pk)
    client.post(f"/acts/{act.pk}")  # there is nothing left to do
    assert BulkChange.objects.values().get(pk=act.pk) == finished


def test_items_changed_during_an_interruption_are_skipped(signed_in, stan, ada, virginia, monkeypatch):
    items = make_items(4, [virginia], action="Ingest", stage="Record", status="Success", retry=False, reviewed=False)
    monkeypatch.setattr(run, "BATCH_SIZE", 2)
    monkeypatch.setattr(run, "TIME_SLICE", run.TIME_SLICE * 0)
    client = signed_in(stan)
    act, _response = done_at_once(client, matching(client))
    transitions.edit(items[3], note="Look again, please.", by=ada)
    for _ in range(3):
        response = client.post(f"/acts/{act.pk}", follow=True)
    assert outcome(response) == "Marked 3 of 4 as reviewed. 1 skipped: changed since the list was opened."
    assert reviewed() == keys(*items[:3])
