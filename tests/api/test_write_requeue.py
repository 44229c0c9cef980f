"""PUT …/requeue by an admin, as JSON or a form, with the names of both versions."""

from urllib.parse import urlencode

import pytest
from django.utils import timezone

from tests.factories import make_item
from tests.stored_items import as_stored, last_entry
from workitems import transitions

from .api_client import Caller

# The address, and what it calls the stage.
VERSIONS = {
    "v2": ("/api/v2/items/{}/requeue/", "item_stage"),
    "v3": ("/admin-api/v3/items/requeue/{}", "stage"),
}
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def admin(client, ada):
    return Caller(client, ada)


@pytest.fixture(params=VERSIONS)
def version(request):
    return VERSIONS[request.param]


@pytest.fixture
def stuck(virginia):
    """An ingest that failed permanently at Validate."""
    return make_item(
        virginia,
        stage="Validate",
        status="Failed",
        retry=False,
        note="No manifest.",
        node="w1",
        pid=7,
        needs_admin_review=True,
        queued_at=timezone.now(),
        stage_started_at=timezone.now(),
    )


def is_taken_up(item, stage, answer):
    assert answer.status == 200, answer.body
    shown = answer.body
    assert (shown["id"], shown["stage"], shown["status"]) == (item.pk, stage, "Pending")
    item.refresh_from_db()
    assert (item.stage, item.status, item.retry, item.needs_admin_review, item.reviewed) == (
        stage,
        "Pending",
        True,
        False,
        False,
    )
    assert (item.node, item.pid, item.queued_at, item.stage_started_at) == ("", None, None, None)
    entry = last_entry(item)
    assert (entry.move, entry.via, entry.who) == ("requeue", "api", "ada@aptrust.org")
    return entry


def test_requeue_with_json(admin, stuck, version):
    path, name = version
    answer = admin.put(path.format(stuck.pk), {name: "Fetch"})
    entry = is_taken_up(stuck, "Fetch", answer)
    assert (entry.stage_before, entry.status_before, stuck.note) == ("Validate", "Failed", "No manifest.")
    show = "/api/v2/items/{}/" if name == "item_stage" else "/admin-api/v3/items/show/{}"
    assert answer.body == admin.get(show.format(stuck.pk)).body


def test_requeue_with_a_form(admin, stuck, version):
    path, name = version
    is_taken_up(stuck, "Fetch", admin.put(path.format(stuck.pk), body=urlencode({name: "Fetch"}), content_type=FORM))


def test_a_form_with_a_stage_of_two_words(admin, virginia, version):
    path, name = version
    item = make_item(virginia, stage="Store", status="Failed", retry=False, note="Bad.")
    for body in (f"{name}=Reingest+Check", f"{name}=Reingest%20Check"):
        is_taken_up(
            item, "Reingest Check", admin.put(path.format(item.pk), body=body, content_type=f"{FORM}; charset=utf-8")
        )


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "application/json"),
        (b"", FORM),
        (b"", ""),
        (b"{}", "application/json"),
        (b'{"NAME": ""}', "application/json"),
        (b'{"NAME": null}', "application/json"),
        (b"NAME=", FORM),
    ],
)
def test_without_a_stage_it_is_requeued_where_it_stopped(admin, stuck, version, body, content_type):
    path, name = version
    sent = body.replace(b"NAME", name.encode())
    is_taken_up(stuck, "Validate", admin.put(path.format(stuck.pk), body=sent, content_type=content_type))


def test_a_cancelled_item_is_requeued_where_it_was(admin, ada, virginia, version):
    item = make_item(virginia, stage="Fetch", status="Started")
    transitions.cancel(item, note="Wrong bag.", by=ada)
    refused = admin.put(version[0].format(item.pk), {version[1]: "Validate"})
    assert refused.status == 422
    is_taken_up(item, "Fetch", admin.put(version[0].format(item.pk), {}))


@pytest.mark.parametrize("word", ["validate", "VALIDATE", " Validate "])
def test_the_stage_in_any_case(admin, stuck, version, word):
    path, name = version
    is_taken_up(stuck, "Validate", admin.put(path.format(stuck.pk), {name: word}))
    body = urlencode({name: word.replace("alidate", "ALIDATE")})
    is_taken_up(stuck, "Validate", admin.put(path.format(stuck.pk), body=body, content_type=FORM))


def test_a_form_that_names_two_stages_is_refused(admin, stuck, version):
    path, name = version
    before = as_stored(stuck)
    answer = admin.put(path.format(stuck.pk), body=f"{name}=Fetch&{name}=Receive", content_type=FORM)
    assert (answer.status, answer.body[name]) == (422, ["Use this only once."])
    assert as_stored(stuck) == before
    is_taken_up(stuck, "Fetch", admin.put(path.format(stuck.pk), body=f"{name}=Fetch&{name}=Fetch", content_type=FORM))


@pytest.mark.parametrize("made", [{"stage": "Fetch", "status": "Suspended"}, {"stage": "Fetch", "status": "Started"}])
def test_held_and_open_items(admin, virginia, version, made):
    item = make_item(virginia, **made)
    is_taken_up(item, "Receive", admin.put(version[0].format(item.pk), {version[1]: "Receive"}))


@pytest.mark.parametrize("action", ["Restore", "Glacier Restore", "Delete", "Fixity Check", "DPN"])
def test_other_actions_restart_at_requested(admin, virginia, version, action):
    item = make_item(virginia, action=action, stage="Record", status="Failed", retry=False, note="Bad.")
    before = as_stored(item)
    assert admin.put(version[0].format(item.pk), {version[1]: "Record"}).status == 422
    assert as_stored(item) == before
    is_taken_up(item, "Requested", admin.put(version[0].format(item.pk), {}))


