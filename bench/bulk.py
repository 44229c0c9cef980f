"""Marks very many items as reviewed through the pages, while a worker keeps saving through the API."""

import re
import time
from collections.abc import Callable
from typing import Any

from . import latency_under_load
from .dataset import ADMIN
from .distribution import LARGEST


def measure(most: int, seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Stops after `most` items or this many seconds.

    Returns {"items", "items_per_second", "longest_request_s"} and the fields of `latency_under_load`.
    """
    outcome: dict[str, Any] = {}
    say("bulk review: only the worker")
    latency = latency_under_load.measure(lambda: outcome.update(_review(most, seconds, say)))
    rate = round(outcome["items"] / latency["seconds"])
    return {
        "items": outcome["items"],
        "items_per_second": rate,
        "longest_request_s": round(outcome["longest"], 2),
    } | latency


def _review(most: int, seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """Like an admin: opens the list of closed, unreviewed items, selects all matching items, confirms, and continues."""
    from django.test import Client

    from pharos.accounts.models import User
    from workitems.models import BulkChange, WorkItem

    client = Client()
    client.force_login(User.objects.get(email=ADMIN))
    # If an earlier run has marked most of them, marks them as unreviewed instead, which is the same work.
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
    change = BulkChange.objects.get(pk=path.rpartition("/")[2])
    while not change.finished_at and change.processed < most and time.monotonic() - began < seconds:
        post(path)
        change.refresh_from_db()
        say(f"bulk review: {change.processed:,} of {change.total:,}")
    return {"items": change.changed, "longest": max(requests)}
