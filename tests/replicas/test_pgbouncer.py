"""Behind PgBouncer in transaction mode, with fewer connections than threads: all answers are right, and nothing is lost."""

import csv
import io
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from pharos.accounts.models import User
from workitems import transitions
from workitems.models import WorkItem

from ..factories import make_item
from ..http_clients import GoClient, whole_record
from ..lifecycle.history_checks import all_faults
from ..many_items import make_items
from ..page_hooks import data_hooks
from ..separate_server import Browser
from ..serving import database_url, server
from ..throwaway_pgbouncer import pgbouncer, program

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS = 12
MANY = 3_000  # more than one piece of a file, so that it is read by several statements


@pytest.fixture(scope="module")
def address(django_db_setup):
    if connection.vendor != "postgresql":
        pytest.skip("PgBouncer is for PostgreSQL")
    if program() is None and os.environ.get("CI"):
        pytest.fail("PgBouncer is not installed (Debian: apt-get install pgbouncer)")
    if program() is None:
        pytest.skip("PgBouncer is not installed (Debian: apt-get install pgbouncer)")
    with pgbouncer(database_url(connection.settings_dict), size=3) as through:
        yield through


@pytest.fixture(scope="module")
def running(address):
    knobs = {"SECRET_KEY": settings.SECRET_KEY, "API_CALLS_PER_MINUTE_SERVICES": "1000000"}
    with server(address, workers=2, threads=6, DATABASE_PGBOUNCER="true", **knobs) as one:
        yield one


def browser(running, user):
    client = Client()
    client.force_login(user)
    return Browser(running, client.cookies[settings.SESSION_COOKIE_NAME].value)


def test_concurrent_requests_of_every_kind(running, virginia, jhu, ada, stan, wally):
    make_items(MANY, [jhu])
    to_cancel, to_save = ([make_item(virginia) for _ in range(ROUNDS)] for _ in range(2))
    to_review = [transitions.succeed(make_item(virginia), stage="Record", by=wally) for _ in range(ROUNDS)]
    admin, staff, worker = browser(running, ada), browser(running, stan), GoClient(running, wally)
    start = threading.Barrier(7)

    def lists():
        for _round in range(ROUNDS):
            answer = admin.get("/items/?institution=jhu.edu&per_page=250")
            assert (answer.status, data_hooks(answer, "total")) == (200, [str(MANY)])

    def files():
        for _round in range(ROUNDS // 2):
            rows = csv.DictReader(
                io.StringIO(admin.get("/items/?institution=jhu.edu&format=csv").text.removeprefix("\ufeff"))
            )
            assert len({row["id"] for row in rows}) == MANY
            assert len(json.loads(admin.get("/items/?institution=jhu.edu&format=json").text)) == MANY

    def cancels():
        for item in to_cancel:
            assert admin.post(f"/items/{item.pk}/cancel", note="Uploaded by mistake.").status == 302

    def reviews():
        for item in to_review:
            assert staff.post(f"/items/{item.pk}/review", reviewed="true").status == 302

    def saves():
        for item in to_save:
            path = f"/api/v2/items/{item.pk}"
            worker.put(path, whole_record(worker.get(path), stage="Fetch", status="Started", node="w1", pid=7))

    def choices():
        """A form with choices from a table, which Django reads with a server-side cursor if it is allowed."""
        for _round in range(ROUNDS):
            answer = admin.get("/admin/accounts/user/add/")
            assert (answer.status, "jhu.edu" in answer.text) == (200, True)

    def together(act):
        start.wait(timeout=60)
        act()

    acts = [lists, files, files, cancels, reviews, saves, choices]
    with ThreadPoolExecutor(len(acts)) as pool:
        for future in [pool.submit(together, act) for act in acts]:
            future.result(timeout=300)
    expected = {"Cancelled": to_cancel, "Started": to_save, "Success": to_review}
    moved = WorkItem.objects.filter(pk__in=[item.pk for items in expected.values() for item in items])
    for status, items in expected.items():
        after = moved.filter(pk__in=[item.pk for item in items]).values_list("status", "version", "reviewed")
        assert set(after) == {(status, 3 if status == "Success" else 2, status == "Success")}
    assert all_faults(dict(User.objects.values_list("email", "role")), moved) == []
    assert " ERROR " not in running.log()
