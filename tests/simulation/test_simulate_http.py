"""The client of `simulate --api` with a server that misbehaves. These tests need no database."""

import json
import time
from collections import deque
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.core.management import CommandError, call_command

from workitems.simulation import Address, UnexpectedReply, Unreachable
from workitems.simulation.connection import Clock, Connection, RunOver
from workitems.simulation.decisions import Plan, decide_upload
from workitems.simulation.record import EMPTY, Record, apply_plan, complete_record, encode_json, timestamp
from workitems.vocabulary import Status

ITEM = {
    "id": 5,
    "name": "a & b.tar",
    "etag": "e" * 32,
    "action": "Ingest",
    "stage": "Receive",
    "status": "Pending",
    "institution_id": 7,
    "note": None,
    "node": None,
    "pid": None,
    "size": 2**40,
    "retry": True,
    "needs_admin_review": False,
    "object_identifier": None,
    "date": "2026-03-01T10:00:00Z",
    "bag_date": None,
    "queued_at": None,
    "stage_started_at": None,
    "bucket": "aptrust.receiving.virginia.edu",
    "created_at": "2026-03-01T10:00:00Z",
    "reviewed": False,
}
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
MINE = {"node": "worker-1", "pid": 17}


def as_json(status, data, **headers):
    return status, {"Content-Type": "application/json", **headers}, json.dumps(data).encode()


@contextmanager
def scripted(*replies):
    """A server that sends these replies in turn, repeating the last one; None closes the connection without a reply."""
    left, seen = deque(replies), []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            length = int(self.headers.get("Content-Length", 0))
            seen.append((self.command, self.path, dict(self.headers), self.rfile.read(length), self.client_address))
            reply = left[0] if len(left) == 1 else left.popleft()
            if reply is None:
                self.close_connection = True
                return
            status, headers, text = reply
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_PUT = do_POST = answer  # noqa: N815

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", seen
        finally:
            server.shutdown()


@contextmanager
def connected(url, **kwargs):
    connection = Connection(
        Address.parse(url), "system@aptrust.org", "secret-key", kwargs.pop("clock", Clock()), **kwargs
    )
    try:
        yield connection
    finally:
        connection.close()


def test_one_connection_stays_open_and_sends_the_credentials():
    with scripted(as_json(200, {"id": 5})) as (url, seen), connected(url) as connection:
        for _ in range(3):
            assert connection.get("/api/v2/items/5/") == {"id": 5}
        assert len({address for *_rest, address in seen}) == 1
        headers = seen[0][2]
    assert headers["X-Pharos-API-User"] == "system@aptrust.org"
    assert headers["X-Pharos-API-Key"] == "secret-key"
    assert headers["Content-Type"] == headers["Accept"] == "application/json"
    assert connection.calls.requests == 3


def test_parameters_are_sorted_by_name():
    with scripted(as_json(200, {})) as (url, seen), connected(url) as connection:
        connection.get("/api/v2/items/", sort="date", name="a & b.tar", per_page=20, item_action="Ingest")
    assert seen[0][1] == "/api/v2/items/?item_action=Ingest&name=a+%26+b.tar&per_page=20&sort=date"


def test_a_call_is_repeated_with_the_same_bytes_after_a_lost_connection():
    with scripted(None, None, as_json(200, ITEM)) as (url, seen), connected(url) as connection:
        assert connection.call("PUT", "/api/v2/items/5/", complete_record(ITEM)).data == ITEM
    assert len(seen) == 3
    assert len({content for *_rest, content, _address in seen}) == 1
    assert (connection.calls.requests, connection.calls.retried, connection.calls.saves) == (3, 2, 1)


