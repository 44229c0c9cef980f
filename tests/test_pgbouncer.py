"""The production server behind PgBouncer in transaction mode, with fewer connections than threads that ask."""

import os
import shutil
import signal
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection
from django.test import Client

from workitems.models import HistoryEntry, WorkItem

from .browsing import Person, wait_until
from .factories import make_item
from .serving import server
from .throwaway_postgres import free_port
from .wire import BODY, PythonClient

CONNECTIONS, WORKERS, ITEMS = 3, 4, 6
STEPS = ["Receive", "Unpack", "Validate", "Reingest Check", "Copy To Staging"]

pytestmark = pytest.mark.django_db(transaction=True)


def program():
    return shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")


@contextmanager
def bouncer():
    """The address, for DATABASE_URL, of the test database through PgBouncer."""
    values, port = connection.settings_dict, free_port()
    target = {"host": values["HOST"], "dbname": values["NAME"], "user": values["USER"]}
    target |= {name.lower(): values[name] for name in ("PORT", "PASSWORD") if values[name]}
    with tempfile.TemporaryDirectory(prefix="pharos-pgbouncer-") as folder:
        Path(folder).chmod(0o755)
        settings = Path(folder) / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\nitems = {' '.join(f'{name}={value}' for name, value in target.items())}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
            f"pool_mode = transaction\ndefault_pool_size = {CONNECTIONS}\nmax_client_conn = 100\n"
        )
        # It refuses to be root.
        command = [program(), *(["--user", "postgres"] if os.getuid() == 0 else []), str(settings)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        url = f"postgres://{values['USER']}@127.0.0.1:{port}/items"
        try:
            wait_until(lambda: answers(url))
            yield url
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=20)


def answers(url):
    with suppress(psycopg.OperationalError), psycopg.connect(url) as asked:
        return asked.execute("SELECT 1").fetchone()
    return None


@pytest.fixture
def behind():
    """The production server, with more threads than there are connections behind PgBouncer."""
    if connection.vendor != "postgresql":
        pytest.skip("PgBouncer is for PostgreSQL")
    if not program():
        if os.environ.get("CI"):
            pytest.fail("PgBouncer is not installed (Debian: apt-get install pgbouncer)")
        pytest.skip("PgBouncer is not installed (Debian: apt-get install pgbouncer)")
    # The same secret key as here, so that a session made here is valid there; debugging, so that the pages need no `collectstatic`.
    knobs = {"SECRET_KEY": django_settings.SECRET_KEY, "DEBUG": "true", "API_CALLS_PER_MINUTE_SERVICES": "100000"}
    knobs |= {"DATABASE_PGBOUNCER": "true"}
    with bouncer() as url, server(url, workers=2, threads=4, **knobs) as running:
        yield running


def signed_in(running, user):
    client, person = Client(), Person(running.url)
    client.force_login(user)
    person.forge(django_settings.SESSION_COOKIE_NAME, client.session.session_key)
    return person


def play(client, institution, number):
    """A worker that makes items and takes each some stages on; their numbers."""
    made = []
    for turn in range(ITEMS):
        name = f"virginia.edu.bag-{number}-{turn}.tar"
        body = {**BODY, "institution_id": institution.pk, "name": name, "etag": f"{number}{turn}"}
        item = client.post("/api/v2/items/", body)
        for stage in STEPS:
            change = {"stage": stage, "status": "Started", "node": f"node-{number}", "pid": 7, "note": f"At {stage}."}
            item = client.put(f"/api/v2/items/{item['id']}/", change)
        made.append(item["id"])
    return made


def read(person, times):
    found = []
    for turn in range(times):
        path = ("/items/", "/items/?format=csv", "/items/?q=bag", "/items/?format=json")[turn % 4]
        found.append(person.get(path).status)
    return found


def test_many_at_once_and_nothing_is_lost(behind, virginia, wally, ada, stan):
    done = [make_item(virginia) for _ in range(4)]
    clients = [PythonClient(behind, wally) for _ in range(WORKERS)]
    readers = [signed_in(behind, who) for who in (ada, stan)]
    admin = signed_in(behind, ada)
    with ThreadPoolExecutor(WORKERS + 3) as pool:
        playing = [pool.submit(play, client, virginia, number) for number, client in enumerate(clients)]
        reading = [pool.submit(read, person, 24) for person in readers]
        for item in done:
            path = f"/items/{item.pk}/cancel"
            version = admin.get(path).page.one("input", name="version")["value"]
            assert admin.post(path, path, note="Not needed.", version=version, **{"from": "item"}).status == 200
        made = [pk for future in playing for pk in future.result()]
        assert {status for future in reading for status in future.result()} == {200}
    assert sorted(made) == sorted(WorkItem.objects.exclude(status="Cancelled").values_list("pk", flat=True))
    for pk in made:
        item = WorkItem.objects.get(pk=pk)
        assert (item.stage, item.note, item.version) == (STEPS[-1], f"At {STEPS[-1]}.", 1 + len(STEPS))
        assert HistoryEntry.objects.filter(item=item).count() == item.version
    assert {WorkItem.objects.get(pk=item.pk).status for item in done} == {"Cancelled"}
    call_command("check_counts")


def test_the_check_says_that_jit_must_be_off(capsys):
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL has JIT")
    call_command("check", databases=["default"])
    assert "W002" not in capsys.readouterr().err
    with connection.cursor() as cursor:
        cursor.execute("SET jit = on")
        try:
            call_command("check", databases=["default"])
        finally:
            cursor.execute("SET jit = off")
    said = capsys.readouterr().err
    assert "workitems.W002" in said
    assert "ALTER ROLE pharos SET jit = off" in said
