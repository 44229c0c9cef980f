"""Sixteen workers at once against the production server while an admin cancels: what it carries, and whether all of it is right.

`manage.py simulate --api` plays the workers, in a process of its own and as its own client; the admin sits here, and cancels
open items at random moments through the same API; now and then a process of the server is killed in the middle of what it
does, so that answers are lost and saves are sent again. Afterwards every history is replayed against the lifecycle's tables, and
every save that a client was told had been taken must be in one. Beside the rate stands the floor: the same changes made by
the verb in this process, one after the other, with no HTTP between.
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

from .making import ADMIN, WORKER, key_of, make

ROOT = Path(__file__).resolve().parent.parent
KILL_EVERY = 10  # seconds, on average
CANCEL_EVERY = 0.1
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
        from workitems.simulation.decisions import Save
        from workitems.simulation.record import complete_record

        status = self.rng.choice(["Started", "Started", "Pending", "Failed"])
        rows = self.connection.get("/api/v2/items/", status=status, retry="true", per_page=50, sort="date")["results"]
        if not rows:
            self.told["found nothing"] += 1
            return
        row = self.rng.choice(rows)
        note = NOTE.format(len(self.saves) + 1)
        sent = complete_record({**row, "status": "Cancelled", "note": note, "retry": False})
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


def run_simulate(url, key, workers, seconds, journal):
    """Plays the workers as anybody would, without a database; gives back the last line that it says."""
    command = [sys.executable, str(ROOT / "manage.py"), "simulate", "--api", url, "--every", "0", "--seed", "7"]
    command += ["--workers", str(workers), "--seconds", str(seconds), "--journal", str(journal)]
    environment = {**os.environ, "PHAROS_API_KEY": key, "DATABASE_URL": NOWHERE}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"simulate failed with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr}")
    return done.stdout.splitlines()[-1]


def floor(count=400):
    """Changes a second by the verb alone: one writer, no HTTP."""
    from pharos.accounts.models import Institution, User

    by = User.objects.get(email=WORKER)
    institution = Institution.objects.exclude(pk=by.institution_id).first()
    item = transitions.create(by=by, institution=institution, action="Ingest", name="floor.tar")
    began = time.perf_counter()
    for number in range(count):
        transitions.progress(item, by=by, via="api", stage="Fetch", note=f"Note {number}.", node="floor", pid=1)
    return count / (time.perf_counter() - began)


def judge(saves, began):
    """What the database says now: {"touched", "entries", "saves", "faults"}; `faults` in plain words, what was lost among them."""
    from pharos.accounts.models import User
    from tests.lifecycle.history_checks import all_faults, asked_by, made_by, unrecorded
    from workitems.models import HistoryEntry, WorkItem

    entries = [*HistoryEntry.objects.filter(at__gte=began).order_by("item_id", "number")]
    touched = WorkItem.objects.filter(updated_at__gte=began)  # what was there before has no history of its own
    wrong = all_faults(dict(User.objects.values_list("email", "role")), touched)
    lost = unrecorded(saves, entries)
    sent, made = Counter(map(asked_by, saves)), Counter(map(made_by, entries))
    moves = Counter((entry.who.partition("@")[0], entry.move) for entry in entries)
    return {
        "touched": touched.count(),
        "entries": len(entries),
        "moves": {f"{who} {move}": count for (who, move), count in sorted(moves.items())},
        "saves": len(saves),
        "so_already": (sent - made).total(),
        "nobody_was_told": (made - sent).total(),
        "clock_went_back": sum(one.item_id == two.item_id and one.at > two.at for one, two in pairwise(entries)),
        "faults": [str(fault) for fault in [*wrong, *lost]],
    }


def play(running, keys, workers, seconds, journal):
    """The workers and the admin at once; the simulation's last line, and the admin."""
    from workitems.simulation import Address
    from workitems.simulation.connection import Clock, Connection

    clock = Clock()
    connection = Connection(Address.of(running.url), ADMIN, keys[ADMIN], clock)
    admin = Canceller(connection, clock, Random(11), pause=2 * CANCEL_EVERY)
    with ThreadPoolExecutor(2) as pool:
        cancelling = pool.submit(admin.work)
        killing = pool.submit(kill_at_random, running.process.pid, clock, Random(5), KILL_EVERY)
        try:
            said = run_simulate(running.url, keys[WORKER], workers, seconds, journal)
        finally:
            clock.stop()
        cancelling.result()
    admin.told["processes of the server killed"] = killing.result()
    return said, admin


def measure(items, workers, seconds, say):
    """Fills the empty database that Django is set up for, lets them loose on it, and judges; see `judge`. The last items are mostly open."""
    from django.utils import timezone

    from workitems.simulation.decisions import Save

    make(items, 1, say)
    keys = {email: key_of(email) for email in (WORKER, ADMIN)}
    say(f"{workers} workers for {seconds:.0f} s")
    with tempfile.TemporaryDirectory() as folder:
        journal, began = Path(folder) / "journal.jsonl", timezone.now()
        with server(os.environ["DATABASE_URL"], workers=3, threads=4) as running:
            said, admin = play(running, keys, workers, seconds, journal)
        saves = [Save(**json.loads(line)) for line in journal.read_text().splitlines()] + admin.saves
    say(said)
    taken, took = (float(re.search(pattern, said)[1]) for pattern in (r"(\d+) saves taken", r"in ([\d.]+) s"))
    judged = judge(saves, began)
    for fault in judged["faults"][:20]:
        say(fault)
    return {
        **judged,
        "faults": len(judged["faults"]),
        "workers": workers,
        "seconds": took,
        "saves_per_second": round(taken / took),
        "floor_per_second": round(floor()),
        "meanwhile": dict(admin.told),
    }
