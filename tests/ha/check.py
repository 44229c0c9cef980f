"""`make test-ha`: what people and workers notice of a failover, with Patroni, etcd, HAProxy, and two PostgreSQL servers.

While 16 workers save, the primary's machine is killed, switched over, and cut off, three times each, with and without
synchronous replication, and by both ways to find the primary: HAProxy, and several hosts in DATABASE_URL.
`WAY=haproxy|hosts`, `MODE=sync|async`, and `TIMES=1` run a part. A full run takes half an hour.
"""

import contextlib
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from tests.separate_server import create_test_data  # noqa: E402
from tests.serving import Server, server  # noqa: E402
from tests.throwaway_postgres import wait_until  # noqa: E402

from .load import Load, Probe, load, probe  # noqa: E402
from .stack import Stack, missing, stack  # noqa: E402

CALM = 5.0  # seconds without a bad answer after which a failure counts as over
PATIENCE = 180.0  # seconds until all is well again
LONGEST = 60.0  # seconds after which what failed is repaired in any case
MOST_DELAY = 3.0  # seconds from a primary to the first save
MOST_STRAY = 30.0  # seconds from a primary until no process of the product fails any more
ACCESS_LOG = {"GUNICORN_CMD_ARGS": "--access-logfile - --access-logformat 'access %(t)s %(p)s %(s)s'"}
_ANSWERED = re.compile(r"access \[(.+?)\] <(\d+)> (\d+)")
COLUMNS = (
    "way",
    "mode",
    "failure",
    "primary after s",
    "first save + s",
    "all good + s",
    "slowest process + s",
    "good",
    "503",
    "500",
    "other 5xx",
    "cut",
    "no Retry-After",
    "slowest answer s",
    "acknowledged",
    "lost",
)


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


class Outcome(NamedTuple):
    """What was noticed of one failure. Times are in seconds; `first_save` and later ones count from the new primary."""

    primary: float
    first_save: float
    all_good: float
    slowest_process: float
    statuses: Counter[str]
    without_header: int
    slowest_answer: float
    acknowledged: int
    lost: int

    def cells(self) -> list[str]:
        times = (self.primary, self.first_save, self.all_good, self.slowest_process)
        counts = (self.statuses[name] for name in ("good", "503", "500", "other", "cut"))
        rest = (self.without_header, f"{self.slowest_answer:.1f}", self.acknowledged, self.lost)
        return [*(f"{one:.1f}" for one in times), *map(str, counts), *map(str, rest)]

    def faults(self, *, synchronous: bool, quick: bool) -> list[str]:
        """What is not as docs/high-availability.md promises. `quick`: whether it promises how long that takes."""
        wrong = {
            f"the first save came {self.first_save:.1f} s after the primary": quick and self.first_save > MOST_DELAY,
            f"a process failed for {self.slowest_process:.0f} s": quick and self.slowest_process > MOST_STRAY,
            f"{self.statuses['500']} × 500": self.statuses["500"] > 0,
            f"{self.without_header} × 503 without Retry-After": self.without_header > 0,
            f"{self.lost} acknowledged saves lost": synchronous and self.lost > 0,
        }
        return [sentence for sentence, is_so in wrong.items() if is_so]


def _kind(status: int) -> str:
    if status == 0:
        return "cut"
    if status < 400:
        return "good"
    return str(status) if status in (500, 503) else "other" if status > 500 else f"{status}"


def _slowest_process(running: Server, available: float) -> float:
    """How long after this time the last process of the product still failed, as its log says to the second."""
    started = time.time() - time.monotonic() + available
    failed = [
        datetime.strptime(at, "%d/%b/%Y:%H:%M:%S %z").timestamp() - started
        for at, _process, status in _ANSWERED.findall(running.log())
        if int(status) >= 500
    ]
    return max([0.0, *failed])


def measure(it: Stack, at_work: Load, seen: Probe, failure: Callable[[], None], repair: Callable[[], None]) -> Outcome:
    """Lets a failure happen, waits until it is over, repairs what failed, and waits until all is well again."""
    at_work.lost(seen.url)
    began = time.monotonic()
    failure()
    with contextlib.suppress(AssertionError):  # it is not over: the table will say how long that took
        wait_until(lambda: _is_over(at_work, seen, began), LONGEST)
    repair()
    wait_until(lambda: it.is_well() and _is_over(at_work, seen, began), PATIENCE)
    available = seen.available_since(began) or began
    answers = at_work.since(began)
    bad = [one.ended for one in answers if not one.is_good]
    saves = [one.ended for one in answers if one.is_good and one.kind == "save" and one.ended >= available]
    return Outcome(
        available - began,
        min(saves) - available,
        max([0.0, *(ended - available for ended in bad)]),
        _slowest_process(at_work.running, available),
        Counter(_kind(one.status) for one in answers),
        sum(one.status == 503 and not one.retry_after for one in answers),
        max(one.ended - one.began for one in answers),
        *at_work.lost(seen.url),
    )


def _is_over(at_work: Load, seen: Probe, began: float) -> bool:
    """Whether a primary is there, and every answer of the last seconds was good."""
    now = time.monotonic()
    recent = at_work.since(now - CALM)
    is_calm = now - began > CALM and len(recent) > 20 and all(one.is_good for one in recent)
    available = seen.available_since(began)
    return is_calm and available is not None and now - available > CALM


def failures(it: Stack) -> dict[str, tuple[Callable[[], None], Callable[[], None]]]:
    """The failures, each with its repair, for the primary of the moment."""
    primary = it.leader()
    assert primary
    return {
        "killed": (primary.kill, primary.start),
        "switched over": (it.switch_over, lambda: None),
        "cut off": (primary.freeze, primary.thaw),
    }


def run(way: str, mode: str, times: int) -> list[str]:
    """Prints the rows of the table, and returns what was not as promised."""
    faults = []
    with stack(synchronous=mode == "sync") as it:
        people = create_test_data(it.through_haproxy)
        url = it.through_haproxy if way == "haproxy" else it.several_hosts
        with (
            server(url, workers=3, threads=4, expected=200, **ACCESS_LOG) as running,
            load(running, people) as at_work,
            probe(url) as seen,
        ):
            wait_until(lambda: _is_over(at_work, seen, time.monotonic() - 2 * CALM))
            for name in [name for name in failures(it) for _time in range(times)]:
                outcome = measure(it, at_work, seen, *failures(it)[name])
                # The driver waits for a server that is frozen; HAProxy doesn't.
                quick = (way, name) != ("hosts", "cut off")
                wrong = outcome.faults(synchronous=mode == "sync", quick=quick)
                faults += [f"{way}, {mode}, {name}: {one}" for one in wrong]
                say(f"| {' | '.join([way, mode, name, *outcome.cells()])} |")
    return faults


def main() -> int:
    if packages := missing():
        say(f"Programs are missing; install them without starting their services: apt-get install {' '.join(packages)}")
        return 1
    ways = [os.environ.get("WAY")] if os.environ.get("WAY") else ["haproxy", "hosts"]
    modes = [os.environ.get("MODE")] if os.environ.get("MODE") else ["sync", "async"]
    say(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    faults = []
    for way in ways:
        for mode in modes:
            faults += run(str(way), str(mode), int(os.environ.get("TIMES") or 3))
    say("\n".join(faults) or "All is as docs/high-availability.md promises.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
