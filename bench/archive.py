"""Archives old history while a worker keeps saving through the API."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from . import latency_under_load


class _TimeIsUp(Exception):
    pass


def measure(seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Archives for this many seconds. Returns {"items", "entries", "entries_per_second"} and the fields of `latency_under_load`."""
    from django.utils import timezone

    from workitems.audit_log import ArchiveResult, archive_histories
    from workitems.audit_log.archiving import MIN_AGE

    moved = ArchiveResult()

    def archive() -> None:
        began, now = time.monotonic(), timezone.now()

        def advance(_numbers: int) -> None:
            say(f"archive: {moved.entries:,} entries")
            if time.monotonic() - began > seconds:
                raise _TimeIsUp

        with suppress(_TimeIsUp):
            archive_histories(now - MIN_AGE, now=now, moved=moved, advance=advance)

    say("archive: only the worker")
    latency = latency_under_load.measure(archive)
    rate = round(moved.entries / latency["seconds"])
    return {"items": moved.items, "entries": moved.entries, "entries_per_second": rate} | latency
