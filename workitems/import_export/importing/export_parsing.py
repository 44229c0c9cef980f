"""Parses a line of our own export: an item with its history and its worker's state, or says why that isn't possible."""

import base64
import binascii
import math
import zlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from ...lifecycle import Phase, phase_of
from ...models import HistoryEntry
from ...transitions import WORKER_STATE_LIMIT
from ...vocabulary import Stage, Status
from .parsing import (
    READERS,
    ImportedItem,
    InvalidRow,
    WorkerStateFile,
    limited,
    parse_field,
    parse_integer,
    parse_item,
    parse_text,
    parse_time,
)
from .raw_rows import quote_value
from .remarks import Remark

# The columns of every export. Those that came later may be missing in an older file.
_ALWAYS_THERE = frozenset(
    [
        "created_at",
        "updated_at",
        "name",
        "etag",
        "bucket",
        "user",
        "note",
        "action",
        "stage",
        "status",
        "outcome",
        "bag_date",
        "date",
        "retry",
        "reviewed",
        "object_identifier",
        "generic_file_identifier",
        "size",
        "node",
        "pid",
        "needs_admin_review",
        "queued_at",
        "stage_started_at",
        "inst_approver",
        "aptrust_approver",
    ]
)
# Its values are ours, so they need no remark; but a program that reformats JSON can round large numbers.
_REMARKS = frozenset({Remark.ODD_PATH, Remark.BEYOND_EXACT})


def parse_export(line: Any) -> ImportedItem:
    """Parses an item with its history from our own export. Raises InvalidRow."""
    row = line["item"]
    if missing := _ALWAYS_THERE & READERS.keys() - row.keys():
        raise InvalidRow(f"the item lacks {', '.join(sorted(missing))}; it is not what export_workitems wrote")
    arrival = parse_item(row)
    if not arrival.fields["date"]:
        raise InvalidRow("date is missing")
    if arrival.fields["reviewed"] and (
        phase_of(arrival.fields["status"], retry=arrival.fields["retry"]) is not Phase.CLOSED
    ):
        raise InvalidRow("the item is reviewed but not closed")
    arrival.remarks = {remark: value for remark, value in arrival.remarks.items() if remark in _REMARKS}
    arrival.entries = _parse_history(line.get("history"), arrival)
    if line.get("state") is not None:
        arrival.state = _parse_state(line["state"])
    return arrival


_ENTRY = {
    "number": parse_integer,
    "at": parse_time,
    "who": limited(255),
    "via": limited(16),
    "move": limited(16),
    "stage_before": parse_text,
    "status_before": parse_text,
    "stage_after": parse_text,
    "status_after": parse_text,
    "note": parse_text,
}


def _parse_history(history: Any, arrival: ImportedItem) -> list[HistoryEntry]:
    if not isinstance(history, list) or not history:
        raise InvalidRow("the item has no history")
    entries = [_parse_entry(line, number, arrival.id) for number, line in enumerate(history, 1)]
    last = entries[-1]
    if (last.stage_after, last.status_after) != (arrival.fields["stage"], arrival.fields["status"]):
        raise InvalidRow(
            f"the item is at {arrival.fields['stage']} / {arrival.fields['status']}, but its history ends at "
            f"{last.stage_after} / {last.status_after}"
        )
    return entries


def _parse_entry(line: Any, number: int, item_id: int) -> HistoryEntry:
    if not isinstance(line, Mapping) or not _ENTRY.keys() <= line.keys():
        raise InvalidRow(f"entry {number} of its history is incomplete")
    try:
        values: dict[str, Any] = {name: parse_field(name, reader, line[name]) for name, reader in _ENTRY.items()}
        if values["number"] != number:
            raise InvalidRow(f"has number {quote_value(line['number'])}, so one is missing or out of order")
        if not values["at"] or not values["move"]:
            raise InvalidRow("does not say when it was made, or which move it was")
        _check_first(values["move"], number)
        for side in ("before", "after"):
            for name, known in (("stage", Stage), ("status", Status)):
                word = values[f"{name}_{side}"]
                if word not in known._value2member_map_ and (word or side == "after"):
                    raise InvalidRow(f"has a {name} that is not known: {quote_value(word)}")
        return HistoryEntry(item_id=item_id, changes=_parse_changes(line), act=_parse_act(line), **values)
    except InvalidRow as bad:
        raise InvalidRow(f"entry {number} of its history {bad}") from None


def _check_first(move: str, number: int) -> None:
    if number == 1 and move not in ("create", "import"):
        raise InvalidRow(f"is {move}; the first one is create or import")
    if number > 1 and move == "create":
        raise InvalidRow("creates the item again")


def _parse_changes(line: Mapping[str, Any]) -> dict[str, Any]:
    """Returns {field: [old value, new value]}."""
    changes = line.get("changes")
    if not isinstance(changes, dict):
        raise InvalidRow("has changes that are not an object")
    for name, pair in changes.items():
        parse_field("has a change with a name that", parse_text, name)
        if not isinstance(pair, list) or len(pair) != 2:
            raise InvalidRow(f"has a change of {quote_value(name)} that is not a list of two values, before and after")
        for value in pair:
            parse_field(f"has a change of {quote_value(name)} that", _scalar, value)
    return changes


def _scalar(value: Any) -> None:
    if isinstance(value, str):
        parse_text(value)
    elif isinstance(value, dict | list) or (isinstance(value, float) and not math.isfinite(value)):
        raise InvalidRow(f"is {quote_value(value)}, not a text, a number, true, false or null")


def _parse_act(line: Mapping[str, Any]) -> UUID | None:
    act = line.get("act")
    try:
        return UUID(act) if act else None
    except (ValueError, AttributeError, TypeError):
        raise InvalidRow(f"has an act that is not a UUID: {quote_value(act)}") from None


def _parse_state(state: Any) -> WorkerStateFile:
    """The state is checked, because a worker that can't read it would stop."""
    if not isinstance(state, Mapping):
        raise InvalidRow(f"its worker's state is {quote_value(state)}, not an object")
    try:
        packed = base64.b64decode(parse_field("data", parse_text, state.get("data")), validate=True)
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(packed, WORKER_STATE_LIMIT + 1)
        if len(text) > WORKER_STATE_LIMIT or not unpacker.eof or b"\0" in text:
            raise InvalidRow("data is too long, incomplete, or not text")
        text.decode()
        created_at = parse_field("created_at", parse_time, state.get("created_at"))
        updated_at = parse_field("updated_at", parse_time, state.get("updated_at"))
        if created_at is None or updated_at is None:
            raise InvalidRow("created_at or updated_at is missing")
        action = parse_field("action", limited(32), state.get("action"))
        return WorkerStateFile(action, packed, len(text), created_at, updated_at)
    except (InvalidRow, binascii.Error, zlib.error, UnicodeDecodeError) as error:
        raise InvalidRow(f"its worker's state can't be used: {error}") from None
