"""A review of very many items, as an admin makes it on the pages, while a worker goes on saving by the API."""

import re
import time
from collections.abc import Callable
from typing import Any

from . import meanwhile
from .making import ADMIN
from .shape import LARGEST


def measure(most: int, seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """The act is ended after `most` items or so many seconds. {"items", "items_per_second", "longest_request_s"}, and what the worker
    felt of it (see `meanwhile`)."""
    act: dict[str, Any] = {}
    say("bulk review: the worker alone")
    felt = meanwhile.measure(lambda: act.update(_act(most, seconds, say)))
    rate = round(act["items"] / felt["seconds"])
    return {"items": act["items"], "items_per_second": rate, "longest_request_s": round(act["longest"], 2)} | felt


def _act(most: int, seconds: float, say: Callable[[str], None]) -> dict[str, Any]:
    """By the pages: the list of the closed items that are not reviewed yet, all that match, confirm, go on."""
    from django.test import Client

    from pharos.accounts.models import User
    from workitems.models import BulkChange, WorkItem

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
    act = BulkChange.objects.get(pk=path.rpartition("/")[2])
    while not act.finished_at and act.came_to < most and time.monotonic() - began < seconds:
        post(path)
        act.refresh_from_db()
        say(f"bulk review: {act.came_to:,} of {act.total:,}")
    return {"items": act.changed, "longest": max(requests)}
