"""How fast `import_workitems` takes rows in, per slice, and how much memory it needs; and `export_workitems` after it.

    python bench/import_rate.py [--rows 1000000] [--format jsonl|csv] [--database postgresql|sqlite] [--export]

The rows have the shape of real ones: about 95 % finished well, mostly ingests, one member owns a third, notes of one line and
of hundreds. They are written to a file first and then fed through a pipe, so that a slice is timed by when it was taken.
Beside the rate stands what import and server used of the processor: that is the same when others use the machine, too.
"""

import argparse
import csv
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.throwaway_postgres import cluster  # noqa: E402

DOMAINS = ["virginia.edu", "ncsu.edu", "columbia.edu", "jhu.edu", "georgetown.edu", "test.edu", "example.edu"]
CSV_COLUMNS = [
    "id",
    "created_at",
    "updated_at",
    "intellectual_object_id",
    "generic_file_id",
    "name",
    "etag",
    "bucket",
    "user",
    "note",
    "action",
    "stage",
    "status",
    "outcome",
    "bag_date",
    "date_processed",
    "retry",
    "node",
    "pid",
    "needs_admin_review",
    "institution_id",
    "queued_at",
    "size",
    "stage_started_at",
    "aptrust_approver",
    "inst_approver",
    "deletion_request_id",
]
FINE = "Finished cleanup. Ingest complete."
TOO_MANY = "\n".join(
    f"The digest of data/file_{n:05}.tif does not match the one in manifest-md5.txt." for n in range(200)
)
BEGIN = datetime(2019, 1, 1, tzinfo=UTC)


def row(number, chance):
    place = 0 if chance.random() < 0.33 else chance.randrange(1, len(DOMAINS))
    domain = DOMAINS[place]
    received = BEGIN + timedelta(minutes=2 * number, microseconds=chance.randrange(1_000_000))
    moved = received + timedelta(hours=chance.random() * 40)
    action = chance.choices(["Ingest", "Restore", "Delete", "Fixity Check"], [88, 5, 5, 2])[0]
    stage, status, note, retry = "Cleanup", "Success", FINE, False
    luck = chance.random()
    if luck < 0.03:
        note = TOO_MANY if luck < 0.003 else "Bag is not valid: required tag Access has no value."
        stage, status = ("Validate", "Failed") if action == "Ingest" else ("Requested", "Failed")
    elif luck < 0.045:
        stage, status, note = "Resolve", "Cancelled", "Cancelled: the depositor has uploaded a newer version."
    elif luck < 0.05:
        stage, status, note, retry = ("Receive" if action == "Ingest" else "Requested"), "Pending", "Waiting.", True
    name = f"{domain}.lib_{number:09}.tar"
    return {
        "id": number,
        "created_at": received,
        "updated_at": moved,
        "name": name,
        "etag": f"{chance.getrandbits(128):032x}",
        "bucket": f"aptrust.receiving.{domain}",
        "user": "system@aptrust.org" if action == "Ingest" else f"someone@{domain}",
        "institution": domain,
        "institution_id": place + 1,
        "note": note,
        "action": action,
        "stage": stage,
        "status": status,
        "outcome": status,
        "bag_date": received - timedelta(days=1),
        "date": received,
        "retry": retry,
        "reviewed": status != "Pending" and chance.random() < 0.5,
        "object_identifier": f"{domain}/{name.removesuffix('.tar')}" if status == "Success" else None,
        "generic_file_identifier": None,
        "size": int(chance.lognormvariate(17, 3)),
        "node": "worker-1" if status == "Pending" else "",
        "pid": 0,
        "needs_admin_review": False,
        "queued_at": received,
        "stage_started_at": moved,
        "inst_approver": None,
        "aptrust_approver": None,
    }


def as_jsonl(values):
    return json.dumps(values, default=lambda moment: moment.isoformat().replace("+00:00", "Z")) + "\n"


def as_csv(values):
    cells = {**values, "date_processed": values["date"]}
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(
        cell.strftime("%Y-%m-%d %H:%M:%S.%f")
        if isinstance(cell, datetime)
        else str(cell)[0].lower()
        if isinstance(cell, bool)
        else cell
        for cell in (cells.get(name) for name in CSV_COLUMNS)
    )
    return text.getvalue()


