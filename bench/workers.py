"""Sixteen workers at once against the production server while an admin cancels: what it carries, and whether all of it is right.

    python bench/workers.py [--database postgresql|sqlite] [--workers 16] [--seconds 60] [--items 3000]

`manage.py simulate --api` plays the workers, in a process of its own and as its own client; the admin sits here, and cancels
open items at random moments through the same API; now and then a process of the server is killed in the middle of what it
does, so that answers are lost and saves are sent again. Afterwards every history is replayed against the lifecycle's tables, and
every save that a client was told had been taken must be in one. Beside the rate stands the floor: the same changes made by
the verb in this process, one after the other, with no HTTP between.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from random import Random

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from bench.list_page import fill  # noqa: E402
from tests.serving import server  # noqa: E402
from tests.throwaway_postgres import cluster  # noqa: E402

WORKER, ADMIN = "system@aptrust.org", "admin@aptrust.org"
NOTE = "Cancelled by the admin of a benchmark, cancel {}."
NOWHERE = "sqlite:////nowhere/there-is-no-database-here.sqlite3"


class Canceller:
    """An admin who cancels open items at random moments, whoever is at work on them."""

    def __init__(self, connection, clock, rng, *, pause=0.2):
        self.connection, self.clock, self.rng, self.pause = connection, clock, rng, pause
        self.saves = []
        self.told = Counter()

    def work(self, most=None):
        """Until the run is over, or so many were cancelled."""
        try:
            while not self.clock.is_over and (most is None or self.told["cancelled"] < most):
                self.one()
                self.clock.sleep(self.rng.uniform(0, self.pause))
        finally:
            self.connection.close()

    def one(self):
        """Reads a list, takes any of its items, and sends the whole record back as cancelled."""
        from workitems.simulating import Save
        from workitems.simulating.record import whole

        status = self.rng.choice(["Started", "Started", "Pending", "Failed"])
        rows = self.connection.get("/api/v2/items/", status=status, retry="true", per_page=50, sort="date")["results"]
        if not rows:
            self.told["found nothing"] += 1
            return
        row = self.rng.choice(rows)
        note = NOTE.format(len(self.saves) + 1)
        sent = whole({**row, "status": "Cancelled", "note": note, "retry": False})
        reply = self.connection.call("PUT", f"/api/v2/items/{row['id']}/", sent)
        if reply.is_refusal:
            self.told["came too late"] += 1
        else:
            self.told["cancelled"] += 1
            self.saves.append(Save(sent, reply.data))


def kill_at_random(master, clock, rng, pause):
    """Ends one of the server's processes without warning, again and again; how often. The server starts another."""
    killed = 0
    while True:
        clock.sleep(rng.uniform(0.5, 1.5) * pause)
        if clock.is_over:
            return killed
        if children := Path(f"/proc/{master}/task/{master}/children").read_text().split():
            os.kill(int(rng.choice(children)), signal.SIGKILL)
            killed += 1


def people():
    """A service account and an admin, and a key for each."""
    from django.utils import timezone

    from pharos.accounts import keys
    from pharos.accounts.models import User
    from workitems.demo.cast import make_service

    make_service()
    User.objects.create_superuser(ADMIN)
    return {email: keys.make(User.objects.get(email=email), now=timezone.now())[1] for email in (WORKER, ADMIN)}


def run_simulate(url, key, asked, journal):
    """Plays the workers as anybody would, without a database; gives back the last line that it says."""
    command = [sys.executable, str(ROOT / "manage.py"), "simulate", "--api", url, "--every", "0", "--seed", "7"]
    command += ["--workers", str(asked.workers), "--seconds", str(asked.seconds), "--journal", str(journal)]
    environment = {**os.environ, "PHAROS_API_KEY": key, "DATABASE_URL": NOWHERE}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"simulate failed with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr}")
    return done.stdout.splitlines()[-1]


def floor(count=400):
    """Changes a second by the verb alone: one writer, no HTTP."""
    from pharos.accounts.models import Institution, User
    from workitems.models import WorkItem

    by = User.objects.get(email=WORKER)
    institution = Institution.objects.exclude(pk=by.institution_id).first()
    item = WorkItem.objects.create_item(by=by, institution=institution, action="Ingest", name="floor.tar")
    began = time.perf_counter()
    for number in range(count):
        item.progress(by=by, via="api", stage="Fetch", note=f"Note {number}.", node="floor", pid=1)
    return count / (time.perf_counter() - began)


