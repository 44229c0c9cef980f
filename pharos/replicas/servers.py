"""What the primary and its replicas report: which database it is, and how far its write-ahead log (WAL) reaches.

A position is an offset in the WAL. A timeline is the number of a history of the WAL; each promotion begins a new one. Two
servers whose timelines differ can hold different data at the same position.
"""

import select
import time
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, OperationalError, connections
from psycopg.pq import ExecStatus

REPLY_TIMEOUT = 2.0  # seconds to wait for a replica's answer
FAILURES = (DatabaseError, InterfaceError)

# Written, which can be beyond what is flushed: with synchronous_commit off, a commit is visible before it is flushed.
_WRITE_POSITION = "SELECT CASE WHEN NOT pg_is_in_recovery() THEN (pg_current_wal_insert_lsn() - '0/0')::bigint END"
# The system's identifier is inherited by replicas. The position is the flushed one, because only that is sent to them. The
# name of a WAL file begins with the timeline; after a promotion, the control data still has the previous one for a while.
_PRIMARY = """SELECT system_identifier::text, current_database()::text, has_wal,
CASE WHEN has_wal THEN ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int END,
CASE WHEN has_wal THEN (pg_current_wal_flush_lsn() - '0/0')::bigint END
FROM pg_control_system(), (SELECT NOT pg_is_in_recovery() AS has_wal) AS server"""
# A replica streams from a timeline only if its own log is a part of that history. Without pg_read_all_stats, received_tli
# is NULL, and the control data follow after the next checkpoint at the latest.
_REPLICA = b"""SELECT system_identifier, current_database(),
greatest((SELECT received_tli FROM pg_stat_wal_receiver), timeline_id, min_recovery_end_timeline),
CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() - '0/0' END
FROM pg_control_system(), pg_control_checkpoint(), pg_control_recovery()"""


class UnusableReplica(Exception):
    """A server that must not be used, whatever it has replayed; the text says why."""


class ServerState(NamedTuple):
    """`database`: the identifier of the system, and the name of the database in it. `position`: flushed or replayed."""

    database: tuple[str, str]
    timeline: int
    position: int


def write_position() -> int | None:
    """The primary's current position: a replica that has replayed it shows everything committed so far.

    None if the server is in recovery.
    """
    [position] = _fetch_row(_WRITE_POSITION)
    return position


def primary_state() -> ServerState | None:
    """The state of the server in DATABASE_URL; None if it is in recovery, and so a standby itself."""
    system, database, has_wal, timeline, position = _fetch_row(_PRIMARY)
    return ServerState((system, database), timeline, position) if has_wal else None


def _fetch_row(sql: str) -> Any:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()


def replica_state(alias: str) -> ServerState:
    """The state of a replica. Raises UnusableReplica or one of FAILURES.

    A server that doesn't answer must not block anybody, and cursors have no timeout, so this uses libpq directly.
    """
    connection = connections[alias]
    connection.ensure_connection()
    with connection.wrap_database_errors:
        server = connection.connection.pgconn
        server.send_query(_REPLICA)
        _wait_for_reply(server)
        answer = server.get_result()
        while server.get_result():
            pass  # otherwise the connection isn't free for the next statement
    if answer is None or answer.status != ExecStatus.TUPLES_OK:
        raise OperationalError(answer.get_error_message() if answer else "the connection was lost")
    system, database, timeline, position = (answer.get_value(0, column) for column in range(4))
    if position is None:
        raise UnusableReplica("it is no longer a standby")
    return ServerState((system.decode(), database.decode()), int(timeline), int(position))


def _wait_for_reply(server: Any) -> None:
    """Waits for the answer. Raises UnusableReplica if that takes too long."""
    waiting, until = select.poll(), time.monotonic() + REPLY_TIMEOUT
    waiting.register(server.socket, select.POLLIN)
    while server.is_busy():
        if not waiting.poll(max(0.0, until - time.monotonic()) * 1000):
            raise UnusableReplica(f"it did not answer within {REPLY_TIMEOUT:.0f} s")
        server.consume_input()