def write_rows(path, rows, form, slice_size):
    """Writes the file; where in it each slice ends."""
    chance = random.Random(7)
    ends = []
    with path.open("wb") as file:
        if form == "csv":
            file.write((",".join(CSV_COLUMNS) + "\n").encode())
        for number in range(1, rows + 1):
            values = row(number, chance)
            file.write((as_csv(values) if form == "csv" else as_jsonl(values)).encode())
            if number % slice_size == 0 or number == rows:
                ends.append((number, file.tell()))
    return ends


def manage(*arguments):
    return [sys.executable, str(ROOT / "manage.py"), *arguments]


def ended(process):
    """Peak memory in MB of a process that is about to end."""
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"exit status {process.returncode}")
    return usage.ru_maxrss / 1024


def cpu_seconds(pid):
    """What a process has used of the processor so far; the database's backends count when they have ended, too."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has ended since
        if int(stat.parent.name) == pid or int(fields[1]) == pid:
            ticks += int(fields[11]) + int(fields[12]) + (int(fields[13]) + int(fields[14])) * (fields[1] != str(pid))
    return ticks / os.sysconf("SC_CLK_TCK")


def postmaster(url):
    """The process id of the throw-away server, or None where there is none."""
    host = unquote(urlsplit(url).netloc.partition("@")[2])
    return int((Path(host) / "data" / "postmaster.pid").read_text().split()[0]) if host else None


def run_import(path, ends, environment, institutions):
    command = manage("import_workitems", "-", "--institution-map", str(institutions))
    server = postmaster(environment["DATABASE_URL"])
    begun = last = time.perf_counter()
    before, used = 0, (0.0, 0.0)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)
    used_before = cpu_seconds(server) if server else 0.0
    with path.open("rb") as file, process.stdin as pipe:
        for number, end in ends:
            while (left := end - file.tell()) > 0:
                pipe.write(file.read(min(left, 65_536)))
            now = time.perf_counter()
            cpu = cpu_seconds(process.pid), (cpu_seconds(server) - used_before if server else 0.0)
            print(
                f"  {before:>9,} to {number:>9,}: {(number - before) / (now - last):>8,.0f} rows/s; processor: "
                f"import {cpu[0] - used[0]:.1f} s, server {cpu[1] - used[1]:.1f} s",
                flush=True,
            )
            before, last, used = number, now, cpu
    peak = ended(process)
    took = time.perf_counter() - begun
    print(f"  import, all: {before / took:,.0f} rows/s, {took:.1f} s, peak memory {peak:.0f} MB", flush=True)


def run_export(path, rows, environment):
    begun = time.perf_counter()
    peak = ended(subprocess.Popen(manage("export_workitems", str(path)), env=environment))
    took = time.perf_counter() - begun
    size = path.stat().st_size / 1e6
    print(f"  export: {rows / took:,.0f} items/s, {took:.1f} s, {size:,.0f} MB, peak memory {peak:.0f} MB", flush=True)


@contextmanager
def database(vendor, folder):
    if vendor == "sqlite":
        yield f"sqlite:///{folder / 'bench.sqlite3'}"
    else:
        with cluster() as url:
            yield url


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--slice", type=int, default=100_000)
    parser.add_argument("--format", choices=["jsonl", "csv"], default="jsonl")
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--export", action="store_true", help="export everything afterwards")
    parser.add_argument("--again", action="store_true", help="import the same rows once more")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, database(asked.database, Path(temporary)) as url:
        folder = Path(temporary)
        environment = {
            **os.environ,
            "DATABASE_URL": url,
            "SECRET_KEY": "x" * 50,
            "ALLOWED_HOSTS": "localhost",
            "DEBUG": "false",
        }
        subprocess.run(manage("migrate", "-v0"), env=environment, check=True)
        path, institutions = folder / f"rows.{asked.format}", folder / "institutions.csv"
        ends = write_rows(path, asked.rows, asked.format, asked.slice)
        institutions.write_text("id,name,identifier\n" + "".join(f"{n},{d},{d}\n" for n, d in enumerate(DOMAINS, 1)))
        print(f"{asked.rows:,} rows, {asked.format}, {path.stat().st_size / 1e6:,.0f} MB, {asked.database}", flush=True)
        for _round in range(1 + asked.again):
            run_import(path, ends, environment, institutions)
        if asked.export:
            run_export(folder / "everything.jsonl", asked.rows, environment)


if __name__ == "__main__":
    main()
