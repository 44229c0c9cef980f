"""A review of very many items, as an admin makes it on the pages, while a worker goes on saving by the API: what the worker feels of it."""

import os
import re
import statistics
import time
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

from .making import ADMIN
from .shape import LARGEST

QUIET = 6.0  # seconds of the worker alone, before and after
PAUSE = 0.02  # seconds between a worker's saves


def measure(most: int, seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """The act is ended after `most` items or so many seconds. {"items", "seconds", "items_per_second", "longest_request_s",
    "quiet_p50_ms", "quiet_p95_ms", "busy_p50_ms", "busy_p95_ms", "p50_ratio", "p95_ratio"}."""
    context = get_context("spawn")
    stop, (receiver, sender) = context.Event(), context.Pipe(duplex=False)
    worker = context.Process(target=save_until, args=(stop, sender, dict(os.environ)))
    say("bulk review: the worker alone")
    worker.start()
    receiver.recv()  # it is at work
    began = time.monotonic()
    time.sleep(QUIET)
    act = _act(most, seconds, say)
    time.sleep(QUIET)
    stop.set()
    saves = receiver.recv()
    worker.join()
    busy = [ms for at, ms in saves if act["began"] <= at <= act["ended"]]
    quiet = [ms for at, ms in saves if began <= at and not act["began"] - 1 <= at <= act["ended"] + 1]
    return {
        "items": act["items"],
        "seconds": round(act["ended"] - act["began"], 1),
        "items_per_second": round(act["items"] / (act["ended"] - act["began"])),
        "longest_request_s": round(act["longest"], 2),
    } | _compared(quiet, busy)


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


def _act(most: int, seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """By the pages: the list of the closed items that are not reviewed yet, all that match, confirm, go on."""
    from django.test import Client

    from pharos.accounts.models import User
    from workitems.models import BulkAct, WorkItem

    client = Client()
    client.force_login(User.objects.get(email=ADMIN))
    # Where an earlier run has marked them, they are marked back: the act is the same.
    closed = WorkItem.objects.closed().filter(institution__identifier=LARGEST)
    mark = closed.filter(reviewed=False).count() >= closed.filter(reviewed=True).count() / 3
    page = client.get(f"/items/?phase=closed&institution={LARGEST}&reviewed={'false' if mark else 'true'}")
    [snapshot] = re.findall(r'name="snapshot" value="([^"]+)"', page.content.decode())[:1]
    sent = {"which": "matching", "snapshot": snapshot, "reviewed": "true" if mark else "false", "confirmed": "yes"}
    requests, began = [], time.monotonic()

    def post(path: str, **values: str) -> str:
        start = time.monotonic()
        response = client.post(path, values)
        requests.append(time.monotonic() - start)
        assert response.status_code == 302, response.status_code
        return response["Location"]

    path = post("/items/review", **sent)
    act = BulkAct.objects.get(pk=path.rpartition("/")[2])
    while not act.finished_at and act.came_to < most and time.monotonic() - began < seconds:
        post(path)
        act.refresh_from_db()
        say(f"bulk review: {act.came_to:,} of {act.total:,}")
    return {"items": act.changed, "began": began, "ended": time.monotonic(), "longest": max(requests)}
