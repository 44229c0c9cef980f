"""Stress test: 16 workers save through the production server while an admin cancels items and server processes are killed.

`manage.py simulate --api` runs the workers in a separate process. In this process, an admin cancels open items at random
through the same API. From time to time a server process is killed, so that responses are lost and clients repeat their saves.
Afterwards, every history is checked against the lifecycle's tables, and every save that a client saw accepted must be in one.
For comparison, the floor makes the same changes with one writer and without HTTP.
"""

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
from itertools import pairwise
from pathlib import Path
from random import Random

from tests.serving import server
from workitems import transitions

from .dataset import ADMIN, WORKER, create_api_key, create_dataset

ROOT = Path(__file__).resolve().parent.parent
KILL_EVERY = 10  # seconds, on average
CANCEL_EVERY = 0.1
NOTE = "Cancelled by the admin of a benchmark, cancel {}."
NOWHERE = "sqlite:////nowhere/there-is-no-database-here.sqlite3"


class Canceller:
    """An admin who cancels open items at random, even while workers process them."""

    def __init__(self, connection, clock, rng, *, pause=0.2):
        self.connection, self.clock, self.rng, self.pause = connection, clock, rng, pause
        self.saves = []
        self.outcomes = Counter()

    def work(self, most=None):
        """Cancels items until the run is over or `most` items were cancelled."""
        try:
            while not self.clock.is_over and (most is None or self.outcomes["cancelled"] < most):
                self.cancel_one()
                self.clock.sleep(self.rng.uniform(0, self.pause))
        finally:
            self.connection.close()

    def cancel_one(self):
        """Reads a list, picks a random item, and sends its complete record back as cancelled."""
        from workitems.simulation.decisions import Save
        from workitems.simulation.record import complete_record

        status = self.rng.choice(["Started", "Started", "Pending", "Failed"])
        rows = self.connection.get("/api/v2/items/", status=status, retry="true", per_page=50, sort="date")["results"]
        if not rows:
            self.outcomes["list was empty"] += 1
            return
        row = self.rng.choice(rows)
        note = NOTE.format(len(self.saves) + 1)
        sent = complete_record({**row, "status": "Cancelled", "note": note, "retry": False})
        reply = self.connection.call("PUT", f"/api/v2/items/{row['id']}/", sent)
        if reply.is_refusal:
            self.outcomes["refused"] += 1
        else:
            self.outcomes["cancelled"] += 1
            self.saves.append(Save(sent, reply.data))


def kill_at_random(master, clock, rng, pause):
    """Keeps killing random worker processes of the server, which replaces them. Returns how many were killed."""
    killed = 0
    while True:
        clock.sleep(rng.uniform(0.5, 1.5) * pause)
        if clock.is_over:
            return killed
        if children := Path(f"/proc/{master}/task/{master}/children").read_text().split():
            os.kill(int(rng.choice(children)), signal.SIGKILL)
            killed += 1


def run_simulate(url, key, workers, seconds, journal):
    """Runs `simulate --api` with no database of its own. Returns the last line it prints."""
    command = [sys.executable, str(ROOT / "manage.py"), "simulate", "--api", url, "--every", "0", "--seed", "7"]
    command += ["--workers", str(workers), "--seconds", str(seconds), "--journal", str(journal)]
    environment = {**os.environ, "PHAROS_API_KEY": key, "DATABASE_URL": NOWHERE}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"simulate failed with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr}")
    return done.stdout.splitlines()[-1]


def floor(count=400):
    """Changes per second that call the transition directly: one writer, no HTTP."""
    from pharos.accounts.models import Institution, User

    by = User.objects.get(email=WORKER)
    institution = Institution.objects.exclude(pk=by.institution_id).first()
    item = transitions.create(by=by, institution=institution, action="Ingest", name="floor.tar")
    began = time.perf_counter()
    for number in range(count):
        transitions.progress(item, by=by, via="api", stage="Fetch", note=f"Note {number}.", node="floor", pid=1)
    return count / (time.perf_counter() - began)


def check_histories(saves, began):
    """Checks the database after the run. Returns counts, and `faults`: a sentence for each violated rule and each lost save."""
    from pharos.accounts.models import User
    from tests.lifecycle.history_checks import all_faults, entry_key, save_key, unrecorded
    from workitems.models import HistoryEntry, WorkItem

    entries = [*HistoryEntry.objects.filter(at__gte=began).order_by("item_id", "number")]
    touched = WorkItem.objects.filter(updated_at__gte=began)  # items from before the run were bulk loaded
    wrong = all_faults(dict(User.objects.values_list("email", "role")), touched)
    lost = unrecorded(saves, entries)
    sent, made = Counter(map(save_key, saves)), Counter(map(entry_key, entries))
    moves = Counter((entry.who.partition("@")[0], entry.move) for entry in entries)
    return {
        "touched": touched.count(),
        "entries": len(entries),
        "moves": {f"{who} {move}": count for (who, move), count in sorted(moves.items())},
        "saves": len(saves),
        "saves_without_entry": (sent - made).total(),
        "unacknowledged": (made - sent).total(),
        "clock_went_back": sum(one.item_id == two.item_id and one.at > two.at for one, two in pairwise(entries)),
        "faults": [str(fault) for fault in [*wrong, *lost]],
    }


def run_workers_and_admin(running, keys, workers, seconds, journal):
    """Runs the workers, the admin, and the killing of processes at once. Returns the simulation's last line and the admin."""
    from workitems.simulation import Address
    from workitems.simulation.connection import Clock, Connection

    clock = Clock()
    connection = Connection(Address.parse(running.url), ADMIN, keys[ADMIN], clock)
    admin = Canceller(connection, clock, Random(11), pause=2 * CANCEL_EVERY)
    with ThreadPoolExecutor(2) as pool:
        cancelling = pool.submit(admin.work)
        killing = pool.submit(kill_at_random, running.process.pid, clock, Random(5), KILL_EVERY)
        try:
            summary = run_simulate(running.url, keys[WORKER], workers, seconds, journal)
        finally:
            clock.stop()
        cancelling.result()
    admin.outcomes["server processes killed"] = killing.result()
    return summary, admin


def measure(items, workers, seconds, say):
    """Fills the empty configured database, whose newest items are mostly open, runs the stress test, and checks the result."""
    from django.utils import timezone

    from workitems.simulation.decisions import Save

    create_dataset(items, 1, say)
    keys = {email: create_api_key(email) for email in (WORKER, ADMIN)}
    say(f"{workers} workers for {seconds:.0f} s")
    with tempfile.TemporaryDirectory() as folder:
        journal, began = Path(folder) / "journal.jsonl", timezone.now()
        with server(os.environ["DATABASE_URL"], workers=3, threads=4) as running:
            summary, admin = run_workers_and_admin(running, keys, workers, seconds, journal)
        saves = [Save(**json.loads(line)) for line in journal.read_text().splitlines()] + admin.saves
    say(summary)
    taken, took = (float(re.search(pattern, summary)[1]) for pattern in (r"(\d+) saves taken", r"in ([\d.]+) s"))
    checked = check_histories(saves, began)
    for fault in checked["faults"][:20]:
        say(fault)
    return {
        **checked,
        "faults": len(checked["faults"]),
        "workers": workers,
        "seconds": took,
        "saves_per_second": round(taken / took),
        "floor_per_second": round(floor()),
        "admin": dict(admin.outcomes),
    }
