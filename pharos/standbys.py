"""Which database a page reads from, where there are streaming standbys beside the primary (DATABASE_REPLICA_URL).

A standby answers if it has taken over all that the primary held DATABASE_REPLICA_LATE seconds ago, and all that this person has written.
Whatever is not certain is asked of the primary, which everything else is asked of anyway: whoever signs in, changes an item or
calls the API. docs/scaling.md says how to set it up.

Positions are those in PostgreSQL's write-ahead log, as numbers: no clock is compared with another's, and any account may ask
for them.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections

REST = 5.0  # seconds for which a standby that failed is left alone; then one request tries it
COOKIE = "pharos_written"
# Seconds that the cookie is kept: by then, a standby without what was written is late.
LASTS = settings.DATABASE_REPLICA_LATE + 50
FAILURES = (DatabaseError, InterfaceError)
log = logging.getLogger(__name__)

_HERE = "SELECT pg_wal_lsn_diff({}, '0/0')::bigint"
# Not what is on disk already: with synchronous_commit off, what has just been written may not be.
_WRITTEN = _HERE.format("pg_current_wal_insert_lsn()")
_FLUSHED = _HERE.format("pg_current_wal_lsn()")
_REPLAYED = _HERE.format("pg_last_wal_replay_lsn()") + ", pg_is_in_recovery()"


def _ask(alias: str, sql: str) -> tuple[Any, ...]:
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()
    except FAILURES:
        _drop(alias)
        raise


def _drop(alias: str) -> None:
    """Closes this thread's connection: a broken one must not come back."""
    try:
        connections[alias].close()
    except FAILURES:
        log.debug("The connection to %s cannot even be closed.", alias)


class Standbys:
    """What this process knows of the standbys with these aliases; its threads share it, and none waits for another: at worst, two
    look at the same time.

    `late`: seconds; one that is further behind is not used. `ask` answers a statement on a database, `now` is a clock that only
    goes forward.
    """

    def __init__(
        self,
        aliases: list[str],
        late: float,
        ask: Callable[[str, str], tuple[Any, ...]] = _ask,
        now: Callable[[], float] = time.monotonic,
    ):
        self.aliases, self.late = aliases, late
        self._sample = late / 10  # seconds between looks at where the primary is
        self._ask, self._now = ask, now
        self._turn = 0
        self._primary: tuple[tuple[float, int], ...] = ()  # (when, where it was), of the last `late` seconds
        self._resting: dict[str, float] = {}  # until when
        self._away: set[str] = set()  # those of which it was logged that they are not used

    def choose(self, written: int | None) -> str:
        """The database to read from, for somebody whose last change stands at `written`; the primary where no standby will do."""
        for alias in self._in_turn():
            try:
                replayed, is_standby = self._ask(alias, _REPLAYED)
            except FAILURES as error:
                self.leave(alias, error)
                continue
            if not is_standby:
                self._rest(alias, "it is no standby any more")
            elif replayed < self._needed():
                self._rest(alias, f"it is more than {self.late:.0f} s behind", self._sample)
            else:
                self._is_well(alias)
                if written is None or replayed >= written:
                    return alias
        return DEFAULT_DB_ALIAS

    def leave(self, alias: str, error: Exception) -> None:
        """Leaves a standby alone that has failed."""
        self._rest(alias, f"it failed: {error}".strip())

    def _in_turn(self) -> list[str]:
        """Those that are not resting, beginning with another one each time. One whose rest is over is tried by one request only."""
        now = self._now()
        self._turn = (self._turn + 1) % len(self.aliases)
        free = [
            alias
            for alias in self.aliases[self._turn :] + self.aliases[: self._turn]
            if self._resting.get(alias, 0) <= now
        ]
        self._resting |= {alias: now + REST for alias in free if alias in self._resting}
        return free

    def _needed(self) -> int:
        """Where the primary was at the earliest look within the last `late` seconds."""
        now = self._now()
        known = tuple(look for look in self._primary if look[0] >= now - self.late)
        if not known or known[-1][0] <= now - self._sample:
            [position] = self._ask(DEFAULT_DB_ALIAS, _FLUSHED)
            known = (*known, (now, position))
        self._primary = known
        return known[0][1]

    def _rest(self, alias: str, why: str, seconds: float = REST) -> None:
        self._resting[alias] = self._now() + seconds
        if alias not in self._away:
            self._away.add(alias)
            log.warning("%s is not read from for now: %s. The primary answers.", alias, why)

    def _is_well(self, alias: str) -> None:
        self._resting.pop(alias, None)
        if alias in self._away:
            self._away.discard(alias)
            log.warning("%s is read from again.", alias)


standbys = Standbys(
    [alias for alias in settings.DATABASES if alias != DEFAULT_DB_ALIAS], settings.DATABASE_REPLICA_LATE
)


def _written_by(request: Any) -> int | None:
    """Where the last change of this browser's person stands; None if there was none lately."""
    try:
        return int(signing.loads(request.COOKIES[COOKIE], salt=COOKIE, max_age=LASTS))
    except (KeyError, signing.BadSignature):
        return None


class ReadsFromStandby:
    """Mixin of a view that only reads, from `self.using`: a standby where one will do, else the primary.

    Where the standby fails meanwhile, all is read again from the primary.
    """

    using = DEFAULT_DB_ALIAS

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        view: Any = super()
        if not standbys.aliases:
            return view.dispatch(request, *args, **kwargs)
        self.using = standbys.choose(_written_by(request))
        try:
            response = view.dispatch(request, *args, **kwargs)
        except FAILURES as error:
            if self.using == DEFAULT_DB_ALIAS:
                raise
            _drop(self.using)
            standbys.leave(self.using, error)
            self.using = DEFAULT_DB_ALIAS
            response = view.dispatch(request, *args, **kwargs)
        response["X-Read-From"] = self.using
        return response


class RememberWrites:
    """Middleware: whoever may have changed something carries along where it stands in the primary's log, so that he sees it."""

    def __init__(self, get_response: Callable[[Any], Any]):
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        response = self.get_response(request)
        if standbys.aliases and request.method not in ("GET", "HEAD", "OPTIONS") and request.user.is_authenticated:
            [position] = _ask(DEFAULT_DB_ALIAS, _WRITTEN)
            response.set_cookie(
                COOKIE,
                signing.dumps(position, salt=COOKIE),
                max_age=LASTS,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response
