"""Calls made at the same moment, each in a thread with its own connection."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connection, connections


def call_simultaneously(*calls):
    """Makes the calls at the same moment and returns their results, in order."""
    barrier = Barrier(len(calls))

    def one(call):
        connection.ensure_connection()  # otherwise the first would be done before the second has connected
        barrier.wait(timeout=30)
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(one, call) for call in calls]]
