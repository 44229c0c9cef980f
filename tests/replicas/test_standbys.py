"""Reading from a replica, with a real primary and standby: what is read where, and that failures go unnoticed."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter

import psycopg
import pytest

from ..http_clients import BODY, whole_record
from ..own_servers import skip_without_servers
from ..page_hooks import data_hooks, item_ids
from ..pages.page_elements import parse_page
from ..separate_server import Browser, api_client, create_test_data
from ..serving import KEY, ROOT, server
from ..throwaway_postgres import pair, wait_until

FILES = {"csv": "/items/?format=csv", "json": "/items/?format=json"}


@pytest.fixture(scope="module")
def servers():
    skip_without_servers()
    with pair() as both:
        yield both


@pytest.fixture(scope="module")
def people(servers):
    found = create_test_data(servers.primary.url)
    servers.catch_up()
    return found


@pytest.fixture(scope="module")
def running(servers, people):
    """One server process, so that its knowledge of the replica is predictable."""
    with server(servers.primary.url, workers=1, threads=8, DATABASE_REPLICA_URL=servers.standby.url) as one:
        yield one


@pytest.fixture
def sees(running, people):
    """A function that returns a user's browser once the list is read from the replica."""

    def browser(name):
        found = Browser(running, people[name].session)
        wait_until(lambda: reads_from(found) == "standby1")
        return found

    return browser


def reads_from(browser):
    answer = browser.get("/items/?per_page=10")
    assert answer.status == 200
    return answer.read_from


@pytest.fixture
def paused(servers):
    """Lets the test pause replay, and resumes it afterward."""
    yield servers.pause
    servers.resume()


@pytest.fixture
def worker(running, people):
    return api_client(running, people["wally"])


@pytest.fixture
def upload(worker, people):
    """A function that creates an item of Virginia as a worker, and returns its id."""

    def make(name, **fields):
        record = {**BODY, "name": name, "etag": name, "institution_id": people["dora"].institution, **fields}
        return worker.post("/api/v2/items/", record)["id"]

    return make


def test_lists_and_files_are_read_from_the_replica(sees, paused, upload, servers):
    dora = sees("dora")
    paused()
    new = upload("unseen.tar")
    for path in ("/items/?name=unseen.tar", "/items/?q=unseen&format=csv", "/items/?q=unseen&format=json"):
        answer = dora.get(path)
        assert (answer.status, answer.read_from) == (200, "standby1")
        # The page itself says which bucket a file belongs in that isn't there.
        is_in_the_file = "format=" in path and "aptrust.receiving" in answer.text
        assert (item_ids(answer), is_in_the_file) == ([], False)
    servers.resume()
    assert item_ids(dora.get("/items/?name=unseen.tar")) == [new]
    for path in FILES.values():
        assert "unseen.tar" in dora.get(path).text


