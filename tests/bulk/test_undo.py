"""Undoing a bulk change: who can, what is left alone, and that nobody can block or repeat it."""

import threading
import uuid

import pytest
from django.db import IntegrityError, connections, transaction

from workitems import transitions
from workitems.bulk import run, undoing
from workitems.models import BulkChange, WorkItem

from ..factories import UserFactory, make_item
from ..pages.page_elements import find_form, parse_page
from ..pages.test_bulk_cancel import preview
from ..pages.test_bulk_review import outcome
from ..stored_items import as_stored, last_entry

NOTE = "It was a mistake."
SURE = {"confirmed": "yes", "note": NOTE}
SINCE = "changed since they were cancelled"
NOT_THERE = "the queue takes up no items at the stage where they stood"


def change_of(by, *items, move="cancel", note="No."):
    selection = run.Selection({"ids": [item.pk for item in items]}, len(items), "stage=Store")
    return run.run_slice(run.start(selection, move, by, note=note))


@pytest.fixture
def items(virginia, jhu, wally):
    """An ingest that has been started, one that is held, and a restoration on its way."""
    restoration = make_item(jhu, action="Restore", stage="Requested", object_identifier="jhu.edu/x")
    return [
        make_item(virginia, stage="Store", status="Started", node="n", pid=7),
        transitions.suspend(make_item(virginia, stage="Validate"), note="Ask.", by=wally),
        transitions.progress(restoration, by=wally, stage="Package", node="n"),
    ]


@pytest.fixture
def cancelled(ada, items):
    return change_of(ada, *items)


def stored_states(items):
    return [(item.stage, item.status) for item in (WorkItem.objects.get(pk=item.pk) for item in items)]


# A cancel


def test_cancelled_items_go_back_to_where_they_stood(signed_in, ada, items, cancelled):
    client = signed_in(ada)
    before = [as_stored(item) for item in items]
    asked = client.post(f"/acts/{cancelled.pk}/undo")
    assert asked.status_code == 200
    assert preview(asked) == ["3 items selected", "3 will be requeued to where they stood before: 3 Cancelled"]
    assert find_form(asked).one("button", type="submit").words == "Requeue 3 items"
    assert [as_stored(item) for item in items] == before
    assert BulkChange.objects.count() == 1

    shown = client.post(f"/acts/{cancelled.pk}/undo", SURE, follow=True)
    assert outcome(shown) == "Requeued 3 of 3."
    undo = BulkChange.objects.get(undoes=cancelled)
    assert (undo.by, undo.move, undo.note, undo.query) == (ada, "requeue", NOTE, "stage=Store")
    assert stored_states(items) == [("Store", "Pending"), ("Validate", "Pending"), ("Requested", "Pending")]
    for item in items:
        item.refresh_from_db()
        assert (item.note, item.retry, item.reviewed, item.node, item.pid) == (NOTE, True, False, "", None)
        entry = last_entry(item)
        assert (entry.act, entry.who, entry.via, entry.move) == (undo.pk, ada.email, "page", "requeue")
    former = parse_page(client.get(f"/acts/{cancelled.pk}"))
    assert former.all("form", action=f"/acts/{cancelled.pk}/undo") == []
    assert former.one("p", class_="undone").one("a")["href"] == f"/acts/{undo.pk}"
    assert ada.email in former.one("p", class_="undone").words
    of_the_undo = parse_page(shown)
    assert "A requeue can't be undone: workers may have taken up the items." in of_the_undo.one("main").words
    assert of_the_undo.one("main").all("form") == []
    assert f"/acts/{cancelled.pk}" in {link["href"] for link in of_the_undo.all("a")}


@pytest.mark.parametrize("note", ["", "  \n", "x" * 10_001])
def test_it_needs_a_note(signed_in, ada, items, cancelled, note):
    before = [as_stored(item) for item in items]
    asked = signed_in(ada).post(f"/acts/{cancelled.pk}/undo", {"confirmed": "yes", "note": note})
    assert asked.status_code == 422
    assert find_form(asked).one("textarea").text.strip() == note.strip()
    assert [as_stored(item) for item in items] == before
    assert BulkChange.objects.count() == 1


