"""Which database a reader is sent to: a streaming standby that is there and has replayed enough, else the primary.

A position is a place in the primary's log of changes (WAL), as a number. How late a standby is, is told by positions alone,
without comparing clocks of two machines and without privileges: it is late where it has not replayed what the primary had
written LATE seconds ago. Each process finds out for itself. docs/scaling.md says it to operators.
"""

import itertools
import logging
import select
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, OperationalError, connections
from psycopg.pq import ExecStatus

LATE = 10.0  # seconds: who is further behind is not read from
LOOK = 1.0  # seconds between two looks at the primary's position
AWAY = 5.0  # seconds for which one that has failed is left alone; then one request tries it
PATIENCE = 2.0  # seconds for its answer to how far it has come
FAILURES = (DatabaseError, InterfaceError)
log = logging.getLogger(__name__)

# Written, which may be more than is flushed: with synchronous_commit off, a commit is seen before it is flushed.
_WRITTEN = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint"
# Flushed, because nothing else is sent to standbys.
_FLUSHED = "SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint"
# Which database it is: a standby has these from its primary.
_WHOSE = "SELECT system_identifier::text, current_database()::text FROM pg_control_system()"
# The position is NULL of a server that has been promoted, or never was a standby.
_REPLAYED = b"""SELECT system_identifier, current_database(), CASE WHEN pg_is_in_recovery()
THEN pg_last_wal_replay_lsn() - '0/0' END FROM pg_control_system()"""


def written() -> int:
    """The primary's position now: whoever reads from a standby that has replayed it sees all that is committed so far."""
    [position] = _row(DEFAULT_DB_ALIAS, _WRITTEN)
    return position


def _row(alias: str, sql: str) -> Any:
    with connections[alias].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()


class NoStandby(Exception):
    """A server that must not be read from, whatever it has replayed; the text says why."""


def _replayed(alias: str) -> tuple[tuple[str, str], int | None]:
    """Whose copy it is and how far it has come; None of a server that is no standby.

    One that says nothing holds nobody up: there is no cursor with a time-out, so it is asked by libpq alone.
    """
    connection = connections[alias]
    connection.ensure_connection()
    with connection.wrap_database_errors:
        server = connection.connection.pgconn
        server.send_query(_REPLAYED)
        _wait(server)
        answer = server.get_result()
        while server.get_result():
            pass  # else the connection is not free for the next statement
    if answer is None or answer.status != ExecStatus.TUPLES_OK:
        raise OperationalError(answer.get_error_message() if answer else "the connection was lost")
    system, database, position = (answer.get_value(0, column) for column in range(3))
    return (system.decode(), database.decode()), None if position is None else int(position)


def _wait(server: Any) -> None:
    """Until it has answered; raises NoStandby where that takes too long."""
    waiting, until = select.poll(), time.monotonic() + PATIENCE
    waiting.register(server.socket, select.POLLIN)
    while server.is_busy():
        if not waiting.poll(max(0.0, until - time.monotonic()) * 1000):
            raise NoStandby(f"it did not answer within {PATIENCE:.0f} s")
        server.consume_input()


class Look(NamedTuple):
    """Where the primary was at a moment of this process's clock."""

    at: float
    position: int


class Choice(NamedTuple):
    """The database that a reader was sent to, and what was known of it then (see Standby.turn)."""

    alias: str
    turn: int = 0


PRIMARY = Choice(DEFAULT_DB_ALIAS)


