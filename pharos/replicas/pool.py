"""Chooses the database for a reader: a streaming replica that is available and up to date, else the primary.

A position is an offset in the primary's write-ahead log (WAL). Lag is determined by positions alone, without
comparing the clocks of two machines and without privileges: a replica is late if it hasn't replayed what the primary
had written MAX_LAG seconds ago. Each process determines this by itself. docs/scaling.md explains it to operators.
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

MAX_LAG = 10.0  # seconds; replicas further behind are not used
POSITION_INTERVAL = 1.0  # seconds between two queries of the primary's position
RETRY_INTERVAL = 5.0  # seconds that a failed replica isn't used; then one request tries it
REPLY_TIMEOUT = 2.0  # seconds to wait for a replica's position
FAILURES = (DatabaseError, InterfaceError)
log = logging.getLogger(__name__)

# Written, which can be beyond what is flushed: with synchronous_commit off, a commit is visible before it is flushed.
_WRITE_POSITION = "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint"
# Flushed, because only that is sent to replicas.
_FLUSH_POSITION = "SELECT (pg_current_wal_flush_lsn() - '0/0')::bigint"
# The identity of a database: a replica inherits it from its primary.
_IDENTITY = "SELECT system_identifier::text, current_database()::text FROM pg_control_system()"
# The position is NULL for a server that was promoted or never was a replica.
_REPLAY_STATUS = b"""SELECT system_identifier, current_database(), CASE WHEN pg_is_in_recovery()
THEN pg_last_wal_replay_lsn() - '0/0' END FROM pg_control_system()"""


def current_position() -> int:
    """The primary's current position: a replica that has replayed it shows everything committed so far."""
    [position] = _fetch_row(DEFAULT_DB_ALIAS, _WRITE_POSITION)
    return position


def _fetch_row(alias: str, sql: str) -> Any:
    with connections[alias].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()


class UnusableReplica(Exception):
    """A server that must not be used, whatever it has replayed; the text says why."""


def _replay_status(alias: str) -> tuple[tuple[str, str], int | None]:
    """The identity and position of a server; the position is None if it is no replica.

    A server that doesn't answer must not block anybody, and cursors have no timeout, so this uses libpq directly.
    """
    connection = connections[alias]
    connection.ensure_connection()
    with connection.wrap_database_errors:
        server = connection.connection.pgconn
        server.send_query(_REPLAY_STATUS)
        _wait_for_reply(server)
        answer = server.get_result()
        while server.get_result():
            pass  # otherwise the connection isn't free for the next statement
    if answer is None or answer.status != ExecStatus.TUPLES_OK:
        raise OperationalError(answer.get_error_message() if answer else "the connection was lost")
    system, database, position = (answer.get_value(0, column) for column in range(3))
    return (system.decode(), database.decode()), None if position is None else int(position)


def _wait_for_reply(server: Any) -> None:
    """Waits for the answer. Raises UnusableReplica if that takes too long."""
    waiting, until = select.poll(), time.monotonic() + REPLY_TIMEOUT
    waiting.register(server.socket, select.POLLIN)
    while server.is_busy():
        if not waiting.poll(max(0.0, until - time.monotonic()) * 1000):
            raise UnusableReplica(f"it did not answer within {REPLY_TIMEOUT:.0f} s")
        server.consume_input()


class PrimaryPosition(NamedTuple):
    """The primary's position at a time of this process's clock."""

    at: float
    position: int


class ReplicaChoice(NamedTuple):
    """The database chosen for a reader, and the replica's `generation` at that time."""

    alias: str
    generation: int = 0


PRIMARY = ReplicaChoice(DEFAULT_DB_ALIAS)


