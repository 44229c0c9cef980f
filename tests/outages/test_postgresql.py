"""The production server while its real PostgreSQL is stopped, loses its connections, or takes no changes."""

import contextlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from ..http_clients import exchange
from ..own_servers import skip_without_servers
from ..separate_server import Browser, api_client, create_test_data
from ..serving import server
from ..throwaway_postgres import Node, folder_of_the_servers, free_port, give, server_binaries, wait_until

LIST, ITEMS = "/items/?per_page=10", "/api/v2/items/?per_page=5"
THREADS = 4


@pytest.fixture(scope="module")
def node():
    """A PostgreSQL server of our own, which can be stopped."""
    skip_without_servers()
    with folder_of_the_servers() as folder:
        found = Node(server_binaries(), folder / "node", {}, free_port())
        give(found.folder)
        found.init()
        found.start()
        try:
            yield found
        finally:
            if (found.data / "postmaster.pid").exists():
                found.stop()


@pytest.fixture(scope="module")
def people(node):
    return create_test_data(node.url)


@pytest.fixture(scope="module")
def running(node, people):
    with server(node.url, workers=1, threads=THREADS) as one:
        yield one


@pytest.fixture
def dora(running, people):
    return Browser(running, people["dora"].session)


@pytest.fixture
def wally(running, people):
    return api_client(running, people["wally"])


@contextlib.contextmanager
def stopped(node):
    node.stop()
    try:
        yield
    finally:
        node.start()


@contextlib.contextmanager
def read_only(node):
    """Takes no changes, as a former primary after a switchover. Connections that are open notice."""
    for statement in ("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"):
        node.ask(statement)
    wait_until(lambda: node.ask("SHOW default_transaction_read_only") == ("on",))
    try:
        yield
    finally:
        # The setting itself can be changed without a transaction that writes.
        for statement in ("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()"):
            node.ask(statement)
        wait_until(lambda: node.ask("SHOW default_transaction_read_only") == ("off",))


def health(running, query=""):
    reply = exchange(running, f"GET /healthz{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    return reply.status, reply.body.decode()


def assert_outage(answer, name):
    assert answer.status == 503
    assert answer.headers["Retry-After"]
    assert f'data-outage="{name}"' in answer.text


def test_while_it_is_stopped_everybody_is_told_and_afterward_all_is_well(node, running, dora, wally):
    assert dora.get(LIST).status == 200
    with stopped(node):
        assert_outage(dora.get(LIST), "away")
        reply = wally.reply("GET", ITEMS)
        assert (reply.status, reply.header("Retry-After")) == (503, "5")
        assert json.loads(reply.body)["error"].startswith("The database can't be reached right now.")
        status, text = health(running)
        assert status == 503
        assert text.startswith("The database can't be used: ")
        status, text = health(running, "?detail")
        assert (status, json.loads(text)["ok"], "error" in json.loads(text)["mail_queue"]) == (503, False, True)
    wait_until(lambda: dora.get(LIST).status == 200)
    assert wally.reply("GET", ITEMS).status == 200
    assert health(running) == (200, "ok\n")
    assert "Traceback" not in running.log()


def test_while_it_is_away_a_request_does_not_wait_behind_others(node, running, dora):
    """One thread waits for the database; otherwise a few requests would hold every thread, and nobody would be told."""
    with stopped(node):
        assert dora.get(LIST).status == 503
        with ThreadPoolExecutor(4 * THREADS) as pool:
            answers = list(pool.map(lambda _number: dora.get(LIST), range(8 * THREADS)))
        assert {answer.status for answer in answers} == {503}
        assert "the database is away: the database is still away" in running.log()
    wait_until(lambda: dora.get(LIST).status == 200)


def test_connections_that_were_cut_cost_no_request(node, running, dora, wally):
    with ThreadPoolExecutor(2 * THREADS) as pool:  # so that the pool has several connections
        assert {answer.status for answer in pool.map(lambda _number: dora.get(LIST), range(40))} == {200}
    for _round in range(3):
        node.ask(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        assert [dora.get(LIST).status for _ in range(6)] == [200] * 6
        assert wally.reply("GET", ITEMS).status == 200


def test_while_it_takes_no_changes_it_is_read_and_writes_are_told(node, running, dora, wally, people):
    [item] = wally.get("/api/v2/items/?per_page=1")["results"]
    path = f"/api/v2/items/{item['id']}/"
    with read_only(node):
        assert dora.get(LIST).status == 200
        assert wally.reply("GET", ITEMS).status == 200
        reply = wally.reply("PUT", path, item)
        assert (reply.status, reply.header("Retry-After")) == (503, "5")
        assert "takes no changes right now, so nothing was saved" in json.loads(reply.body)["error"]
        stan = Browser(running, people["stan"].session)
        answer = stan.post("/views/", list="status=Failed", name="Mine & yours", reach="private")
        assert_outage(answer, "read-only")
        assert 'name="name" value="Mine &amp; yours"' in answer.text
        assert health(running) == (503, "The database is read-only.\n")
    assert wally.reply("PUT", path, item).status == 200
    assert health(running)[0] == 200
    assert "Traceback" not in running.log()


def test_a_database_that_is_not_migrated_is_not_served(node, running):
    node.ask("DELETE FROM django_migrations WHERE app = 'workitems' AND name LIKE '0026%'")
    try:
        status, text = health(running)
        assert (
            status,
            text.startswith("The database isn't migrated: 1 migrations are missing, such as workitems.0026"),
        ) == (
            503,
            True,
        )
    finally:
        node.ask("INSERT INTO django_migrations (app, name, applied) VALUES ('workitems', '0026_split_bags', now())")
    assert health(running)[0] == 200
