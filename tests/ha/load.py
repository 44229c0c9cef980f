"""Sixteen workers that save through the API, two people who reload a list, and a probe of the database itself."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import psycopg

from tests.http_clients import BODY, GoClient, Reply, whole_record
from tests.separate_server import Person, api_client
from tests.serving import Server
from tests.throwaway_postgres import wait_until

WORKERS = 16
READERS = 2
PAUSE = 0.4  # seconds between two requests of a worker: two cores have to run everything
SAVED = "saved again"


class Answer(NamedTuple):
    """`status`: 0 if the connection ended without an answer. `retry_after`: whether it has the header."""

    kind: str
    began: float
    ended: float
    status: int
    retry_after: bool

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 400


@dataclass
class Load:
    """The answers so far, and what the API has acknowledged: the names of items, with their notes if known."""

    running: Server
    person: Person
    session: str
    answers: list[Answer] = field(default_factory=list)
    acknowledged: dict[str, str | None] = field(default_factory=dict)
    ended: threading.Event = field(default_factory=threading.Event)

    def work(self, number: int) -> None:
        """Creates items and saves each once more. It never repeats a failed save, so each one is either there or not."""
        client, count = api_client(self.running, self.person), 0
        while not self.ended.wait(PAUSE):
            count += 1
            name = f"failover-{number}-{count}-{time.time_ns()}.tar"
            new = {**BODY, "name": name, "etag": name[-32:], "institution_id": self.person.institution}
            made = self._ask(client, "save", "POST", "/api/v2/items/", new)
            if made is None or made.status != 201:
                continue
            self.acknowledged[name] = None
            self.ended.wait(PAUSE)
            record = whole_record(made.json, status="Started", note=SAVED, node="failover", pid=number + 1)
            saved = self._ask(client, "save", "PUT", f"/api/v2/items/{made.json['id']}", record)
            if saved is not None and saved.status == 200 and name in self.acknowledged:
                self.acknowledged[name] = SAVED

    def read(self) -> None:
        client = GoClient(self.running)
        while not self.ended.wait(PAUSE):
            self._ask(client, "page", "GET", "/items/", None, f"Cookie: pharos_session={self.session}")

    def _ask(self, client: GoClient, kind: str, method: str, path: str, body: object, *more: str) -> Reply | None:
        began, reply = time.monotonic(), None
        with contextlib.suppress(OSError, AssertionError):  # the connection broke, or the answer is cut short
            reply = client.reply(method, path, body, *more)
        has_header = bool(reply and reply.header("Retry-After"))
        self.answers.append(Answer(kind, began, time.monotonic(), reply.status if reply else 0, has_header))
        return reply

    def since(self, when: float) -> list[Answer]:
        """Returns the answers that ended after this time."""
        return [one for one in self.answers[:] if one.ended >= when]

    def lost(self, url: str) -> tuple[int, int]:
        """Returns how many acknowledged saves there were since the last call, and how many the database doesn't have."""
        expected = dict(self.acknowledged)
        notes: dict[str, str] = {}
        wait_until(lambda: _read_notes(url, notes))
        lost = sum(
            (name not in notes) + (note == SAVED and notes.get(name) != SAVED) for name, note in expected.items()
        )
        for name in expected:
            self.acknowledged.pop(name, None)
        return sum(1 + (note == SAVED) for note in expected.values()), lost


def _read_notes(url: str, notes: dict[str, str]) -> bool:
    """Reads the notes of all saved items. Returns whether that worked: the server can go away meanwhile."""
    with contextlib.suppress(psycopg.Error), psycopg.connect(url) as asking:
        notes.update(
            asking.execute("SELECT name, note FROM workitems_workitem WHERE name LIKE 'failover-%'").fetchall()
        )
        return True
    return False


@contextlib.contextmanager
def load(running: Server, people: dict[str, Person]) -> Iterator[Load]:
    """Yields the load while it runs."""
    it = Load(running, people["wally"], people["dora"].session)
    threads = [threading.Thread(target=it.work, args=(number,)) for number in range(WORKERS)]
    threads += [threading.Thread(target=it.read) for _reader in range(READERS)]
    for thread in threads:
        thread.start()
    try:
        yield it
    finally:
        it.ended.set()
        for thread in threads:
            thread.join()


@dataclass
class Probe:
    """Whether new connections lead to a writable server, asked several times a second."""

    url: str
    seen: list[tuple[float, bool]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.ended.wait(0.2):
            is_there = asyncio.run(_has_primary(self.url))
            self.seen.append((time.monotonic(), is_there))

    def available_since(self, when: float) -> float | None:
        """Returns when a server was there again after this time, `when` if it was never away, None if it is away."""
        seen = [one for one in self.seen[:] if one[0] >= when]
        if not seen or not seen[-1][1]:
            return None
        away = [at for at, is_there in seen if not is_there]
        return next(at for at, _there in seen if at > away[-1]) if away else when


async def _has_primary(url: str) -> bool:
    with contextlib.suppress(psycopg.Error, TimeoutError):
        async with asyncio.timeout(5), await psycopg.AsyncConnection.connect(url, connect_timeout=2) as asking:
            [row] = await (await asking.execute("SHOW transaction_read_only")).fetchall()
            return bool(row == ("off",))
    return False


@contextlib.contextmanager
def probe(url: str) -> Iterator[Probe]:
    it = Probe(url)
    thread = threading.Thread(target=it.run)
    thread.start()
    try:
        yield it
    finally:
        it.ended.set()
        thread.join()
