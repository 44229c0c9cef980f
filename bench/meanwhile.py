"""What a worker that saves by the API feels of something big that goes on beside it."""

import os
import statistics
import time
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

QUIET = 6.0  # seconds of the worker alone, before and after
PAUSE = 0.02  # seconds between a worker's saves


def measure(act: Callable[[], None]) -> dict[str, float]:
    """Runs the act beside a worker: {"seconds" that it took, "quiet_p50_ms", "quiet_p95_ms", "busy_p50_ms", "busy_p95_ms", "p50_ratio",
    "p95_ratio", "saves"}."""
    context = get_context("spawn")
    stop, (receiver, sender) = context.Event(), context.Pipe(duplex=False)
    worker = context.Process(target=save_until, args=(stop, sender, dict(os.environ)))
    worker.start()
    receiver.recv()  # it is at work
    time.sleep(QUIET)
    began = time.monotonic()
    act()
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
    for name, place in (("p50", 49), ("p95", 94)):
        alone, meanwhile = (statistics.quantiles(some, n=100)[place] for some in (quiet, busy))
        found |= {f"quiet_{name}_ms": round(alone, 2), f"busy_{name}_ms": round(meanwhile, 2)}
        found[f"{name}_ratio"] = round(meanwhile / alone, 3)
    return found | {"saves": len(quiet) + len(busy)}


def save_until(stop: Any, sender: Any, environment: dict[str, str]) -> None:
    """A worker in a process of its own; sends (when, milliseconds) of each save in the end."""
    os.environ |= environment
    import django

    django.setup()
    from .calls import Caller, open_items, record
    from .making import WORKER

    caller, [pk] = Caller(WORKER), open_items(1)
    saves: list[tuple[float, float]] = []
    while not stop.is_set():
        began = time.monotonic()
        caller.put(f"/api/v2/items/{pk}/", record(len(saves)))
        saves.append((began, 1000 * (time.monotonic() - began)))
        if len(saves) == 50:
            sender.send("at work")
        time.sleep(PAUSE)
    sender.send(saves)
