"""A primary and a streaming standby of PostgreSQL on two ports, and the production server that reads from both."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import psycopg
import pytest
from django.db import connection

from pharos.standbys import COOKIE

from .browsing import Person, wait_until
from .serving import ROOT, Server, server
from .throwaway_postgres import Cluster, free_port, server_binaries

PASSWORD = "lighthouse-keeper"
STREAMING = {"wal_level": "replica", "max_wal_senders": "8", "hot_standby": "on", "synchronous_commit": "on"}
PEOPLE = """
from pharos.accounts.roles import Role
from tests.factories import InstitutionFactory, UserFactory, make_item
virginia = InstitutionFactory(identifier="virginia.edu", name="University of Virginia")
jhu = InstitutionFactory(identifier="jhu.edu", name="Johns Hopkins University")
consortium = InstitutionFactory(identifier="aptrust.org", name="APTrust")
for email, role, institution in (
    ("dora@virginia.edu", Role.DEPOSITOR, virginia), ("stan@virginia.edu", Role.STAFF, virginia),
    ("sam@virginia.edu", Role.STAFF, virginia), ("jo@jhu.edu", Role.STAFF, jhu), ("ada@aptrust.org", Role.ADMIN, consortium),
):
    UserFactory(email=email, role=role, institution=institution)
for number in range(40):
    item = make_item(virginia if number % 2 else jhu, name=f"bag-{number:02}.tar")
    item.cancel(by=UserFactory._meta.model.objects.get(email="ada@aptrust.org"), note="Not needed any more.")
