"""What a worker does next: with an open item, with an upload that another one replaces, with a bucket. No database, no HTTP."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Protocol

from .. import demo
from ..demo import DONE_AT, bag_size, next_stage
from ..lifecycle import SUCCESS_AT, Phase, phase_of, position
from ..vocabulary import STAGES, Action, Stage, Status


class Item(Protocol):
    """What a decision needs to know of an item."""

    action: str
    stage: str
    status: str
    name: str

    @property
    def pk(self) -> int: ...

    @property
    def version(self) -> int | None: ...


@dataclass(frozen=True)
class Plan:
    """One verb to be called: on the item as it was seen, or, for "create_item", on none."""

    move: str
    values: dict[str, Any] = field(default_factory=dict)
    item_id: int | None = None
    version: int | None = None


@dataclass(frozen=True)
class Save:
    """What was sent to a server that took it, and what it answered."""

    sent: Mapping[str, Any]
    reply: Mapping[str, Any]


@dataclass(frozen=True)
class Done:
    """What came of a plan, as one line for whoever watches."""

    line: str
    changed: bool
    save: Save | None = None  # where a server was asked


def decide(rng: Random, item: Item, domain: str) -> Plan:
    """What the worker that meets this open item does with it."""
    move, values = _next(rng, item, domain)
    return Plan(move, values, item.pk, item.version)


def _next(rng: Random, item: Item, domain: str) -> tuple[str, dict[str, Any]]:
    if item.status == Status.FAILED:
        return _begin(rng, item.stage, note=demo.AGAIN)
    if item.status == Status.PENDING and item.stage != Stage.RECEIVE:
        return _begin(rng, item.stage)
    if item.status == Status.STARTED and (trouble := _trouble(rng, item)):
        return trouble
    following = next_stage(item.action, item.stage)
    if following is None:
        return _succeed(item, domain)
    if item.status == Status.STARTED and rng.random() < 0.3:
        return "progress", {"stage": following, "status": Status.PENDING, "note": demo.WAITING}
    return _begin(rng, following)


def _begin(rng: Random, stage: str, note: str = "") -> tuple[str, dict[str, Any]]:
    node = f"worker-{stage.lower().replace(' ', '-')}-{rng.randint(1, 4)}"
    return "progress", {
        "stage": stage,
        "note": note or STAGES[Stage(stage)].busy,
        "node": node,
        "pid": rng.randint(200, 32_000),
        "retry": True,
    }


def _trouble(rng: Random, item: Item) -> tuple[str, dict[str, Any]] | None:
    """One time in twelve: mostly something temporary; an invalid bag; rarely a case for an admin."""
    free = {"node": "", "pid": None}
    draw = rng.random()
    if draw < 0.05:
        note = rng.choice([*demo.TEMPORARY.values()])(rng)
        return "fail", {"stage": item.stage, "note": note, "retry": True, **free}
    if draw < 0.08 and item.action == Action.INGEST and item.stage == Stage.VALIDATE:
        note = rng.choice([*demo.INVALID_BAG.values()])(rng, item.name)
        return "fail", {"stage": item.stage, "note": note, "retry": False, **free}
    if draw > 0.995:
        return "suspend", {"note": rng.choice(demo.SUSPENDED), **free}
    return None


def _succeed(item: Item, domain: str) -> tuple[str, dict[str, Any]]:
    """At the usual stage, or, where the item is beyond that already, at its own or the last."""
    action = Action(item.action)
    ends = [DONE_AT[action], item.stage, SUCCESS_AT[action][-1]]
    here = position(action, item.stage)
    stage = next(end for end in ends if end in SUCCESS_AT[action] and position(action, end) >= here)
    return "succeed", {"stage": stage, "note": demo.done(action, domain, item.name), "node": "", "pid": None}


def decide_arrival(rng: Random, domains: Sequence[str], now: datetime) -> Plan:
    """A new bag in one of the receiving buckets."""
    domain, size = rng.choice(domains), bag_size(rng)
    # The time of day makes the name new, also for the same seed again.
    name = demo.bag_name(rng, domain, rng.randrange(1_000)).removesuffix(".tar") + f"-{now:%Y%m%d-%H%M%S%f}.tar"
    received = now - timedelta(seconds=rng.uniform(5, 900))
    return Plan(
        "create_item",
        {
            "action": Action.INGEST,
            "domain": domain,
            "name": name,
            "size": size,
            "etag": demo.etag(rng, size),
            "bucket": f"aptrust.receiving.{domain}",
            "bag_date": received - timedelta(hours=rng.uniform(1, 100)),
            "date": received,
            "note": demo.RECEIVED,
            "queued_at": now,
        },
    )


class Upload(Item, Protocol):
    """What counts where a bag was uploaded more than once."""

    institution_id: int
    etag: str
    retry: bool

    @property
    def date(self) -> datetime: ...


def decide_upload(item: Upload, uploads: Iterable[Upload]) -> Plan | None:
    """What an ingest worker does with an upload before it begins: cancels it where another upload of the bag takes its place.

    Simpler than the server's rule (workitems/models/uploads.py), as real workers are; where the two differ, the server refuses.
    """
    others = [other for other in uploads if other.pk != item.pk and other.institution_id == item.institution_id]
    counting = [other for other in others if other.status != Status.CANCELLED]
    note = ""
    if any(other.date > item.date and other.etag != item.etag for other in counting):
        note = demo.REPLACED
    elif any(other.date < item.date and other.etag == item.etag and _is_ingested(other) for other in counting):
        note = demo.SAME_AGAIN
    return Plan("cancel", {"stage": item.stage, "note": note}, item.pk, item.version) if note else None


def _is_ingested(item: Upload) -> bool:
    """Or is going to be."""
    return item.status == Status.SUCCESS or phase_of(item.status, retry=item.retry) is not Phase.CLOSED


def called(number: int, action: str, name: str) -> str:
    """An item's name in one line, for whoever watches."""
    name = " ".join(name.split())
    return f"#{number} {action} {name if len(name) <= 60 else name[:59] + '…'}"
