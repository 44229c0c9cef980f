"""Cancelling many items: `/items/cancel`, from the list, with a note for the depositors."""

import pytest
from django.test import Client

from workitems import transitions
from workitems.lifecycle import NOTE_LIMIT, Refused
from workitems.models import BulkChange, HistoryEntry, WorkItem

from ..factories import make_item
from ..many_items import make_items
from ..stored_items import as_stored, last_entry
from .page_elements import find_form, parse_page
from .test_bulk_review import keys, outcome, snapshot_of

URL = "/items/cancel"
NOTE = "The receiving bucket was moved.\nPlease upload these again."


@pytest.fixture
def stuck(virginia):
    return [make_item(virginia, stage="Store", status="Started", node="n") for _ in range(3)]


def ticked(*items, **more):
    return {"which": "ids", "ids": [item.pk for item in items], **more}


def confirmed(sent, note=NOTE):
    return {**sent, "confirmed": "yes", "note": note}


def cancelled():
    return set(WorkItem.objects.filter(status="Cancelled").values_list("pk", flat=True))


def done_at_once(client, sent, url=URL):
    response = client.post(url, sent)
    assert response.status_code == 302
    act = BulkChange.objects.get(pk=response["Location"].rsplit("/", 1)[1])
    return act, client.get(response["Location"])


def preview(response):
    return [line.words for line in parse_page(response).one("ul", class_="preview").all("li")]


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_which_roles_can_cancel_in_bulk(cast, signed_in, stuck, who):
    client = signed_in(cast[who])
    may = who == "ada"
    assert client.post(URL, ticked(*stuck)).status_code == (200 if may else 403)
    assert client.post(URL, confirmed(ticked(*stuck))).status_code == (302 if may else 403)
    assert cancelled() == (keys(*stuck) if may else set())
    assert ("Cancel…" in parse_page(client.get("/items/")).one("main").words) is may


def test_signed_out_visitors_and_other_sites_are_refused(client, ada, stuck):
    assert client.post(URL, confirmed(ticked(*stuck))).status_code == 302
    other = Client(enforce_csrf_checks=True)
    other.force_login(ada)
    assert other.post(URL, confirmed(ticked(*stuck))).status_code == 403
    assert cancelled() == set()


def test_a_get_redirects_to_the_list(signed_in, ada, stuck):
    assert signed_in(ada).get(URL, confirmed(ticked(*stuck)))["Location"] == "/items/"
    assert cancelled() == set()


def test_it_asks_for_confirmation_first(signed_in, ada, dora, virginia, stuck, wally):
    closed = transitions.succeed(make_item(virginia), stage="Record", by=wally)
    gone = make_item(virginia)
    transitions.cancel(gone, note="before", by=ada)
    before = [as_stored(item) for item in (closed, gone)]
    client = signed_in(ada)
    sent = ticked(*stuck, closed, gone, list="stage=Store")
    asked = client.post(URL, sent)
    assert preview(asked) == [
        "5 items selected",
        "3 will be cancelled (can be requeued later): 3 Started",
        "1 will be skipped: already cancelled",
        "1 will be skipped: already finished",
    ]
    form = find_form(asked)
    assert "Cancel 3 items" in form.words
    assert "Keep items" in form.words
    assert cancelled() == {gone.pk}
    boxes = [field["value"] for field in form.all("input", name="ids")]
    act, shown = done_at_once(client, {**form.fields(), "ids": boxes, "confirmed": "yes", "note": NOTE})
    assert outcome(shown) == "Cancelled 3 of 5. 2 skipped: already finished."
    assert cancelled() == keys(*stuck, gone)
    for item in stuck:
        item.refresh_from_db()
        assert (item.note, item.stage, item.retry) == (NOTE, "Resolve", False)
        assert (last_entry(item).act, last_entry(item).who, last_entry(item).stage_before) == (
            act.pk,
            ada.email,
            "Store",
        )
    assert [as_stored(item) for item in (closed, gone)] == before
    alone = parse_page(shown).one("section", aria_labelledby="skipped")
    assert {link["href"] for link in alone.all("a")} == {f"/items/{item.pk}" for item in (closed, gone)}
    assert parse_page(shown).one("form", action=f"/acts/{act.pk}/undo")
    assert NOTE.splitlines()[0] in parse_page(signed_in(dora).get(f"/items/{stuck[0].pk}")).one("main").words