def judge(saves, began):
    """What the database says now; how many faults there are."""
    from pharos.accounts.models import User
    from tests.legal import all_faults, asked_by, made_by, unrecorded
    from workitems.models import HistoryEntry, WorkItem

    entries = [*HistoryEntry.objects.filter(at__gte=began).order_by("item_id", "number")]
    touched = WorkItem.objects.filter(updated_at__gte=began)  # what was there before has no history of its own
    wrong = all_faults(dict(User.objects.values_list("email", "role")), touched)
    lost = unrecorded(saves, entries)
    sent, made = Counter(map(asked_by, saves)), Counter(map(made_by, entries))
    moves = Counter((entry.who.partition("@")[0], entry.move) for entry in entries)
    backwards = sum(one.item_id == two.item_id and one.at > two.at for one, two in pairwise(entries))
    print(
        f"  histories: {touched.count():,} items of {WorkItem.objects.count():,}, {len(entries):,} entries of this run"
    )
    print("  moves: " + ", ".join(f"{who} {move} {count:,}" for (who, move), count in sorted(moves.items())))
    print(f"  saves that clients were told were taken: {len(saves):,}; not in a history: {len(lost)}")
    print(
        f"  of these it was so already: {(sent - made).total():,}; entries that no client was told of: {(made - sent).total():,}"
    )
    print(f"  entries with a time before the former one's: {backwards:,}")
    print(f"  faults, a cancelled item that was revived among them: {len(wrong)}")
    for fault in [*wrong[:20], *lost[:5]]:
        print(f"    {fault}")
    return len(wrong) + len(lost)


@contextmanager
def database(vendor):
    if vendor == "postgresql":
        with cluster() as url:
            yield url
    else:
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/bench.sqlite3"


def prepare(url, items):
    """Sets Django up on the database, and fills it."""
    os.environ |= {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "bench.settings", "DEBUG": "false"}
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    fill(items)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return people()


def play(running, keys, asked, journal):
    """The workers and the admin at once; the simulation's last line, and the admin."""
    from workitems.simulating.connection import Address, Clock, Connection

    clock = Clock()
    connection = Connection(Address.of(running.url), ADMIN, keys[ADMIN], clock)
    admin = Canceller(connection, clock, Random(11), pause=2 * asked.cancel_every)
    with ThreadPoolExecutor(2) as pool:
        cancelling = pool.submit(admin.work)
        killing = pool.submit(kill_at_random, running.process.pid, clock, Random(5), asked.kill_every)
        try:
            said = run_simulate(running.url, keys[WORKER], asked, journal)
        finally:
            clock.stop()
        cancelling.result()
    admin.told["processes of the server killed"] = killing.result()
    return said, admin


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", choices=["postgresql", "sqlite"], default="postgresql")
    parser.add_argument("--workers", type=int, help="default 16, on SQLite 4")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--items", type=int, default=3000, help="there before; the last 300 are mostly open")
    parser.add_argument("--cancel-every", type=float, default=0.1, metavar="SECONDS", help="on average")
    parser.add_argument("--kill-every", type=float, default=10, metavar="SECONDS", help="on average")
    asked = parser.parse_args()
    asked.workers = asked.workers or (16 if asked.database == "postgresql" else 4)
    with tempfile.TemporaryDirectory() as folder, database(asked.database) as url:
        keys = prepare(url, asked.items)
        from django.db import connections
        from django.utils import timezone

        from workitems.simulating import Save

        print(
            f"{asked.database}, {asked.workers} workers, {asked.seconds:.0f} s, {asked.items:,} items before",
            flush=True,
        )
        journal, began = Path(folder) / "journal.jsonl", timezone.now()
        with server(url, workers=3, threads=4) as running:
            said, admin = play(running, keys, asked, journal)
        saves = [Save(**json.loads(line)) for line in journal.read_text().splitlines()] + admin.saves
        print(f"  simulate: {said}")
        rate, seconds = (float(re.search(pattern, said)[1]) for pattern in (r"(\d+) saves taken", r"in ([\d.]+) s"))
        print(f"  meanwhile: {', '.join(f'{what} {count:,}' for what, count in sorted(admin.told.items()))}")
        faults = judge(saves, began)
        verbs = floor()
        print(
            f"  saves by PUT and POST: {rate / seconds:.0f} a second; floor, the verb alone by one writer: {verbs:.0f} a second"
        )
        connections.close_all()
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
