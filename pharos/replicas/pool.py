"""Chooses the database for a reader: a streaming replica that is available and up to date, else the primary.

Lag is determined by positions in the log alone, without comparing the clocks of two machines and without privileges: a
replica is late if it hasn't replayed what the primary had written MAX_LAG seconds ago. A replica of another timeline, or
ahead of the primary, isn't a copy of it: it has what a failover has lost. Each process determines this by itself.
docs/scaling.md explains it to operators.
"""

import itertools
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

from .servers import FAILURES, ServerState, UnusableReplica, primary_state, replica_state

MAX_LAG = 10.0  # seconds; replicas further behind are not used
POSITION_INTERVAL = 1.0  # seconds between two queries of the primary's position
RETRY_INTERVAL = 5.0  # seconds that a failed replica isn't used; then one request tries it
log = logging.getLogger(__name__)


class Observation(NamedTuple):
    """The primary's state at a time of this process's clock."""

    at: float
    primary: ServerState


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

    def check_position(self, primary: ServerState) -> int:
        """Its position. Raises UnusableReplica or one of FAILURES."""
        is_new = connections[self.alias].connection is None
        try:
            found = replica_state(self.alias)
        except FAILURES:
            if is_new:
                raise
            connections[self.alias].close()  # the connection can be from before a restart of the server
            found = replica_state(self.alias)
        if found.database != primary.database:
            raise UnusableReplica("it is not a copy of the database in DATABASE_URL")
        if found.timeline != primary.timeline:
            raise UnusableReplica(f"it is on timeline {found.timeline}, the primary on {primary.timeline}")
        return found.position

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


class ReplicaPool:
    """The replicas known to a process. Threads share it without a lock: at worst, two of them run the same query."""

    def __init__(self, aliases: Iterable[str], clock: Callable[[], float] = time.monotonic):
        self._replicas = [Replica(alias) for alias in aliases]
        self._clock = clock
        self._observations: tuple[Observation, ...] = ()
        self._rotation = itertools.count()

    def __bool__(self) -> bool:
        return bool(self._replicas)

    def choose(self, seen: int = 0) -> ReplicaChoice:
        """The database for a reader who must see everything written up to this position.

        The caller reports the outcome with `report_success` or `report_failure`.
        """
        observed = self._observe_primary()
        if not observed:
            return PRIMARY
        first = next(self._rotation) % len(self._replicas)
        for replica in [*self._replicas[first:], *self._replicas[:first]]:
            choice = ReplicaChoice(replica.alias, replica.generation)
            if self._is_usable(replica, choice, observed, seen):
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

    def _observe_primary(self) -> tuple[Observation, ...]:
        """The primary's states of the last MAX_LAG seconds, the oldest first; empty if the server is in recovery."""
        now = self._clock()
        observed = [one for one in self._observations if now - one.at <= MAX_LAG]
        if not observed or now - observed[-1].at >= POSITION_INTERVAL:
            # The time is taken before the query, so the position is never older than it seems.
            newest = primary_state()
            # After a failover, the old primary's positions say nothing about the new one.
            observed = [one for one in observed if newest and one.primary.timeline == newest.timeline]
            observed += [Observation(now, newest)] if newest else []
            self._observations = tuple(observed)
        return tuple(observed)

    def _is_usable(self, replica: Replica, choice: ReplicaChoice, observed: tuple[Observation, ...], seen: int) -> bool:
        now = self._clock()
        if not replica.can_be_tried(now):
            return False
        needed, newest = observed[0], observed[-1].primary
        try:
            replayed = replica.check_position(newest)
        except (UnusableReplica, *FAILURES) as failure:
            self.report_failure(choice, failure)
            return False
        if replayed > newest.position and not _has_written(replayed):
            self.report_failure(choice, UnusableReplica("it is ahead of the primary"))
            return False
        if replayed < needed.primary.position:
            # A process that has just started requires a newer position, and can't know how late a replica is.
            if now - needed.at >= MAX_LAG / 2:
                replica.log_once("late", logging.WARNING, "is more than %d s behind and not used for reading", MAX_LAG)
            return False
        return replayed >= seen


def _has_written(position: int) -> bool:
    """Whether the primary has written this position by now."""
    primary = primary_state()
    return primary is not None and primary.position >= position


def replica_position(alias: str) -> int:
    """The position of a replica that can be read from. Raises UnusableReplica or one of FAILURES."""
    primary = primary_state()
    if primary is None:
        raise UnusableReplica("the server in DATABASE_URL is itself a standby")
    return Replica(alias).check_position(primary)


ALIASES = [alias for alias in settings.DATABASES if alias.startswith("standby")]  # named in settings.py
replica_pool = ReplicaPool(ALIASES)