def test_after_five_retries_the_server_is_reported_as_unreachable(monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with (
        scripted(None) as (url, seen),
        connected(url) as connection,
        pytest.raises(Unreachable, match="6 times in a row"),
    ):
        connection.call("PUT", "/api/v2/items/5/", complete_record(ITEM))
    assert len(seen) == 6


def test_a_429_is_waited_for_and_repeated():
    slow = as_json(429, {"error": "Too many calls."}, **{"Retry-After": "0"})
    with scripted(slow, slow, as_json(201, ITEM)) as (url, seen), connected(url) as connection:
        assert connection.call("POST", "/api/v2/items/", complete_record(ITEM)).status == 201
    assert (len(seen), connection.calls.waited, connection.calls.saves) == (3, 2, 1)


def test_it_waits_as_long_as_retry_after_says(monkeypatch):
    waits = []
    monkeypatch.setattr(Clock, "sleep", lambda self, seconds: waits.append(seconds))
    slow, strange = (as_json(429, {"error": "Too many."}, **{"Retry-After": text}) for text in ("7", "later"))
    with scripted(slow, strange, as_json(200, ITEM)) as (url, _seen), connected(url) as connection:
        connection.get("/api/v2/items/5/")
    assert waits == [7.0, 1.0]


def test_it_does_not_wait_beyond_the_end_of_the_run():
    clock = Clock()
    clock.stop()
    slow = as_json(429, {"error": "Too many calls."}, **{"Retry-After": "3600"})
    with scripted(slow) as (url, _seen), connected(url, clock=clock) as connection, pytest.raises(RunOver):
        connection.get("/api/v2/items/5/")


def test_a_409_is_a_normal_answer():
    with scripted(as_json(409, {"error": "This item is closed."})) as (url, _seen), connected(url) as connection:
        reply = connection.call("PUT", "/api/v2/items/5/", complete_record(ITEM))
    assert reply.is_refusal
    assert reply.error == "This item is closed."
    assert connection.calls.saves == 0


UNUSABLE = {
    "an error": (as_json(500, {"error": "oops"}), "server error, 500"),
    "a page of a proxy": ((503, {"Content-Type": "text/html"}, b"<h1>Busy</h1>"), "503, text/html: <h1>Busy</h1>"),
    "a redirect": ((301, {"Location": "/api/v2/items/5", "Content-Type": "application/json"}, b"{}"), "redirect to /api/v2/items/5"),
    "a page": ((200, {"Content-Type": "text/html"}, b"<h1>Sign in</h1>"), "not JSON"),
    "half of it": ((200, {"Content-Type": "application/json"}, b'{"id": 5, '), "not JSON"),
    "nothing": ((200, {}, b""), "200, no content type: "),
    "not valid": (as_json(422, {"error": "Wrong.", "status": ["No."]}), "422: Wrong."),
    "no key": (as_json(401, {"error": "No such key."}), "401: No such key."),
    "not there": (as_json(404, {"error": "Not found."}), "404: Not found."),
}  # fmt: skip


@pytest.mark.parametrize("what", UNUSABLE)
def test_unusable_answers_are_reported_with_request_and_answer(what):
    reply, words = UNUSABLE[what]
    with scripted(reply) as (url, seen), connected(url) as connection, pytest.raises(UnexpectedReply) as caught:
        connection.call("PUT", "/api/v2/items/5/", complete_record(ITEM))
    said = str(caught.value)
    assert words in said
    assert f'{url}: PUT /api/v2/items/5/ with {{"action":"Ingest"' in said
    assert "secret-key" not in said
    assert len(seen) == 1  # a mistake is not repeated


def test_a_complete_record_is_what_a_go_client_sends():
    sent = complete_record(ITEM)
    assert set(sent) == set(EMPTY)
    assert len(sent) == 23
    assert (sent["note"], sent["node"], sent["user"], sent["outcome"], sent["inst_approver"]) == ("",) * 5
    assert (sent["pid"], sent["size"], sent["retry"]) == (0, 2**40, True)
    assert sent["bag_date"] == sent["queued_at"] == sent["stage_started_at"] == "0001-01-01T00:00:00Z"
    assert sent["date"] == ITEM["date"]
    assert b'"name":"a \\u0026 b.tar"' in encode_json(sent)


def test_times_are_sent_in_utc():
    zone = timezone(timedelta(hours=-5))
    assert timestamp(datetime(2026, 3, 4, 7, 0, 0, 250, tzinfo=zone)) == "2026-03-04T12:00:00.000250Z"


def test_a_claim_names_this_process():
    plan = Plan("progress", {"stage": "Fetch", "note": "Copying.", "node": "any", "pid": 1, "retry": True}, 5)
    sent = apply_plan(Record(ITEM), plan, "virginia.edu", MINE, NOW)
    assert (sent["stage"], sent["status"], sent["node"], sent["pid"]) == ("Fetch", "Started", "worker-1", 17)
    assert sent["stage_started_at"] == "2026-03-04T12:00:00Z"
    assert sent["etag"] == ITEM["etag"]


def test_a_pending_item_has_no_process():
    held = Record({**ITEM, **MINE, "stage": "Fetch", "status": "Started", "stage_started_at": "2026-03-04T11:00:00Z"})
    plan = Plan("progress", {"stage": "Validate", "status": Status.PENDING, "note": "Waiting."}, 5)
    sent = apply_plan(held, plan, "virginia.edu", MINE, NOW)
    assert (sent["status"], sent["node"], sent["pid"]) == ("Pending", "", 0)
    assert sent["stage_started_at"] == "0001-01-01T00:00:00Z"


def test_a_successful_ingest_has_its_object_identifier():
    plan = Plan("succeed", {"stage": "Cleanup", "note": "Done.", "node": "", "pid": None}, 5)
    sent = apply_plan(Record({**ITEM, **MINE}), plan, "virginia.edu", MINE, NOW)
    assert (sent["status"], sent["retry"], sent["node"], sent["pid"]) == ("Success", False, "", 0)
    assert sent["object_identifier"] == "virginia.edu/a & b"


def test_a_suspended_item_needs_admin_review():
    sent = apply_plan(
        Record({**ITEM, **MINE}), Plan("suspend", {"note": "Quota.", "node": "", "pid": None}), "", MINE, NOW
    )
    assert (sent["status"], sent["retry"], sent["needs_admin_review"]) == ("Suspended", False, True)


def upload(number, **values):
    return Record({**ITEM, "id": number, **values})


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({"etag": "f" * 32, "date": "2026-03-02T10:00:00Z"}, "a different etag"),
        ({"etag": "f" * 32, "date": "2026-02-02T10:00:00Z"}, None),  # then this is the one that counts
        ({"etag": "f" * 32, "date": "2026-03-02T10:00:00Z", "status": "Cancelled"}, None),
        ({"etag": "f" * 32, "date": "2026-03-02T10:00:00Z", "institution_id": 8}, None),
        ({"date": "2026-02-02T10:00:00Z"}, "same file"),
        ({"date": "2026-02-02T10:00:00Z", "status": "Success"}, "same file"),
        ({"date": "2026-02-02T10:00:00Z", "status": "Failed", "retry": False}, None),
        ({"date": "2026-03-02T10:00:00Z"}, None),
    ],
)
def test_a_replaced_upload_is_cancelled(other, what):
    mine = upload(5)
    plan = decide_upload(mine, [mine, upload(6, **other)])
    assert (plan is not None) == (what is not None)
    if plan:
        assert (plan.move, plan.values["stage"], plan.item_id) == ("cancel", "Receive", 5)
        assert what in plan.values["note"]


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "[::1]:8000", "127.8.8.8"])
def test_addresses_of_this_machine(host):
    assert Address.parse(f"http://{host}").is_on_this_machine


