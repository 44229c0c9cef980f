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
# NULL of a server that has been promoted, or never was a standby.
_REPLAYED = b"SELECT CASE WHEN pg_is_in_recovery() THEN (pg_last_wal_replay_lsn() - '0/0')::bigint END"
_WHOSE = "SELECT system_identifier, current_database() FROM pg_control_system()"


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


def _replayed(alias: str) -> int | None:
    """How far it has come; None of a server that is no standby. One that says nothing holds nobody up: there is no cursor with a time-out."""
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
        raise OperationalError(answer.get_error_message() if answer else "it has broken off")
    value = answer.get_value(0, 0)
    return None if value is None else int(value)


def _wait(server: Any) -> None:
    """Until it has answered; raises NoStandby where that takes too long."""
    waiting, until = select.poll(), time.monotonic() + PATIENCE
    waiting.register(server.socket, select.POLLIN)
    while server.is_busy():
        if not waiting.poll(max(0.0, until - time.monotonic()) * 1000):
            raise NoStandby(f"it has not answered within {PATIENCE:.0f} s")
        server.consume_input()


class Look(NamedTuple):
    """Where the primary was at a moment of this process's clock."""

    at: float
    position: int


@dataclass
class Standby:
    """What this process knows of a standby. `state`: what was last said of it; `is_ours`: it copies the primary's database."""

    alias: str
    state: str = "not asked yet"
    again_at: float = 0.0
    is_ours: bool = False

    def replayed(self) -> int:
        """How far it has come. Raises NoStandby or a failure of the database."""
        is_new = connections[self.alias].connection is None
        try:
            position = _replayed(self.alias)
        except FAILURES:
            if is_new:
                raise
            connections[self.alias].close()  # of before a restart of the server, perhaps
            position = _replayed(self.alias)
        if position is None:
            raise NoStandby("it is no standby any more")
        if not self.is_ours and _row(self.alias, _WHOSE) != _row(DEFAULT_DB_ALIAS, _WHOSE):
            raise NoStandby("it is not a copy of the database of DATABASE_URL")
        self.is_ours = True
        return position

    def becomes(self, state: str, level: int, sentence: str, *values: object) -> None:
        """Says it in the log, once for as long as it stays so."""
        if self.state != state:
            self.state = state
            log.log(level, f"%s {sentence}", self.alias, *values)


class Standbys:
    """The standbys as one process knows them. Its threads share it without a lock: at worst, two of them ask the same."""

    def __init__(self, aliases: Iterable[str], clock: Callable[[], float] = time.monotonic):
        self._standbys = [Standby(alias) for alias in aliases]
        self._clock = clock
        self._looks: tuple[Look, ...] = ()
        self._turns = itertools.count()

    def __bool__(self) -> bool:
        return bool(self._standbys)

    def choose(self, seen: int = 0) -> str:
        """The alias of the database for a reader who must see all that was written up to this position."""
        needed = self._look()
        first = next(self._turns) % len(self._standbys)
        for standby in [*self._standbys[first:], *self._standbys[:first]]:
            if self._may_be_read(standby, needed, seen):
                return standby.alias
        return DEFAULT_DB_ALIAS

    def leave_alone(self, alias: str, why: BaseException) -> None:
        """For a while, because it has failed. Its connection is given up: the next one is a new one."""
        standby = next(standby for standby in self._standbys if standby.alias == alias)
        connections[alias].close()
        standby.is_ours = False
        standby.again_at = self._clock() + AWAY
        said = str(why).strip().partition("\n")[0]
        standby.becomes("away", logging.WARNING, "is not read from: %s", said)

    def _look(self) -> Look:
        """Where the primary was at most LATE seconds ago, as long ago as this process knows."""
        now = self._clock()
        if not self._looks or now - self._looks[-1].at >= LOOK:
            [position] = _row(DEFAULT_DB_ALIAS, _FLUSHED)
            # With the time of before the question, the position is never older than it seems.
            self._looks = (*(look for look in self._looks if now - look.at <= LATE), Look(now, position))
        return next(look for look in self._looks if now - look.at <= LATE)

    def _may_be_read(self, standby: Standby, needed: Look, seen: int) -> bool:
        now = self._clock()
        if now < standby.again_at:
            return False
        if standby.state == "away":
            standby.again_at = now + AWAY  # this request tries it, and the others wait for what comes of it
        try:
            replayed = standby.replayed()
        except (NoStandby, *FAILURES) as failure:
            self.leave_alone(standby.alias, failure)
            return False
        standby.again_at = 0.0
        if replayed < needed.position:
            # A process that has only just looked for the first time asks for more, and cannot know how late it is.
            if now - needed.at >= LATE / 2:
                standby.becomes("late", logging.WARNING, "is late by more than %d s and not read from", LATE)
            return False
        standby.becomes("read", logging.INFO, "is read from")
        return replayed >= seen


ALIASES = [alias for alias in settings.DATABASES if alias.startswith("standby")]  # as settings.py calls them
standbys = Standbys(ALIASES)
