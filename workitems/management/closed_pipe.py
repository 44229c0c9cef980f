"""Ends a command quietly when the program that reads its output has ended, as `head` does."""

import contextlib
import os
import sys
from collections.abc import Iterator

CLOSED_PIPE = 141  # what a shell reports of a program that a closed pipe ended


@contextlib.contextmanager
def quiet_when_closed() -> Iterator[None]:
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes standard output once more when it ends, which would fail again.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(CLOSED_PIPE)
