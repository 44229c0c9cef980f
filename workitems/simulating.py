"""Plays the workers: open items go their way, now and then one fails, and new bags arrive.

`decide` and `decide_arrival` say what to do and know no database; `Hands` does it. Another pair of hands, say one that
speaks HTTP, takes the same plans.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Protocol

from django.utils import timezone

from pharos.accounts.models import Institution, User

from .demo import texts
from .demo.pace import DONE_AT, bag_size, next_stage
from .lifecycle import SUCCESS_AT, Refused, position
from .models import WorkItem
from .vocabulary import Action, Stage, Status


class Item(Protocol):
    """What a decision needs to know of an item."""

    pk: int
    version: int
    action: str
    stage: str
    status: str
    name: str


@dataclass(frozen=True)
class Plan:
    """One verb to be called: on the item as it was seen, or, for "create_item", on none."""

    move: str
    values: dict[str, Any] = field(default_factory=dict)
    item_id: int | None = None
    version: int | None = None


@dataclass(frozen=True)
class Done:
    """What came of a plan, as one line for whoever watches."""

    line: str
    changed: bool


def decide(rng: Random, item: Item, domain: str) -> Plan:
    """What the worker that meets this open item does with it."""
    move, values = _next(rng, item, domain)
    return Plan(move, values, item.pk, item.version)


def _next(rng: Random, item: Item, domain: str) -> tuple[str, dict[str, Any]]:
    if item.status == Status.FAILED:
        return _begin(rng, item.stage, note=texts.AGAIN)
    if item.status == Status.PENDING and item.stage != Stage.RECEIVE:
        return _begin(rng, item.stage)
    if item.status == Status.STARTED and (trouble := _trouble(rng, item)):
        return trouble
    following = next_stage(item.action, item.stage)
    if following is None:
        return _succeed(item, domain)
    if item.status == Status.STARTED and rng.random() < 0.3:
        return "progress", {"stage": following, "status": Status.PENDING, "note": texts.WAITING}
    return _begin(rng, following)


def _begin(rng: Random, stage: str, note: str = "") -> tuple[str, dict[str, Any]]:
    node = f"worker-{stage.lower().replace(' ', '-')}-{rng.randint(1, 4)}"
    return "progress", {
        "stage": stage,
        "note": note or texts.BUSY[Stage(stage)],
        "node": node,
        "pid": rng.randint(200, 32_000),
        "retry": True,
    }


def _trouble(rng: Random, item: Item) -> tuple[str, dict[str, Any]] | None:
    """One time in twelve: mostly something temporary; an invalid bag; rarely a case for an admin."""
    free = {"node": "", "pid": None}
    draw = rng.random()
    if draw < 0.05:
        note = rng.choice([*texts.TEMPORARY.values()])(rng)
        return "fail", {"stage": item.stage, "note": note, "retry": True, **free}
    if draw < 0.08 and item.action == Action.INGEST and item.stage == Stage.VALIDATE:
        note = rng.choice([*texts.INVALID_BAG.values()])(rng, item.name)
        return "fail", {"stage": item.stage, "note": note, "retry": False, **free}
    if draw > 0.995:
        return "suspend", {"note": rng.choice(texts.SUSPENDED), **free}
    return None


def _succeed(item: Item, domain: str) -> tuple[str, dict[str, Any]]:
    """At the usual stage, or, where the item is beyond that already, at its own or the last."""
    action = Action(item.action)
    ends = [DONE_AT[action], item.stage, SUCCESS_AT[action][-1]]
    here = position(action, item.stage)
    stage = next(end for end in ends if end in SUCCESS_AT[action] and position(action, end) >= here)
    return "succeed", {"stage": stage, "note": texts.done(action, domain, item.name), "node": "", "pid": None}


def decide_arrival(rng: Random, domains: Sequence[str], now: datetime) -> Plan:
    """A new bag in one of the receiving buckets."""
    domain, size = rng.choice(domains), bag_size(rng)
    # The time of day makes the name new, also for the same seed again.
    name = texts.bag_name(rng, domain, rng.randrange(1_000)).removesuffix(".tar") + f"-{now:%Y%m%d-%H%M%S%f}.tar"
    received = now - timedelta(seconds=rng.uniform(5, 900))
    return Plan(
        "create_item",
        {
            "action": Action.INGEST,
            "domain": domain,
            "name": name,
            "size": size,
            "etag": texts.etag(rng, size),
            "bucket": f"aptrust.receiving.{domain}",
            "bag_date": received - timedelta(hours=rng.uniform(1, 100)),
            "date": received,
            "note": texts.RECEIVED,
            "queued_at": now,
        },
    )


class Hands:
    """Does what was decided, through WorkItem's verbs, in the name of a service account."""

    def __init__(self, by: User):
        self.by = by

    def open_items(self, rng: Random, most: int) -> list[WorkItem]:
        """Some of the items that a worker may take up: not those that wait for an admin, nor uploads that another one replaces."""
        waiting = WorkItem.objects.open().filter(needs_admin_review=False)
        ids = [*waiting.order_by("pk").values_list("pk", flat=True)]
        some = waiting.filter(pk__in=rng.sample(ids, min(most, len(ids))))
        superseded, duplicates = some.superseded().values_list("pk"), some.duplicates().values_list("pk")
        replaced = {pk for (pk,) in [*superseded, *duplicates]}
        return [*some.exclude(pk__in=replaced).select_related("institution").order_by("pk")]

    def domains(self) -> list[str]:
        """The institutions that upload."""
        members = Institution.objects.exclude(pk=self.by.institution_id)
        return [*members.order_by("identifier").values_list("identifier", flat=True)]

    def do(self, plan: Plan) -> Done:
        return self._create(plan) if plan.item_id is None else self._move(plan, plan.item_id)

    def _create(self, plan: Plan) -> Done:
        values = dict(plan.values)
        institution = Institution.objects.get(identifier=values.pop("domain"))
        item = WorkItem.objects.create_item(by=self.by, institution=institution, **values)
        return Done(f"{_called(item)}: new, {item.facts}", changed=True)

    def _move(self, plan: Plan, item_id: int) -> Done:
        item = WorkItem.objects.get(pk=item_id)
        before = str(item.facts)
        try:
            getattr(item, plan.move)(by=self.by, via="api", version=plan.version, **plan.values)
        except Refused as refused:
            return Done(f"{_called(item)}: left alone. {refused.sentence}", changed=False)
        return Done(f"{_called(item)}: {before} → {item.facts}", changed=True)


def _called(item: WorkItem) -> str:
    name = " ".join(item.name.split())
    return f"#{item.pk} {item.action} {name if len(name) <= 60 else name[:59] + '…'}"


class Simulation:
    """Workers, one step at a time."""

    def __init__(self, hands: Hands, *, seed: int | None = None, most: int = 4):
        self.hands = hands
        self.rng = Random(seed)  # noqa: S311  a game, not a secret
        self.most = most

    def step(self) -> list[Done]:
        """Each of a few open items makes its next move; one time in five a new upload arrives, and whenever there is nothing else to do."""
        plans = self.decide(timezone.now())
        return [self.hands.do(plan) for plan in plans]

    def decide(self, now: datetime) -> list[Plan]:
        items = self.hands.open_items(self.rng, self.rng.randint(1, self.most))
        plans = [decide(self.rng, item, item.institution.identifier) for item in items]
        domains = self.hands.domains()
        if domains and (not plans or self.rng.random() < 0.2):
            plans.append(decide_arrival(self.rng, domains, now))
        return plans
