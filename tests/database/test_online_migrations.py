"""Migrations of large tables while workers keep writing."""

import os
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from urllib.parse import quote

import psycopg
import pytest
from django.db import connection

from ..serving import database_url

ROOT = Path(__file__).resolve().parents[2]
BEFORE = "0006"
ITEMS = 6000
WAIT = "20s"  # then a writer gives up and the test fails: it was blocked


def manage(url, *arguments):
    environment = {**os.environ, "DATABASE_URL": url, "DEBUG": "true"}
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def before(django_db_setup, django_db_blocker):
    """The name of a database from before the summary table, with items; created once and copied for each test."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has one writer at a time: nobody writes while a migration runs")
    name = f"before_{os.getpid()}"
    with create_database(name, "template0") as url:
        manage(url, "migrate", "accounts")
        manage(url, "migrate", "workitems", BEFORE)
        with psycopg.connect(url, autocommit=True) as filling:
            filling.execute("INSERT INTO accounts_institution (identifier, name) VALUES ('virginia.edu', 'Virginia')")
            filling.execute(FILL, {"number": ITEMS})
        yield name


@pytest.fixture
def installation(before):
    """The URL of a database of its own."""
    with create_database(f"live_{os.getpid()}", before) as url:
        yield url


@contextmanager
def create_database(name, template):
    values = connection.settings_dict
    with psycopg.connect(database_url({**values, "NAME": "postgres"}), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield database_url({**values, "NAME": name})
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


FILL = """
INSERT INTO workitems_workitem (created_at, updated_at, name, etag, bucket, "user", institution_id, note, action, stage, status,
    outcome, date, retry, reviewed, object_identifier, generic_file_identifier, node, needs_admin_review, inst_approver,
    aptrust_approver, version, search_text)
SELECT now(), now(), 'bag-' || n, md5(n::text), '', '', (SELECT min(id) FROM accounts_institution), '', 'Ingest', 'Record',
    (ARRAY['Success', 'Cancelled', 'Started'])[1 + n %% 3], '', now(), false, false, '', '', '', false, '', '', 1,
    'bag-' || n || chr(10) || md5(n::text) || chr(10) || chr(10)
