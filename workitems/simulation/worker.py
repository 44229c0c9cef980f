"""A worker that knows the items only through a server's API, as the consortium's services do.

One worker plays the services that take turns with an item: the bucket reader, which finds new uploads, and the workers
proper, which claim an item, carry it through its stages, and let it go; one of them is the queue feeder as well, which marks
what may be taken up. An item that another process holds is left alone.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlsplit

from .. import demo
from ..lifecycle import Phase, phase_of
from ..vocabulary import Action, Stage, Status
from .connection import Clock, Connection, Over
from .deciding import Done, Plan, Save, called, decide, decide_arrival, decide_upload
from .record import Record, moved, whole

ITEMS = "/api/v2/items/"
AT_ONCE = 25  # items that a worker chooses from; few, so that two often want the same one


@dataclass
class Tally:
    """What a worker has done."""

    changes: int = 0
    refused: int = 0  # 409
    lost: int = 0  # items that turned out to be somebody else's when they were read again
    created: int = 0

    def add(self, other: "Tally") -> None:
        self.changes += other.changes
        self.refused += other.refused
        self.lost += other.lost
        self.created += other.created


class Worker:
    def __init__(
        self,
        name: str,
        connection: Connection,
        domains: Mapping[int, str],
        rng: Random,
        clock: Clock,
        tell: Callable[[Done], object],
        *,
        feeds: bool = True,
    ):
        self.connection = connection
        self.domains = domains  # of the institutions, by their ids
        self.rng = rng
        self.clock = clock
        self.tell = tell
        self.feeds = feeds
        # Two runs on one machine may have a worker of this name each; its process tells them apart.
        self.process = {"node": name, "pid": os.getpid()}
        self.held: int | None = None
        self.tally = Tally()

    def work(self, steps: int | None, every: float) -> None:
        """Until the run is over or so many steps are made; then lets go of what it holds."""
        taken = 0
        try:
            while not self.clock.is_over and (steps is None or taken < steps):
                if taken:
                    self.clock.sleep(every)
                self.step()
                taken += 1
            self._hand_back()
        except Over:
            pass  # told to wait longer than the run lasts; what it holds, it holds
        finally:
            self.connection.close()

    def step(self) -> None:
        """One thing: the held item's next move, or what an idle worker finds to do."""
        if self.held is not None:
            self._go_on(self.held)
        elif self.rng.random() < 0.1:
            self._read_bucket()
        elif self.feeds and self.rng.random() < 0.3:
            self._feed()
        elif not self._take_up() and not (self.feeds and self._feed()):
            self._read_bucket()

    # The queue feeder.

    def _feed(self) -> int:
        """Marks everything that waits as queued. How many items there were."""
        query = {"node_empty": "true", "queued": "false", "retry": "true", "status": "Pending"}
        count = 0
        for record in self._pages(page=1, per_page=100, **query):
            if self.clock.is_over:
                break
            self._save(Record(record), whole({**record, "queued_at": datetime.now(UTC)}), "queued")
            count += 1
        return count

    def _pages(self, **query: str | int) -> Iterator[dict[str, Any]]:
        """Every row of a list. Of `next`, clients take the query string only."""
        page = self.connection.get(ITEMS, **query)
        while True:
            yield from page["results"]
            if page["next"] is None:
                return
            page = self.connection.get(f"{ITEMS}?{urlsplit(page['next']).query}")

    # The bucket reader.

    def _read_bucket(self) -> None:
        """A bag that no item is about yet gets one; whether it is queued at once or by the feeder is left to chance."""
        now = datetime.now(UTC)
        plan = decide_arrival(self.rng, [*self.domains.values()], now)
        values = {**plan.values, "stage": Stage.RECEIVE, "status": Status.PENDING, "retry": True, "queued_at": None}
        known: dict[str, str | int] = {"item_action": Action.INGEST, "page": 1}
        yesterday = f"{now - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
        seen = self.connection.get(ITEMS, created_after=yesterday, per_page=100, **known)["results"]
        if any((row["name"], row["etag"]) == (values["name"], values["etag"]) for row in seen):
            return
        if self.connection.get(ITEMS, etag=values["etag"], name=values["name"], per_page=1, **known)["results"]:
            return
        institution_id = next(pk for pk, domain in self.domains.items() if domain == values["domain"])
        new = self._create(whole({**values, "institution_id": institution_id}))
        if self.rng.random() < 0.5:
            self._save(new, whole({**new.sent, "queued_at": now}), "queued")

    def _create(self, values: dict[str, Any]) -> Record:
        item = Record(self.connection.call("POST", ITEMS, values).data)
        self.tally.created += 1
        self._say(item, f"new, {item}", Save(values, item.sent))
        return item

    # The worker proper.

    def _take_up(self) -> bool:
        """Claims one of the items that have waited longest; False where there is none.

        Claims race. The server refuses a claim at a stage that another node has begun, so of two the first is left. Not every
        client knows that, so the claim is read back as well, and only the process that the server then names goes on; and each
        worker reads its item again before each save, and leaves it when it is no longer its own.
        """
        item = self._choose()
        if item is None:
            return False
        item = self._read(item.pk)
        if not _is_free(item):
            self._lose(item, "another worker was faster")
            return True
        plan = self._replaced(item) or decide(self.rng, item, self._domain(item))
        if self._carry_out(item, plan) and plan.values.get("node"):
            item = self._read(item.pk)
            if self._is_mine(item):
                self.held = item.pk
            else:
                self._lose(item, "the claim was lost")
        return True

    def _choose(self) -> Record | None:
        """Stands in for the queue that hands the feeder's items to real workers; now and then one that is to be tried again."""
        waiting = {"needs_admin_review": "false", "node_empty": "true", "retry": "true", "sort": "id"}
        statuses = [Status.PENDING] if self.rng.random() < 0.8 else [Status.FAILED, Status.PENDING]
        for status in statuses:
            query = {**waiting, "status": str(status), **({"queued": "true"} if status == Status.PENDING else {})}
            if rows := self.connection.get(ITEMS, page=1, per_page=AT_ONCE, **query)["results"]:
                return Record(self.rng.choice(rows))
        return None

    def _replaced(self, item: Record) -> Plan | None:
        """Asked before an ingest begins: is this the upload that counts?"""
        if item.action != Action.INGEST or item.stage != Stage.RECEIVE:
            return None
        same = self.connection.get(ITEMS, item_action=Action.INGEST, name=item.name, sort="date", per_page=20)
        return decide_upload(item, [Record(row) for row in same["results"]])

    def _go_on(self, number: int) -> None:
        """The next move of the item that this worker holds, from what it is now."""
        item = self._read(number)
        if not self._is_mine(item):
            self._lose(item, "it is no longer this worker's")
        elif not self._carry_out(item, plan := decide(self.rng, item, self._domain(item))) or not plan.values.get(
            "node"
        ):
            self.held = None

    def _hand_back(self) -> None:
        """A worker that is told to end puts its item back into the queue."""
        if self.held is None:
            return
        item = self._read(self.held)
        if self._is_mine(item):
            waits = {"stage": item.stage, "status": Status.PENDING, "note": demo.WAITING}
            self._carry_out(item, Plan("progress", waits, item.pk))
        self.held = None

    def _read(self, number: int) -> Record:
        return Record(self.connection.get(f"{ITEMS}{number}/"))

    def _is_mine(self, item: Record) -> bool:
        ours = (item.node, item.pid) == (self.process["node"], self.process["pid"])
        return ours and item.status == Status.STARTED and not item.needs_admin_review

    def _domain(self, item: Record) -> str:
        return self.domains.get(item.institution_id, "")

    def _carry_out(self, item: Record, plan: Plan) -> bool:
        values = moved(item, plan, self._domain(item), self.process, datetime.now(UTC))
        return self._save(item, values, f"{values['stage']} / {values['status']}")

    def _save(self, item: Record, values: dict[str, Any], what: str) -> bool:
        """Whether the server took it. A 409 is no error: the item has gone another way, and is left alone."""
        reply = self.connection.call("PUT", f"{ITEMS}{item.pk}/", values)
        if reply.is_refusal:
            self.tally.refused += 1
            self._say(item, f"left alone. {reply.error}")
            return False
        self.tally.changes += 1
        self._say(item, f"{item} → {what}", Save(values, reply.data))
        return True

    def _lose(self, item: Record, why: str) -> None:
        self.held = None
        self.tally.lost += 1
        self._say(item, f"left alone, {why}: {item}")

    def _say(self, item: Record, what: str, save: Save | None = None) -> None:
        line = f"{self.process['node']} {called(item.pk, item.action, item.name)}: {what}"
        self.tell(Done(line, changed=save is not None, save=save))


def _is_free(item: Record) -> bool:
    waits = item.status != Status.STARTED and phase_of(item.status, retry=item.retry) is Phase.OPEN
    return waits and not item.node and not item.needs_admin_review