@pytest.mark.parametrize("note", ["", "  \n ", "\u200b\u2060", "x" * (NOTE_LIMIT + 1)])
def test_a_note_is_required_and_typed_values_are_kept(signed_in, ada, stuck, note):
    answer = signed_in(ada).post(URL, confirmed(ticked(*stuck), note))
    assert answer.status_code == 422
    form = find_form(answer)
    assert [field["value"] for field in form.all("input", name="ids")] == [str(item.pk) for item in stuck]
    field = form.one("textarea")
    assert field["aria-invalid"] == "true"
    assert field.text.strip() == note.strip()
    assert cancelled() == set()
    assert not BulkChange.objects.exists()


def test_an_empty_selection_is_reported(signed_in, ada, stuck):
    client = signed_in(ada)
    answer = client.post(URL, {"which": "ids", "list": "stage=Store"}, follow=True)
    assert answer.redirect_chain == [("/items/?stage=Store", 302)]
    assert "Select items first" in answer.content.decode()
    forged = client.post(URL, confirmed({"which": "matching", "snapshot": "forged"}), follow=True)
    assert "This selection is no longer valid" in forged.content.decode()
    assert cancelled() == set()


def test_all_matching_items_without_later_ones(signed_in, ada, virginia, jhu, stuck, wally):
    client = signed_in(ada)
    sent = {"which": "matching", **snapshot_of(client, "stage=Store&institution=virginia.edu")}
    late = make_item(virginia, stage="Store")
    transitions.progress(stuck[0], stage="Record", by=wally)
    theirs = make_item(jhu, stage="Store")
    asked = client.post(URL, sent)
    assert preview(asked)[1:] == [
        "2 will be cancelled (can be requeued later): 2 Started",
        "1 will be skipped: changed since you opened the list",
    ]
    _act, shown = done_at_once(client, confirmed(sent))
    assert outcome(shown) == "Cancelled 2 of 3. 1 skipped: changed since the list was opened."
    assert cancelled() == keys(*stuck[1:])
    assert not cancelled() & keys(late, theirs)


def test_a_later_save_of_a_worker_is_refused(signed_in, ada, stuck, wally):
    done_at_once(signed_in(ada), confirmed(ticked(*stuck)))
    with pytest.raises(Refused) as refused:
        transitions.progress(stuck[0], stage="Record", by=wally)
    assert refused.value.reason == "illegal"
    assert cancelled() == keys(*stuck)


@pytest.mark.django_db(transaction=True)
def test_a_large_bulk_change_can_be_interrupted_and_continued(signed_in, ada, virginia, wally, monkeypatch):
    from datetime import timedelta

    from workitems.bulk import run

    make_items(1200, [virginia])
    client = signed_in(ada)
    sent = {"which": "matching", **snapshot_of(client, "phase=open&phase=held")}
    wanted = WorkItem.objects.filter(status__in=["Pending", "Started", "Suspended"]).count()
    wanted += WorkItem.objects.filter(status="Failed", retry=True).count()
    monkeypatch.setattr(run, "BATCH_SIZE", 100)
    monkeypatch.setattr(run, "TIME_SLICE", timedelta(0))
    before = cancelled()
    response = client.post(URL, confirmed(sent))
    act = BulkChange.objects.get()
    assert (act.finished_at, act.changed) == (None, 100)
    in_between = WorkItem.objects.filter(status="Started", pk__gt=act.cursor).last()
    transitions.progress(in_between, note="Still at it.", by=wally)
    while BulkChange.objects.get().finished_at is None:
        assert client.post(response["Location"]).status_code == 302
    act.refresh_from_db()
    assert len(cancelled() - before) == act.changed
    assert act.changed + sum(act.skipped.values()) == act.total == wanted
    assert in_between.pk not in cancelled()
    assert HistoryEntry.objects.filter(act=act.pk, move="cancel", note=NOTE).count() == act.changed
