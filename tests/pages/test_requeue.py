"""`/items/ID/requeue`. test_cancel.py has what all moves have in common."""

import pytest

from workitems import transitions
from workitems.models import WorkItem

from ..factories import make_item
from ..lifecycle_cases import requeue_choice
from ..stored_items import as_stored, last_entry
from .page_elements import find_form, parse_page, problems


def url(item):
    return f"/items/{item.pk}/requeue"


def stages_of(response):
    """Returns {stage: whether it is selected} of the choices on the page."""
    radios = find_form(response).all("input", name="stage")
    return {radio["value"]: "checked" in radio.attributes for radio in radios}


@pytest.fixture
def failed(item, wally):
    transitions.progress(item, stage="Store", node="worker-7", pid=4711, by=wally)
    return transitions.fail(item, note="S3 says no", retry=False, by=wally)


def test_the_form_offers_the_legal_stages_with_the_last_one_selected(signed_in, ada, failed):
    choice = stages_of(signed_in(ada).get(url(failed)))
    assert list(choice) == requeue_choice("Ingest", "Store")
    assert "Unpack" not in choice
    assert [stage for stage, chosen in choice.items() if chosen] == ["Store"]


def test_a_cancelled_item_restarts_where_it_was_stopped(signed_in, ada, failed):
    transitions.requeue(failed, by=ada)
    transitions.cancel(failed, note="no", by=ada)
    choice = stages_of(signed_in(ada).get(url(failed)))
    assert [stage for stage, chosen in choice.items() if chosen] == ["Store"]


def test_only_what_the_queue_serves_is_offered_and_the_page_says_why(signed_in, ada, failed, settings):
    settings.WORKITEM_QUEUE_STAGES = ["Receive", "Store", "Record"]
    client = signed_in(ada)
    page = client.get(url(failed))
    assert stages_of(page) == {"Receive": False, "Store": True}
    left_out = "Fetch, Validate, Reingest Check, Copy To Staging, Format Identification"
    assert f"Not offered, because this installation's queue doesn't serve them: {left_out}." in find_form(page).words
    before = as_stored(failed)
    refused = client.post(url(failed), {"stage": "Validate"})
    assert refused.status_code == 422
    assert "can't be requeued to “Validate”" in problems(refused)[0]
    assert as_stored(failed) == before
    assert client.post(url(failed), {"stage": "Receive"}).status_code == 302
    assert last_entry(failed).stage_after == "Receive"


def test_where_the_queue_serves_everything_nothing_is_explained(signed_in, ada, failed):
    assert "Not offered" not in find_form(signed_in(ada).get(url(failed))).words


@pytest.mark.parametrize("made", [{"stage": "Validate"}, {"action": "Fixity Check", "stage": "Validate"}])
def test_where_the_queue_serves_nothing_the_page_says_so(signed_in, ada, virginia, settings, made):
    settings.WORKITEM_QUEUE_STAGES = ["Store", "Record"]
    settings.WORKITEM_QUEUE_URL = "http://127.0.0.1:1"
    item = make_item(virginia, status="Failed", retry=False, note="No.", **made)
    before, client = as_stored(item), signed_in(ada)
    assert "Requeue…" not in client.get(f"/items/{item.pk}").content.decode()
    for answer in (client.get(url(item)), client.post(url(item), {"stage": "Validate"})):
        assert answer.status_code == 409
        assert "doesn't serve any stage that it could be requeued to" in problems(answer)[0]
    assert as_stored(item) == before


def test_a_cancelled_item_that_stopped_before_all_that_the_queue_serves(signed_in, ada, item, settings):
    settings.WORKITEM_QUEUE_STAGES = ["Store", "Record"]
    transitions.cancel(item, note="no", by=ada)
    answer = signed_in(ada).get(url(item))
    assert answer.status_code == 409
    assert "doesn't serve any stage" in problems(answer)[0]


@pytest.mark.parametrize("action", ["Restore", "Glacier Restore", "Delete", "Fixity Check", "DPN"])
def test_other_actions_restart_at_requested(signed_in, ada, wally, virginia, action):
    item = make_item(virginia, action=action)
    transitions.progress(item, stage="Record", by=wally)
    client = signed_in(ada)
    assert stages_of(client.get(url(item))) == {"Requested": True}
    assert client.post(url(item), {"stage": "Requested"}).status_code == 302
    assert last_entry(item).stage_after == "Requested"


