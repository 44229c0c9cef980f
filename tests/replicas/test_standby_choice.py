"""Which replica is chosen: only log positions and this process's clock count."""

import logging

import pytest
from django.core.management import call_command
from django.db import OperationalError

from pharos.replicas import pool
from pharos.replicas.pool import MAX_LAG, POSITION_INTERVAL, RETRY_INTERVAL, ReplicaPool
from pharos.replicas.servers import ServerState, UnusableReplica


class World:
    """Simulated servers. `replayed[alias]`: a position, or an exception. `flushed`: the primary's, or None in recovery."""

    def __init__(self):
        self.now = 1000.0
        self.flushed = 5000
        self.timeline = 1
        self.replayed = {}
        self.whose = {}
        self.timelines = {}
        self.asked = []

    def primary(self):
        self.asked.append("default")
        return None if self.flushed is None else ServerState(("7", "pharos"), self.timeline, self.flushed)

    def replica(self, alias):
        self.asked.append(alias)
        found = self.replayed[alias]
        if isinstance(found, Exception):
            raise found
        return ServerState(self.whose.get(alias, ("7", "pharos")), self.timelines.get(alias, 1), found)


@pytest.fixture
def world(monkeypatch):
    made = World()
    monkeypatch.setattr(pool, "primary_state", made.primary)
    monkeypatch.setattr(pool, "replica_state", made.replica)
    monkeypatch.setattr(pool, "connections", {alias: Closable() for alias in ("standby1", "standby2")})
    return made


class Closable:
    connection = "kept by this thread"

    def close(self):
        pass


@pytest.fixture
def one(world):
    world.replayed["standby1"] = 5000
    return ReplicaPool(["standby1"], clock=lambda: world.now)


@pytest.fixture
def read(one):
    """A function that reads a page successfully and returns the database it was read from."""

    def page(seen=0):
        choice = one.choose(seen)
        if choice != pool.PRIMARY:
            one.report_success(choice)
        return choice.alias

    return page


@pytest.fixture
def said(caplog):
    """The log, as (level, text)."""
    caplog.set_level(logging.INFO, "pharos.replicas.pool")
    return lambda: [(record.levelname, record.getMessage()) for record in caplog.records]


def test_a_writer_reads_from_a_replica_only_after_it_has_replayed_the_change(world, read):
    assert read(5000) == "standby1"
    assert read(5001) == "default"
    assert read() == "standby1"
    world.flushed = world.replayed["standby1"] = 5001
    assert read(5001) == "standby1"


def test_a_replica_can_lag_up_to_the_limit(world, read, said):
    for _second in range(int(MAX_LAG)):
        assert read() == "standby1"
        world.now += 1
        world.flushed += 100  # and the standby replays nothing
    assert read() == "standby1"
    world.now += 1
    assert [read(), read()] == ["default", "default"]
    world.replayed["standby1"] = world.flushed
    assert [read(), read()] == ["standby1", "standby1"]
    assert said() == [
        ("INFO", "standby1 is used for reading"),
        ("WARNING", "standby1 is more than 10 s behind and not used for reading"),
        ("INFO", "standby1 is used for reading"),
    ]


def test_a_new_process_requires_everything_to_be_replayed(world, read, said):
    """It has no older position to compare with. A small lag isn't logged."""
    world.replayed["standby1"] = 4999
    assert read() == "default"
    world.replayed["standby1"] = 5000
    assert read() == "standby1"
    world.now += 100 * MAX_LAG
    world.flushed = 6000
    assert read() == "default"  # what it knew of the primary is too old
    assert said() == [("INFO", "standby1 is used for reading")]


def test_the_primarys_position_is_queried_once_a_second(world, read):
    for _time in range(20):
        read()
        world.now += POSITION_INTERVAL / 10
    assert world.asked.count("default") == 2


def test_a_failed_replica_is_retried_by_one_request_after_some_seconds(world, read, said):
    read()
    world.replayed["standby1"] = OperationalError("connection refused\nIs the server running?")
    assert read() == "default"
    world.asked.clear()
    assert [read() for _time in range(5)] == ["default"] * 5
    assert "standby1" not in world.asked
    world.now += RETRY_INTERVAL
    assert [read(), read()] == ["default", "default"]
    assert world.asked.count("standby1") == 2  # on the connection that it had, and on a new one
    world.now += RETRY_INTERVAL
    world.replayed["standby1"] = 5000
    assert [read(), read()] == ["standby1", "standby1"]
    assert said()[1:] == [
        ("WARNING", "standby1 is not used for reading: connection refused"),
        ("INFO", "standby1 is used for reading"),
    ]


