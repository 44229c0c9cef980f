"""Old history moved into the archive, while a worker goes on saving by the API."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from . import meanwhile


class _Enough(Exception):
    pass


def measure(seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Moves for so many seconds. {"items", "entries", "entries_per_second"}, and what the worker felt of it (see `meanwhile`)."""
    from django.utils import timezone

    from workitems.audit_log import ArchiveResult, archive_histories
    from workitems.audit_log.archiving import MIN_AGE

    moved = ArchiveResult()

    def act() -> None:
        began, now = time.monotonic(), timezone.now()

        def advance(_numbers: int) -> None:
            say(f"archive: {moved.entries:,} entries")
            if time.monotonic() - began > seconds:
                raise _Enough

        with suppress(_Enough):
            archive_histories(now - MIN_AGE, now=now, moved=moved, advance=advance)

    say("archive: the worker alone")
    felt = meanwhile.measure(act)
    rate = round(moved.entries / felt["seconds"])
    return {"items": moved.items, "entries": moved.entries, "entries_per_second": rate} | felt
