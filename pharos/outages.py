"""What a request is told when the database is away, read-only, full, or busy: 503, one sentence, and when to try again.

These are not faults of ours, so they are logged in one line, and nobody is told that something went wrong here.
"""

import logging
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from django.db import DatabaseError, InterfaceError, OperationalError, connections
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outage:
    """A condition of the database that passes. `retry_after`: in seconds. `drops`: whether new connections can help."""

    name: str
    title: str | Promise
    sentence: str | Promise
    retry_after: int = 5
    drops: bool = False


AWAY = Outage(
    "away",
    _("The database can't be reached"),
    _("The database can't be reached right now. Try again in a moment. You can safely repeat a save."),
)
BUSY = Outage(
    "busy",
    _("The database is busy"),
    _("The database did not respond in time. Try again in a moment. You can safely repeat a save."),
)
READ_ONLY = Outage(
    "read-only",
    _("The database takes no changes"),
    _(
        "The database takes no changes right now, so nothing was saved. You can keep reading. Try again in a moment; "
        "you can safely repeat a save."
    ),
    drops=True,
)
FULL = Outage(
    "full",
    _("The database's disk is full"),
    _(
        "The database's disk is full, so nothing was saved. You can keep reading. It takes changes again once an "
        "administrator has made room."
    ),
    retry_after=60,
)

# By the beginning of SQLSTATE, the longest first (PostgreSQL's documentation, appendix A).
_BY_SQLSTATE = {
    "25006": READ_ONLY,
    "53100": FULL,  # disk full
    "53300": AWAY,  # too many connections
    "57014": BUSY,  # a time-out of a statement
    "57P": AWAY,  # the server shuts down, or starts
    "58": AWAY,  # the server's own disk or files
    "08": AWAY,  # the connection
    "40": BUSY,  # a deadlock
    "53": BUSY,  # memory
    "55": BUSY,  # a lock
}
# By the beginning of SQLite's name of the error (its documentation, "Result and Error Codes").
_BY_SQLITE_NAME = {
    "SQLITE_READONLY": READ_ONLY,
    "SQLITE_FULL": FULL,
    "SQLITE_BUSY": BUSY,
    "SQLITE_LOCKED": BUSY,
    "SQLITE_CANTOPEN": AWAY,
    "SQLITE_IOERR": AWAY,
}


def find_outage(error: BaseException | None) -> Outage | None:
    """Returns the outage that caused an error, or None if the error has another cause."""
    if not isinstance(error, DatabaseError | InterfaceError):
        return None
    for cause in _chain(error):
        match cause:
            case psycopg.Error(sqlstate=str(state)):
                return _longest_match(_BY_SQLSTATE, state)
            case sqlite3.Error(sqlite_errorname=str(name)):
                return _longest_match(_BY_SQLITE_NAME, name)
    # Without a code: no connection could be made, or it was lost.
    return AWAY if isinstance(error, OperationalError | InterfaceError) else None


def end_outage(outage: Outage, error: BaseException) -> None:
    """Logs it in one line and, where that can help, drops the connections, so that the next request gets new ones."""
    log.error("the database is %s: %s", outage.name, " ".join(str(error).split()))
    if outage.drops:
        for connection in connections.all(initialized_only=True):
            if hasattr(connection, "drop_connections"):
                connection.drop_connections()


def _longest_match(table: dict[str, Outage], code: str) -> Outage | None:
    found = [beginning for beginning in table if code.startswith(beginning)]
    return table[max(found, key=len)] if found else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__