def test_a_replica_whose_reads_fail_does_not_recover_by_reporting_its_position(world, one, read, said):
    failed = one.choose()
    one.report_failure(failed, OperationalError("canceling statement due to lock timeout"))
    world.now += RETRY_INTERVAL
    tried = one.choose()
    assert [tried.alias, read(), read()] == ["standby1", "default", "default"]  # one reader tries it
    one.report_failure(tried, OperationalError("canceling statement due to lock timeout"))
    assert read() == "default"
    world.now += RETRY_INTERVAL
    assert [read(), read()] == ["standby1", "standby1"]
    assert [level for level, _text in said()] == ["WARNING", "INFO"]


def test_results_of_earlier_requests_do_not_count(world, one, read, said):
    early, earlier, first = one.choose(), one.choose(), one.choose()
    one.report_failure(first, OperationalError("connection refused"))
    one.report_success(early)
    assert read() == "default"
    world.now += RETRY_INTERVAL
    assert read() == "standby1"
    one.report_failure(earlier, OperationalError("connection refused"))
    assert read() == "standby1"
    assert [level for level, _text in said()] == ["WARNING", "INFO"]


def test_a_replica_of_another_database_is_not_used(world, read, said):
    world.whose["standby1"] = ("8", "pharos")
    assert read() == "default"
    assert said() == [
        ("WARNING", "standby1 is not used for reading: it is not a copy of the database in DATABASE_URL"),
    ]


def test_a_promoted_replica_is_not_used(world, read):
    read()
    world.replayed["standby1"] = UnusableReplica("it is no longer a standby")
    assert read() == "default"


def test_a_replica_of_another_timeline_is_not_used_until_it_follows(world, read, said):
    """It has what a failover has lost, wherever its position is."""
    assert read() == "standby1"
    world.timeline, world.flushed = 2, 5100
    world.now += POSITION_INTERVAL
    for position in (4900, 5100, 5200):
        world.replayed["standby1"] = position
        assert read() == "default"
        world.now += RETRY_INTERVAL
    world.timelines["standby1"], world.replayed["standby1"] = 2, 5100
    assert read() == "standby1"
    assert said() == [
        ("INFO", "standby1 is used for reading"),
        ("WARNING", "standby1 is not used for reading: it is on timeline 1, the primary on 2"),
        ("INFO", "standby1 is used for reading"),
    ]


def test_positions_of_the_previous_primary_do_not_count(world, read):
    """It had written more than the new one has taken over."""
    world.flushed = 6000
    read()
    world.now += POSITION_INTERVAL
    world.timeline, world.flushed = 2, 5000
    world.timelines["standby1"] = 2
    assert read() == "standby1"


def test_a_replica_ahead_of_the_primary_is_not_used(world, read, said):
    world.replayed["standby1"] = 5001
    assert read() == "default"
    assert said() == [("WARNING", "standby1 is not used for reading: it is ahead of the primary")]


def test_a_replica_can_be_ahead_of_what_was_known_of_the_primary(world, read):
    read()
    world.flushed = world.replayed["standby1"] = 5001  # less than a second later
    assert read() == "standby1"


def test_no_replica_is_used_while_the_primary_is_in_recovery(world, read):
    read()
    world.now += POSITION_INTERVAL
    world.flushed = None
    assert [read(), read()] == ["default", "default"]
    world.flushed = 5000
    assert read() == "standby1"


def test_several_replicas_take_turns(world):
    world.replayed = {"standby1": 5000, "standby2": 5000}
    both = ReplicaPool(["standby1", "standby2"], clock=lambda: world.now)
    assert [both.choose().alias for _time in range(4)] == ["standby1", "standby2", "standby1", "standby2"]
    world.replayed["standby1"] = OperationalError("gone")
    assert {both.choose().alias for _time in range(4)} == {"standby2"}


def test_the_check_reports_jit(on_postgresql, db, capsys):
    from django.db import connection

    call_command("check", databases=["default"])
    assert "W002" not in capsys.readouterr().err
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = on")
    call_command("check", databases=["default"])
    assert "ALTER ROLE" in capsys.readouterr().err
