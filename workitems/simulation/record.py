"""Records of the API: an item as the server returns it, and the complete record that a service's client sends back.

The existing clients are written in Go. They always send all 23 keys, with an empty text, zero, or the year 1 for unset
values.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..lifecycle import MOVES, build_object_identifier
from ..vocabulary import Action, Status
from .decisions import Plan

ZERO_TIME = "0001-01-01T00:00:00Z"
# What a client sends for a key that is null in the answer, or that a new item doesn't have.
EMPTY: dict[str, Any] = {
    "action": "",
    "aptrust_approver": "",
    "bag_date": ZERO_TIME,
    "bucket": "",
    "date": ZERO_TIME,
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
    "queued_at": ZERO_TIME,
    "retry": False,
    "size": 0,
    "stage": "",
    "stage_started_at": ZERO_TIME,
    "status": "",
    "user": "",
}
STATUS_AFTER = {
    "progress": Status.STARTED,
    "succeed": Status.SUCCESS,
    "fail": Status.FAILED,
    "suspend": Status.SUSPENDED,
    "cancel": Status.CANCELLED,
}


@dataclass(frozen=True)
class Record:
    """An item as the server returned it, with the attribute names that decisions use."""

    sent: Mapping[str, Any]

    @property
    def pk(self) -> int:
        return self.sent["id"]

    @property
    def version(self) -> int | None:
        return None  # the API has none: a claim is read back instead

    @property
    def date(self) -> datetime:
        return datetime.fromisoformat(self.sent["date"])

    # For the attributes of the protocol DecidableItem, which are keys of the record.
    def __getattr__(self, name: str) -> Any:
        try:
            return self.sent[name]
        except KeyError:
            raise AttributeError(f"The server's record of an item has no “{name}”.") from None

    def __str__(self) -> str:
        return f"{self.stage} / {self.status}"


def timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def complete_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the 23 keys of a save: the record's values, or Go's zero values for missing ones."""
    values = {key: record.get(key) for key in EMPTY}
    return {key: _to_json(EMPTY[key] if value is None else value) for key, value in values.items()}


def _to_json(value: Any) -> Any:
    return timestamp(value) if isinstance(value, datetime) else value


def apply_plan(item: Record, plan: Plan, domain: str, process: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Returns the record with the changes of the plan, and with this process instead of the plan's invented one."""
    values = {**MOVES[plan.move].sets, **plan.values}
    values.setdefault("status", STATUS_AFTER[plan.move])
    if values.get("node"):
        values |= process
    if plan.move == "progress":
        values["stage_started_at"] = now if values["status"] == Status.STARTED else None
    if values["status"] == Status.PENDING:
        values |= {"node": "", "pid": None}
    if plan.move == "succeed" and item.action == Action.INGEST:
        values["object_identifier"] = item.object_identifier or build_object_identifier(domain, item.name)
    return complete_record({**item.sent, **values})


def encode_json(values: Mapping[str, Any]) -> bytes:
    """Encodes JSON as Go does: only the characters that are special in HTML are escaped."""
    text = json.dumps(values, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode()
