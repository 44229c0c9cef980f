"""The same pages on databases of several sizes, in turns: what else the machine does falls on all of them alike.

Each database is looked at by a process of its own, which waits to be told what to ask for next (`follow`, in `bench.inside`).
"""

import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ROUNDS, CALLS = 9, 3
Key = tuple[str, str, str]


class Follower:
    """A process that looks at one database. `rows`: {page that it can be asked for: rows of the table in it}."""

    def __init__(self, process: subprocess.Popen):
        self.process = process
        self.rows: dict[Key, int] = {tuple(key): number for key, number in self._heard()}

    def ask(self, key: Key, times: int) -> float:
        """Milliseconds of a page, the median of so many."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([list(self.rows).index(key), times]) + "\n")
        self.process.stdin.flush()
        return statistics.median(self._heard())

    def _heard(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("a process that looks at a database has ended")
        return json.loads(line)


@contextmanager
def follower(url: str) -> Iterator[Follower]:
    environment = {**os.environ, "DATABASE_URL": url, "DEBUG": "false", "DJANGO_SETTINGS_MODULE": "bench.settings"}
    command = [sys.executable, "-m", "bench.inside", "follow"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Follower(process)
        finally:
            process.terminate()


def measure(urls: dict[tuple[str, int], str], say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Per page: {"page", "who", "case", "ms": {"postgresql 100000": …}, "rows": {…}, "growth": {…}, "sqlite": {"1000000": …}}.

    `growth`: against the smallest size of the same database; `sqlite`: SQLite against PostgreSQL at the same size. Both are
    the medians of the rounds' ratios.
    """
    with ExitStack() as stack:
        followers = {name: stack.enter_context(follower(url)) for name, url in urls.items()}
        first, *others = followers.values()
        found = []
        for key in (key for key in first.rows if all(key in other.rows for other in others)):
            say(f"in turns: {', '.join(part for part in key if part)}")
            rows = {name: one.rows[key] for name, one in followers.items()}
            found.append(_record(key, _rounds(followers, key), rows))
        return found


def _rounds(followers: dict[tuple[str, int], Follower], key: Key) -> dict[tuple[str, int], list[float]]:
    times: dict[tuple[str, int], list[float]] = {name: [] for name in followers}
    for turn in range(ROUNDS + 1):
        for name in sorted(followers, reverse=bool(turn % 2)):
            times[name].append(followers[name].ask(key, CALLS))
    return {name: values[1:] for name, values in times.items()}  # the first warms up


def _record(key: Key, times: dict[tuple[str, int], list[float]], rows: dict[tuple[str, int], int]) -> dict[str, Any]:
    smallest = {vendor: min(size for other, size in times if other == vendor) for vendor, _size in times}
    growth, sqlite = {}, {}
    for (vendor, size), values in times.items():
        if size != smallest[vendor]:
            growth[f"{vendor} {size}"] = _ratio(values, times[vendor, smallest[vendor]])
        if vendor == "sqlite" and ("postgresql", size) in times:
            sqlite[str(size)] = _ratio(values, times["postgresql", size])
    page, who, case = key
    ms = {f"{vendor} {size}": round(statistics.median(values), 2) for (vendor, size), values in times.items()}
    drawn = {f"{vendor} {size}": number for (vendor, size), number in rows.items()}
    return {"page": page, "who": who, "case": case, "ms": ms, "rows": drawn, "growth": growth, "sqlite": sqlite}


def _ratio(values: list[float], beside: list[float]) -> float:
    return round(statistics.median(one / other for one, other in zip(values, beside, strict=True)), 3)


def follow(lines: Iterator[str], answer: Callable[[Any], None]) -> None:
    """In the process of a follower: says what it can be asked for, and answers each question with the milliseconds of the calls."""
    from django.db import connection

    from .cases import PEOPLE
    from .pages import Looker, Watch
    from .statements import Bare

    measured = Bare(connection.settings_dict)
    lookers = [Looker(person, measured, Watch(connection.vendor), 0) for person in PEOPLE]
    pages = [(key, looker.client, path) for looker in lookers for key, path in looker.paths().items()]
    answer([(key, len(re.findall(rb"<tr\b", client.get(path).content))) for key, client, path in pages])
    for line in lines:
        number, times = json.loads(line)
        _key, client, path = pages[number]
        answer([_timed(client, path) for _ in range(times)])


def _timed(client: Any, path: str) -> float:
    began = time.perf_counter()
    response = client.get(path)
    took = 1000 * (time.perf_counter() - began)
    assert response.status_code == 200, (path, response.status_code)
    return took
