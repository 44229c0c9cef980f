"""The backend itself, where Django looks for it."""

import threading
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.db.backends.postgresql import base
from psycopg import Connection, Error, OperationalError
from psycopg_pool import ConnectionPool, PoolTimeout


@dataclass
class _Breaker:
    """Whether a pool can connect, as its last caller found. While it can't, one thread waits for it; others don't."""

    is_open: bool = False
    waiting: threading.Lock = field(default_factory=threading.Lock)


_breakers: defaultdict[str, _Breaker] = defaultdict(_Breaker)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, but quick to notice that the database is away, and that it is back.

    - What cuts one connection (a restart of the server, a firewall, a switchover) cuts the others, too. So each connection
      from the pool is checked, and if one is dead, all idle ones are dropped. The pool's own check would find out one by
      one, and pause for longer after each.
    - While the database is away, one thread waits for it, and the others fail at once. Otherwise all threads of the
      process would wait, and nobody would get an answer.
    """

    def get_new_connection(self, conn_params: Any) -> Any:
        """Returns a connection that answers. Raises psycopg.Error if there is none within the pool's time-out."""
        if not self.pool:
            return super().get_new_connection(conn_params)
        connection = self._take(conn_params)
        if not _answers(connection):
            self.pool.putconn(connection)
            self.pool.drain()
            connection = self._take(conn_params)
        return connection

    def drop_connections(self) -> None:
        """Ends this thread's connection and all others of this process, so that the next ones are new."""
        if self.pool:
            self.pool.drain()
        elif self.connection is not None:
            self.connection.close()
        self.close()

    def _take(self, conn_params: Any) -> Any:
        """Takes a connection from the pool."""
        breaker = _breakers[self.alias]
        is_alone = breaker.is_open
        if is_alone and not breaker.waiting.acquire(blocking=False):
            raise OperationalError("the database is still away")
        try:
            return self._wait(breaker, conn_params)
        finally:
            if is_alone:
                breaker.waiting.release()

    def _wait(self, breaker: _Breaker, conn_params: Any) -> Any:
        failures = _failed_attempts(self.pool)
        try:
            connection = super().get_new_connection(conn_params)
        except PoolTimeout:
            # If nothing failed, all connections are in use, which is no reason to give up on the database.
            if _failed_attempts(self.pool) > failures:
                breaker.is_open = True
                self._raise_reason(conn_params)
            raise
        breaker.is_open = False
        return connection

    def _raise_reason(self, conn_params: Any) -> None:
        """Raises why no connection can be made, if it still can't. The pool only says that it took too long."""
        self.Database.connect(**conn_params).close()


def _failed_attempts(pool: ConnectionPool) -> int:
    return pool.get_stats().get("connections_errors", 0)


def _answers(connection: Connection) -> bool:
    try:
        ConnectionPool.check_connection(connection)
    except Error:
        return False
    return True
