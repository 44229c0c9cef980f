"""How long a worker's saves through the API take while a large operation runs, compared with when it does not."""

import os
import statistics
import time
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

QUIET = 6.0  # seconds of saves before and after the operation
PAUSE = 0.02  # seconds between saves


def measure(operation: Callable[[], None]) -> dict[str, float]:
    """Runs `operation` while a worker saves. Returns {"seconds", "quiet_p50_ms", "quiet_p95_ms", "busy_p50_ms", "busy_p95_ms",
    "p50_ratio", "p95_ratio", "saves"}; `seconds` is the duration of the operation."""
    context = get_context("spawn")
    stop, (receiver, sender) = context.Event(), context.Pipe(duplex=False)
    worker = context.Process(target=save_until, args=(stop, sender, dict(os.environ)))
    worker.start()
    receiver.recv()  # the worker has started
    time.sleep(QUIET)
    began = time.monotonic()
    operation()
    ended = time.monotonic()
    time.sleep(QUIET)
    stop.set()
    saves = receiver.recv()
    worker.join()
    busy = [ms for at, ms in saves if began <= at <= ended]
    quiet = [ms for at, ms in saves if began - QUIET <= at and not began - 1 <= at <= ended + 1]
    return {"seconds": round(ended - began, 1)} | _compared(quiet, busy)


def _compared(quiet: list[float], busy: list[float]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, index in (("p50", 49), ("p95", 94)):
        alone, loaded = (statistics.quantiles(times, n=100)[index] for times in (quiet, busy))
        found |= {f"quiet_{name}_ms": round(alone, 2), f"busy_{name}_ms": round(loaded, 2)}
        found[f"{name}_ratio"] = round(loaded / alone, 3)
    return found | {"saves": len(quiet) + len(busy)}


def save_until(stop: Any, sender: Any, environment: dict[str, str]) -> None:
    """A worker in a separate process. At the end, it sends (start time, milliseconds) of each save."""
    os.environ |= environment
    import django

    django.setup()
    from .api_calls import Caller, open_items, record
    from .dataset import WORKER

    caller, [pk] = Caller(WORKER), open_items(1)
    saves: list[tuple[float, float]] = []
    while not stop.is_set():
        began = time.monotonic()
        caller.put(f"/api/v2/items/{pk}/", record(len(saves)))
        saves.append((began, 1000 * (time.monotonic() - began)))
        if len(saves) == 50:
            sender.send("started")
        time.sleep(PAUSE)
    sender.send(saves)
