"""`migrate` and the checks before it, on PostgreSQL servers of our own."""

import os
import subprocess
import sys

import psycopg
import pytest

from pharos.operations.management.commands.migrate import LOCK

from ..own_servers import skip_without_servers
from ..serving import KEY, ROOT
from ..throwaway_postgres import cluster, wait_until


@pytest.fixture(scope="module")
def url():
    skip_without_servers()
    with cluster() as address:
        yield address


def manage(url, *arguments):
    environment = {**os.environ, "DATABASE_URL": url, "SECRET_KEY": KEY, "DJANGO_SETTINGS_MODULE": "pharos.settings"}
    return subprocess.Popen(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment | {"DEBUG": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_second_migrate_waits_for_the_first(url):
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        second = manage(url, "migrate", "email_queue")
        assert second.stdout.readline().startswith("Another migrate is running on this database; waiting")
        waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        wait_until(lambda: other.execute(waits).fetchone() == (1,))
        assert other.execute("SELECT to_regclass('email_queue_queuedemail')").fetchone() == (None,)
        other.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
        _output, errors = second.communicate(timeout=120)
        assert (second.returncode, errors) == (0, "")
        assert other.execute("SELECT count(*) FROM email_queue_queuedemail").fetchone() == (0,)


@pytest.mark.parametrize("command", ["migrate", "check"])
def test_a_database_that_is_not_in_utf8_is_refused(url, command):
    with psycopg.connect(url, autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS ascii")
        server.execute("CREATE DATABASE ascii ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    of_it = f"{url.rpartition('/')[0]}/ascii"
    more = ["--database", "default"] if command == "check" else []
    run = manage(of_it, command, *more)
    _output, errors = run.communicate(timeout=120)
    assert run.returncode == 1
    assert "stores text as SQL_ASCII, not as UTF8" in errors
    assert "Traceback" not in errors
    with psycopg.connect(of_it) as server:
        assert server.execute("SELECT to_regclass('django_migrations')").fetchone() == (None,)


@pytest.mark.parametrize("command", ["migrate", "check_counts", "send_mail_queue"])
def test_a_database_that_is_not_there_is_one_line(url, command):
    run = manage(f"{url.rpartition('/')[0]}/nothing", command)
    output, errors = run.communicate(timeout=120)
    assert (run.returncode, output) == (1, "")
    [line] = errors.splitlines()
    assert line.startswith("The database can't be used: ")
    assert 'database "nothing" does not exist' in line
