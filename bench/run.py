"""The benchmarks: makes data of each size, measures, prints one table, and keeps it in bench/results.json,
from which the figures in README.md and docs/performance.md are made.

    python bench/run.py                        what `make bench` runs
    python bench/run.py --full                 what `make bench-full` runs, with 10,000,000 items
    python bench/run.py --sizes 20000 --parts pages --results /tmp/results.json        while working

With `--keep FOLDER` the databases stay there, to be measured again; their schema is brought up to date by the migrations.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench import figures, report, results, targets, turns  # noqa: E402
from bench.places import database  # noqa: E402

PARTS = ("pages", "turns", "writes", "http", "bulk", "archive", "export", "import", "workers")


@dataclass(frozen=True)
class Plan:
    """What is measured where. Seconds are for one call of a page, one round of writes or HTTP, and the game of the workers."""

    sizes: dict[str, tuple[int, ...]]
    page_seconds: float
    write_seconds: float
    http_seconds: float
    workers_seconds: float
    bulk: tuple[int, float]  # items at most, seconds at most
    archive_seconds: float
    exported: int
    imported: int


SHORT = Plan(
    sizes={"postgresql": (100_000, 1_000_000), "sqlite": (100_000, 1_000_000)},
    page_seconds=0.5,
    write_seconds=1,
    http_seconds=1,
    workers_seconds=15,
    bulk=(100_000, 20),
    archive_seconds=10,
    exported=200_000,
    imported=50_000,
)
FULL = Plan(
    sizes={"postgresql": (100_000, 1_000_000, 10_000_000), "sqlite": (100_000, 1_000_000)},
    page_seconds=1.2,
    write_seconds=3,
    http_seconds=3,
    workers_seconds=60,
    bulk=(1_000_000, 400),
    archive_seconds=60,
    exported=1_000_000,
    imported=500_000,
)


class Run:
    """One run of a plan. What it finds goes into the results as soon as it is found."""

    def __init__(self, plan: Plan, asked: argparse.Namespace):
        self.plan, self.asked = plan, asked
        self.results = results.read(asked.results)
        self.results["machine"] = {
            "cores": os.cpu_count(),
            "memory_gb": round(_memory() / 2**30),
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self.began = time.monotonic()

    def say(self, text: str) -> None:
        line = f"{time.monotonic() - self.began:6.0f} s  {text}"
        if sys.stderr.isatty():
            print(f"\r\033[K{line[:150]}", end="", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def all(self) -> None:
        with ExitStack() as stack:
            # Kept as long as the run at least: they are looked at in turns in the end.
            folder = self.asked.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)  # the server runs as somebody else where this one is root
            places = {v: self.asked.sizes or self.plan.sizes[v] for v in self.asked.databases}
            names = [(vendor, size) for vendor, sizes in places.items() for size in sizes]
            for vendor, size in names:
                self.look(vendor, size, folder)
            # Before anything is written: what is written would be the newest of every list.
            if "turns" in self.asked.parts:
                self.turns(names, folder)
            for vendor, size in names:
                sizes = places[vendor]
                self.write(vendor, size, folder, smallest=size == min(sizes), largest=size == max(sizes))
            for vendor, sizes in places.items():
                self.apart(vendor, min(sizes))

    def turns(self, names: list[tuple[str, int]], folder: Path) -> None:
        with ExitStack() as stack:
            urls = {(vendor, size): stack.enter_context(database(vendor, size, folder)) for vendor, size in names}
            self.results["turns"] = turns.measure(urls, self.say)
        self._keep()

    def look(self, vendor: str, size: int, folder: Path) -> None:
        """Makes the data, and measures what changes next to none of it."""
        with database(vendor, size, folder) as url:
            inside = self._inside(url, f"{vendor}, {size:,}")
            self._found(vendor, size, "made", inside("make", items=size, entries=self.asked.entries))
            if "pages" in self.asked.parts:
                self._found(vendor, size, "pages", inside("pages", items=size, seconds=self.plan.page_seconds))

    def write(self, vendor: str, size: int, folder: Path, *, smallest: bool, largest: bool) -> None:
        """What changes the data, and on the largest the volume; PostgreSQL only."""
        if vendor != "postgresql":
            return
        with database(vendor, size, folder) as url:
            inside = self._inside(url, f"{vendor}, {size:,}")
            if smallest and "http" in self.asked.parts:
                self._found(vendor, size, "http", self._http(url, inside("ready")))
            if largest:
                self._volume(vendor, size, inside)
            if "writes" in self.asked.parts:
                self._found(vendor, size, "writes", inside("writes", seconds=self.plan.write_seconds))

    def _volume(self, vendor: str, size: int, inside: Callable[..., Any]) -> None:
        if "export" in self.asked.parts:
            lists = [inside("export", form=form, most=self.plan.exported, items=size) for form in ("csv", "json")]
            self._found(vendor, size, "export", lists)
        if "bulk" in self.asked.parts:
            most, seconds = self.plan.bulk
            self._found(vendor, size, "bulk", inside("bulk", most=most, seconds=seconds))
        if "archive" in self.asked.parts:
            self._found(vendor, size, "archive", inside("archive", seconds=self.plan.archive_seconds))

    def apart(self, vendor: str, size: int) -> None:
        """What begins with an empty database; told with the smallest size."""
        if "workers" in self.asked.parts:
            number = 16 if vendor == "postgresql" else 4
            with database(vendor, size, None) as url:
                inside = self._inside(url, f"{vendor}, {number} workers")
                self._found(
                    vendor,
                    size,
                    "workers",
                    inside("workers", items=3_000, most=number, seconds=self.plan.workers_seconds),
                )
        if "import" in self.asked.parts:
            from bench import volume

            with database(vendor, size, None) as url, tempfile.TemporaryDirectory() as folder:
                found = volume.run_import(url, self.plan.imported, 10, Path(folder), self.say)
                self._found(vendor, size, "import", found)

    def _http(self, url: str, ready: dict[str, Any]) -> Any:
        from bench import api

        return api.measure(url, ready["key"], ready["items"], self.plan.http_seconds, 3, self.say)

    def _found(self, vendor: str, size: int, part: str, found: Any) -> None:
        results.merge(self.results, vendor, size, part, found)
        self._keep()

    def _keep(self) -> None:
        results.derive(self.results)
        self.results["targets"] = targets.judge(self.results)
        results.write(self.results, self.asked.results)

    def _inside(self, url: str, where: str) -> Callable[..., Any]:
        """A function that runs one part in a process of its own on this database."""
        environment = {**os.environ, "DATABASE_URL": url, "DEBUG": "false", "DJANGO_SETTINGS_MODULE": "bench.settings"}

        def run(part: str, **values: Any) -> Any:
            command = [sys.executable, "-m", "bench.inside", part]
            for name, value in values.items():
                command += [f"--{name}", str(value)]
            with _process(command, environment) as process:
                for line in process.stderr:
                    self.say(f"{where}: {line.rstrip()}")
                output = process.stdout.read()
            if process.returncode:
                raise SystemExit(f"{part} failed on {where}")
            return json.loads(output)

        return run


@contextmanager
def _process(command: list[str], environment: dict[str, str]) -> Iterator[Any]:
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
        process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="with 10,000,000 items, and longer in everything")
    parser.add_argument("--sizes", type=int, nargs="+", help="numbers of items, instead of the plan's")
    parser.add_argument("--databases", nargs="+", choices=["postgresql", "sqlite"], default=["postgresql", "sqlite"])
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--entries", type=int, default=10, help="history entries per item (default 10)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the databases stay, to be used again")
    parser.add_argument("--results", type=Path, default=results.PATH, metavar="FILE")
    return parser.parse_args()


def main() -> None:
    asked = arguments()
    run = Run(FULL if asked.full else SHORT, asked)
    run.all()
    run.say("done\n")
    print("\n".join(report.lines(run.results)))
    if asked.results == results.PATH:
        figures.write(run.results)


if __name__ == "__main__":
    main()
