"""A simulated worker that only uses a server's API, like the consortium's services.

Each worker acts as all services that handle an item: as the bucket reader, which finds new uploads, and as the actual
workers, which claim an item, take it through its stages, and release it. One of them also acts as the queue feeder, which
marks the items that can be claimed. Items held by another process are left alone.
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
from .connection import Clock, Connection, RunOver
from .decisions import Event, Plan, Save, decide, decide_arrival, decide_upload, item_label
from .record import Record, apply_plan, complete_record

ITEMS = "/api/v2/items/"
MAX_CANDIDATES = 25  # how many items a worker chooses from; few, so that workers often compete


@dataclass
class Tally:
    """Counts of a worker's actions."""

    changes: int = 0
    refused: int = 0  # 409
    lost: int = 0  # items that another process held when they were read again
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
        report: Callable[[Event], object],
        *,
        feeds: bool = True,
    ):
        self.connection = connection
        self.domains = domains  # {id: domain} of the institutions
        self.rng = rng
        self.clock = clock
        self.report = report
        self.feeds = feeds
        # Two runs on one machine can have workers of the same name; the process id tells them apart.
        self.process = {"node": name, "pid": os.getpid()}
        self.held: int | None = None
        self.tally = Tally()

    def work(self, steps: int | None, every: float) -> None:
        """Works until the run is over or this many steps are made, then releases its item."""
        taken = 0
        try:
            while not self.clock.is_over and (steps is None or taken < steps):
                if taken:
                    self.clock.sleep(every)
                self.step()
                taken += 1
            self._hand_back()
        except RunOver:
            pass  # had to wait beyond the end of the run; keeps the item it holds
        finally:
            self.connection.close()

    def step(self) -> None:
        """Makes the next move of the held item or, without one, does something that an idle worker would do."""
        if self.held is not None:
            self._advance(self.held)
        elif self.rng.random() < 0.1:
            self._read_bucket()
        elif self.feeds and self.rng.random() < 0.3:
            self._mark_queued()
        elif not self._claim_next() and not (self.feeds and self._mark_queued()):
            self._read_bucket()

    # The queue feeder.

    def _mark_queued(self) -> int:
        """Marks all waiting items as queued. Returns how many."""
        query = {"node_empty": "true", "queued": "false", "retry": "true", "status": "Pending"}
        count = 0
        for record in self._pages(page=1, per_page=100, **query):
            if self.clock.is_over:
                break
            self._save(Record(record), complete_record({**record, "queued_at": datetime.now(UTC)}), "queued")
            count += 1
        return count

    def _pages(self, **query: str | int) -> Iterator[dict[str, Any]]:
        """Yields every row of a list. Like the real clients, it uses only the query string of `next`."""
        page = self.connection.get(ITEMS, **query)
        while True:
            yield from page["results"]
            if page["next"] is None:
                return
            page = self.connection.get(f"{ITEMS}?{urlsplit(page['next']).query}")

    # The bucket reader.

    def _read_bucket(self) -> None:
        """Creates an item for a new bag. Whether it is queued immediately or by the feeder is random."""
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
        new = self._create(complete_record({**values, "institution_id": institution_id}))
        if self.rng.random() < 0.5:
            self._save(new, complete_record({**new.sent, "queued_at": now}), "queued")

    def _create(self, values: dict[str, Any]) -> Record:
        item = Record(self.connection.call("POST", ITEMS, values).data)
        self.tally.created += 1
        self._report(item, f"new, {item}", Save(values, item.sent))
        return item

    # The actual worker.

    def _claim_next(self) -> bool:
        """Claims one of the items that have waited longest. Returns False if there is none.

        The server refuses a claim at a stage that another node has already started, so the first of two claims wins. Like
        clients that don't rely on that, the worker also reads the item back and continues only if it holds it. It reads its
        item again before each save, and leaves it alone if it no longer holds it.
        """
        item = self._choose_candidate()
        if item is None:
            return False
        item = self._fetch(item.pk)
        if not _is_free(item):
            self._give_up(item, "another worker was faster")
            return True
        plan = self._superseded_plan(item) or decide(self.rng, item, self._domain(item))
        if self._save_plan(item, plan) and plan.values.get("node"):
            item = self._fetch(item.pk)
            if self._is_mine(item):
                self.held = item.pk
            else:
                self._give_up(item, "the claim was lost")
        return True

    def _choose_candidate(self) -> Record | None:
        """Returns a queued item, or sometimes one to be retried. Real workers get them from a queue instead."""
        waiting = {"needs_admin_review": "false", "node_empty": "true", "retry": "true", "sort": "id"}
        statuses = [Status.PENDING] if self.rng.random() < 0.8 else [Status.FAILED, Status.PENDING]
        for status in statuses:
            query = {**waiting, "status": str(status), **({"queued": "true"} if status == Status.PENDING else {})}
            if rows := self.connection.get(ITEMS, page=1, per_page=MAX_CANDIDATES, **query)["results"]:
                return Record(self.rng.choice(rows))
        return None

    def _superseded_plan(self, item: Record) -> Plan | None:
        """Returns a plan to cancel the upload if its ingest hasn't started and another one replaces it; otherwise None."""
        if item.action != Action.INGEST or item.stage != Stage.RECEIVE:
            return None
        same = self.connection.get(ITEMS, item_action=Action.INGEST, name=item.name, sort="date", per_page=20)
        return decide_upload(item, [Record(row) for row in same["results"]])

    def _advance(self, number: int) -> None:
        """Makes the next move of the held item, based on its current state."""
        item = self._fetch(number)
        if not self._is_mine(item):
            self._give_up(item, "it is no longer this worker's")
        elif not self._save_plan(item, plan := decide(self.rng, item, self._domain(item))) or not plan.values.get(
            "node"
        ):
            self.held = None

    def _hand_back(self) -> None:
        """Returns the held item to the queue when the worker stops."""
        if self.held is None:
            return
        item = self._fetch(self.held)
        if self._is_mine(item):
            waits = {"stage": item.stage, "status": Status.PENDING, "note": demo.WAITING}
            self._save_plan(item, Plan("progress", waits, item.pk))
        self.held = None

    def _fetch(self, number: int) -> Record:
        return Record(self.connection.get(f"{ITEMS}{number}/"))

    def _is_mine(self, item: Record) -> bool:
        ours = (item.node, item.pid) == (self.process["node"], self.process["pid"])
        return ours and item.status == Status.STARTED and not item.needs_admin_review

    def _domain(self, item: Record) -> str:
        return self.domains.get(item.institution_id, "")

    def _save_plan(self, item: Record, plan: Plan) -> bool:
        values = apply_plan(item, plan, self._domain(item), self.process, datetime.now(UTC))
        return self._save(item, values, f"{values['stage']} / {values['status']}")

    def _save(self, item: Record, values: dict[str, Any], what: str) -> bool:
        """Saves the item. Returns whether the server accepted it: a 409 means that the item has changed and is left alone."""
        reply = self.connection.call("PUT", f"{ITEMS}{item.pk}/", values)
        if reply.is_refusal:
            self.tally.refused += 1
            self._report(item, f"left alone. {reply.error}")
            return False
        self.tally.changes += 1
        self._report(item, f"{item} → {what}", Save(values, reply.data))
        return True

    def _give_up(self, item: Record, why: str) -> None:
        self.held = None
        self.tally.lost += 1
        self._report(item, f"left alone, {why}: {item}")

    def _report(self, item: Record, what: str, save: Save | None = None) -> None:
        line = f"{self.process['node']} {item_label(item.pk, item.action, item.name)}: {what}"
        self.report(Event(line, changed=save is not None, save=save))


def _is_free(item: Record) -> bool:
    waits = item.status != Status.STARTED and phase_of(item.status, retry=item.retry) is Phase.OPEN
    return waits and not item.node and not item.needs_admin_review