@dataclass
class Standby:
    """What this process knows of a standby.

    `again_at`: when one that has failed may be tried; None where it has not. `turn` grows with each failure, and each return after
    one: what comes of a page that was begun in an earlier turn says nothing about now. `said`: the last that the log says of it.
    """

    alias: str
    again_at: float | None = None
    turn: int = 1
    said: str = ""

    def replayed(self, whose: tuple[str, str]) -> int:
        """How far it has come. Raises NoStandby or a failure of the database. `whose`: the primary's database."""
        is_new = connections[self.alias].connection is None
        try:
            its, position = _replayed(self.alias)
        except FAILURES:
            if is_new:
                raise
            connections[self.alias].close()  # of before a restart of the server, perhaps
            its, position = _replayed(self.alias)
        if position is None:
            raise NoStandby("it is no longer a standby")
        if its != whose:
            raise NoStandby("it is not a copy of the database in DATABASE_URL")
        return position

    def may_be_tried(self, now: float) -> bool:
        """One that is away is tried by one reader, and the others wait for what comes of it."""
        if self.again_at is None:
            return True
        if now < self.again_at:
            return False
        self.again_at = now + AWAY
        return True

    def says(self, state: str, level: int, sentence: str, *values: object) -> None:
        """In the log, once for as long as it stays so."""
        if self.said != state:
            self.said = state
            log.log(level, f"%s {sentence}", self.alias, *values)


def whose_primary() -> tuple[str, str]:
    """Which database the primary's is."""
    system, database = _row(DEFAULT_DB_ALIAS, _WHOSE)
    return system, database


class Standbys:
    """The standbys as one process knows them. Its threads share it without a lock: at worst, two of them ask the same."""

    def __init__(self, aliases: Iterable[str], clock: Callable[[], float] = time.monotonic):
        self._standbys = [Standby(alias) for alias in aliases]
        self._clock = clock
        self._looks: tuple[Look, ...] = ()
        self._turns = itertools.count()
        self._whose: tuple[str, str] | None = None

    def __bool__(self) -> bool:
        return bool(self._standbys)

    def choose(self, seen: int = 0) -> Choice:
        """The database for a reader who must see all that was written up to this position.

        Whoever takes a standby says afterwards what came of it, `has_served` or `has_failed`.
        """
        self._whose = self._whose or whose_primary()
        needed = self._look()
        first = next(self._turns) % len(self._standbys)
        for standby in [*self._standbys[first:], *self._standbys[:first]]:
            choice = Choice(standby.alias, standby.turn)
            if self._may_be_read(standby, choice, needed, seen):
                return choice
        return PRIMARY

    def has_served(self, choice: Choice) -> None:
        """A page was read there: one that was away is back."""
        standby = self._of(choice)
        if standby.turn == choice.turn:
            if standby.again_at is not None:
                standby.again_at = None
                standby.turn += 1
            standby.says("read", logging.INFO, "is used for reading")

    def has_failed(self, choice: Choice, why: BaseException) -> None:
        """It is left alone for a while. Its connection is given up: the next one is a new one."""
        connections[choice.alias].close()
        standby = self._of(choice)
        if standby.turn == choice.turn:
            standby.turn += 1
            standby.again_at = self._clock() + AWAY
            said = str(why).strip().partition("\n")[0]
            standby.says("away", logging.WARNING, "is not used for reading: %s", said)

    def _of(self, choice: Choice) -> Standby:
        return next(standby for standby in self._standbys if standby.alias == choice.alias)

    def _look(self) -> Look:
        """Where the primary was at most LATE seconds ago, as long ago as this process knows."""
        now = self._clock()
        looks = [look for look in self._looks if now - look.at <= LATE]
        if not looks or now - looks[-1].at >= LOOK:
            [position] = _row(DEFAULT_DB_ALIAS, _FLUSHED)
            # With the time of before the question, the position is never older than it seems.
            looks.append(Look(now, position))
            self._looks = tuple(looks)
        return looks[0]

    def _may_be_read(self, standby: Standby, choice: Choice, needed: Look, seen: int) -> bool:
        now = self._clock()
        if not standby.may_be_tried(now):
            return False
        try:
            replayed = standby.replayed(self._whose or whose_primary())
        except (NoStandby, *FAILURES) as failure:
            self.has_failed(choice, failure)
            return False
        if replayed < needed.position:
            # A process that has only just looked for the first time asks for more, and cannot know how late it is.
            if now - needed.at >= LATE / 2:
                standby.says("late", logging.WARNING, "is more than %d s behind and not used for reading", LATE)
            return False
        return replayed >= seen


ALIASES = [alias for alias in settings.DATABASES if alias.startswith("standby")]  # as settings.py calls them
standbys = Standbys(ALIASES)
