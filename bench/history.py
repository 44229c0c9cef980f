"""What the item's page costs as history grows, and what moving it out costs those who write meanwhile.

    python bench/history.py [--entries 10000 100000 1000000 10000000] [--database postgresql|sqlite]

The page runs in process, through the whole of Django; medians within one run, beside the glossary, which reads no history.
Then `archive_history` moves everything out, in a process of its own, while one writer saves without a pause.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.throwaway_postgres import cluster  # noqa: E402

ACT = UUID(int=7)
CALLS = 60


def median_ms(act, calls=CALLS):
    act()
    took = []
    for _ in range(calls):
        begun = time.perf_counter()
        act()
        took.append((time.perf_counter() - begun) * 1000)
    return statistics.median(took)


def page(client, path):
    reply = client.get(path, secure=True)
    assert reply.status_code == 200, reply.status_code
    return reply


def pages(client, number):
    item = median_ms(lambda: page(client, f"/items/{number}"))
    floor = median_ms(lambda: page(client, "/words"))
    return f"item's page {item:.2f} ms, {item / floor:.2f} × the glossary"


class Writer(threading.Thread):
    """Saves an open item again and again; `took` holds the milliseconds of each save."""

    def __init__(self, item, user):
        super().__init__()
        self.item, self.user, self.took, self.is_over = item, user, [], threading.Event()

    def run(self):
        from django.db import connection

        while not self.is_over.is_set():
            begun = time.perf_counter()
            self.item.progress(by=self.user, note=f"Save {len(self.took)}.")
            self.took.append((time.perf_counter() - begun) * 1000)
        connection.close()

    @contextmanager
    def at_work(self):
        self.start()
        yield
        self.is_over.set()
        self.join()


def told(took):
    return f"{len(took):>7,} saves, median {statistics.median(took):.2f} ms, 95 % within {statistics.quantiles(took, n=20)[-1]:.2f} ms, longest {max(took):.0f} ms"


def grow(sizes):
    """The page at each size; prints a line for each."""
    from django.test import Client

    from pharos.accounts.models import Institution, User
    from pharos.accounts.roles import Role
    from tests.histories import PER_ITEM, fill_histories

    institution = Institution.objects.create(identifier="virginia.edu", name="Virginia")
    reader = User.objects.create(email="staff@virginia.edu", role=Role.STAFF, institution=institution)
    client = Client()
    client.force_login(reader)
    filled = 1
    for entries in sizes:
        fill_histories(filled, entries // PER_ITEM, institution, act=ACT)
        filled = entries // PER_ITEM
        print(f"  {entries:>11,} entries: {pages(client, filled // 2)}", flush=True)
    return client, institution


def move_out(client, institution, entries):
    from django.db import connection

    from tests.histories import PER_ITEM
    from workitems.demo.cast import make_service
    from workitems.models import WorkItem

    worker = make_service()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT setval(pg_get_serial_sequence('workitems_workitem', 'id'), 1000000000)")
            cursor.execute("SELECT setval(pg_get_serial_sequence('workitems_historyentry', 'id'), 10000000000)")
    fields = {"institution": institution, "action": "Ingest", "name": "open.tar"}
    alone, beside = (Writer(WorkItem.objects.create_item(by=worker, **fields), worker) for _ in range(2))
    with alone.at_work():
        time.sleep(5)
    print(f"  a writer alone:           {told(alone.took)}", flush=True)
    begun = time.perf_counter()
    with beside.at_work():
        command = [sys.executable, str(ROOT / "manage.py"), "archive_history", "--before", "2021-01-01"]
        subprocess.run(command, check=True)
    took = time.perf_counter() - begun
    print(f"  beside archive_history:   {told(beside.took)}", flush=True)
    print(f"  moved out: {entries / took:,.0f} entries/s, {took:.0f} s", flush=True)
    print(f"  afterwards:  {pages(client, entries // PER_ITEM // 2)}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, nargs="+", default=[10_000, 100_000, 1_000_000, 10_000_000])
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        print(json.dumps({"database": asked.database, "entries": asked.entries}), flush=True)
        move_out(*grow(asked.entries), asked.entries[-1])
        return
    with tempfile.TemporaryDirectory() as folder:
        if asked.database == "sqlite":
            measure(f"sqlite:///{folder}/bench.sqlite3")
        else:
            with cluster() as url:
                measure(url)


def measure(url):
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "bench.settings"}
    environment["PYTHONPATH"] = str(ROOT)
    subprocess.run([sys.executable, __file__, *sys.argv[1:], "--measure"], env=environment, cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