def played(url, **options):
    return call_command("simulate", **{"api": url, "key": "secret-key", "every": 0, "steps": 1, **options})


@pytest.mark.parametrize("host", ["pharos.example.org", "192.0.2.1:8000", "localhost.example.org", "[2001:db8::1]"])
def test_another_machine_needs_the_elsewhere_option(host):
    with pytest.raises(CommandError, match="--elsewhere"):
        played(f"http://{host}")


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "http://", "ftp://127.0.0.1", "http://127.0.0.1:8000/api/v2", "http://[::1", "http://127.0.0.1:99999"])  # fmt: skip
def test_invalid_addresses(url):
    with pytest.raises(CommandError, match=r"is not a server address\. Use one such as http://127\.0\.0\.1:8000"):
        played(url)


def test_an_unreachable_server_is_reported():
    with scripted(as_json(200, {})) as (url, _seen):
        pass
    with pytest.raises(CommandError, match=r"doesn't respond \(GET /api/v2/institutions/.*Is the server running\?"):
        played(url)


def test_a_missing_key_is_reported(monkeypatch):
    monkeypatch.delenv("PHAROS_API_KEY", raising=False)
    with pytest.raises(CommandError, match="PHAROS_API_KEY"):
        played("http://127.0.0.1:1", key=None)


def test_the_key_can_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("PHAROS_API_KEY", "from-the-environment")
    with scripted(as_json(401, {"error": "No such key."})) as (url, seen):
        with pytest.raises(CommandError, match="401: No such key"):
            played(url, key=None, user="someone@example.org")
        headers = seen[0][2]
    assert (headers["X-Pharos-API-Key"], headers["X-Pharos-API-User"]) == (
        "from-the-environment",
        "someone@example.org",
    )


@pytest.mark.parametrize("option", [{"key": "k"}, {"workers": 2}, {"user": "a@b.org"}, {"elsewhere": True}])
def test_api_options_need_the_api_option(option):
    with pytest.raises(CommandError, match=f"--{next(iter(option))}: use only together with --api"):
        call_command("simulate", steps=1, **option)


@pytest.mark.parametrize("option", [{"workers": 0}, {"workers": 1000}])
def test_the_number_of_workers_is_limited(option):
    with pytest.raises(CommandError, match="from 1 to 200"):
        played("http://127.0.0.1:1", **option)


def test_non_ascii_credentials_are_refused():
    with pytest.raises(CommandError, match="ASCII"):
        played("http://127.0.0.1:1", key="schlüssel")


def test_an_error_of_one_worker_stops_all(capsys):
    institutions = {"count": 1, "next": None, "previous": None, "results": [{"id": 7, "identifier": "virginia.edu"}]}
    with scripted(as_json(200, institutions), as_json(500, {"error": "oops"})) as (url, seen):
        with pytest.raises(CommandError, match="server error, 500"):
            played(url, workers=4, steps=10_000)
        assert len(seen) <= 1 + 2 * 4


def test_a_server_without_institutions_is_reported():
    nobody = {"count": 1, "next": None, "previous": None, "results": [{"id": 1, "identifier": "aptrust.org"}]}
    with scripted(as_json(200, nobody)) as (url, _seen), pytest.raises(CommandError, match="no institution"):
        played(url)
