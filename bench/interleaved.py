"""Compares the same pages on databases of several sizes, with interleaved calls.

That way, whatever else the machine is doing affects all sizes. Each database has its own process (`measure_on_request`),
which measures a page when it is asked to.
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


class DatabaseProcess:
    """A process that measures pages on one database. `rows`: {page: number of rows in its HTML table}."""

    def __init__(self, process: subprocess.Popen):
        self.process = process
        self.rows: dict[Key, int] = {tuple(key): number for key, number in self._receive()}

    def measure(self, key: Key, times: int) -> float:
        """The median milliseconds of this many calls of a page."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([list(self.rows).index(key), times]) + "\n")
        self.process.stdin.flush()
        return statistics.median(self._receive())

    def _receive(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("a process that measures pages has ended")
        return json.loads(line)


@contextmanager
def database_process(url: str) -> Iterator[DatabaseProcess]:
    environment = {**os.environ, "DATABASE_URL": url, "DEBUG": "false", "DJANGO_SETTINGS_MODULE": "bench.settings"}
    command = [sys.executable, "-m", "bench.run_part", "measure_on_request"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield DatabaseProcess(process)
        finally:
            process.terminate()


def measure(urls: dict[tuple[str, int], str], say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Returns per page: {"page", "who", "case", "ms": {"postgresql 100000": …}, "rows": {…}, "growth": {…}, "sqlite": {"1000000": …}}.

    `growth` compares with the smallest size of the same database, `sqlite` compares SQLite with PostgreSQL at the same size.
    Both are medians of the ratios within each round.
    """
    with ExitStack() as stack:
        processes = {name: stack.enter_context(database_process(url)) for name, url in urls.items()}
        first, *others = processes.values()
        found = []
        for key in (key for key in first.rows if all(key in other.rows for other in others)):
            say(f"interleaved: {', '.join(part for part in key if part)}")
            rows = {name: one.rows[key] for name, one in processes.items()}
            found.append(_record(key, _rounds(processes, key), rows))
        return found


def _rounds(processes: dict[tuple[str, int], DatabaseProcess], key: Key) -> dict[tuple[str, int], list[float]]:
    times: dict[tuple[str, int], list[float]] = {name: [] for name in processes}
    for turn in range(ROUNDS + 1):
        for name in sorted(processes, reverse=bool(turn % 2)):
            times[name].append(processes[name].measure(key, CALLS))
    return {name: values[1:] for name, values in times.items()}  # the first round is a warm-up


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
    row_counts = {f"{vendor} {size}": number for (vendor, size), number in rows.items()}
    return {"page": page, "who": who, "case": case, "ms": ms, "rows": row_counts, "growth": growth, "sqlite": sqlite}


def _ratio(values: list[float], baseline: list[float]) -> float:
    return round(statistics.median(one / other for one, other in zip(values, baseline, strict=True)), 3)


def measure_on_request(lines: Iterator[str], answer: Callable[[Any], None]) -> None:
    """Runs in a `DatabaseProcess`: sends the list of pages it can measure, then answers each request with the times of its calls."""
    from django.db import connection

    from .cases import PEOPLE
    from .pages import DatabaseTimer, PersonBenchmark
    from .raw_sql import RawConnection

    raw = RawConnection(connection.settings_dict)
    people = [PersonBenchmark(person, raw, DatabaseTimer(connection.vendor), 0) for person in PEOPLE]
    pages = [(key, benchmark.client, path) for benchmark in people for key, path in benchmark.paths().items()]
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
