"""The restore and delete workers, an admin who requeues with curl, and the email about a restored copy."""

import pytest

from pharos.email_queue.models import QueuedEmail
from tests.factories import make_item
from tests.http_clients import Curl, GoClient, PythonClient, check, whole_record
from tests.stored_items import worker_state_text
from workitems.models import WorkItem

pytestmark = pytest.mark.django_db(transaction=True)
OBJECT = "virginia.edu/ledger & co. v1.2"


class JsonCurl(Curl):
    kind = "application/json"


@pytest.fixture
def worker(real_server, wally):
    return GoClient(real_server, wally)


@pytest.fixture
def admin(real_server, ada):
    return Curl(real_server, ada)


@pytest.fixture
def restore(virginia):
    return make_item(virginia, action="Restore", object_identifier=OBJECT, user="dora@virginia.edu", name="ledger.tar")


@pytest.fixture
def delete(virginia):
    file = f"{OBJECT}/data/a & b.txt"
    return make_item(virginia, action="Delete", object_identifier=OBJECT, generic_file_identifier=file)


def requested(action):
    return (
        f"/api/v2/items/?item_action={action}&page=1&per_page=50&queued=false&retry=true&stage=Requested&status=Pending"
    )


def save(worker, item, code=200, end="/", **changes):
    """Reads, changes, and PUTs the item. Returns the reply."""
    path = f"/api/v2/items/{item.pk}{end}"
    answer = worker.put(path, whole_record(worker.get(path), **changes), status=code)
    item.refresh_from_db()
    return answer


def moves(item):
    return list(item.history.values_list("move", flat=True))


def test_a_restoration_with_its_state(worker, item, restore, delete):
    [found] = worker.get(requested("Restore"))["results"]
    assert (found["id"], found["user"], found["object_identifier"]) == (restore.pk, "dora@virginia.edu", OBJECT)
    save(worker, restore, status="Started", node="10.0.0.9", pid=3)
    assert (restore.stage, restore.status, restore.node, restore.pid) == ("Requested", "Started", "10.0.0.9", 3)
    assert worker.get(requested("Restore"))["results"] == []

    state = {"id": 0, "work_item_id": restore.pk, "action": "Restore", "state": '{"Summary":"a & b"}'}
    number = worker.post("/api/v2/item_state/", state)["id"]
    for stage in ("Fetch", "Package", "Validate", "Restoring"):
        save(worker, restore, stage=stage, status="Started")
        worker.put(f"/api/v2/item_state/{number}/", {**state, "id": number, "state": f'["{stage}"]'})
        assert worker_state_text(restore) == worker.get(f"/api/v2/item_state/{number}/")["state"] == f'["{stage}"]'
    note = "Object restored to https://s3.amazonaws.com/aptrust.restore.virginia.edu/ledger.tar?a=1&b=2"
    save(worker, restore, stage="Record", status="Success", node="", pid=0, note=note)
    assert (restore.stage, restore.status, restore.note, restore.retry) == ("Record", "Success", note, False)
    assert moves(restore) == ["create", *["progress"] * 5, "succeed"]


def test_a_deletion(worker, delete, restore):
    [found] = worker.get(requested("Delete"))["results"]
    assert (found["id"], found["generic_file_identifier"]) == (delete.pk, f"{OBJECT}/data/a & b.txt")
    save(worker, delete, end="", status="Started", node="10.0.0.9", pid=3)
    assert (delete.stage, delete.status) == ("Requested", "Started")
    save(worker, delete, end="", stage="Resolve", status="Success", node="", pid=0, note="Deleted.")
    assert (delete.stage, delete.status, delete.note) == ("Resolve", "Success", "Deleted.")


def test_a_glacier_restoration(worker, virginia):
    item = make_item(virginia, action="Glacier Restore", object_identifier=OBJECT)
    [found] = worker.get(requested("Glacier+Restore"))["results"]
    assert found["id"] == item.pk
    assert worker.get(requested("Glacier%20Restore"))["count"] == 1
    save(worker, item, status="Started")
    save(worker, item, stage="Available in S3", status="Success")
    assert (item.stage, item.status) == ("Available in S3", "Success")


# A restored copy is ready to be checked.


def recipients():
    """Returns whom the server has an email for. It has no mail server, so they wait."""
    return list(QueuedEmail.objects.waiting().values_list("to", flat=True))


@pytest.mark.parametrize("end", ["", "/", "?"])
def test_staff_get_one_email_about_a_restored_copy(worker, restore, stan, dora, olga, end):
    save(worker, restore, stage="Record", status="Success", note="Object restored.")
    answer = worker.get(f"/api/v2/notifications/spot_test_restoration/{restore.pk}{end}")
    assert (answer["id"], answer["stage"], answer["status"]) == (restore.pk, "Record", "Success")
    assert "Email sent to admins at University of Virginia" in answer["note"]
    assert "Object restored." in answer["note"]
    for _try in range(2):
        assert worker.get(f"/api/v2/notifications/spot_test_restoration/{restore.pk}{end}") == answer
    restore.refresh_from_db()
    assert restore.note == answer["note"]
    assert restore.note.count("Email sent") == 1
    assert recipients() == [stan.email]


