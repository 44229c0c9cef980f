"""Requests per second of the API over HTTP, next to a minimal Django site that answers with the same bytes.

Both run on gunicorn (two processes with four threads each) with the same database. Rounds alternate between them, and the
clients keep their connections open. The results are medians over the rounds.
"""

import http.client
import json
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.serving import server

from .dataset import WORKER

CASES = {
    "list of 100": ("GET", "per_page=100", (4,)),
    "feeder's list": ("GET", "node_empty=true&page=1&per_page=100&queued=true&retry=true&status=Pending", (4,)),
    "PUT": ("PUT", "", (1, 4, 16)),
}
WITHOUT_BASELINE = ("feeder's list",)


class Caller:
    """A client with its own connection and item. It saves the item repeatedly, each time with a different note."""

    def __init__(self, port: int, key: str, pk: int):
        self.connection = http.client.HTTPConnection("127.0.0.1", port)
        self.headers = {"Content-Type": "application/json", "X-Pharos-API-User": WORKER, "X-Pharos-API-Key": key}
        self.pk, self.saves = pk, 0

    def call(self, root: str, method: str, query: str) -> bytes:
        path, body = f"{root}/items/?{query}", None
        if method == "PUT":
            self.saves += 1
            sent = {"stage": "Receive", "status": "Started", "note": f"Save {self.saves}", "node": "bench", "pid": 7}
            path, body = f"{root}/items/{self.pk}/", json.dumps(sent)
        self.connection.request(method, path, body, self.headers)
        reply = self.connection.getresponse()
        data = reply.read()
        assert reply.status == 200, (reply.status, data[:500])
        return data


def rate(callers: list[Caller], root: str, method: str, query: str, seconds: float) -> float:
    """Answers per second of all callers together."""

    def work(caller: Caller) -> int:
        caller.connection.close()  # the server closes idle connections, and the other sites were measured in between
        answers, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            caller.call(root, method, query)
            answers += 1
        return answers

    with ThreadPoolExecutor(len(callers)) as pool:
        return sum(pool.map(work, callers)) / seconds


def measure(
    url: str, key: str, items: list[int], seconds: float, rounds: int, say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """Returns per case and number of clients: {"case", "clients", "per_second", "plain_per_second", "floor_per_second"}.

    `plain` is a minimal view that reads the same rows or saves the same columns. `floor` is one that answers from memory.
    """
    found: dict[tuple[str, int, str], list[float]] = {}
    ours, theirs = "bench.settings", "bench.baselines.minimal_settings"
    with server(url, DJANGO_SETTINGS_MODULE=ours) as product, server(url, DJANGO_SETTINGS_MODULE=theirs) as peer:
        where = {"": (product.port, "/api/v2"), "plain_": (peer.port, "/plain"), "floor_": (peer.port, "/floor")}
        callers = {who: [Caller(port, key, pk) for pk in items] for who, (port, _root) in where.items()}
        for _round in range(rounds):
            for name, (method, query, clients) in CASES.items():
                for number in clients:
                    say(f"HTTP, {name}, {number} clients")
                    for who, (_port, root) in where.items():
                        if not who or name not in WITHOUT_BASELINE:
                            done = rate(callers[who][:number], root, method, query, seconds)
                            found.setdefault((name, number, who), []).append(done)
    return [
        {"case": name, "clients": number}
        | {
            f"{who}per_second": round(statistics.median(found[name, number, who]), 1)
            for who in where
            if (name, number, who) in found
        }
        for name, (_method, _query, clients) in CASES.items()
        for number in clients
    ]