FROM generate_series(1, %(number)s) AS n
"""
CHANGE = "UPDATE workitems_workitem SET status = %s, search_text = 'moved ' || search_text WHERE id %% 4 = %s AND id %% 100 = %s"


@contextmanager
def run_writers(url, number=4):
    """Runs workers that write until the end of the block, and counts their writes. A blocked one fails the test."""
    done, counts = Event(), [0] * number

    def write(which):
        with psycopg.connect(url, autocommit=True) as writing:
            writing.execute(f"SET lock_timeout = '{WAIT}'")
            while not done.is_set():
                status = ("Success", "Started", "Cancelled")[counts[which] % 3]
                writing.execute(CHANGE, [status, which, which])
                counts[which] += 1

    with ThreadPoolExecutor(number) as pool:
        futures = [pool.submit(write, which) for which in range(number)]
        try:
            yield counts
        finally:
            done.set()
            for future in futures:
                future.result(timeout=60)


def test_workers_keep_writing_during_the_migration(installation):
    with run_writers(installation) as counts:
        manage(installation, "migrate", "workitems")
        written = list(counts)
    assert all(number > 5 for number in written), written
    assert "All counts are correct." in manage(installation, "check_counts")
    with psycopg.connect(installation) as reading:
        [(wrong,)] = reading.execute(
            "SELECT count(*) FROM workitems_workitem i LEFT JOIN workitems_searchedtext s ON s.item_id = i.id"
            " WHERE s.text IS DISTINCT FROM i.search_text"
        ).fetchall()
        [(broken,)] = reading.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid").fetchall()
    assert (wrong, broken) == (0, 0)


def test_an_interrupted_migration_can_be_repeated(installation):
    """What exists is kept, and what is half done is done again."""
    manage(installation, "migrate", "workitems")
    with psycopg.connect(installation, autocommit=True) as breaking:
        breaking.execute("DELETE FROM django_migrations WHERE app = 'workitems' AND name >= '0008'")
        breaking.execute("DELETE FROM workitems_itemcount")
        breaking.execute("DELETE FROM workitems_searchedtext WHERE item_id % 2 = 0")
        breaking.execute("DROP INDEX item_kind_newest")
        breaking.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'item_created'::regclass")
    manage(installation, "migrate", "workitems", "0008")
    assert "All counts are correct." in manage(installation, "check_counts")
    with psycopg.connect(installation) as reading:
        [(texts,)] = reading.execute("SELECT count(*) FROM workitems_searchedtext").fetchall()
        [(broken,)] = reading.execute("SELECT count(*) FROM pg_index WHERE NOT indisvalid").fetchall()
        assert reading.execute("SELECT to_regclass('item_kind_newest')").fetchall() != [(None,)]
    assert (texts, broken) == (ITEMS, 0)


def test_a_lock_that_is_not_available_is_retried(installation):
    """During a long read nobody queues up behind the migration, which continues as soon as it can."""
    with psycopg.connect(installation) as reading, ThreadPoolExecutor(1) as pool:
        reading.execute("LOCK TABLE workitems_workitem IN ROW EXCLUSIVE MODE")
        migrating = pool.submit(manage, installation, "migrate", "workitems", "0008")
        with psycopg.connect(installation, autocommit=True) as writing:
            writing.execute(f"SET lock_timeout = '{WAIT}'")
            for _ in range(20):
                writing.execute("SELECT pg_sleep(0.1)")
                writing.execute("UPDATE workitems_workitem SET note = 'seen' WHERE id = 1")
        assert not migrating.done()
        reading.rollback()
        migrating.result(timeout=120)
    assert "All counts are correct." in manage(installation, "check_counts")


def test_migrating_back_and_forth_on_sqlite(tmp_path):
    file = tmp_path / "live.sqlite3"
    url = f"sqlite:///{quote(str(file))}"
    manage(url, "migrate", "workitems", BEFORE)
    rows = [
        (f"bag-{n}", ("Success", "Cancelled", "Started")[n % 3], "2026-03-08 12:00:00", f"bag-{n}\n\n\n")
        for n in range(90)
    ]
    with closing(sqlite3.connect(file)) as filling, filling:
        filling.execute("INSERT INTO accounts_institution (identifier, name) VALUES ('virginia.edu', 'Virginia')")
        filling.executemany(FILL_SQLITE, rows)
    for target in ([], ["workitems", BEFORE], []):
        manage(url, "migrate", *target)
    assert "All counts are correct." in manage(url, "check_counts")
    with closing(sqlite3.connect(file)) as reading:
        assert reading.execute("SELECT sum(number) FROM workitems_itemcount").fetchone() == (60,)


def test_outcomes_are_rebuilt_and_old_workers_keep_running(tmp_path):
    """Old workers write to the former table of days until they are restarted."""
    file = tmp_path / "outcomes.sqlite3"
    url = f"sqlite:///{quote(str(file))}"
    manage(url, "migrate", "workitems", "0017")
    moment = datetime.now(UTC).replace(microsecond=0, tzinfo=None) - timedelta(days=3)
    with closing(sqlite3.connect(file)) as filling, filling:
        filling.execute("INSERT INTO accounts_institution (identifier, name) VALUES ('virginia.edu', 'Virginia')")
        filling.execute(FILL_SQLITE, ("bag.tar", "Success", str(moment), "bag.tar\n\n\n"))
        filling.execute("UPDATE workitems_workitem SET version = 2")
        for number, move, status in ((1, "create", "Pending"), (2, "succeed", "Success")):
            filling.execute(ENTRY_SQLITE, (number, str(moment), move, status))
    manage(url, "migrate", "workitems")
    with closing(sqlite3.connect(file)) as working, working:
        quarter = (moment - datetime(1970, 1, 1)) // timedelta(minutes=15)  # noqa: DTZ001  as SQLite has it
        kept = "SELECT quarter, institution_id, outcome, number, is_sum FROM workitems_outcomecount ORDER BY institution_id"
        assert working.execute(kept).fetchall() == [(quarter, owner, "done", 1, 1) for owner in (0, 1)]
        working.execute(
            "INSERT INTO workitems_daycount (day, institution_id, action, outcome, number, is_sum)"
            " VALUES ('2026-03-08', 1, 'Ingest', 'done', 1, 0)"
        )


ENTRY_SQLITE = """
INSERT INTO workitems_historyentry (item_id, number, at, who, via, move, stage_before, status_before, stage_after, status_after,
    note, changes)
VALUES (1, ?1, ?2, 'system@aptrust.org', 'api', ?3, '', '', 'Record', ?4, '', '{}')
"""
FILL_SQLITE = """
INSERT INTO workitems_workitem (created_at, updated_at, name, etag, bucket, user, institution_id, note, action, stage, status,
    outcome, date, retry, reviewed, object_identifier, generic_file_identifier, node, needs_admin_review, inst_approver,
    aptrust_approver, version, search_text)
SELECT ?3, ?3, ?1, '', '', '', 1, '', 'Ingest', 'Record', ?2, '', ?3, false, false, '', '', '', false, '', '', 1, ?4
"""
