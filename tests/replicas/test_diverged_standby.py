"""A failover that goes wrong: the old primary, which has a save that the new one lacks, starts again as a standby.

Its timeline is the old one. Nothing may be read from it; a standby that followed the failover is read from again.
"""

import psycopg
import pytest
from django.db import connection

from ..page_hooks import item_ids
from ..separate_server import Browser, create_test_data
from ..serving import PAGES, server
from ..throwaway_postgres import pair, server_binaries, wait_until

SAVE = "UPDATE workitems_workitem SET name = 'lost.tar', version = version + 1 WHERE id = (SELECT min(id) FROM workitems_workitem)"


@pytest.fixture
def servers():
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL has standbys")
    if server_binaries() is None:
        pytest.skip("a primary and a standby of our own need PostgreSQL's programs on this machine")
    with pair() as both:
        yield both


def fail_over(servers, *, losing=None):
    """Promotes the standby, and starts the old primary as its standby. `losing`: SQL that only the old primary executes."""
    old, new = servers
    if losing:
        new.stop("fast")
        old.ask(losing)
        old.stop("fast")
        new.start()
    else:
        old.stop("fast")  # sends everything before it ends
    new.ask("SELECT pg_promote()")
    wait_until(lambda: new.ask("SELECT pg_is_in_recovery()") == (False,))
    old.follow(new)
    old.start()


def test_a_diverged_standby_is_not_used(servers):
    people = create_test_data(servers.primary.url)
    servers.catch_up()
    fail_over(servers, losing=SAVE)
    old, new = servers
    with server(new.url, workers=1, DATABASE_REPLICA_URL=old.url, **PAGES) as running:
        ada = Browser(running, people["ada"].session)
        for _time in range(3):
            answer = ada.get("/items/?name=lost.tar")
            assert (answer.status, item_ids(answer), answer.read_from) == (200, [], "default")
        assert "standby1 is not used for reading: it is on timeline 1, the primary on 2" in running.log()
