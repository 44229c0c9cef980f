"""An item as it travels: the record that the API answers, and the whole record that a service's client sends back.

The clients that exist are written in Go: they send all of their 23 keys always, an empty text for one that is not set, zero
for a number, and the year 1 for a time.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..lifecycle import MOVES, build_object_identifier
from ..vocabulary import Action, Status
from .deciding import Plan

NOT_SET = "0001-01-01T00:00:00Z"
# What a client sends for a key that the server answered null, or that a new item does not have.
EMPTY: dict[str, Any] = {
    "action": "",
    "aptrust_approver": "",
    "bag_date": NOT_SET,
    "bucket": "",
    "date": NOT_SET,
    "etag": "",
    "generic_file_identifier": "",
    "inst_approver": "",
    "institution_id": 0,
    "name": "",
    "needs_admin_review": False,
    "node": "",
    "note": "",
    "object_identifier": "",
    "outcome": "",
    "pid": 0,
    "queued_at": NOT_SET,
    "retry": False,
    "size": 0,
    "stage": "",
    "stage_started_at": NOT_SET,
    "status": "",
    "user": "",
}
LEADS_TO = {
    "progress": Status.STARTED,
    "succeed": Status.SUCCESS,
    "fail": Status.FAILED,
    "suspend": Status.SUSPENDED,
    "cancel": Status.CANCELLED,
}


@dataclass(frozen=True)
class Record:
    """An item as a server gave it, under the names that decisions know."""

    sent: Mapping[str, Any]

    @property
    def pk(self) -> int:
        return self.sent["id"]

    @property
    def version(self) -> int | None:
        return None  # the API tells none: a claim is read back instead

    @property
    def date(self) -> datetime:
        return datetime.fromisoformat(self.sent["date"])

    # What a protocol asks for as an attribute must be one to the type checker; here each is read off the record.
    def __getattr__(self, name: str) -> Any:
        try:
            return self.sent[name]
        except KeyError:
            raise AttributeError(f"The server's record of an item has no “{name}”.") from None

    def __str__(self) -> str:
        return f"{self.stage} / {self.status}"


def timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def whole(record: Mapping[str, Any]) -> dict[str, Any]:
    """The 23 keys of a save: what the record says, and for what it does not say what Go has instead of nothing."""
    values = {key: record.get(key) for key in EMPTY}
    return {key: _sent(EMPTY[key] if value is None else value) for key, value in values.items()}


def _sent(value: Any) -> Any:
    return timestamp(value) if isinstance(value, datetime) else value


def moved(item: Record, plan: Plan, domain: str, process: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The record with what the plan changes in it. A plan names some process; it is this one."""
    values = {**MOVES[plan.move].sets, **plan.values}
    values.setdefault("status", LEADS_TO[plan.move])
    if values.get("node"):
        values |= process
    if plan.move == "progress":
        values["stage_started_at"] = now if values["status"] == Status.STARTED else None
    if values["status"] == Status.PENDING:
        values |= {"node": "", "pid": None}
    if plan.move == "succeed" and item.action == Action.INGEST:
        values["object_identifier"] = item.object_identifier or build_object_identifier(domain, item.name)
    return whole({**item.sent, **values})


def body(values: Mapping[str, Any]) -> bytes:
    """JSON as Go writes it: characters as they are, but for those that HTML would mind."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()
