"""Decides what a worker does next with an open item, a replaced upload, or a bucket. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Protocol

from .. import demo
from ..demo import SUCCESS_STAGES, bag_size, next_stage
from ..lifecycle import SUCCESS_AT, Phase, phase_of, position
from ..vocabulary import STAGES, Action, Stage, Status


class DecidableItem(Protocol):
    """The attributes of an item that a decision needs."""

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
    """A move to make on an item, given by its id and version; `move` is "create_item" and the id None for a new item."""

    move: str
    values: dict[str, Any] = field(default_factory=dict)
    item_id: int | None = None
    version: int | None = None


@dataclass(frozen=True)
class Save:
    """A save that a server accepted: what was sent and what it answered."""

    sent: Mapping[str, Any]
    reply: Mapping[str, Any]


@dataclass(frozen=True)
class Event:
    """The result of a plan, as one line for the user."""

    line: str
    changed: bool
    save: Save | None = None  # if it went through a server


def decide(rng: Random, item: DecidableItem, domain: str) -> Plan:
    """Returns what a worker does next with this open item."""
    move, values = _choose_move(rng, item, domain)
    return Plan(move, values, item.pk, item.version)


def _choose_move(rng: Random, item: DecidableItem, domain: str) -> tuple[str, dict[str, Any]]:
    if item.status == Status.FAILED:
        return _begin(rng, item.stage, note=demo.RETRYING)
    if item.status == Status.PENDING and item.stage != Stage.RECEIVE:
        return _begin(rng, item.stage)
    if item.status == Status.STARTED and (trouble := _maybe_fail(rng, item)):
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


def _maybe_fail(rng: Random, item: DecidableItem) -> tuple[str, dict[str, Any]] | None:
    """Returns a temporary failure, an invalid bag, or rarely a suspension, in about one case of twelve; otherwise None."""
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


def _succeed(item: DecidableItem, domain: str) -> tuple[str, dict[str, Any]]:
    """Succeeds at the usual stage or, if the item is already beyond it, at its current stage or the last one."""
    action = Action(item.action)
    ends = [SUCCESS_STAGES[action], item.stage, SUCCESS_AT[action][-1]]
    here = position(action, item.stage)
    stage = next(end for end in ends if end in SUCCESS_AT[action] and position(action, end) >= here)
    return "succeed", {"stage": stage, "note": demo.success_note(action, domain, item.name), "node": "", "pid": None}


def decide_arrival(rng: Random, domains: Sequence[str], now: datetime) -> Plan:
    """Returns the plan to create an item for a new bag in one of the receiving buckets."""
    domain, size = rng.choice(domains), bag_size(rng)
    # The time makes the name unique, even with the same seed.
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


class DecidableUpload(DecidableItem, Protocol):
    """The attributes that decide between several uploads of a bag."""

    institution_id: int
    etag: str
    retry: bool

    @property
    def date(self) -> datetime: ...


def decide_upload(item: DecidableUpload, uploads: Iterable[DecidableUpload]) -> Plan | None:
    """Returns the plan to cancel an upload that another upload of the bag replaces, or None.

    This is simpler than the server's rule (workitems/models/uploads.py), as in real workers. Where they differ, the server
    refuses the cancellation.
    """
    others = [other for other in uploads if other.pk != item.pk and other.institution_id == item.institution_id]
    counting = [other for other in others if other.status != Status.CANCELLED]
    note = ""
    if any(other.date > item.date and other.etag != item.etag for other in counting):
        note = demo.SUPERSEDED
    elif any(other.date < item.date and other.etag == item.etag and _is_ingested(other) for other in counting):
        note = demo.DUPLICATE
    return Plan("cancel", {"stage": item.stage, "note": note}, item.pk, item.version) if note else None


def _is_ingested(item: DecidableUpload) -> bool:
    """Returns whether the upload has been or will be ingested."""
    return item.status == Status.SUCCESS or phase_of(item.status, retry=item.retry) is not Phase.CLOSED


def item_label(number: int, action: str, name: str) -> str:
    """Returns a short text that identifies an item for the user."""
    name = " ".join(name.split())
    return f"#{number} {action} {name if len(name) <= 60 else name[:59] + '…'}"
