"""Exports of a list while they are read: consistent, without blocking anyone, closed when the client leaves, and never
complete-looking when cut off.
"""

import contextlib
import http.client
import json
import socket
import threading
import time

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import Client

from workitems.import_export import StartedStream, csv_lines, export_lines, json_lines
from workitems.models import WorkItem

from ..factories import make_item
from ..many_items import make_items

pytestmark = pytest.mark.django_db(transaction=True)

LINES = {
    "csv": lambda user: csv_lines(WorkItem.objects.order_by("-id"), user=user),
    "json": lambda user: json_lines(WorkItem.objects.order_by("-id"), user=user),
    "everything": lambda user: export_lines(),
}
every_file = pytest.mark.parametrize("name", LINES)


def elsewhere(act):
    """Runs it on a separate connection, and waits for it."""

    def run():
        try:
            act()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def cursors():
    """Returns the open server-side cursors of this connection, and whether each would outlive the transaction."""
    if connection.vendor != "postgresql":
        return []
    with connection.cursor() as cursor:
        cursor.execute("SELECT is_holdable FROM pg_cursors WHERE name LIKE '_django%'")
        return [is_holdable for [is_holdable] in cursor.fetchall()]


def is_in_transaction():
    if connection.vendor == "postgresql":
        return connection.connection.info.transaction_status.name != "IDLE"
    return connection.connection.in_transaction


@every_file
def test_an_export_is_consistent_and_blocks_nobody(name, virginia, dora):
    make_items(2_500, [virginia])
    pieces = LINES[name](dora)
    begun = [next(pieces) for _ in range(4)]
    elsewhere(lambda: make_item(virginia, name="late.tar"))
    elsewhere(lambda: WorkItem.objects.filter(outcome="").update(outcome="changed meanwhile"))
    text = "".join([*begun, *pieces])
    assert WorkItem.objects.get(name="late.tar").outcome == "changed meanwhile"
    assert "late.tar" not in text
    assert "changed meanwhile" not in text
    assert not is_in_transaction()


@pytest.mark.parametrize("forbidden", [False, True])
@pytest.mark.parametrize("name", ["csv", "json"])
def test_the_server_side_cursor_lives_in_a_transaction(on_postgresql, name, forbidden, virginia, dora, monkeypatch):
    """A cursor WITH HOLD would read everything first and wouldn't work behind PgBouncer."""
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", forbidden)
    make_items(2_500, [virginia])
    with contextlib.closing(LINES[name](dora)) as pieces:
        next(pieces), next(pieces)
        assert cursors() == [False]
        "".join(pieces)
    assert cursors() == []


@every_file
@pytest.mark.parametrize("taken", [1, 3])
def test_an_export_closed_early_releases_the_connection(name, taken, virginia, dora):
    make_items(2_500, [virginia])
    pieces = LINES[name](dora)
    for _ in range(taken):
        next(pieces)
    pieces.close()
    assert (is_in_transaction(), cursors()) == (False, [])
    make_item(virginia, name="after.tar")
    assert WorkItem.objects.filter(name="after.tar").exists()


def test_a_started_stream_releases_the_connection(virginia, dora):
    make_items(2_500, [virginia])
    begun = StartedStream(csv_lines(WorkItem.objects.order_by("-id"), user=dora))
    assert is_in_transaction()
    assert next(begun).startswith("id,name,")
    begun.close()
    assert (is_in_transaction(), cursors()) == (False, [])


def test_the_view_closes_the_export(virginia, dora):
    make_items(2_500, [virginia])
    client = Client()
    client.force_login(dora)
    response = client.get("/items/?format=csv")
    next(response.streaming_content)
    next(response.streaming_content)
    assert is_in_transaction()
    for (
        close
    ) in response._resource_closers:  # what a server calls when its client has gone, but for the end of the connection
        close()
    assert (is_in_transaction(), cursors()) == (False, [])


# --- through the production server, which writes to a socket


@pytest.fixture
def long_list(virginia):
    """A list of 15 MB, more than the buffers between server and client can hold."""
    make_items(3_000, [virginia], note="x" * 5_000)


@contextlib.contextmanager
def asking(running, user, path):
    """Opens the download and reads its beginning."""
    client = Client()
    client.force_login(user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    asked = http.client.HTTPConnection("127.0.0.1", running.port)
    asked.connect()
    asked.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    try:
        asked.request("GET", path, headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={session}"})
        reply = asked.getresponse()
        assert reply.status == 200
        assert reply.read(1_000)
        yield reply
    finally:
        asked.close()


def reading():
    """Returns the database processes that are reading a list."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND state <> 'idle' AND query LIKE '%django%curs%'"
        )
        return [pid for [pid] in cursor.fetchall()]


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_error_in_the_middle_is_visible_to_the_client(on_postgresql, real_server, long_list, dora, form):
    with asking(real_server, dora, f"/items/?format={form}") as reply:
        [pid] = reading()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            reply.read()


@pytest.mark.parametrize("form", ["csv", "json"])
def test_a_disconnected_client_ends_the_query(on_postgresql, real_server, long_list, dora, form):
    with asking(real_server, dora, f"/items/?format={form}"):
        assert len(reading()) == 1
    until = time.monotonic() + 30
    while reading() and time.monotonic() < until:
        pass
    assert reading() == []


def test_a_long_list_arrives_completely(real_server, long_list, dora):
    with asking(real_server, dora, "/items/?format=json") as reply:
        text = reply.read()
    assert text.endswith(b"\n]\n")
    assert len(json.loads(b"[" + text[text.index(b"\n{") + 1 :])) > 2_500
