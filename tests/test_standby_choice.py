"""Which standby is taken: by positions and this process's clock alone."""

import logging

import pytest
from django.core.management import call_command
from django.db import OperationalError

from pharos import standbys
from pharos.standbys import AWAY, LATE, LOOK, Standbys


class World:
    """Servers as far as they are asked here. `replayed[alias]`: a position, None for a promoted server, or a failure."""

    def __init__(self):
        self.now = 1000.0
        self.flushed = 5000
        self.replayed = {}
        self.whose = {}
        self.asked = []

    def answer(self, alias, sql):
        self.asked.append(alias)
        if sql == standbys._FLUSHED:
            return [self.flushed]
        assert sql == standbys._WHOSE
        return [self.whose.get(alias, "ours")]

    def come(self, alias):
        self.asked.append(alias)
        found = self.replayed[alias]
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def world(monkeypatch):
    made = World()
    monkeypatch.setattr(standbys, "_row", made.answer)
    monkeypatch.setattr(standbys, "_replayed", made.come)
    monkeypatch.setattr(standbys, "connections", {alias: Closable() for alias in ("standby1", "standby2")})
    return made


class Closable:
    connection = "kept by this thread"

    def close(self):
        pass


@pytest.fixture
def one(world):
    world.replayed["standby1"] = 5000
    return Standbys(["standby1"], clock=lambda: world.now)


@pytest.fixture
def said(caplog):
    """What the log says, as (level, text)."""
    caplog.set_level(logging.INFO, "pharos.standbys")
    return lambda: [(record.levelname, record.getMessage()) for record in caplog.records]


def test_who_has_written_is_sent_there_only_once_it_is_replayed(world, one):
    assert one.choose(5000) == "standby1"
    assert one.choose(5001) == "default"
    assert one.choose() == "standby1"
    world.replayed["standby1"] = 5001
    assert one.choose(5001) == "standby1"


def test_it_may_lag_by_some_seconds_and_not_by_more(world, one, said):
    for _second in range(int(LATE)):
        assert one.choose() == "standby1"
        world.now += 1
        world.flushed += 100  # and the standby replays nothing
    assert one.choose() == "standby1"
    world.now += 1
    assert [one.choose(), one.choose()] == ["default", "default"]
    world.replayed["standby1"] = world.flushed
    assert [one.choose(), one.choose()] == ["standby1", "standby1"]
    assert said() == [
        ("INFO", "standby1 is read from"),
        ("WARNING", "standby1 is late by more than 10 s and not read from"),
        ("INFO", "standby1 is read from"),
    ]


def test_a_process_that_knows_nothing_yet_asks_for_all(world, one, said):
    """It has nothing older to compare with; of a little lag it says nothing."""
    world.replayed["standby1"] = 4999
    assert one.choose() == "default"
    world.replayed["standby1"] = 5000
    assert one.choose() == "standby1"
    world.now += 100 * LATE
    world.flushed = 6000
    assert one.choose() == "default"  # what it knew of the primary is too old
    assert said() == [("INFO", "standby1 is read from")]


def test_the_primary_is_looked_at_once_a_second(world, one):
    for _time in range(20):
        one.choose()
        world.now += LOOK / 10
    assert world.asked.count("default") == 3  # two looks, and once whose database it is


def test_one_that_fails_is_left_alone_for_some_seconds_and_then_tried_by_one(world, one, said):
    one.choose()
    world.replayed["standby1"] = OperationalError("connection refused\nIs the server running?")
    assert one.choose() == "default"
    world.asked.clear()
    assert [one.choose() for _time in range(5)] == ["default"] * 5
    assert "standby1" not in world.asked
    world.now += AWAY
    assert [one.choose(), one.choose()] == ["default", "default"]
    assert world.asked.count("standby1") == 2  # on the connection that it had, and on a new one
    world.now += AWAY
    world.replayed["standby1"] = 5000
    assert [one.choose(), one.choose()] == ["standby1", "standby1"]
    assert said()[1:] == [
        ("WARNING", "standby1 is not read from: connection refused"),
        ("INFO", "standby1 is read from"),
    ]


def test_one_that_is_none_of_this_database_is_not_read_from(world, one, said):
    world.whose["standby1"] = "another's"
    assert one.choose() == "default"
    assert said() == [
        ("WARNING", "standby1 is not read from: it is not a copy of the database of DATABASE_URL"),
    ]


def test_one_that_was_promoted_is_not_read_from(world, one):
    one.choose()
    world.replayed["standby1"] = None
    assert one.choose() == "default"


def test_several_are_taken_in_turn(world):
    world.replayed = {"standby1": 5000, "standby2": 5000}
    both = Standbys(["standby1", "standby2"], clock=lambda: world.now)
    assert [both.choose() for _time in range(4)] == ["standby1", "standby2", "standby1", "standby2"]
    world.replayed["standby1"] = OperationalError("gone")
    assert {both.choose() for _time in range(4)} == {"standby2"}


def test_the_check_says_where_queries_are_compiled(on_postgresql, db, capsys):
    from django.db import connection

    call_command("check", databases=["default"])
    assert "W002" not in capsys.readouterr().err
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL jit = on")
    call_command("check", databases=["default"])
    assert "ALTER ROLE" in capsys.readouterr().err