@pytest.mark.parametrize(
    "stage", ["Store", "Resolve", "Requested", "Package", "Nowhere", "store", "a\0b", "n" * 60_000]
)
def test_a_stage_not_yet_reached_is_refused(admin, stuck, version, stage):
    path, name = version
    before = as_stored(stuck)
    for sent in ({"json": {name: stage}}, {"body": urlencode({name: stage}), "content_type": FORM}):
        answer = admin.put(path.format(stuck.pk), **sent)
        assert (answer.status, set(answer.body)) == (422, {name, "error"})
        assert "Receive" in answer.body["error"]
    assert as_stored(stuck) == before


@pytest.mark.parametrize(
    "sent",
    [
        {"NAME": 3},
        {"NAME": ["Fetch"]},
        {"NAME": True},
        {"NAME": {}},
        {"OTHER": "Fetch"},
        {"NAME": "Fetch", "note": "x"},
    ],
)
def test_invalid_bodies(admin, stuck, version, sent):
    path, name = version
    other = {"stage": "item_stage", "item_stage": "stage"}[name]
    sent = {key.replace("NAME", name).replace("OTHER", other): value for key, value in sent.items()}
    before = as_stored(stuck)
    assert admin.put(path.format(stuck.pk), sent).status == 422
    assert as_stored(stuck) == before


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"<a/>", "text/xml", 415),
        (b"x" * (17 * 1024 * 1024), FORM, 413),
    ],
)
def test_unsupported_bodies(admin, stuck, version, body, content_type, status):
    before = as_stored(stuck)
    assert admin.put(version[0].format(stuck.pk), body=body, content_type=content_type).status == status
    assert as_stored(stuck) == before


def test_a_chunked_body_is_refused_rather_than_ignored(admin, stuck, version):
    before = as_stored(stuck)
    answer = admin.put(version[0].format(stuck.pk), more={"Transfer-Encoding": "chunked"}, content_type=FORM, body=b"")
    assert answer.status == 411
    assert as_stored(stuck) == before


def test_a_successful_item_cannot_be_requeued(admin, virginia, version):
    item = make_item(virginia, stage="Record", status="Success", note="Done.")
    before = as_stored(item)
    for sent in ({}, {version[1]: "Receive"}):
        answer = admin.put(version[0].format(item.pk), sent)
        assert answer.status == 409
        assert (answer.body["id"], answer.body["status"], answer.body["note"]) == (item.pk, "Success", "Done.")
        assert "succeeded" in answer.body["error"]
    assert as_stored(item) == before


@pytest.mark.parametrize("who", ["wally", "stan", "dora", "olga"])
def test_only_admins_can_requeue(client, cast, stuck, version, who):
    before = as_stored(stuck)
    for sent in ({}, {version[1]: "Fetch"}):
        assert Caller(client, cast[who]).put(version[0].format(stuck.pk), sent).status == 403
    assert as_stored(stuck) == before


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE", "PATCH"])
def test_only_put_requeues(admin, stuck, version, method):
    before = as_stored(stuck)
    assert admin.ask(method, version[0].format(stuck.pk)).status == 405
    assert as_stored(stuck) == before


@pytest.mark.parametrize("number", [0, 987_654, 2**63, 10**40])
def test_an_unknown_item_is_404(admin, stuck, version, number):
    assert admin.put(version[0].format(number), {}).status == 404


@pytest.mark.parametrize("slash", ["", "/"])
def test_with_and_without_a_slash(admin, stuck, version, slash):
    is_taken_up(stuck, "Validate", admin.put(version[0].format(stuck.pk).rstrip("/") + slash, {}))


@pytest.mark.parametrize(
    ("stage", "code"), [("Receive", 200), ("Fetch", 422), ("Unpack", 422), ("Validate", 422), (None, 200)]
)
def test_only_to_stages_that_the_queue_serves(admin, stuck, version, settings, stage, code):
    settings.WORKITEM_QUEUE_STAGES = ["Receive", "Store", "Record"]
    path, name = version
    before = as_stored(stuck)
    answer = admin.put(path.format(stuck.pk), {name: stage} if stage else {})
    if code == 200:
        is_taken_up(stuck, "Receive", answer)
        return
    assert (answer.status, set(answer.body)) == (422, {name, "error"})
    assert answer.body["error"].endswith("can be requeued to Receive.")
    assert ("doesn't serve" in answer.body["error"]) == (stage != "Unpack")
    assert as_stored(stuck) == before


def test_an_obsolete_stage_is_not_gone_back_to(admin, stuck, version):
    before = as_stored(stuck)
    answer = admin.put(version[0].format(stuck.pk), {version[1]: "Unpack"})
    assert answer.status == 422
    assert answer.body["error"].endswith("It can be requeued to Receive, Fetch, Validate.")
    assert as_stored(stuck) == before


def test_where_the_queue_serves_nothing(admin, stuck, version, settings):
    settings.WORKITEM_QUEUE_STAGES = ["Store"]
    before = as_stored(stuck)
    answer = admin.put(version[0].format(stuck.pk), {})
    assert (answer.status, answer.body["id"]) == (409, stuck.pk)
    assert "doesn't serve any stage that it could be requeued to" in answer.body["error"]
    assert as_stored(stuck) == before