@pytest.mark.parametrize(("who", "status"), [("dora", 403), ("stan", 404), ("olga", 404), ("ada", 302)])
def test_which_roles_can_undo_a_cancel(cast, signed_in, items, cancelled, who, status):
    client = signed_in(cast[who])
    assert client.post(f"/acts/{cancelled.pk}/undo", SURE).status_code == status
    assert BulkChange.objects.filter(undoes=cancelled).exists() is (status == 302)
    assert WorkItem.objects.filter(status="Cancelled").count() == (0 if status == 302 else 3)


def test_another_admin_can_undo_a_cancel(signed_in, ada, items, cancelled):
    other = UserFactory(email="other@aptrust.org", institution=ada.institution, role=ada.role)
    client = signed_in(other)
    assert parse_page(client.get(f"/acts/{cancelled.pk}")).one("form", action=f"/acts/{cancelled.pk}/undo")
    assert outcome(client.post(f"/acts/{cancelled.pk}/undo", SURE, follow=True)) == "Requeued 3 of 3."
    assert {last_entry(item).who for item in items} == {other.email}


def test_signed_out_visitors_are_sent_to_sign_in(client, items, cancelled):
    assert client.post(f"/acts/{cancelled.pk}/undo", SURE)["Location"].startswith("/accounts/login/")
    assert not BulkChange.objects.filter(undoes=cancelled).exists()


def test_what_has_changed_since_is_left_alone_whatever_it_is_now(signed_in, ada, wally, virginia):
    """One was requeued and has succeeded, one was requeued and cancelled again."""
    done, again = make_item(virginia, stage="Store"), make_item(virginia, stage="Store")
    cancelled = change_of(ada, done, again, last := make_item(virginia, stage="Record"))
    transitions.succeed(transitions.requeue(done, by=ada), stage="Record", by=wally)
    transitions.cancel(transitions.requeue(again, by=ada), note="No, again.", by=ada)
    before = [as_stored(item) for item in (done, again)]
    client = signed_in(ada)
    assert preview(client.post(f"/acts/{cancelled.pk}/undo")) == [
        "3 items selected",
        "1 will be requeued to where they stood before: 1 Cancelled",
        f"2 will be skipped: {SINCE}",
    ]
    shown = client.post(f"/acts/{cancelled.pk}/undo", SURE, follow=True)
    assert outcome(shown) == f"Requeued 1 of 3. 2 skipped: {SINCE}."
    left_alone = parse_page(shown).one("section", aria_labelledby="skipped")
    assert {link["href"] for link in left_alone.all("a")} == {f"/items/{item.pk}" for item in (done, again)}
    assert [as_stored(item) for item in (done, again)] == before
    assert stored_states([last]) == [("Record", "Pending")]


def test_stages_that_the_queue_does_not_serve_are_left_alone(signed_in, ada, virginia, settings):
    items = [make_item(virginia, stage=stage, status="Started") for stage in ("Store", "Validate", "Unpack")]
    cancelled = change_of(ada, *items)
    settings.WORKITEM_QUEUE_STAGES = ["Receive", "Store", "Record"]
    client = signed_in(ada)
    assert f"2 will be skipped: {NOT_THERE}" in preview(client.post(f"/acts/{cancelled.pk}/undo"))
    shown = client.post(f"/acts/{cancelled.pk}/undo", SURE, follow=True)
    assert outcome(shown) == f"Requeued 1 of 3. 2 skipped: {NOT_THERE}."
    assert stored_states(items) == [("Store", "Pending"), ("Resolve", "Cancelled"), ("Resolve", "Cancelled")]


