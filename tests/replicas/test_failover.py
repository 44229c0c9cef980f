"""Failovers of a real pair: a standby in DATABASE_URL, several hosts in it, and a standby that has what was lost."""

import pytest

from ..http_clients import BODY
from ..own_servers import skip_without_servers
from ..page_hooks import item_ids
from ..separate_server import Browser, api_client, create_test_data
from ..serving import database_url, server
from ..throwaway_postgres import pair, wait_until

SAVE = "UPDATE workitems_workitem SET name = '{}', version = version + 1 WHERE id = (SELECT min(id) FROM workitems_workitem)"


@pytest.fixture
def servers():
    skip_without_servers()
    with pair() as both:
        yield both


@pytest.fixture
def people(servers):
    found = create_test_data(servers.primary.url)
    servers.catch_up()
    return found


def promote(servers):
    servers.standby.ask("SELECT pg_promote()")
    wait_until(lambda: servers.standby.ask("SELECT pg_is_in_recovery()") == (False,))


def switch_over(servers):
    """The old primary sends everything before it ends, and follows the new one."""
    old, new = servers
    old.stop("fast")
    promote(servers)
    old.follow(new)
    old.start()


def read_from(browser, path="/items/"):
    answer = browser.get(path)
    assert answer.status == 200
    return answer.read_from


@pytest.mark.parametrize("has_replica", [True, False])
def test_a_standby_in_database_url_serves_reads(servers, people, has_replica):
    replica = {"DATABASE_REPLICA_URL": servers.standby.url.replace("127.0.0.1", "localhost")} if has_replica else {}
    with server(servers.standby.url, workers=1, expected=503, **replica) as running:
        ada = Browser(running, people["ada"].session)
        assert {read_from(ada) for _time in range(3)} == {"default" if has_replica else None}
        assert read_from(ada, "/items/?format=csv") == ("default" if has_replica else None)
        assert item_ids(ada.get("/items/"))
        assert api_client(running, people["wally"]).get("/api/v2/items/")["count"] == 60


def test_a_diverged_standby_is_not_used(servers, people):
    """Neither while it is ahead of the primary, nor when the primary has written more."""
    old, new = servers
    new.stop("fast")
    old.ask(SAVE.format("lost.tar"))
    old.stop("fast")
    new.start()
    promote(servers)
    old.follow(new)
    old.start()
    with server(new.url, workers=1, DATABASE_REPLICA_URL=old.url) as running:
        ada = Browser(running, people["ada"].session)
        assert (item_ids(ada.get("/items/?name=lost.tar")), read_from(ada)) == ([], "default")
        [position] = old.ask("SELECT pg_last_wal_replay_lsn()")
        new.ask(SAVE.format("later.tar"))
        wait_until(lambda: new.ask(f"SELECT pg_switch_wal() > '{position}'") == (True,))
        assert (item_ids(ada.get("/items/?name=lost.tar")), read_from(ada)) == ([], "default")
        assert "standby1 is not used for reading: it is on timeline 1, the primary on 2" in running.log()


def test_a_switchover_with_several_hosts(servers, people):
    """The product finds the new primary, and reads from the old one once that follows, sooner with pg_read_all_stats."""
    old, new = servers
    for role in ("reader", "monitor"):
        old.ask(f"CREATE ROLE {role} LOGIN IN ROLE pg_read_all_data")
    old.ask("GRANT pg_read_all_stats TO monitor")
    hosts = f"postgres://pharos@127.0.0.1:{new.port},127.0.0.1:{old.port}/postgres?target_session_attrs=read-write"
    standbys = ",".join(old.url.replace("pharos", role) for role in ("reader", "monitor"))
    with server(hosts, workers=1, DATABASE_REPLICA_URL=standbys) as running:
        wally, ada = api_client(running, people["wally"]), Browser(running, people["ada"].session)
        record = {**BODY, "institution_id": people["dora"].institution}
        wally.post("/api/v2/items/", {**record, "name": "before.tar"})
        assert read_from(ada) == "default"
        switch_over(servers)
        wait_until(lambda: wally.reply("POST", "/api/v2/items/", {**record, "name": "after.tar"}).status == 201)
        wait_until(lambda: read_from(ada) == "standby2")
        assert "standby1" not in {read_from(ada) for _time in range(5)}
        for node in (new, old):
            node.ask("CHECKPOINT")
        wait_until(lambda: read_from(ada) == "standby1")


def test_the_address_of_several_hosts():
    """What tests start servers with is what the settings were read from."""
    values = {
        "ENGINE": "pharos.postgresql",
        "HOST": "one,/run/two",
        "PORT": "1,2",
        "USER": "u",
        "PASSWORD": "p,",
        "NAME": "db",
    }
    options = {"OPTIONS": {"target_session_attrs": "primary"}}
    assert database_url(values | options) == "postgres://u:p%2C@one:1,%2Frun%2Ftwo:2/db?target_session_attrs=primary"
