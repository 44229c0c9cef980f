"""Runs the benchmarks: generates data of each size, measures, prints a report, and writes bench/results.json.

The figures in README.md and docs/performance.md are generated from that file.

    python bench/run.py                        what `make bench` runs
    python bench/run.py --full                 what `make bench-full` runs, with 10,000,000 items
    python bench/run.py --sizes 20000 --parts pages --results /tmp/results.json        while working

`--keep FOLDER` keeps the databases for the next run, which applies new migrations to them.
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

from bench import figures, interleaved, report, results, targets  # noqa: E402
from bench.databases import database  # noqa: E402

PARTS = ("pages", "interleaved", "writes", "http", "bulk", "archive", "export", "import", "workers")


@dataclass(frozen=True)
class Plan:
    """What is measured, at which sizes, and for how long: seconds per page call, round of writes, round of HTTP, and so on."""

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
    """One run of a plan. It writes each result to the results file as soon as it has it."""

    def __init__(self, plan: Plan, options: argparse.Namespace):
        self.plan, self.options = plan, options
        self.results = results.read(options.results)
        self.results["machine"] = {
            "cores": os.cpu_count(),
            "memory_gb": round(_memory() / 2**30),
            "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        self.started = time.monotonic()

    def say(self, text: str) -> None:
        line = f"{time.monotonic() - self.started:6.0f} s  {text}"
        if sys.stderr.isatty():
            print(f"\r\033[K{line[:150]}", end="", file=sys.stderr, flush=True)
        else:
            print(line, file=sys.stderr, flush=True)

    def run_all(self) -> None:
        with ExitStack() as stack:
            # All databases stay until the end of the run: the interleaved part needs them all at once.
            folder = self.options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o755)  # if we are root, the server runs as another user
            sizes_of = {v: self.options.sizes or self.plan.sizes[v] for v in self.options.databases}
            names = [(vendor, size) for vendor, sizes in sizes_of.items() for size in sizes]
            for vendor, size in names:
                self.read(vendor, size, folder)
            # Before the write benchmarks, whose items would be the newest in every list.
            if "interleaved" in self.options.parts:
                self.compare_sizes(names, folder)
            for vendor, size in names:
                sizes = sizes_of[vendor]
                self.write(vendor, size, folder, smallest=size == min(sizes), largest=size == max(sizes))
            for vendor, sizes in sizes_of.items():
                self.from_empty(vendor, min(sizes))

    def compare_sizes(self, names: list[tuple[str, int]], folder: Path) -> None:
        with ExitStack() as stack:
            urls = {(vendor, size): stack.enter_context(database(vendor, size, folder)) for vendor, size in names}
            self.results["interleaved"] = interleaved.measure(urls, self.say)
        self._save()

    def read(self, vendor: str, size: int, folder: Path) -> None:
        """Generates the data, and measures pages and API calls, which change almost nothing."""
        with database(vendor, size, folder) as url:
            run_part = self._part_runner(url, f"{vendor}, {size:,}")
            self._store(vendor, size, "dataset", run_part("dataset", items=size, entries=self.options.entries))
            if "pages" in self.options.parts:
                self._store(vendor, size, "pages", run_part("pages", items=size, seconds=self.plan.page_seconds))

    def write(self, vendor: str, size: int, folder: Path, *, smallest: bool, largest: bool) -> None:
        """The benchmarks that change the data, and on the largest size also export, bulk change, and archive. PostgreSQL only."""
        if vendor != "postgresql":
            return
        with database(vendor, size, folder) as url:
            run_part = self._part_runner(url, f"{vendor}, {size:,}")
            if smallest and "http" in self.options.parts:
                self._store(vendor, size, "http", self._http(url, run_part("http_fixtures")))
            if largest:
                self._bulk_operations(vendor, size, run_part)
            if "writes" in self.options.parts:
                self._store(vendor, size, "writes", run_part("writes", seconds=self.plan.write_seconds))

    def _bulk_operations(self, vendor: str, size: int, run_part: Callable[..., Any]) -> None:
        if "export" in self.options.parts:
            lists = [run_part("export", form=form, most=self.plan.exported, items=size) for form in ("csv", "json")]
            self._store(vendor, size, "export", lists)
        if "bulk" in self.options.parts:
            most, seconds = self.plan.bulk
            self._store(vendor, size, "bulk", run_part("bulk", most=most, seconds=seconds))
        if "archive" in self.options.parts:
            self._store(vendor, size, "archive", run_part("archive", seconds=self.plan.archive_seconds))

    def from_empty(self, vendor: str, size: int) -> None:
        """The benchmarks that start with an empty database. Their results are stored with the smallest size."""
        if "workers" in self.options.parts:
            number = 16 if vendor == "postgresql" else 4
            with database(vendor, size, None) as url:
                run_part = self._part_runner(url, f"{vendor}, {number} workers")
                self._store(
                    vendor,
                    size,
                    "workers",
                    run_part("workers", items=3_000, most=number, seconds=self.plan.workers_seconds),
                )
        if "import" in self.options.parts:
            from bench import import_export

            with database(vendor, size, None) as url, tempfile.TemporaryDirectory() as folder:
                found = import_export.run_import(url, self.plan.imported, 10, Path(folder), self.say)
                self._store(vendor, size, "import", found)

    def _http(self, url: str, fixtures: dict[str, Any]) -> Any:
        from bench import http_throughput

        return http_throughput.measure(url, fixtures["key"], fixtures["items"], self.plan.http_seconds, 3, self.say)

    def _store(self, vendor: str, size: int, part: str, found: Any) -> None:
        results.merge(self.results, vendor, size, part, found)
        self._save()

    def _save(self) -> None:
        results.derive(self.results)
        self.results["targets"] = targets.judge(self.results)
        results.write(self.results, self.options.results)

    def _part_runner(self, url: str, where: str) -> Callable[..., Any]:
        """A function that runs one part in a separate process on this database."""
        environment = {**os.environ, "DATABASE_URL": url, "DEBUG": "false", "DJANGO_SETTINGS_MODULE": "bench.settings"}

        def run(part: str, **values: Any) -> Any:
            command = [sys.executable, "-m", "bench.run_part", part]
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
    parser.add_argument(
        "--full", action="store_true", help="also measure 10,000,000 items, and measure everything longer"
    )
    parser.add_argument("--sizes", type=int, nargs="+", help="numbers of items (default: those of the plan)")
    parser.add_argument("--databases", nargs="+", choices=["postgresql", "sqlite"], default=["postgresql", "sqlite"])
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--entries", type=int, default=10, help="history entries per item (default 10)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the databases here for the next run")
    parser.add_argument("--results", type=Path, default=results.PATH, metavar="FILE")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    run = Run(FULL if options.full else SHORT, options)
    run.run_all()
    run.say("done\n")
    print("\n".join(report.lines(run.results)))
    if options.results == results.PATH:
        figures.write(run.results)


if __name__ == "__main__":
    main()