def metrics(running):
    """Returns {metric with its labels: number}, as Prometheus reads them."""
    with contextlib.closing(http.client.HTTPConnection(running.host, running.port, timeout=60)) as asking:
        asking.request("GET", "/metrics")
        lines = asking.getresponse().read().decode().splitlines()
    return {name: float(number) for name, number in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


def test_metrics_say_how_far_behind_it_is(running, paused, upload, servers):
    lag = 'pharos_standby_lag_bytes{standby="standby1"}'
    servers.catch_up()
    paused()
    upload("behind.tar")
    found = metrics(running)
    assert found['pharos_standby_up{standby="standby1"}'] == 1
    assert found[lag] > 0
    assert found["pharos_count_deltas"] >= 0
    servers.resume()
    wait_until(lambda: metrics(running)[lag] < found[lag])


def test_metrics_count_the_connections_of_the_pool(running, upload):
    before = metrics(running)["pharos_database_pool_requests_total"]
    upload("pooled.tar")
    found = metrics(running)
    assert found["pharos_database_pool_requests_total"] > before
    assert 1 <= found['pharos_database_pool_connections{state="open"}'] <= 8
    assert found['pharos_database_pool_connections{state="most"}'] == 8


def test_items_pages_and_the_api_are_read_from_the_primary(sees, paused, upload, worker):
    dora = sees("dora")
    paused()
    new = upload("fresh.tar")
    shown = dora.get(f"/items/{new}")
    assert (shown.status, shown.read_from) == (200, None)
    assert worker.get("/api/v2/items/?name=fresh.tar")["count"] == 1


def test_only_the_user_who_changed_something_reads_from_the_primary(sees, paused, upload, servers):
    new = upload("mistaken.tar")
    servers.catch_up()
    ada, dora = sees("ada"), sees("dora")
    listed = "/items/?name=mistaken.tar&status=Cancelled"
    paused()
    done = ada.post(f"/items/{new}/cancel", note="Uploaded by mistake.")
    assert done.status == 302
    for path in (listed, f"{listed}&format=csv"):
        hers, dora_s = ada.get(path), dora.get(path)
        assert (hers.read_from, dora_s.read_from) == ("default", "standby1")
        assert "Uploaded by mistake." in hers.text
        assert "Uploaded by mistake." not in dora_s.text
    servers.resume()
    hers = ada.get(listed)
    assert (hers.read_from, item_ids(hers)) == ("standby1", [new])


def test_the_cookie(sees, people, running):
    ada = sees("ada")
    assert "pharos_written" not in ada.cookies
    done = ada.post("/items/999999/cancel", note="no such item")
    [cookie] = [one for one in done.headers.get_all("Set-Cookie") if one.startswith("pharos_written=")]
    assert {"HttpOnly", "SameSite=Lax", "Max-Age=300"} <= {part.strip() for part in cookie.split(";")}
    assert "pharos_written" not in Browser(running, "").post("/items/1/cancel").headers.get("Set-Cookie", "")


@pytest.mark.parametrize("value", ["9223372036854775807", "9:1abc:def", "x", "", "9" * 5000, '"\\303\\244"'])
def test_a_forged_cookie_is_ignored(sees, value):
    dora = sees("dora")
    dora.cookies["pharos_written"] = value
    answer = dora.get("/items/")
    assert (answer.status, answer.read_from) == (200, "standby1")


def test_other_institutions_items_stay_hidden(sees, people, running):
    seen = {name: set(item_ids(sees(name).get("/items/?per_page=250"))) for name in ("dora", "stan", "olga", "ada")}
    assert seen["dora"] == seen["stan"]
    assert seen["dora"] | seen["olga"] == seen["ada"]
    assert not seen["dora"] & seen["olga"]
    for name, rows in seen.items():
        answer = sees(name).get(FILES["json"])
        assert answer.read_from == "standby1"
        assert {row["id"] for row in json.loads(answer.text)} == rows
    assert Browser(running, people["wally"].session).get("/items/").status == 302


@pytest.fixture
def failed(upload, worker):
    """A function that creates an item that fails immediately, and returns its id."""

    def make(name):
        number = upload(name, user="marked")
        record = whole_record(worker.get(f"/api/v2/items/{number}"), status="Failed", retry=False, note="Broken.")
        worker.put(f"/api/v2/items/{number}", record)
        return number

    return make


def test_items_changed_since_the_page_are_skipped_by_bulk_changes(sees, paused, failed, servers):
    """The page's marker comes from the replica, like its rows, so anything the replica hadn't replayed counts as later."""
    shown, changed = failed("shown.tar"), failed("changed.tar")
    servers.catch_up()
    stan, ada = sees("stan"), sees("ada")
    paused()
    assert ada.post(f"/items/{changed}/edit", needs_admin_review="true").status == 302
    late = failed("late.tar")
    seen = stan.get("/items/?user=marked&reviewed=false")
    assert (seen.read_from, set(item_ids(seen))) == ("standby1", {shown, changed})
    form = parse_page(seen).one("form", id="bulk").fields()
    sent = {"which": "matching", "reviewed": "true", "confirmed": "yes", "list": form["list"]}
    assert stan.post("/items/review", snapshot=form["snapshot"], **sent).status == 302
    assert item_ids(stan.get("/items/?user=marked&reviewed=true")) == [shown]
    assert set(item_ids(stan.get("/items/?user=marked&reviewed=false"))) == {changed, late}


def test_a_late_replica_is_not_used(sees, paused, upload, running, servers):
    dora = sees("dora")
    paused()
    upload("waiting.tar")
    said = running.log().count("standby1 is more than 10 s behind")
    wait_until(lambda: dora.get("/items/?name=waiting.tar").read_from == "default")
    assert data_hooks(dora.get("/items/?name=waiting.tar"), "total") == ["1"]
    wait_until(lambda: running.log().count("standby1 is more than 10 s behind") == said + 1)
    servers.resume()
    wait_until(lambda: dora.get("/items/").read_from == "standby1")
    assert running.log().count("standby1 is more than 10 s behind") == said + 1


def test_stopping_a_replica_under_load_causes_no_errors(sees, servers, running):
    dora, answers, ended = sees("dora"), Counter(), threading.Event()

    def load():
        while not ended.is_set():
            answer = dora.get("/items/?status=Failed&q=tar")
            answers[answer.status, answer.read_from] += 1

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for mode in ("immediate", "fast"):
            servers.standby.stop(mode)
            before = answers[200, "default"]
            wait_until(lambda before=before: answers[200, "default"] >= before + 20)
            servers.standby.start()
            before = answers[200, "standby1"]
            wait_until(lambda before=before: answers[200, "standby1"] >= before + 20)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    assert set(answers) == {(200, "default"), (200, "standby1")}
    print(dict(answers))  # noqa: T201  shown by pytest -s
    assert running.log().count("standby1 is not used for reading") == 2


def frozen(node, number):
    """Sends the signal to all processes of the server, to the main one first."""
    first = int((node.data / "postmaster.pid").read_text().split()[0])
    others = subprocess.run(["pgrep", "-P", str(first)], capture_output=True, text=True, check=True).stdout.split()
    for process in (first, *map(int, others)):
        os.kill(process, number)


def test_a_silent_replica_delays_requests_only_briefly(sees, servers, running):
    """Its machine still accepts connections, as when its disks hang."""
    dora = sees("dora")
    frozen(servers.standby, signal.SIGSTOP)
    try:
        assert [reads_from(dora) for _ in range(20)] == ["default"] * 20
    finally:
        frozen(servers.standby, signal.SIGCONT)
    assert "it did not answer within 2 s" in running.log()
    wait_until(lambda: reads_from(dora) == "standby1")


def test_a_replica_with_hanging_reads_delays_requests_only_briefly(sees, servers, paused, running):
    """It still reports its position, but replay holds a lock that readers wait for."""
    dora = sees("dora")
    with psycopg.connect(servers.primary.url) as holding:
        holding.execute("LOCK TABLE workitems_workitem IN ACCESS EXCLUSIVE MODE")
        servers.primary.ask("SELECT pg_switch_wal()")  # else the standby is told after some seconds
        wait_until(lambda: servers.standby.ask(LOCKED) == (1,))
        paused()
    assert [reads_from(dora) for _ in range(20)] == ["default"] * 20
    servers.resume()
    wait_until(lambda: reads_from(dora) == "standby1")
    assert running.log().count("standby1 is not used for reading: canceling statement due to lock timeout") == 1


LOCKED = (
    "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = 'workitems_workitem'::regclass"
)


@pytest.fixture(scope="module")
def long_list(servers, people):
    """A list of 20 MB, more than the buffers between server and client can hold."""
    servers.primary.ask(LONG.format(institution=people["olga"].institution))
    servers.catch_up()


@pytest.mark.parametrize("form", FILES)
def test_a_truncated_download_is_visible_to_the_client(sees, servers, long_list, form):
    olga = sees("olga")
    asked = http.client.HTTPConnection(olga.server.host, olga.server.port, timeout=60)
    asked.request("GET", FILES[form], headers={"Cookie": f"pharos_session={olga.session}"})
    reply = asked.getresponse()
    assert (reply.status, reply.headers["X-Read-From"]) == (200, "standby1")
    reply.read(1_000)
    reading = "query LIKE '%django%curs%' AND pid <> pg_backend_pid()"
    servers.standby.ask(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {reading}")
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        reply.read()
    asked.close()


LONG = """
INSERT INTO workitems_workitem (created_at, updated_at, name, etag, bucket, "user", institution_id, note, action, stage, status,
    outcome, date, retry, reviewed, object_identifier, generic_file_identifier, node, needs_admin_review, inst_approver,
    aptrust_approver, version, search_text)
SELECT now(), now(), 'long-' || n || '.tar', '', '', '', {institution}, repeat('x', 5000), 'Ingest', 'Receive', 'Pending',
    '', now(), true, false, '', '', '', false, '', '', 1, '' FROM generate_series(1, 4000) AS n
"""


def checked(servers, replica):
    """Returns the output of `manage.py check --database default`."""
    knobs = {"DATABASE_URL": servers.primary.url, "DATABASE_REPLICA_URL": replica, "DEBUG": "true", "SECRET_KEY": KEY}
    command = [sys.executable, "manage.py", "check", "--database", "default"]
    done = subprocess.run(command, cwd=ROOT, env={"PATH": "/usr/bin:/bin", **knobs}, capture_output=True, check=True)
    return done.stderr.decode()


def test_the_check_reports_an_invalid_replica(servers, people):
    assert "W003" not in checked(servers, servers.standby.url)
    other = servers.standby.url.replace("/postgres", "/template1")
    said = checked(
        servers, f"{servers.primary.url},{other},{servers.primary.url.replace(str(servers.primary.port), '1')}"
    )
    assert "standby1 of DATABASE_REPLICA_URL isn't used for reading: it is no longer a standby" in said
    assert (
        "standby2 of DATABASE_REPLICA_URL isn't used for reading: it is not a copy of the database in DATABASE_URL"
        in said
    )
    assert "standby3 of DATABASE_REPLICA_URL isn't used for reading: connection failed" in said


def test_usable_replicas_take_turns(servers, people):
    away = servers.primary.url.replace(str(servers.primary.port), "1")
    again = servers.standby.url.replace("127.0.0.1", "localhost")
    with server(
        servers.primary.url, workers=1, DATABASE_REPLICA_URL=f"{servers.standby.url},{away},{again}"
    ) as running:
        dora = Browser(running, people["dora"].session)
        wait_until(lambda: dora.get("/items/").read_from == "standby1")
        wait_until(lambda: dora.get("/items/").read_from == "standby3")
        assert {dora.get("/items/").read_from for _ in range(12)} == {"standby1", "standby3"}


def test_a_promoted_replica_is_not_used(sees, servers, running):
    """Must be the last test of this file, because a promotion can't be undone."""
    dora = sees("dora")
    servers.standby.ask("SELECT pg_promote()")
    wait_until(lambda: servers.standby.ask("SELECT pg_is_in_recovery()") == (False,))
    assert {dora.get("/items/").read_from for _ in range(20)} == {"default"}
    assert running.log().count("it is no longer a standby") == 1
