"""A bulk change affects exactly the items of its dry run, even if items enter or leave the list without being changed."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core import signing
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from workitems import transitions
from workitems.bulk import dry_run
from workitems.bulk import run as bulk_run
from workitems.durations import typical
from workitems.listing.strategies import bounded_scan
from workitems.models import BulkChange, Typical, WorkItem

from ..factories import InstitutionFactory, make_item
from ..many_items import make_items
from ..pages.page_elements import find_form, parse_page
from ..pages.test_bulk_cancel import NOTE, cancelled, confirmed, preview
from ..pages.test_bulk_review import keys, outcome, snapshot_of

CANCEL = "/items/cancel"
FINISHED = {"action": "Ingest", "stage": "Record", "status": "Success", "retry": False, "reviewed": False}
DRIFTS = "This list changes over time, for example when newer uploads arrive. These are the items that are in it now."
OPEN = {"action": "Ingest", "stage": "Store", "status": "Started", "retry": False, "reviewed": False}


def all_of(client, query):
    return {"which": "matching", **snapshot_of(client, query)}


def sure(asked, **more):
    """Returns what the confirmed form of a dry run sends."""
    return {**find_form(asked).fields(), "confirmed": "yes", "note": NOTE, **more}


@pytest.mark.parametrize("when", ["before the dry run", "after it"])
def test_a_changed_role_does_not_widen_the_selection(signed_in, ada, stan, virginia, jhu, when):
    make_items(2, [jhu], **FINISHED)
    make_items(3, [virginia], **FINISHED)
    client = signed_in(ada)
    sent = {**all_of(client, "institution=jhu.edu"), "reviewed": "true"}
    if when == "after it":
        sent = sure(client.post("/items/review", sent), reviewed="true")
    ada.role, ada.institution = stan.role, virginia
    ada.save()
    response = client.post("/items/review", {**sent, "confirmed": "yes"}, follow=True)
    assert not WorkItem.objects.filter(reviewed=True).exists()
    assert not BulkChange.objects.exists()
    assert "This selection is no longer valid." in parse_page(response).one("body").words


def test_a_list_that_became_invalid_keeps_the_typed_note(signed_in, ada, virginia, jhu):
    empty = InstitutionFactory(identifier="empty.edu", name="E")
    make_items(3, [virginia, jhu], **OPEN)
    client = signed_in(ada)
    sent = all_of(client, "institution=jhu.edu&institution=empty.edu")
    empty.delete()
    response = client.post(CANCEL, confirmed(sent))
    assert response.status_code == 422
    assert "You no longer have access to the list" in parse_page(response).one("div", class_="problem").words
    assert NOTE in parse_page(response).one("pre").text
    assert cancelled() == set()
    assert not BulkChange.objects.exists()


@pytest.fixture
def usual(db):
    """Usual times by which Store takes at most an hour."""
    for band in range(7):
        Typical.objects.create(
            action="Ingest",
            stage="Store",
            band=band,
            number=50,
            low=10,
            median=60,
            high=1000,
            late=3600,
            made_at=timezone.now(),
        )
    typical.clear_cache()


def test_items_can_become_late_until_the_dry_run_but_not_after_it(signed_in, ada, virginia, usual):
    now = timezone.now()
    stored = {"stage": "Store", "status": "Started", "node": "n"}
    late = [make_item(virginia, at=now - timedelta(hours=3), **stored) for _ in range(2)]
    soon = [make_item(virginia, at=now - timedelta(minutes=30), **stored) for _ in range(2)]
    client = signed_in(ada)
    sent = all_of(client, "late=true")
    Typical.objects.update(late=960)  # it is as if half an hour had passed
    asked = client.post(CANCEL, sent)
    assert preview(asked) == [
        "4 items selected",
        "4 will be cancelled (can be requeued later): 4 Started",
        DRIFTS,
    ]
    Typical.objects.update(late=3600)
    asked = client.post(CANCEL, sent)
    assert preview(asked) == ["2 items selected", "2 will be cancelled (can be requeued later): 2 Started", DRIFTS]
    asked = client.post(CANCEL, sure(asked, note=""))
    assert asked.status_code == 422
    assert preview(asked) == ["2 items selected", "2 will be cancelled (can be requeued later): 2 Started", DRIFTS]
    Typical.objects.update(late=960)
    shown = client.post(CANCEL, sure(asked), follow=True)
    assert outcome(shown) == "Cancelled 2 of 2."
    assert cancelled() == keys(*late)
    assert not cancelled() & keys(*soon)


def test_dates_are_in_the_time_zone_of_the_list(signed_in, ada, virginia, monkeypatch):
    """Also for large selections, which are processed in batches, even if a user in another time zone continues."""
    ada.time_zone = "America/New_York"
    ada.save()
    that_day = [make_item(virginia, date=datetime(2026, 5, 4, hour, tzinfo=UTC), stage="Store") for hour in (5, 12, 23)]
    make_item(virginia, date=datetime(2026, 5, 4, 2, tzinfo=UTC), stage="Store")
    make_item(virginia, date=datetime(2026, 5, 5, 5, tzinfo=UTC), stage="Store")
    client = signed_in(ada)
    query = "received_from=2026-05-04&received_to=2026-05-04"
    sent = all_of(client, query)
    ada.time_zone = "UTC"
    ada.save()
    assert preview(client.post(CANCEL, sent))[0] == "3 items selected"
    for module in (bulk_run, bounded_scan):
        monkeypatch.setattr(module, "COUNT_LIMIT", 2)
    client.post(CANCEL, confirmed(sent), follow=True)
    assert cancelled() == keys(*that_day)


def test_pressing_the_button_twice_starts_one_bulk_change(signed_in, ada, virginia):
    items = make_items(3, [virginia], **OPEN)
    client = signed_in(ada)
    form = sure(client.post(CANCEL, all_of(client, "stage=Store")))
    first, second = (client.post(CANCEL, form) for _ in range(2))
    assert first["Location"] == second["Location"]
    assert outcome(client.get(second["Location"])) == "Cancelled 3 of 3."
    assert BulkChange.objects.count() == 1
    assert cancelled() == keys(*items)


def test_sending_the_form_again_with_other_values_starts_another_bulk_change(signed_in, stan, virginia):
    """After an undo, or with other values."""
    make_items(3, [virginia], **FINISHED)
    client = signed_in(stan)
    form = sure(client.post("/items/review", {**all_of(client, ""), "reviewed": "true"}), reviewed="true")
    first = client.post("/items/review", form)["Location"]
    undo = client.post(f"{first}/undo")["Location"]
    assert client.post(f"{first}/undo")["Location"] == undo
    again = client.post("/items/review", form, follow=True)
    assert outcome(again) == "Marked 0 of 3 as reviewed. 3 skipped: changed since the list was opened."
    other = client.post("/items/review", {**form, "reviewed": "false"}, follow=True)
    assert outcome(other).startswith("Marked 0 of 3 as not reviewed.")
    assert BulkChange.objects.count() == 4


@pytest.fixture
def many(monkeypatch):
    """Sets the limits so that three items are a large selection."""
    for module in (bulk_run, bounded_scan):
        monkeypatch.setattr(module, "COUNT_LIMIT", 2)


@pytest.mark.parametrize("now", ["promoted", "moved"])
@pytest.mark.parametrize("when", ["before it begins", "while it runs"])
def test_a_large_bulk_change_never_leaves_its_original_scope(
    signed_in, stan, ada, virginia, jhu, many, monkeypatch, now, when
):
    own, theirs = make_items(3, [virginia], **FINISHED), make_items(4, [jhu], **FINISHED)
    client = signed_in(stan)
    form = sure(client.post("/items/review", {**all_of(client, ""), "reviewed": "true"}), reviewed="true")
    if when == "while it runs":
        monkeypatch.setattr(bulk_run, "BATCH_SIZE", 1)
        monkeypatch.setattr(bulk_run, "TIME_SLICE", timedelta(0))
        client.post("/items/review", form)
    stan.role, stan.institution = (ada.role, ada.institution) if now == "promoted" else (stan.role, jhu)
    stan.save()
    if when == "before it begins":
        client.post("/items/review", form)
    act = BulkChange.objects.first()
    admin = signed_in(ada)
    while act and not act.finished_at:
        admin.post(f"/acts/{act.pk}")
        act.refresh_from_db()
    assert not WorkItem.objects.filter(pk__in=keys(*theirs), reviewed=True).exists()
    done = WorkItem.objects.filter(pk__in=keys(*own), reviewed=True).count()
    if when == "before it begins":
        assert (act, done) == (None, 0)
    else:
        assert (act.changed, act.processed, act.total) == (done, 3, 3)


def test_pressing_twice_with_a_large_selection_starts_one_bulk_change(signed_in, ada, virginia, many):
    items = make_items(3, [virginia], **OPEN)
    client = signed_in(ada)
    form = sure(client.post(CANCEL, all_of(client, "stage=Store")))
    first = client.post(CANCEL, form)["Location"]
    make_item(virginia, stage="Store")
    assert client.post(CANCEL, form)["Location"] == first
    assert BulkChange.objects.count() == 1
    assert cancelled() == keys(*items)


def test_new_items_do_not_turn_a_small_selection_into_a_large_one(signed_in, ada, virginia, monkeypatch):
    monkeypatch.setattr(bulk_run, "COUNT_LIMIT", 3)
    monkeypatch.setattr(bounded_scan, "COUNT_LIMIT", 3)
    items = make_items(3, [virginia], **OPEN)
    client = signed_in(ada)
    sent = all_of(client, "stage=Store")
    make_item(virginia, stage="Store")
    asked = client.post(CANCEL, sent)
    assert preview(asked) == ["3 items selected", "3 will be cancelled (can be requeued later): 3 Started"]
    assert outcome(client.post(CANCEL, sure(asked), follow=True)) == "Cancelled 3 of 3."
    assert cancelled() == keys(*items)


def test_a_token_of_an_earlier_version_is_refused(signed_in, ada, virginia):
    make_items(2, [virginia], **OPEN)
    token = signing.dumps(
        {"user": ada.pk, "query": "stage=Store", "total": 2, "mark": [99]}, salt=bulk_run.SALT, compress=True
    )
    sent = {"which": "matching", "snapshot": token, "list": "stage=Store"}
    response = signed_in(ada).post(CANCEL, confirmed(sent))
    assert response.status_code == 422
    assert NOTE in parse_page(response).one("pre").text
    assert cancelled() == set()


def test_another_users_bulk_change_id_is_not_reused(signed_in, ada, stan, virginia):
    make_items(3, [virginia], **FINISHED)
    client = signed_in(stan)
    form = sure(client.post("/items/review", {**all_of(client, ""), "reviewed": "true"}), reviewed="true")
    client.post("/items/review", form)
    other = signed_in(ada)
    theirs = sure(other.post("/items/review", {**all_of(other, ""), "reviewed": "false"}), reviewed="false")
    other.post("/items/review", {**theirs, "number": form["number"]})
    assert {act.by: act.move for act in BulkChange.objects.all()} == {stan: "review", ada: "unreview"}


@pytest.mark.parametrize("number", ["", "x", "\x00", "0" * 40])
def test_an_invalid_bulk_change_id_is_ignored(signed_in, ada, virginia, number):
    items = make_items(2, [virginia], **OPEN)
    client = signed_in(ada)
    client.post(CANCEL, sure(client.post(CANCEL, all_of(client, "stage=Store")), number=number))
    assert cancelled() == keys(*items)


def test_only_skipped_items_are_listed(signed_in, ada, virginia, wally):
    items = make_items(3, [virginia], **OPEN)
    client = signed_in(ada)
    form = sure(client.post(CANCEL, all_of(client, "stage=Store")))
    transitions.progress(WorkItem.objects.get(pk=items[0].pk), stage="Storage Validation", status="Started", by=wally)
    newcomer = make_item(virginia, stage="Store", name="newcomer.tar")
    shown = client.post(CANCEL, form, follow=True)
    assert outcome(shown) == "Cancelled 2 of 3. 1 skipped: changed since the list was opened."
    alone = parse_page(shown).one("section", aria_labelledby="skipped")
    assert [link["href"] for link in alone.all("a")] == [f"/items/{items[0].pk}"]
    assert newcomer.name not in shown.content.decode()


def test_a_long_list_of_skipped_items_is_cut(signed_in, ada, virginia):
    make_items(150, [virginia], **FINISHED)
    client = signed_in(ada)
    act = bulk_run.start(
        bulk_run.Selection({"ids": sorted(WorkItem.objects.values_list("pk", flat=True))}, 150, ""),
        "cancel",
        ada,
        note="No.",
    )
    shown = client.get(f"/acts/{bulk_run.run_slice(act).pk}")
    alone = parse_page(shown).one("section", aria_labelledby="skipped")
    assert len(alone.all("li")) == 100
    assert "Only the first ones are shown" in alone.words


@pytest.mark.parametrize("why", ["role", "inactive"])
def test_a_lost_permission_is_given_as_the_reason(
    signed_in, ada, dora, cast, virginia, monkeypatch, django_user_model, why
):
    items = make_items(3, [virginia], **OPEN)
    act = bulk_run.start(bulk_run.Selection({"ids": sorted(keys(*items))}, 3, ""), "cancel", ada, note="No.")
    another = django_user_model.objects.create_user("other@aptrust.org", role=ada.role, institution=ada.institution)
    ada.role, ada.is_active = (dora.role, True) if why == "role" else (ada.role, False)
    ada.save()
    shown = signed_in(another).post(f"/acts/{act.pk}", follow=True)
    assert outcome(shown) == "Cancelled 0 of 3. 3 skipped: the role no longer allows it."
    assert cancelled() == set()


def test_only_finished_bulk_changes_can_be_undone(signed_in, stan, virginia):
    items = make_items(2, [virginia], **FINISHED)
    act = bulk_run.start(bulk_run.Selection({"ids": sorted(keys(*items))}, 2, ""), "review", stan)
    client = signed_in(stan)
    assert client.post(f"/acts/{act.pk}/undo").status_code == 403
    bulk_run.run_slice(act)
    undone = client.post(f"/acts/{act.pk}/undo", follow=True)
    assert outcome(undone) == "Marked 2 of 2 as not reviewed."
    undo = BulkChange.objects.exclude(pk=act.pk).get()
    assert client.post(f"/acts/{undo.pk}/undo").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_a_requeue_to_the_first_stage_and_another_bulk_change_do_not_deadlock(
    on_postgresql, ada, virginia, monkeypatch
):
    """It works stage by stage, so it first locks all of its items in the common order."""
    of_delete = {"action": "Delete", "object_identifier": "virginia.edu/x"}
    items = [make_item(virginia, **values) for values in ({}, of_delete, {}, of_delete)]
    for item in items:
        transitions.cancel(item, note="No.", by=ada)
    numbers = [item.pk for item in items]
    change, calls, is_under_way, wrong = transitions.apply, [], threading.Event(), []

    def stage_by_stage(move, ids, *args, **values):
        calls.append(ids)
        if len(calls) == 2:  # the first stage's items are locked; now the other act comes, and has to wait
            is_under_way.set()
            wait_for_somebody_who_waits()
        return change(move, ids, *args, **values)

    def run(ids, *, from_the_beginning):
        try:
            selection = bulk_run.Selection({"ids": ids}, len(ids), "")
            bulk_run.run_slice(
                bulk_run.start(selection, "requeue", ada, note="N", from_the_beginning=from_the_beginning)
            )
        except Exception as error:
            wrong.append(error)
        connections.close_all()

    def another():
        assert is_under_way.wait(20)
        run(numbers[1:3], from_the_beginning=False)

    monkeypatch.setattr(transitions, "apply", stage_by_stage)
    thread = threading.Thread(target=another)
    thread.start()
    run(numbers, from_the_beginning=True)
    thread.join(60)
    assert wrong == []
    assert len(calls) == 3
    assert not WorkItem.objects.filter(status="Cancelled").exists()


def wait_for_somebody_who_waits():
    """Waits until another transaction waits for a lock."""
    for _look in range(100_000):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_locks WHERE NOT granted")
            if cursor.fetchone():
                return
    raise AssertionError("nobody waits")


def test_an_impossible_cursor_shows_the_first_page(signed_in, ada):
    for moment in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        assert signed_in(ada).get(f"/acts/?before={moment}~{'0' * 32}".replace("+", "%2B")).status_code == 200


def test_a_selection_frozen_in_code_matches_the_page(signed_in, ada, virginia):
    """The functions give the same dry run as the page."""
    make_items(4, [virginia], **OPEN)
    client = signed_in(ada)
    sent = all_of(client, "stage=Store")
    selection = bulk_run.freeze(bulk_run.select_by_snapshot(sent["snapshot"], ada), ada)
    assert dry_run(selection, ada, "cancel").affected == 4
    assert bulk_run.select_by_snapshot(bulk_run.sign_frozen(selection, ada), ada).stored == selection.stored
    assert Client().post(CANCEL, sent).status_code == 302
