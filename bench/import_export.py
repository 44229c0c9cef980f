"""Speed and memory of importing and exporting many rows: `import_workitems` reading from a pipe, and the list as a file.

For the import, the CPU time of the command and of the database server is measured, too: it does not depend on what else the
machine is doing.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from . import item_generator
from .dataset import ADMIN
from .distribution import MEMBERS

ROOT = Path(__file__).resolve().parent.parent
Progress = Callable[[str], None]
_FLAGS = ("retry", "reviewed", "needs_admin_review")
# Without the last columns, `stage_entered_at` and `finished_at`, which no dump has.
_TIMES = ("created_at", "updated_at", "bag_date", "date", "queued_at", "stage_started_at")


def lines(total: int) -> Iterator[bytes]:
    """The items of `rows` as the API returns them, one JSON object per line."""
    clock = item_generator.Clock(datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0))
    for number in item_generator.chunks(total):
        for values, ages in item_generator.chunk(number, total, clock, 1):
            item: dict[str, Any] = {
                name: None if text == item_generator.NULL else text
                for name, text in zip(item_generator.COLUMNS, values, strict=False)
            }
            item |= {name: item[name] == item_generator.TRUE for name in _FLAGS}
            item |= {name: clock.text(age).replace("+00", "Z") for name, age in zip(_TIMES, ages, strict=False)}
            item |= {name: int(item[name]) for name in ("id", "size", "institution_id")}
            item["pid"] = int(item["pid"] or 0)
            item["note"] = item["note"].replace(r"\n", "\n")
            del item["search_text"], item["version"]
            yield json.dumps(item | {"institution": MEMBERS[item["institution_id"] - 1]}).encode() + b"\n"


def manage(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "manage.py"), *arguments]


def cpu_seconds(pid: int) -> float:
    """The CPU seconds of a process and its children so far, including children that have ended."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # the process has ended
        if int(stat.parent.name) == pid or int(fields[1]) == pid:
            ticks += int(fields[11]) + int(fields[12]) + (int(fields[13]) + int(fields[14])) * (fields[1] != str(pid))
    return ticks / os.sysconf("SC_CLK_TCK")


def postmaster(url: str) -> int | None:
    """The process id of the temporary PostgreSQL server, or None for SQLite."""
    host = unquote(urlsplit(url).netloc.partition("@")[2])
    return int((Path(host) / "data" / "postmaster.pid").read_text().split()[0]) if host else None


def run_import(url: str, total: int, slices: int, folder: Path, say: Progress) -> dict[str, Any]:
    """Imports this many items into the empty database at `url`. Returns {"items", "seconds", "items_per_second", "slices",
    "steadiness", "peak_mb", "cpu_seconds", "server_cpu_seconds"}; `steadiness` is the slowest slice's rate ÷ the median."""
    environment = {**os.environ, "DATABASE_URL": url, "DEBUG": "false", "DJANGO_SETTINGS_MODULE": "bench.settings"}
    subprocess.run(manage("migrate", "-v0"), env=environment, check=True)
    institutions, path = folder / "institutions.csv", folder / "items.jsonl"
    institutions.write_text("id,name,identifier\n" + "".join(f"{n},{d},{d}\n" for n, d in enumerate(MEMBERS, 1)))
    say("import: writing the file")
    ends = _write(path, total, total // slices)
    backend = postmaster(url)
    command = manage("import_workitems", "-", "--institution-map", str(institutions))
    began = last = time.perf_counter()
    rates: list[float] = []
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    before = cpu_seconds(backend) if backend else 0.0
    assert process.stdin is not None
    with path.open("rb") as file, process.stdin as pipe:
        for number, end in ends:
            while (left := end - file.tell()) > 0:
                pipe.write(file.read(min(left, 65_536)))
            now = time.perf_counter()
            rates.append(total / slices / (now - last))
            say(f"import: {number:,} items, {rates[-1]:,.0f} a second")
            last = now
    peak, cpu = _wait_for_end(process)
    took = time.perf_counter() - began
    path.unlink()
    return {
        "items": total,
        "seconds": round(took, 1),
        "items_per_second": round(total / took),
        "peak_mb": round(peak),
        "cpu_seconds": round(cpu, 1),
        "server_cpu_seconds": round(cpu_seconds(backend) - before, 1) if backend else 0.0,
    } | _slices(rates)


def _slices(rates: list[float]) -> dict[str, Any]:
    # The first slice also starts the command and fills the pipe; the last leaves rows in the pipe.
    middle = sorted(rates[1:-1] or rates)
    return {"slices": [round(rate) for rate in rates], "steadiness": round(middle[0] / middle[len(middle) // 2], 3)}


def _write(path: Path, total: int, size: int) -> list[tuple[int, int]]:
    """Writes the file. Returns (number of items, position in the file) for the end of each slice."""
    ends: list[tuple[int, int]] = []
    with path.open("wb") as file:
        for number, line in enumerate(lines(total), 1):
            file.write(line)
            if number % size == 0 or number == total:
                ends.append((number, file.tell()))
    return ends


def _wait_for_end(process: subprocess.Popen) -> tuple[float, float]:
    """Waits for the process to end. Returns its peak memory in MB and its CPU seconds."""
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"the import ended with {process.returncode}")
    return usage.ru_maxrss / 1024, usage.ru_utime + usage.ru_stime


def export(form: str, most: int, total: int, say: Progress) -> dict[str, Any]:
    """Downloads an admin's unfiltered list, up to `most` rows, in a process that has done nothing else. Returns
    {"form", "rows", "seconds", "rows_per_second", "slices", "steadiness", "peak_mb", "grown_mb"}."""
    from django.test import Client

    from pharos.accounts.models import User

    client = Client()
    client.force_login(User.objects.get(email=ADMIN))
    client.get("/items/")
    before = _peak_mb()
    ends: list[float] = []
    began, size = time.perf_counter(), 0
    count = b"\r\n" if form == "csv" else b'"id":'
    rows_read, slice_rows = 0, min(most, total) // 10
    response: Any = client.get(f"/items/?format={form}")
    for piece in response.streaming_content:
        data = piece if isinstance(piece, bytes) else piece.encode()
        rows_read += data.count(count)
        size += len(data)
        while rows_read >= slice_rows * (len(ends) + 1):
            ends.append(time.perf_counter())
            say(f"list as {form}: {rows_read:,} rows")
        if rows_read >= most:
            break
    response.close()
    took = time.perf_counter() - began
    rates = [slice_rows / (end - start) for start, end in zip([began, *ends], ends, strict=False)]
    return {
        "form": form,
        "rows": rows_read,
        "megabytes": round(size / 1e6),
        "seconds": round(took, 1),
        "rows_per_second": round(rows_read / took),
        "peak_mb": round(_peak_mb()),
        "grown_mb": round(_peak_mb() - before),
    } | _slices(rates)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