@dataclass
class Replica:
    """What this process knows about a replica.

    `retry_at`: when a failed replica can be tried again; None if it has not failed. `generation`: grows with each
    failure and each recovery, because the result of a page started in an earlier generation says nothing about the
    current one.
    `logged`: the last state written to the log.
    """

    alias: str
    retry_at: float | None = None
    generation: int = 1
    logged: str = ""

    def check_position(self, identity: tuple[str, str]) -> int:
        """Its position. Raises UnusableReplica or one of FAILURES. `identity`: the primary's."""
        is_new = connections[self.alias].connection is None
        try:
            its, position = _replay_status(self.alias)
        except FAILURES:
            if is_new:
                raise
            connections[self.alias].close()  # the connection can be from before a restart of the server
            its, position = _replay_status(self.alias)
        if position is None:
            raise UnusableReplica("it is no longer a standby")
        if its != identity:
            raise UnusableReplica("it is not a copy of the database in DATABASE_URL")
        return position

    def can_be_tried(self, now: float) -> bool:
        """Whether this reader can use it. After RETRY_INTERVAL, a failed replica is tried by one reader only."""
        if self.retry_at is None:
            return True
        if now < self.retry_at:
            return False
        self.retry_at = now + RETRY_INTERVAL
        return True

    def log_once(self, state: str, level: int, sentence: str, *values: object) -> None:
        """Logs a state once, until it changes."""
        if self.logged != state:
            self.logged = state
            log.log(level, f"%s {sentence}", self.alias, *values)


def primary_identity() -> tuple[str, str]:
    """The identity of the primary's database."""
    system, database = _fetch_row(DEFAULT_DB_ALIAS, _IDENTITY)
    return system, database


class ReplicaPool:
    """The replicas known to a process. Threads share it without a lock: at worst, two of them run the same query."""

    def __init__(self, aliases: Iterable[str], clock: Callable[[], float] = time.monotonic):
        self._replicas = [Replica(alias) for alias in aliases]
        self._clock = clock
        self._positions: tuple[PrimaryPosition, ...] = ()
        self._rotation = itertools.count()
        self._identity: tuple[str, str] | None = None

    def __bool__(self) -> bool:
        return bool(self._replicas)

    def choose(self, seen: int = 0) -> ReplicaChoice:
        """The database for a reader who must see everything written up to this position.

        The caller reports the outcome with `report_success` or `report_failure`.
        """
        self._identity = self._identity or primary_identity()
        needed = self._minimum_position()
        first = next(self._rotation) % len(self._replicas)
        for replica in [*self._replicas[first:], *self._replicas[:first]]:
            choice = ReplicaChoice(replica.alias, replica.generation)
            if self._is_usable(replica, choice, needed, seen):
                return choice
        return PRIMARY

    def report_success(self, choice: ReplicaChoice) -> None:
        """A page was read there: a failed replica has recovered."""
        replica = self._replica_of(choice)
        if replica.generation == choice.generation:
            if replica.retry_at is not None:
                replica.retry_at = None
                replica.generation += 1
            replica.log_once("read", logging.INFO, "is used for reading")

    def report_failure(self, choice: ReplicaChoice, why: BaseException) -> None:
        """The replica isn't used for a while. Its connection is closed, so the next one is new."""
        connections[choice.alias].close()
        replica = self._replica_of(choice)
        if replica.generation == choice.generation:
            replica.generation += 1
            replica.retry_at = self._clock() + RETRY_INTERVAL
            reason = str(why).strip().partition("\n")[0]
            replica.log_once("away", logging.WARNING, "is not used for reading: %s", reason)

    def _replica_of(self, choice: ReplicaChoice) -> Replica:
        return next(replica for replica in self._replicas if replica.alias == choice.alias)

    def _minimum_position(self) -> PrimaryPosition:
        """The primary's position at most MAX_LAG seconds ago, as far back as this process knows."""
        now = self._clock()
        positions = [one for one in self._positions if now - one.at <= MAX_LAG]
        if not positions or now - positions[-1].at >= POSITION_INTERVAL:
            [position] = _fetch_row(DEFAULT_DB_ALIAS, _FLUSH_POSITION)
            # The time is taken before the query, so the position is never older than it seems.
            positions.append(PrimaryPosition(now, position))
            self._positions = tuple(positions)
        return positions[0]

    def _is_usable(self, replica: Replica, choice: ReplicaChoice, needed: PrimaryPosition, seen: int) -> bool:
        now = self._clock()
        if not replica.can_be_tried(now):
            return False
        try:
            replayed = replica.check_position(self._identity or primary_identity())
        except (UnusableReplica, *FAILURES) as failure:
            self.report_failure(choice, failure)
            return False
        if replayed < needed.position:
            # A process that has just started requires a newer position, and can't know how late a replica is.
            if now - needed.at >= MAX_LAG / 2:
                replica.log_once("late", logging.WARNING, "is more than %d s behind and not used for reading", MAX_LAG)
            return False
        return replayed >= seen


ALIASES = [alias for alias in settings.DATABASES if alias.startswith("standby")]  # named in settings.py
replica_pool = ReplicaPool(ALIASES)