def test_a_spot_test_can_be_requested_in_any_status_but_only_with_get(worker, restore, stan):
    check(worker.reply("HEAD", f"/api/v2/notifications/spot_test_restoration/{restore.pk}/"), 405)
    assert recipients() == []
    assert restore.history.count() == 1
    answer = worker.get(f"/api/v2/notifications/spot_test_restoration/{restore.pk}/")
    assert (answer["status"], answer["note"]) == ("Pending", "Email sent to admins at University of Virginia")
    assert recipients() == [stan.email]


def test_who_and_what_cannot_request_a_spot_test(worker, real_server, dora, restore, delete):
    path = "/api/v2/notifications/spot_test_restoration/"
    worker.get(f"{path}0/", status=404)
    worker.get(f"{path}{delete.pk}/", status=409)
    GoClient(real_server, dora).get(f"{path}{restore.pk}/", status=403)
    for method in ("POST", "PUT"):
        worker.ask(method, f"{path}{restore.pk}/", {}, status=405)
    for item in (restore, delete):
        item.refresh_from_db()
        assert (item.note, moves(item)) == ("", ["create"])


# An admin sends an item back.


@pytest.fixture
def failed(worker, item):
    save(worker, item, stage="Store", status="Started", node="10.0.0.9", pid=3)
    save(worker, item, status="Failed", retry=False, needs_admin_review=True, note="Gave up.")
    return item


def test_requeue_with_a_form_and_with_json(real_server, ada, failed, worker):
    bodies: list[tuple[type[Curl], bytes | dict]] = [(Curl, b"item_stage=Fetch"), (JsonCurl, {"item_stage": "Fetch"})]
    for kind, body in bodies:
        admin = kind(real_server, ada)
        for end in ("", "/", "?", "/?"):
            answer = admin.put(f"/api/v2/items/{failed.pk}/requeue{end}", body)
            failed.refresh_from_db()
            assert (answer["id"], answer["stage"], answer["status"]) == (failed.pk, "Fetch", "Pending")
            assert (failed.stage, failed.status, failed.note) == ("Fetch", "Pending", "Gave up.")
            assert (failed.retry, failed.needs_admin_review) == (True, False)
            assert (failed.node, failed.pid, failed.queued_at, failed.stage_started_at) == ("", None, None, None)
            assert moves(failed)[-1] == "requeue"
            save(
                worker, failed, status="Failed", retry=False, needs_admin_review=True, note="Gave up.", node="n", pid=1
            )


def test_a_form_with_a_stage_of_two_words(admin, failed):
    for written in (b"item_stage=Copy+To+Staging", b"item_stage=Copy%20To%20Staging"):
        assert admin.put(f"/api/v2/items/{failed.pk}/requeue", written)["stage"] == "Copy To Staging"
    failed.refresh_from_db()
    assert failed.stage == "Copy To Staging"


def test_requests_that_cannot_be_requeued(admin, worker, real_server, dora, failed, restore):
    path = f"/api/v2/items/{failed.pk}/requeue/"
    before = moves(failed)
    for method in ("GET", "POST", "HEAD", "DELETE"):
        admin.ask(method, path, status=405)
    worker.put(path, {"item_stage": "Fetch"}, status=403)
    GoClient(real_server, dora).put(path, {"item_stage": "Fetch"}, status=403)
    assert admin.put(path, b"item_stage=Shelve", status=422)["item_stage"]
    assert admin.put(path, b"item_stage=Cleanup", status=422)["item_stage"]
    assert "stage" in admin.put(path, b"stage=Fetch", status=422)
    admin.put("/api/v2/items/0/requeue/", b"item_stage=Fetch", status=404)
    assert moves(failed) == before
    assert WorkItem.objects.get(pk=failed.pk).status == "Failed"


def test_a_successful_item_is_not_requeued(admin, worker, restore):
    save(worker, restore, stage="Record", status="Success")
    said = admin.put(f"/api/v2/items/{restore.pk}/requeue/", b"item_stage=Requested", status=409)
    assert (said["id"], said["stage"], said["status"]) == (restore.pk, "Record", "Success")
    restore.refresh_from_db()
    assert restore.status == "Success"


def test_a_put_never_requeues(real_server, ada, worker, failed):
    for client in (worker, PythonClient(real_server, ada)):
        said = save(client, failed, 409, stage="Fetch", status="Pending", retry=True)
        assert (said["stage"], said["status"]) == ("Store", "Failed")
    assert failed.status == "Failed"


def test_an_admin_cancels_with_put(real_server, ada, restore):
    save(PythonClient(real_server, ada), restore, status="Cancelled", note="Not wanted any more.")
    assert (restore.stage, restore.status, restore.note) == ("Resolve", "Cancelled", "Not wanted any more.")
    assert moves(restore) == ["create", "cancel"]