def test_nothing_left_to_undo_has_no_button(signed_in, ada, items, cancelled):
    for item in items:
        transitions.requeue(WorkItem.objects.get(pk=item.pk), by=ada)
    asked = signed_in(ada).post(f"/acts/{cancelled.pk}/undo")
    assert preview(asked)[-1] == f"3 will be skipped: {SINCE}"
    assert find_form(asked).all("button", type="submit") == []


def test_a_requeue_and_an_unfinished_cancel_cannot_be_undone(signed_in, ada, items, cancelled):
    requeued = change_of(ada, *items, move="requeue")
    begun = run.start(run.Selection({"ids": [items[0].pk]}, 1, ""), "cancel", ada, note="No.")
    client = signed_in(ada)
    for change in (requeued, begun):
        assert client.post(f"/acts/{change.pk}/undo", SURE).status_code == 403
    assert "A requeue can't be undone" in parse_page(client.get(f"/acts/{requeued.pk}")).one("main").words
    assert stored_states(items[:1]) == [("Store", "Pending")]


def test_an_interrupted_undo_is_continued(signed_in, ada, items, cancelled, monkeypatch):
    monkeypatch.setattr(run, "BATCH_SIZE", 1)
    undo = undoing.undo(cancelled, ada, note=NOTE)
    monkeypatch.setattr(run, "TIME_SLICE", -run.TIME_SLICE)
    undo = run.run_slice(undo)
    assert (undo.changed, undo.finished_at) == (1, None)
    edited = WorkItem.objects.get(pk=items[1].pk)
    transitions.edit(edited, note="Wait.", by=ada)
    client = signed_in(ada)
    assert parse_page(client.get(f"/acts/{undo.pk}")).one("form", class_="auto-continue")
    for _ in range(4):
        client.post(f"/acts/{undo.pk}")
    undo.refresh_from_db()
    assert (undo.changed, undo.skipped, undo.processed) == (2, {"changed": 1}, 3)
    assert undo.finished_at
    assert stored_states(items) == [("Store", "Pending"), ("Resolve", "Cancelled"), ("Requested", "Pending")]


@pytest.mark.parametrize("why", ["role", "institution"])
def test_an_undo_whose_author_no_longer_may_says_so(signed_in, ada, stan, jhu, items, cancelled, why):
    undo = undoing.undo(cancelled, ada, note=NOTE)
    ada.role = stan.role
    ada.institution = jhu if why == "institution" else ada.institution
    ada.save()
    undo = run.run_slice(undo)
    assert (undo.changed, undo.skipped) == (0, {"forbidden": 3})
    assert stored_states(items) == [("Resolve", "Cancelled")] * 3
    other = UserFactory(email="other@aptrust.org", institution=stan.institution, role="admin")
    shown = signed_in(other).get(f"/acts/{undo.pk}")
    assert outcome(shown) == "Requeued 0 of 3. 3 skipped: the role no longer allows it."


# At most one, and nobody can block it


def test_pressing_the_button_twice_makes_one_undo(signed_in, ada, items, cancelled):
    client = signed_in(ada)
    first, second = (client.post(f"/acts/{cancelled.pk}/undo", SURE)["Location"] for _ in range(2))
    assert first == second
    assert client.post(f"/acts/{cancelled.pk}/undo")["Location"] == first  # from an old page, without the note
    assert BulkChange.objects.count() == 2
    assert all(item.history.filter(move="requeue").count() == 1 for item in items)


def test_a_colleague_cannot_block_an_undo_with_an_identifier(signed_in, stan, virginia, wally):
    """The id of an undo was once worked out from that of the bulk change, so somebody else could use it first."""
    done = [transitions.succeed(make_item(virginia), stage="Record", by=wally) for _ in range(2)]
    marked = change_of(stan, done[0], move="review", note="")
    colleague = UserFactory(email="sue@virginia.edu", institution=virginia, role=stan.role)
    client = signed_in(colleague)
    sent = {"which": "ids", "ids": [done[1].pk], "reviewed": "true", "confirmed": "yes"}
    client.post("/items/review", {**sent, "number": str(uuid.uuid5(marked.pk, "undo"))})
    assert client.post(f"/acts/{marked.pk}/undo").status_code == 403
    client = signed_in(stan)
    assert parse_page(client.get(f"/acts/{marked.pk}")).one("form", action=f"/acts/{marked.pk}/undo")
    assert outcome(client.post(f"/acts/{marked.pk}/undo", follow=True)) == "Marked 1 of 1 as not reviewed."
    undo = BulkChange.objects.get(undoes=marked)
    assert (undo.by, undo.pk == uuid.uuid5(marked.pk, "undo")) == (stan, False)
    assert WorkItem.objects.filter(reviewed=True).get() == done[1]