def test_an_admin_requeues(signed_in, ada, failed):
    client = signed_in(ada)
    sent = find_form(client.get(url(failed))).fields()
    assert (sent["stage"], sent["note"]) == ("Store", "")
    response = client.post(url(failed), {**sent, "stage": "Validate", "note": "Bucket policy mended."})
    assert (response.status_code, response["Location"].split("?")[0]) == (302, f"/items/{failed.pk}")
    stored = WorkItem.objects.get(pk=failed.pk)
    assert (stored.stage, stored.status, stored.retry) == ("Validate", "Pending", True)
    assert (stored.node, stored.pid, stored.queued_at, stored.stage_started_at) == ("", None, None, None)
    assert (stored.needs_admin_review, stored.reviewed, stored.note) == (False, False, "Bucket policy mended.")
    entry = last_entry(failed)
    assert (entry.move, entry.who, entry.via) == ("requeue", ada.email, "page")
    assert (entry.stage_before, entry.status_before) == ("Store", "Failed")
    assert (
        f"Requeued {failed.name}." in parse_page(client.get(response["Location"])).one("div", class_="messages").words
    )


def test_a_script_only_needs_to_send_the_stage_and_the_note_stays(signed_in, ada, failed):
    response = signed_in(ada).post(url(failed), {"stage": "Fetch"})
    assert response.status_code == 302
    assert (last_entry(failed).stage_after, last_entry(failed).note) == ("Fetch", "S3 says no")


def test_the_replaced_note_stays_in_the_history(signed_in, ada, dora, failed):
    signed_in(ada).post(url(failed), {"stage": "Fetch", "note": "Again."})
    read = parse_page(signed_in(dora).get(f"/items/{failed.pk}"))
    assert read.one("div", id="note-text").text == "Again."
    assert "S3 says no" in read.one("li", data_move="fail").words


def test_a_reviewed_failure_needs_a_new_review(signed_in, ada, stan, failed):
    transitions.review(failed, by=stan)
    signed_in(ada).post(url(failed), {"stage": "Store"})
    assert WorkItem.objects.get(pk=failed.pk).reviewed is False


@pytest.mark.parametrize(
    "stage", [None, "", "Record", "Requested", "Package", "store", "Store\x00", "Nowhere", "<b>", "9" * 5000]
)
def test_another_stage_is_refused(signed_in, ada, failed, stage):
    before = as_stored(failed)
    response = signed_in(ada).post(url(failed), {"note": "typed"} | ({} if stage is None else {"stage": stage}))
    assert response.status_code == 422
    [problem] = problems(response)
    assert "Choose the stage" in problem or "can't be requeued to" in problem
    assert find_form(response).fields()["note"] == "typed"
    assert as_stored(failed) == before


def test_a_note_that_is_too_long_is_kept(signed_in, ada, failed):
    before = as_stored(failed)
    response = signed_in(ada).post(url(failed), {"stage": "Fetch", "note": "x" * 10_001})
    assert response.status_code == 422
    assert find_form(response).fields()["note"] == "x" * 10_001
    assert find_form(response).fields()["stage"] == "Fetch"
    assert as_stored(failed) == before


def test_successful_items_cannot_be_requeued(signed_in, ada, wally, item):
    transitions.succeed(item, stage="Record", by=wally)
    before = as_stored(item)
    response = signed_in(ada).post(url(item), {"stage": "Record"})
    assert response.status_code == 409
    [problem] = problems(response)
    assert "Record / Success" in problem
    assert "An item that has succeeded can't be requeued." in problem
    assert as_stored(item) == before


def test_a_conflict_is_reported_and_the_form_can_be_sent_again(signed_in, ada, failed):
    client = signed_in(ada)
    sent = find_form(client.get(url(failed))).fields() | {"stage": "Validate", "note": "Mended."}
    transitions.edit(failed, note="S3 says no, and so does the cat", by=ada)
    before = as_stored(failed)
    response = client.post(url(failed), sent)
    assert response.status_code == 409
    assert "has changed since you opened the page" in problems(response)[0]
    assert as_stored(failed) == before
    again = find_form(response).fields()
    assert (again["stage"], again["note"], again["version"]) == ("Validate", "Mended.", str(failed.version))
    assert client.post(url(failed), again).status_code == 302
    assert last_entry(failed).note == "Mended."


def test_sending_it_twice_records_one_entry(signed_in, ada, failed):
    client = signed_in(ada)
    sent = find_form(client.get(url(failed))).fields()
    client.post(url(failed), sent)
    stored = as_stored(failed)
    assert client.post(url(failed), sent).status_code == 302
    assert as_stored(failed) == stored


def test_sending_it_again_after_a_worker_claimed_the_item_is_refused(signed_in, ada, wally, failed):
    client = signed_in(ada)
    sent = find_form(client.get(url(failed))).fields()
    client.post(url(failed), sent)
    transitions.progress(failed, stage="Store", node="worker-8", by=wally)
    stored = as_stored(failed)
    assert client.post(url(failed), sent).status_code == 409
    assert as_stored(failed) == stored