"""


@dataclass
class Sea:
    """The primary, its standby, and a server that has both."""

    primary: Cluster
    standby: Cluster
    running: Server

    def person(self, name):
        """Signed in, and past having written: his session was made by signing in."""
        domain = {"jo": "jhu.edu", "ada": "aptrust.org"}.get(name, "virginia.edu")
        person = Person(self.running.url).sign_in(f"{name}@{domain}", PASSWORD)
        person.forget(COOKIE)
        return person

    def ask(self, cluster, sql):
        with psycopg.connect(cluster.url, autocommit=True) as asked:
            return asked.execute(sql).fetchone()[0]

    def has_caught_up(self):
        written = self.ask(self.primary, "SELECT pg_current_wal_insert_lsn()::text")
        return self.ask(self.standby, f"SELECT pg_last_wal_replay_lsn() >= '{written}'")

    @contextmanager
    def paused(self):
        """The standby takes nothing more over."""
        wait_until(self.has_caught_up)
        self.ask(self.standby, "SELECT pg_wal_replay_pause()")
        wait_until(lambda: self.ask(self.standby, "SELECT pg_get_wal_replay_pause_state()") == "paused")
        try:
            yield
        finally:
            self.ask(self.standby, "SELECT pg_wal_replay_resume()")


def manage(url, *arguments, stdin=None):
    environment = {**os.environ, "DATABASE_URL": url, "DEBUG": "true", "DJANGO_SETTINGS_MODULE": "pharos.settings"}
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def folder_for_servers():
    """Which the account that the servers run as may look into."""
    folder = Path(tempfile.mkdtemp(prefix="pharos-standbys-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def serving(primary, standby, late):
    """The production server with both."""
    # Debugging, so that the pages need no `collectstatic` first.
    knobs = {"DATABASE_REPLICA_URL": standby.url, "DATABASE_REPLICA_LATE": str(late), "DEBUG": "true"}
    return server(primary.url, workers=2, **knobs)


@pytest.fixture(scope="module")
def primary():
    if connection.vendor != "postgresql" or not server_binaries():
        pytest.skip("only PostgreSQL has standbys, and its server must be installed here")
    with folder_for_servers() as folder:
        made = Cluster(folder / "primary", STREAMING, free_port())
        made.make()
        with made.running():
            manage(made.url, "migrate", "--verbosity", "0")
            manage(made.url, "createcachetable")
            manage(made.url, "shell", stdin=PEOPLE)
            yield made


@contextmanager
def standby_of(primary):
    made = Cluster(primary.folder.parent / f"standby-{free_port()}", STREAMING, free_port())
    made.make_standby_of(primary)
    with made.running():
        yield made


@pytest.fixture(scope="module")
def standby(primary):
    with standby_of(primary) as made:
        yield made


@pytest.fixture(scope="module")
def sea(primary, standby):
    with serving(primary, standby, late=60) as running:
        yield Sea(primary, standby, running)


def read_there(person, path="/items/"):
    """The answer to the first request that the standby answers; until it has caught up, the primary does."""
    return wait_until(lambda: answer if (answer := person.get(path)).read_from == "standby1" else None)


def names(answer):
    return {row.one("th", scope="row").one("a").words for row in answer.page.all("tr", data_item_id=True)}


@pytest.mark.parametrize("name", ["dora", "stan", "jo", "ada"])
def test_everybody_reads_what_is_theirs_from_the_standby(sea, name):
    person = sea.person(name)
    answer = read_there(person, "/items/?per_page=100")
    own = {f"bag-{number:02}.tar" for number in range(40) if name == "ada" or number % 2 == (name != "jo")}
    assert names(answer) == own
    assert {one["name"] for one in json.loads(read_there(person, "/items/?format=json").text)} == own
    assert read_there(person, "/items/?format=csv").text.count("\r\n") == len(own) + 1


@pytest.mark.parametrize("query", ["?status=Cancelled&action=Ingest", "?q=bag-1", "?q=g", "?superseded=false&sort=name", "?received_from=2020-01-01&page=2", "?q=nowhere"])  # fmt: skip
def test_every_way_of_finding_reads_there_what_the_primary_has(sea, query):
    person = sea.person("ada")
    read_there(person)
    with sea.paused():
        person.post("/account", "/account", time_zone="Europe/Berlin")
        here = person.get(f"/items/{query}")
        person.forget(COOKIE)
        there = person.get(f"/items/{query}")
    assert (here.read_from, there.read_from) == ("default", "standby1")
    assert names(here) == names(there)
    assert [one["data-count"] for one in here.page.all("a", data_count=True)] == [
        one["data-count"] for one in there.page.all("a", data_count=True)
    ]


def test_only_lists_do(sea):
    person = sea.person("ada")
    for path in ("/items/1", "/account", "/healthz", "/words"):
        assert person.get(path).read_from is None


def test_whoever_has_written_sees_it_and_the_others_wait_for_it(sea):
    stan, sam = sea.person("stan"), sea.person("sam")
    pk = read_there(stan, "/items/?reviewed=false").page.all("tr", data_item_id=True)[0]["data-item-id"]
    unreviewed = "/items/?reviewed=false&q=bag&per_page=100"
    with sea.paused():
        read_there(sam)
        version = stan.get(f"/items/{pk}").page.all("input", name="version")[0]["value"]
        stan.post(f"/items/{pk}/review", f"/items/{pk}", reviewed="true", version=version)
        mine, others = stan.get(unreviewed), sam.get(unreviewed)
        assert (mine.read_from, others.read_from) == ("default", "standby1")
        assert f'id="item-{pk}"' not in mine.text
        assert f'id="item-{pk}"' in others.text
        assert stan.get("/items/?format=csv").read_from == "default"
        assert (
            sam.get(f"/items/{pk}").page.one("article")["data-reviewed"] == "true"
        )  # the item's page is the primary's
    assert f'id="item-{pk}"' not in read_there(stan, unreviewed).text
    wait_until(lambda: f'id="item-{pk}"' not in read_there(sam, unreviewed).text)


def test_the_bulk_form_of_an_old_list_leaves_alone_what_has_changed_since(sea):
    """The snapshot is of the same moment as the rows, however old that is."""
    stan, sam = sea.person("stan"), sea.person("sam")
    listed = "/items/?reviewed=false&per_page=100"
    with sea.paused():
        old = read_there(sam, listed)
        ids = [row["data-item-id"] for row in old.page.all("tr", data_item_id=True)]
        version = stan.get(f"/items/{ids[0]}").page.all("input", name="version")[0]["value"]
        for reviewed, at in (("true", int(version)), ("false", int(version) + 1)):
            stan.post(f"/items/{ids[0]}/review", f"/items/{ids[0]}", reviewed=reviewed, version=str(at))
        snapshot = old.page.all("input", name="snapshot")[0]["value"]
        sent = {"which": "matching", "snapshot": snapshot, "reviewed": "true", "confirmed": "yes"}
        said = sam.post("/items/review", listed, **sent)
    assert f"Marked {len(ids) - 1} of {len(ids)} reviewed." in said.page.one("p", class_="outcome").words
    assert sea.ask(sea.primary, f"SELECT reviewed FROM workitems_workitem WHERE id = {ids[0]}") is False


@pytest.mark.parametrize("cookie", ["x", "1:1:1", "gAAAA.BBB:CCC", "9" * 3000])
def test_a_forged_cookie_is_as_none(sea, cookie):
    person = sea.person("dora")
    person.forge(COOKIE, cookie)
    assert person.get("/items/").status == 200
    assert read_there(person).status == 200


def test_one_that_is_late_is_not_read_from(sea):
    with serving(sea.primary, sea.standby, late=1) as running, Sea(sea.primary, sea.standby, running).paused():
        late = Sea(sea.primary, sea.standby, running)
        stan, ada = late.person("stan"), late.person("ada")  # their sessions alone put the standby behind
        assert wait_until(lambda: a if (a := ada.get("/items/")).read_from == "default" else None).status == 200
        sea.ask(sea.standby, "SELECT pg_wal_replay_resume()")
        assert read_there(stan).status == read_there(ada).status == 200
        assert "standby1 is not read from for now: it is more than 1 s behind" in running.log()
        assert "standby1 is read from again" in running.log()


def test_a_standby_that_goes_and_comes_back_under_load(sea):
    people = [sea.person(name) for name in ("dora", "stan", "jo", "ada")]
    paths = ("/items/", "/items/?format=csv", "/items/?format=json&status=Cancelled", "/items/?q=bag")
    over = Event()

    def read(person):
        seen = []
        while not over.is_set():
            answer = person.get(paths[len(seen) % len(paths)])
            seen.append((answer.status, answer.read_from))
        return seen

    with ThreadPoolExecutor(4) as pool:
        reading = [pool.submit(read, person) for person in people]
        looker = sea.person("sam")
        try:
            read_there(looker)
            sea.standby.stop("immediate")
            wait_until(lambda: looker.get("/items/").read_from == "default")
            sea.standby.start()
            wait_until(sea.has_caught_up)
            read_there(looker)
            for _ in range(20):
                looker.get("/items/")
        finally:
            over.set()
        seen = [one for future in reading for one in future.result()]
    assert {status for status, _where in seen} == {200}
    assert {where for _status, where in seen} == {"default", "standby1"}


def test_one_that_is_made_a_primary_is_not_read_from(sea):
    with standby_of(sea.primary) as another, serving(sea.primary, another, late=60) as running:
        ada = Sea(sea.primary, another, running).person("ada")
        read_there(ada)
        sea.ask(another, "SELECT pg_promote()")
        answer = ada.get("/items/")
        assert (answer.status, answer.read_from) == (200, "default")
