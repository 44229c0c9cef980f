"""What the API carries: requests per second for the list of 100 and for PUT, beside a bare Django that answers the same bytes.

    python bench/api.py [--items 100000] [--database postgresql|sqlite] [--seconds 4] [--rounds 3]

Both are the production server (gunicorn, two processes of four threads) on the same database, asked in turns by the same four
clients, which keep their connections. Medians over the rounds; what counts are the ratios within one run.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.serving import server  # noqa: E402
from tests.throwaway_postgres import cluster  # noqa: E402

CLIENTS = 4
WORKER = "system@aptrust.org"


def prepare(number):
    """Fills the database; prints a key, and the open items that the clients will save."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.utils import timezone

    from bench.list_page import fill
    from pharos.accounts import keys
    from workitems.demo.cast import make_service
    from workitems.models import WorkItem

    call_command("migrate", verbosity=0)
    fill(number)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    key = keys.make(make_service(), now=timezone.now())[1]
    items = WorkItem.objects.open().filter(action="Ingest", stage="Receive")[:CLIENTS].values_list("pk", flat=True)
    print(json.dumps({"key": key, "items": list(items)}))


class Caller:
    """One client with its connection and its item, which it saves again and again, with another note each time."""

    def __init__(self, port, key, pk):
        self.connection = http.client.HTTPConnection("127.0.0.1", port)
        self.headers = {"Content-Type": "application/json", "X-Pharos-API-User": WORKER, "X-Pharos-API-Key": key}
        self.pk, self.saves = pk, 0

    def ask(self, method, path, body=None):
        self.connection.request(method, path, body, self.headers)
        reply = self.connection.getresponse()
        data = reply.read()
        assert reply.status == 200, (reply.status, data[:500])
        return data

    def case(self, name, root):
        if name.startswith("PUT"):
            self.saves += 1
            return self.ask("PUT", f"{root}/items/{self.pk}/", json.dumps(self.record()))
        return self.ask("GET", f"{root}/items/?{CASES[name]}")

    def record(self):
        return {"stage": "Receive", "status": "Started", "note": f"Save {self.saves}", "node": "bench", "pid": 7}


CASES = {
    "list of 100": "per_page=100",
    "list of 100, feeder": "node_empty=true&page=1&per_page=100&queued=false&retry=true&status=Pending",
    "list of 1": "item_action=Ingest&name=nothing-of-this-name.tar&page=1&per_page=1",
    "PUT": "",
}


def rate(callers, name, root, seconds):
    """Answers per second that the callers get together."""

    def work(caller):
        caller.connection.close()  # the server has not kept it while others had their turn
        answers, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            caller.case(name, root)
            answers += 1
        return answers

    with ThreadPoolExecutor(len(callers)) as pool:
        return sum(pool.map(work, callers)) / seconds


def bytes_of(caller, root):
    caller.connection.close()
    return len(caller.case("list of 100", root))


def measure(url, asked, prepared):
    ours, theirs = {"DJANGO_SETTINGS_MODULE": "bench.settings"}, {"DJANGO_SETTINGS_MODULE": "bench.peer_settings"}
    found: dict[tuple[str, str], list[float]] = {}
    with server(url, **ours) as product, server(url, **theirs) as peer:
        where = {"product": (product.port, "/api/v2"), "plain": (peer.port, "/plain"), "floor": (peer.port, "/floor")}
        callers = {
            who: [Caller(port, prepared["key"], pk) for pk in prepared["items"]] for who, (port, _root) in where.items()
        }
        for _round in range(asked.rounds):
            for name in CASES:
                for who, (_port, root) in where.items():
                    if name in ("list of 100, feeder", "list of 1") and who != "product":
                        continue
                    found.setdefault((name, who), []).append(rate(callers[who], name, root, asked.seconds))
        size = [bytes_of(callers[who][0], where[who][1]) for who in ("product", "plain")]
    print(f"\n{asked.items:,} items on {asked.database}; a list of 100 has {size[0]:,} bytes, the peer's {size[1]:,}")
    for name in CASES:
        line = {who: statistics.median(found[name, who]) for who in where if (name, who) in found}
        beside = "".join(
            f"   {who} {value:7.0f}/s (× {value / line['product']:.2f})"
            for who, value in line.items()
            if who != "product"
        )
        print(f"  {name:22}{line['product']:7.0f}/s{beside}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--prepare", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.prepare:
        return prepare(asked.items)
    with tempfile.TemporaryDirectory() as folder:
        if asked.database == "sqlite":
            return run(f"sqlite:///{folder}/bench.sqlite3", asked)
        with cluster() as url:
            return run(url, asked)


def run(url, asked):
    environment = {**os.environ, "DEBUG": "false", "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "bench.settings"}
    command = [sys.executable, __file__, "--prepare", "--items", str(asked.items)]
    output = subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    measure(url, asked, json.loads(output))


if __name__ == "__main__":
    sys.exit(main())
