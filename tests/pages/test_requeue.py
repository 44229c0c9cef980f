"""`/items/ID/requeue`. test_cancel.py has what all moves have in common."""

import pytest

from workitems import transitions
from workitems.models import WorkItem

from ..factories import make_item
from ..lifecycle_cases import PATH
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
    assert list(choice) == PATH["Ingest"][: PATH["Ingest"].index("Store") + 1]
    assert [stage for stage, chosen in choice.items() if chosen] == ["Store"]


def test_a_cancelled_item_restarts_where_it_was_stopped(signed_in, ada, failed):
    transitions.requeue(failed, by=ada)
    transitions.cancel(failed, note="no", by=ada)
    choice = stages_of(signed_in(ada).get(url(failed)))
    assert [stage for stage, chosen in choice.items() if chosen] == ["Store"]


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