def test_the_database_refuses_a_second_undo(ada, items, cancelled):
    undo = undoing.undo(cancelled, ada, note=NOTE)
    with pytest.raises(IntegrityError), transaction.atomic():
        BulkChange.objects.create(by=ada, move="requeue", selection=undo.selection, total=3, undoes=cancelled)
    assert undoing.undo(cancelled, ada, note="Another.") == undo


@pytest.mark.django_db(transaction=True)
def test_two_admins_at_once_make_one_undo(on_postgresql, ada, items, cancelled):
    other = UserFactory(email="other@aptrust.org", institution=ada.institution, role=ada.role)
    together, made, wrong = threading.Barrier(2, timeout=20), [], []

    def press(who):
        try:
            together.wait()
            undo = undoing.undo(cancelled, who, note=NOTE)
            run.run_slice(undo)
            made.append(undo.pk)
        except Exception as error:
            wrong.append(error)
        connections.close_all()

    threads = [threading.Thread(target=press, args=[who]) for who in (ada, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
    assert len(set(made)) == 1
    undo = BulkChange.objects.get(undoes=cancelled)
    assert (undo.changed, undo.skipped, undo.unchanged) == (3, {}, 0)
    assert all(item.history.filter(act=undo.pk).count() == 1 for item in items)


# Requeuing from the page of a cancel


def listed(client, address):
    """Returns the ids of the items that a page of the list shows."""
    return {int(box["value"]) for box in parse_page(client.get(address)).all("input", name="ids")}


def requeue_form(response):
    [form] = parse_page(response).all("form", class_="requeue")
    return form


def test_what_is_unchanged_since_can_be_requeued(signed_in, ada, items, cancelled):
    transitions.edit(WorkItem.objects.get(pk=items[0].pk), note="Wait.", by=ada)
    transitions.requeue(WorkItem.objects.get(pk=items[2].pk), by=ada)
    client = signed_in(ada)
    shown = client.get(f"/acts/{cancelled.pk}")
    form = requeue_form(shown)
    assert form.one("button").words == "Requeue this item…"
    link = parse_page(shown).one("p", class_="still-cancelled").one("a")
    assert link.words == "2 are still cancelled, whatever else has changed"
    assert link["href"] == f"/items/?act={cancelled.pk}&status=Cancelled"
    assert listed(client, link["href"]) == {items[0].pk, items[1].pk}
    asked = client.post(form["action"], form.fields())
    assert preview(asked) == ["1 item selected", "1 will be requeued and no longer marked as reviewed: 1 Cancelled"]
    assert "Bulk change: Cancel, " in parse_page(asked).one("main").words
    sure = {**find_form(asked).fields(), **SURE, "begin": "first"}
    shown = client.post("/items/requeue", sure, follow=True)
    assert outcome(shown) == "Requeued 1 of 1."
    assert stored_states(items) == [("Resolve", "Cancelled"), ("Receive", "Pending"), ("Requested", "Pending")]


def test_what_changes_after_the_page_was_opened_is_skipped(signed_in, ada, items, cancelled):
    client = signed_in(ada)
    form = requeue_form(client.get(f"/acts/{cancelled.pk}"))
    assert form.one("button").words == "Requeue these 3…"
    transitions.edit(WorkItem.objects.get(pk=items[0].pk), note="Wait.", by=ada)
    assert (
        preview(client.post(form["action"], form.fields()))[-1]
        == "1 will be skipped: changed since you opened the list"
    )
    sure = {**form.fields(), **SURE, "begin": "stopped"}
    shown = client.post("/items/requeue", sure, follow=True)
    assert outcome(shown) == "Requeued 2 of 3. 1 skipped: changed since the list was opened."
    assert stored_states(items)[0] == ("Resolve", "Cancelled")


def test_only_a_cancel_with_something_left_offers_it(signed_in, ada, stan, items, cancelled, virginia, wally):
    client = signed_in(ada)
    assert parse_page(client.get(f"/acts/{cancelled.pk}")).all("p", class_="still-cancelled") == []
    requeued = change_of(ada, *items, move="requeue")
    marked = change_of(ada, transitions.succeed(make_item(virginia), stage="Record", by=wally), move="review", note="")
    for change in (cancelled, requeued, marked):
        shown = parse_page(client.get(f"/acts/{change.pk}"))
        assert shown.all("form", class_="requeue") == []
    token = run.sign_frozen(undoing.find_cancelled(cancelled, ada).unchanged, ada)
    assert signed_in(stan).post("/items/requeue", {"which": "matching", "snapshot": token}).status_code == 403


def test_too_many_to_count_have_the_list_instead(signed_in, ada, items, cancelled, monkeypatch):
    monkeypatch.setattr(undoing, "COUNT_LIMIT", 2)
    client = signed_in(ada)
    shown = parse_page(client.get(f"/acts/{cancelled.pk}"))
    assert shown.all("form", class_="requeue") == []
    assert shown.one("p", class_="still-cancelled").words == "Those that are still cancelled"
    asked = client.post(f"/acts/{cancelled.pk}/undo")
    assert preview(asked)[0].startswith("More than 3 items selected")
    assert find_form(asked).one("button", type="submit").words == "Requeue all that are unchanged since"
    assert outcome(client.post(f"/acts/{cancelled.pk}/undo", SURE, follow=True)) == "Requeued 3 of 3."


@pytest.mark.parametrize("who", ["stan", "ada"])
def test_the_page_links_to_the_list_of_its_items(cast, signed_in, virginia, wally, who):
    done = [transitions.succeed(make_item(virginia), stage="Record", by=wally) for _ in range(2)]
    marked = change_of(cast[who], *done, move="review", note="")
    client = signed_in(cast[who])
    [link] = [
        one for one in parse_page(client.get(f"/acts/{marked.pk}")).all("a") if one["href"].startswith("/items/?act=")
    ]
    assert link.words == "The 2 items"
    assert listed(client, link["href"]) == {item.pk for item in done}


@pytest.mark.parametrize("flag", [True, False])
def test_undoing_a_review_restores_who_has_to_act(virginia, wally, ada, flag):
    """A review by an admin clears the flag, and a deletion that failed waits for the consortium only with it."""
    item = make_item(virginia, action="Delete", stage="Requested", object_identifier="virginia.edu/bag")
    transitions.fail(item, note="Denied.", retry=False, needs_admin_review=flag, by=wally)
    change = change_of(ada, item, move="review", note="")
    item.refresh_from_db()
    assert (item.reviewed, item.needs_admin_review) == (True, False)
    run.run_slice(undoing.undo(change, ada))
    item.refresh_from_db()
    assert (item.reviewed, item.needs_admin_review) == (False, flag)


def test_staff_undo_what_their_review_left_to_the_consortium(virginia, wally, stan):
    item = make_item(virginia)
    transitions.fail(item, stage="Store", note="Boom.", retry=False, by=wally)
    change = change_of(stan, item, move="review", note="")
    item.refresh_from_db()
    assert (item.reviewed, item.needs_admin_review) == (True, True)
    run.run_slice(undoing.undo(change, stan))
    item.refresh_from_db()
    assert (item.reviewed, item.needs_admin_review) == (False, False)
