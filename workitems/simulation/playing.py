"""Many workers at once against one server: threads, each with a connection, a name and a chance of its own."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from random import Random
from urllib.parse import urlsplit

from .connection import Address, Calls, Clock, Connection, Fault
from .deciding import Done
from .worker import Tally, Worker

INSTITUTIONS = "/api/v2/institutions/"


@dataclass
class Played:
    """What came of a run."""

    seconds: float
    tally: Tally = field(default_factory=Tally)
    calls: Calls = field(default_factory=Calls)

    def __str__(self) -> str:
        tally, calls = self.tally, self.calls
        rate = calls.requests / self.seconds if self.seconds else 0.0
        return (
            f"{tally.changes} changes, {tally.refused} refused (409), {tally.lost} lost to others, {tally.created} created; "
            f"{calls.requests} requests in {self.seconds:.1f} s, {rate:.0f} a second; "
            f"{calls.saves} saves taken, {calls.repeated} repeated, {calls.waited} asked to wait"
        )


def members(connection: Connection, user: str) -> dict[int, str]:
    """The domains of the institutions that upload, by id: all but the service's own, which is the consortium."""
    domains: dict[int, str] = {}
    page = connection.get(INSTITUTIONS, page=1, per_page=100)
    while True:
        domains |= {row["id"]: row["identifier"] for row in page["results"]}
        if page["next"] is None:
            break
        page = connection.get(f"{INSTITUTIONS}?{urlsplit(page['next']).query}")
    uploading = {pk: domain for pk, domain in domains.items() if domain != user.rpartition("@")[2]}
    if not uploading:
        raise Fault(f"{connection.address} has no institution that could upload anything. Add one first.")
    return uploading


def play(
    address: Address,
    user: str,
    key: str,
    tell: Callable[[Done], object],
    *,
    workers: int = 1,
    steps: int | None = None,
    seconds: float | None = None,
    every: float = 1.0,
    seed: int | None = None,
) -> Played:
    """Runs them until `seconds` are over, or each has made its `steps`, or Ctrl-C. Raises what the first that failed raised.

    `tell` is called in this thread, for one event after the other.
    """
    clock = Clock(seconds)
    # What is wrong from the beginning is said at once, and only once.
    first = Connection(address, user, key, clock, repeats=0)
    try:
        domains = members(first, user)
    finally:
        first.close()
    events: SimpleQueue[Done | None] = SimpleQueue()
    players = [
        Worker(
            f"worker-{number}",
            Connection(address, user, key, clock),
            domains,
            _chance(seed, number),
            clock,
            events.put,
            feeds=number == 1,  # an installation has one feeder; each of many would mark all that wait
        )
        for number in range(1, workers + 1)
    ]
    with ThreadPoolExecutor(workers) as pool:
        runs = [pool.submit(_work, player, steps, every, events) for player in players]
        _listen(events, len(runs), tell, clock)
    played = Played(clock.elapsed)
    for player in players:
        played.tally.add(player.tally)
        played.calls.add(player.connection.calls)
    played.calls.add(first.calls)
    _raise_first(runs)
    return played


def _chance(seed: int | None, number: int) -> Random:
    return Random(None if seed is None else f"{seed} {number}")  # noqa: S311  a game, not a secret


def _work(player: Worker, steps: int | None, every: float, events: "SimpleQueue[Done | None]") -> None:
    try:
        player.work(steps, every)
    except BaseException:
        player.clock.stop()  # the others need not go on
        raise
    finally:
        events.put(None)


def _listen(events: "SimpleQueue[Done | None]", count: int, tell: Callable[[Done], object], clock: Clock) -> None:
    """Until each of the workers has said its last. Ctrl-C asks them to come to an end; they are listened to until they have."""
    while count:
        try:
            event = events.get()
            if event is None:
                count -= 1
            else:
                tell(event)
        except KeyboardInterrupt:
            if clock.stopped:
                raise
            clock.stop()
        except BaseException:
            clock.stop()  # whoever listened cannot any more, a closed pipe say
            raise


def _raise_first(runs: "list[Future[None]]") -> None:
    for run in runs:
        run.result()
