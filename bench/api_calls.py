"""How long API calls take in process: the lists and saves of its clients, next to the least SQL that could serve them."""

import json
from collections.abc import Callable
from typing import Any

from .baselines import floor
from .bulk_loading import HISTORY, ITEMS
from .cases import PEOPLE
from .dataset import LARGE, WORKER, create_api_key
from .pages import DatabaseTimer
from .raw_sql import RawConnection, Statement, where
from .timing import TimedCall, run_interleaved

LISTS = {
    "member list": (LARGE, "/member-api/v2/items/?per_page=25"),
    "worker list": (WORKER, "/api/v2/items/?per_page=25"),
    "feeder's list": (
        WORKER,
        "/api/v2/items/?node_empty=true&page=1&per_page=25&queued=true&retry=true&status=Pending",
    ),
}


class Caller:
    """An API client in this process, with its own key."""

    def __init__(self, email: str):
        from django.test import Client

        self.client = Client(headers={"X-Pharos-API-User": email, "X-Pharos-API-Key": create_api_key(email)})

    def get(self, path: str) -> dict[str, Any]:
        response = self.client.get(path)
        assert response.status_code == 200, (path, response.status_code, response.content[:300])
        return response.json()

    def put(self, path: str, record: dict[str, Any]) -> None:
        response = self.client.put(path, json.dumps(record), content_type="application/json")
        assert response.status_code == 200, (path, response.status_code, response.content[:300])


def measure(seconds: float, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Returns one record per call: {"page": "API", "who", "case", "ms", "database_ms", "floor_ms"}."""
    from django.db import connection

    timer, raw = DatabaseTimer(connection.vendor), RawConnection(connection.settings_dict)
    callers = {email: Caller(email) for email in (LARGE, WORKER)}
    found = []
    with connection.execute_wrapper(timer):
        for name, (email, path) in LISTS.items():
            say(f"API, {name}")
            call = TimedCall(lambda email=email, path=path: callers[email].get(path), seconds, timer.take)  # type: ignore[misc]
            found.append(_record(name, email, call, _list_floor(name, raw, seconds)))
        say("API, PUT")
        [pk] = open_items(1)
        found.append(_record("PUT", WORKER, _put(callers[WORKER], pk, timer, seconds), _save_floor(pk, raw, seconds)))
    raw.close()
    return found


def open_items(number: int) -> list[int]:
    """The ids of open ingests in their first stage that no other worker has started, newest first."""
    from workitems.models import WorkItem

    items = (
        WorkItem.objects.open()
        .filter(action="Ingest", stage="Receive", retry=True, node__in=["", "bench"])
        .order_by("-pk")
    )
    return list(items.values_list("pk", flat=True)[:number])


def _put(caller: Caller, pk: int, timer: DatabaseTimer, seconds: float) -> TimedCall:
    saves = 0

    def call() -> None:
        nonlocal saves
        saves += 1
        caller.put(f"/api/v2/items/{pk}/", record(saves))

    return TimedCall(call, seconds, timer.take)


def record(saves: int) -> dict[str, Any]:
    """The record a worker saves while it processes an item. The note changes, so every save is a change."""
    return {"stage": "Receive", "status": "Started", "note": f"Save {saves}", "node": "bench", "pid": 7}


def _list_floor(name: str, raw: RawConnection, seconds: float) -> TimedCall:
    scope: dict[str, Any] = {"institution_id": PEOPLE[1].institution} if name == "member list" else {}
    if name.startswith("feeder"):
        scope |= {"status": "Pending", "retry": True}
    condition, values = where(scope)
    counted = (f"SELECT SUM(number) FROM bench_cell{condition}", values)
    rows = (f"SELECT * FROM {ITEMS}{condition} ORDER BY date DESC, id DESC LIMIT 25", values)
    return TimedCall(lambda: raw.run([floor.ROUND_TRIP, counted, rows]), seconds / 2)


def save_statements(pk: int, number: int, note: str) -> list[Statement]:
    """The statements of one save and its history entry: the least that a system with a history must write."""
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


def _save_floor(pk: int, raw: RawConnection, seconds: float) -> TimedCall:
    def call() -> None:
        raw.query("BEGIN")
        [(number,)] = raw.query(f"SELECT version FROM {ITEMS} WHERE id = %s", [pk])
        raw.run(save_statements(pk, number + 1, f"Floor {number}"))
        raw.query("COMMIT")

    return TimedCall(call, seconds / 2)


def _record(name: str, email: str, ours: TimedCall, floor_call: TimedCall) -> dict[str, Any]:
    run_interleaved({"ours": ours, "floor": floor_call})
    who = "worker" if email == WORKER else PEOPLE[1].name
    times = {"ms": ours.ms, "database_ms": ours.database_ms, "floor_ms": floor_call.ms}
    return {"page": "API", "who": who, "case": name} | times
