"""GET notifications/spot_test_restoration, the one GET with an effect: staff get one email, and the item records it."""

import pytest

from tests.emails import sent
from tests.factories import make_item
from tests.stored_items import as_stored, last_entry
from workitems import transitions

from .api_client import Caller

SPOT_TEST = "/api/v2/notifications/spot_test_restoration/{}/"
LINE = "Email sent to admins at University of Virginia"


@pytest.fixture
def worker(client, wally):
    return Caller(client, wally)


@pytest.fixture
def restored(virginia, stan, wally):
    item = make_item(virginia, action="Restore", object_identifier="virginia.edu/bag", name="bag.tar")
    return transitions.succeed(item, stage="Record", note="Object restored.", by=wally)


@pytest.mark.parametrize("who", ["ada", "wally"])
def test_staff_get_an_email_and_the_item_is_returned(client, cast, restored, who):
    caller = Caller(client, cast[who])
    answer = caller.get(SPOT_TEST.format(restored.pk))
    assert answer.status == 200
    assert answer.body == caller.get(f"/api/v2/items/{restored.pk}/").body
    assert answer.body["note"] == f"Object restored.\n{LINE}"
    assert (answer.body["stage"], answer.body["status"]) == ("Record", "Success")
    assert (last_entry(restored).move, last_entry(restored).via, last_entry(restored).who) == (
        "notify",
        "api",
        cast[who].email,
    )
    [message] = sent()
    assert message.recipients() == ["stan@virginia.edu"]
    assert f"/items/{restored.pk}" in message.body
    assert "/api/" not in message.body


def test_a_second_call_sends_no_second_email(worker, client, ada, restored):
    first = worker.get(SPOT_TEST.format(restored.pk))
    before = as_stored(restored)
    for caller in (worker, Caller(client, ada)):
        for path in (SPOT_TEST, SPOT_TEST.rstrip("/")):
            again = caller.get(path.format(restored.pk))
            assert (again.status, again.body) == (200, first.body)
    assert as_stored(restored) == before
    assert len(sent()) == 1


@pytest.mark.parametrize("status", ["Pending", "Started", "Failed", "Cancelled", "Suspended"])
def test_any_status_is_accepted(worker, virginia, stan, status):
    item = make_item(virginia, action="Restore", stage="Fetch", status=status)
    answer = worker.get(SPOT_TEST.format(item.pk))
    assert (answer.status, answer.body["status"], answer.body["stage"], answer.body["note"]) == (
        200,
        status,
        "Fetch",
        LINE,
    )
    assert len(sent()) == 1


def test_the_restoration_of_a_file(worker, virginia, stan):
    item = make_item(virginia, action="Restore", generic_file_identifier="virginia.edu/bag/data/1.txt")
    assert worker.get(SPOT_TEST.format(item.pk)).status == 200
    assert "virginia.edu/bag/data/1.txt" in sent()[0].body


@pytest.mark.parametrize("action", ["Ingest", "Glacier Restore", "Delete", "Fixity Check", "DPN"])
def test_other_actions(worker, virginia, stan, action):
    item = make_item(virginia, action=action)
    before = as_stored(item)
    answer = worker.get(SPOT_TEST.format(item.pk))
    assert answer.status == 409
    assert {**answer.body, "error": ""} == {**worker.get(f"/api/v2/items/{item.pk}/").body, "error": ""}
    assert action in answer.body["error"]
    assert as_stored(item) == before
    assert sent() == []


def test_without_active_staff_it_is_refused(worker, virginia, wally):
    item = make_item(virginia, action="Restore")
    before = as_stored(item)
    answer = worker.get(SPOT_TEST.format(item.pk))
    assert answer.status == 409
    assert "staff" in answer.body["error"]
    assert as_stored(item) == before


@pytest.mark.parametrize("who", ["dora", "stan", "olga"])
def test_members_cannot_call_it(client, cast, restored, who):
    before = as_stored(restored)
    answer = Caller(client, cast[who]).get(SPOT_TEST.format(restored.pk))
    assert (answer.status, set(answer.body)) == (403, {"error"})
    assert as_stored(restored) == before
    assert sent() == []


@pytest.mark.parametrize("number", [0, 987_654, 2**63, 10**40])
def test_an_unknown_item_is_404(worker, number):
    assert worker.get(SPOT_TEST.format(number)).status == 404


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
def test_only_get_is_accepted(worker, restored, method):
    before = as_stored(restored)
    assert worker.ask(method, SPOT_TEST.format(restored.pk), body=b"{}").status == 405
    assert as_stored(restored) == before
    assert sent() == []


def test_a_mail_server_that_is_away_is_no_error(worker, restored, settings):
    settings.EMAIL_DELIVERY_BACKEND = "pharos.email_queue.delivery.NoServer"
    answer = worker.get(SPOT_TEST.format(restored.pk))
    assert (answer.status, answer.body["note"]) == (200, f"Object restored.\n{LINE}")
    assert sent() == []
    settings.EMAIL_DELIVERY_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert [message.to for message in sent()] == [["stan@virginia.edu"]]
