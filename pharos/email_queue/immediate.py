"""Sends new emails right away, in a short-lived thread of the process that queued them: at most one at a time.

What it can't send, `manage.py send_mail_queue` does. It isn't a daemon thread, so a process that is told to end finishes
the email that it is sending.
"""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connections
from django.utils import timezone

from .sending import send_queued

_running = threading.Lock()
_wanted = threading.Event()
log = logging.getLogger(__name__)


def send_soon() -> None:
    """Starts sending what is queued, without waiting for it."""
    if not settings.EMAIL_SEND_AT_ONCE:
        return
    _wanted.set()
    if _running.acquire(blocking=False):
        try:
            threading.Thread(target=_run, name="email").start()
        except RuntimeError:  # no more threads: the command sends it
            _running.release()
            log.warning("no thread for sending email could be started")


@contextmanager
def paused() -> Iterator[None]:
    """Keeps threads from sending within the context, for a command that sends the queue itself."""
    with _running:
        yield


def _run() -> None:
    try:
        while _wanted.is_set():
            _wanted.clear()
            send_queued(timezone.now())
    except Exception as error:
        # Usually the database is away. The emails stay queued.
        log.warning("emails were not sent: %s", str(error).strip() or type(error).__name__)
    finally:
        connections.close_all()
        _running.release()
    if _wanted.is_set():  # by somebody who came before the lock was released
        send_soon()
