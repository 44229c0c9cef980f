"""One thread per process that works off calls in order, so that no request waits for the queue.

What it hasn't done when the process is killed stays in the outbox.
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

log = logging.getLogger(__name__)
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="work_queue")


def submit(call: Callable[[], object]) -> None:
    """Has the thread make this call. Never waits for it."""
    _thread.submit(_make, call)


def wait_until_idle() -> None:
    """Returns when all calls so far have been made, for tests."""
    _thread.submit(bool).result()


def _make(call: Callable[[], object]) -> None:
    try:
        call()
    except Exception:
        log.exception("requeued items were not pushed; push_requeued repeats it")
    finally:
        connections.close_all()
