"""The API in process: lists and saves as its clients ask for them, beside bare statements that do as little as that takes."""

import json
from collections.abc import Callable
from typing import Any

from .cases import PEOPLE
from .loading import HISTORY, ITEMS
from .making import LARGE, WORKER, key_of
from .pages import Watch
from .peers import floor
from .statements import Bare, Statement, where
from .timing import Timed, take_turns

LISTS = {
    "member list": (LARGE, "/member-api/v2/items/?per_page=25"),
    "worker list": (WORKER, "/api/v2/items/?per_page=25"),
    "feeder's list": (
        WORKER,
        "/api/v2/items/?node_empty=true&page=1&per_page=25&queued=true&retry=true&status=Pending",
    ),
}


class Caller:
    """A client of the API with a key of its own, in this process."""

    def __init__(self, email: str):
        from django.test import Client

        self.client = Client(headers={"X-Pharos-API-User": email, "X-Pharos-API-Key": key_of(email)})

    def get(self, path: str) -> dict[str, Any]:
        response = self.client.get(path)
        assert response.status_code == 200, (path, response.status_code, response.content[:300])
        return response.json()

    def put(self, path: str, record: dict[str, Any]) -> None:
        response = self.client.put(path, json.dumps(record), content_type="application/json")
        assert response.status_code == 200, (path, response.status_code, response.content[:300])


def measure(seconds: float, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """One record per call: {"page": "API", "who", "case", "ms", "database_ms", "floor_ms"}."""
    from django.db import connection

    watch, bare = Watch(connection.vendor), Bare(connection.settings_dict)
    callers = {email: Caller(email) for email in (LARGE, WORKER)}
    found = []
    with connection.execute_wrapper(watch):
        for name, (email, path) in LISTS.items():
            say(f"API, {name}")
            call = Timed(lambda email=email, path=path: callers[email].get(path), seconds, watch.take)  # type: ignore[misc]
            found.append(_record(name, email, call, _list_floor(name, bare, seconds)))
        say("API, PUT")
        [pk] = open_items(1)
        found.append(_record("PUT", WORKER, _put(callers[WORKER], pk, watch, seconds), _save_floor(pk, bare, seconds)))
    bare.close()
    return found


def open_items(number: int) -> list[int]:
    """Open ingests at their first stage that no other node holds, the newest first."""
    from workitems.models import WorkItem

    items = (
        WorkItem.objects.open()
        .filter(action="Ingest", stage="Receive", retry=True, node__in=["", "bench"])
        .order_by("-pk")
    )
    return list(items.values_list("pk", flat=True)[:number])


def _put(caller: Caller, pk: int, watch: Watch, seconds: float) -> Timed:
    saves = 0

    def call() -> None:
        nonlocal saves
        saves += 1
        caller.put(f"/api/v2/items/{pk}/", record(saves))

    return Timed(call, seconds, watch.take)


def record(saves: int) -> dict[str, Any]:
    """What a worker saves while it is at an item: each time something new, so that each is a change."""
    return {"stage": "Receive", "status": "Started", "note": f"Save {saves}", "node": "bench", "pid": 7}


def _list_floor(name: str, bare: Bare, seconds: float) -> Timed:
    scope: dict[str, Any] = {"institution_id": PEOPLE[1].institution} if name == "member list" else {}
    if name.startswith("feeder"):
        scope |= {"status": "Pending", "retry": True}
    condition, values = where(scope)
    counted = (f"SELECT SUM(number) FROM bench_cell{condition}", values)
    rows = (f"SELECT * FROM {ITEMS}{condition} ORDER BY date DESC, id DESC LIMIT 25", values)
    return Timed(lambda: bare.all([floor.ROUND_TRIP, counted, rows]), seconds / 2)


def save(pk: int, number: int, note: str) -> list[Statement]:
    """A save and its history entry, bare: what any system that records its changes must write."""
    return [
        (
            f"UPDATE {ITEMS} SET note = %s, version = %s, updated_at = CURRENT_TIMESTAMP WHERE id = %s",
            [note, number, pk],
        ),
        (
            f"INSERT INTO {HISTORY} (item_id, number, at, who, via, move, stage_before, status_before, stage_after,"
            " status_after, note, changes) VALUES (%s, %s, CURRENT_TIMESTAMP, 'bench', 'api', 'progress', 'Receive',"
            " 'Started', 'Receive', 'Started', %s, '{}')",
            [pk, number, note],
        ),
    ]


def _save_floor(pk: int, bare: Bare, seconds: float) -> Timed:
    def call() -> None:
        bare.ask("BEGIN")
        [(number,)] = bare.ask(f"SELECT version FROM {ITEMS} WHERE id = %s", [pk])
        bare.all(save(pk, number + 1, f"Floor {number}"))
        bare.ask("COMMIT")

    return Timed(call, seconds / 2)


def _record(name: str, email: str, ours: Timed, least: Timed) -> dict[str, Any]:
    take_turns({"ours": ours, "floor": least})
    who = "worker" if email == WORKER else PEOPLE[1].name
    times = {"ms": ours.ms, "database_ms": ours.database_ms, "floor_ms": least.ms}
    return {"page": "API", "who": who, "case": name} | times
