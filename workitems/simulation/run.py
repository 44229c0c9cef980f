"""Runs many workers at once against one server: threads, each with its own connection, name, and random numbers."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from random import Random
from urllib.parse import urlsplit

from .connection import Address, Calls, Clock, Connection, UnexpectedReply
from .decisions import Event
from .worker import Tally, Worker

INSTITUTIONS = "/api/v2/institutions/"


@dataclass
class RunResult:
    """The results of a run."""

    seconds: float
    tally: Tally = field(default_factory=Tally)
    calls: Calls = field(default_factory=Calls)

    def __str__(self) -> str:
        tally, calls = self.tally, self.calls
        rate = calls.requests / self.seconds if self.seconds else 0.0
        return (
            f"{tally.changes} changes, {tally.refused} refused (409), {tally.lost} lost to others, {tally.created} created; "
            f"{calls.requests} requests in {self.seconds:.1f} s, {rate:.0f} a second; "
            f"{calls.saves} saves taken, {calls.retried} repeated, {calls.waited} asked to wait"
        )


def uploading_domains(connection: Connection, user: str) -> dict[int, str]:
    """Returns {id: domain} of the institutions that upload: all except the service's own, which is the consortium."""
    domains: dict[int, str] = {}
    page = connection.get(INSTITUTIONS, page=1, per_page=100)
    while True:
        domains |= {row["id"]: row["identifier"] for row in page["results"]}
        if page["next"] is None:
            break
        page = connection.get(f"{INSTITUTIONS}?{urlsplit(page['next']).query}")
    uploading = {pk: domain for pk, domain in domains.items() if domain != user.rpartition("@")[2]}
    if not uploading:
        raise UnexpectedReply(f"{connection.address} has no institution that could upload anything. Add one first.")
    return uploading


def run_workers(
    address: Address,
    user: str,
    key: str,
    report: Callable[[Event], object],
    *,
    workers: int = 1,
    steps: int | None = None,
    seconds: float | None = None,
    every: float = 1.0,
    seed: int | None = None,
) -> RunResult:
    """Runs workers until `seconds` are over, each has made its `steps`, or Ctrl-C. Raises the first worker's error.

    `report` is called in the caller's thread, once per event.
    """
    clock = Clock(seconds)
    # A first call reports errors such as a wrong key immediately, and only once.
    first = Connection(address, user, key, clock, max_retries=0)
    try:
        domains = uploading_domains(first, user)
    finally:
        first.close()
    events: SimpleQueue[Event | None] = SimpleQueue()
    players = [
        Worker(
            f"worker-{number}",
            Connection(address, user, key, clock),
            domains,
            _random_for(seed, number),
            clock,
            events.put,
            feeds=number == 1,  # only one queue feeder, because several would mark the same items
        )
        for number in range(1, workers + 1)
    ]
    with ThreadPoolExecutor(workers) as pool:
        runs = [pool.submit(_run_worker, player, steps, every, events) for player in players]
        _report_events(events, len(runs), report, clock)
    played = RunResult(clock.elapsed)
    for player in players:
        played.tally.add(player.tally)
        played.calls.add(player.connection.calls)
    played.calls.add(first.calls)
    _raise_first(runs)
    return played


def _random_for(seed: int | None, number: int) -> Random:
    return Random(None if seed is None else f"{seed} {number}")  # noqa: S311  not a secret


def _run_worker(player: Worker, steps: int | None, every: float, events: "SimpleQueue[Event | None]") -> None:
    try:
        player.work(steps, every)
    except BaseException:
        player.clock.stop()  # stops the other workers
        raise
    finally:
        events.put(None)


def _report_events(
    events: "SimpleQueue[Event | None]", count: int, report: Callable[[Event], object], clock: Clock
) -> None:
    """Reports events until every worker has finished. Ctrl-C asks the workers to stop; a second one stops at once."""
    while count:
        try:
            event = events.get()
            if event is None:
                count -= 1
            else:
                report(event)
        except KeyboardInterrupt:
            if clock.stopped:
                raise
            clock.stop()
        except BaseException:
            clock.stop()  # `report` has failed, for example because of a closed pipe
            raise


def _raise_first(runs: "list[Future[None]]") -> None:
    for run in runs:
        run.result()
