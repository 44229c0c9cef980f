"""Parses a row of a file into the values of an item, or says why that isn't possible.

`ImportedItem.fields` only has what the row contains. For example, a list reply to a depositor has no `node`, so importing it
must not clear an item's node.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import models

from ... import lifecycle
from ...database import MAX_BIGINT
from ...lifecycle import PATHS, SUCCESS_AT, Phase, phase_of
from ...models import HistoryEntry, WorkItem
from ...vocabulary import REGISTRY_ACTIONS, Action, Stage, Status
from .raw_rows import NOT_UTF8, quote_value

LARGEST_ID = 2**52  # JSON numbers are exact up to 2**53, and new items get ids above the imported ones
_EXACT = 2**53 - 1

# Near the limits of the calendar, a time may not exist in a reader's time zone.
EARLIEST_YEAR, LATEST_YEAR = 1900, 9000

# References to Registry's other tables, which don't exist here.
REFERENCES = ("intellectual_object_id", "generic_file_id", "deletion_request_id")
INSTITUTION_KEYS = ("institution", "institution_id", "institution_identifier", "institution_name")

_VALID_STATES = {
    (action.value, stage.value, status.value)
    for action in Action
    for stage in PATHS[action]
    for status in Status
    if status != Status.SUCCESS or stage in SUCCESS_AT[action]
}
_DAMAGED_ETAG = re.compile(r"\d(\.\d+)?E\+\d+", re.IGNORECASE | re.ASCII)
_WHOLE = re.compile(r"-?\d{1,20}", re.ASCII)
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?))?(?: ?(Z|UTC|[+-]\d\d(?::?\d\d)?))?",
    re.IGNORECASE | re.ASCII,
)
_TRUE = frozenset({"true", "t", "1"})
_FALSE = frozenset({"false", "f", "0", ""})


class InvalidRow(Exception):
    """A row that can't be imported. The sentence says why."""


@dataclass(slots=True)
class ImportedItem:
    """An item as in the file, and what was unusual about it."""

    id: int
    fields: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    domain: str = ""
    entries: list[HistoryEntry] | None = None  # an export includes the history
    is_derived: bool = False  # the object identifier isn't in the file
    has_odd_path: bool = False
    has_damaged_etag: bool = False
    has_no_date: bool = False
    was_reviewed: bool = False
    ignored: set[str] = field(default_factory=set)


def parse_text(value: Any, limit: int | None = None) -> str:
    if value is None:
        return ""
    if type(value) is not str:
        raise InvalidRow(f"is {quote_value(value)}, not text")
    if limit is not None and len(value) > limit:
        raise InvalidRow(f"has {len(value)} characters; at most {limit} can be stored")
    if "\0" in value:
        raise InvalidRow("contains a NUL character")
    if not value.isascii():
        if NOT_UTF8 in value:
            raise InvalidRow("is not UTF-8")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise InvalidRow("contains half a surrogate pair, which is not a valid character") from None
    return value


def parse_integer(value: Any) -> int | None:
    if value is None or value == "":
        return None
    if (type(value) is str and _WHOLE.fullmatch(value)) or (isinstance(value, float) and _is_exact(value)):
        value = int(value)
    if type(value) is not int:
        raise InvalidRow(f"is {quote_value(value)}, not a whole number")
    if value < 0:
        raise InvalidRow(f"is {quote_value(value)}, a negative number")
    if value > MAX_BIGINT:
        raise InvalidRow(f"is {quote_value(value)}, more than can be stored")
    return value


def _is_exact(value: float) -> bool:
    """Returns whether a number with a decimal point is an integer, like 5.0."""
    return -_EXACT <= value <= _EXACT and value == int(value)


def parse_boolean(value: Any) -> bool:
    if type(value) is bool:
        return value
    word = str(value).lower() if isinstance(value, str | int | float) else "" if value is None else "?"
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise InvalidRow(f"is {quote_value(value)}, neither true nor false")


def parse_time(value: Any) -> datetime | None:
    """Parses a time. Without a time zone it is UTC; the year 1 means unset; digits beyond microseconds are dropped."""
    if value is None or value == "":
        return None
    found = _TIME.fullmatch(value) if type(value) is str else None
    if found is None:
        raise InvalidRow(f"is {quote_value(value)}, not a date and time such as 2021-03-04T05:06:07Z")
    if value.startswith("0001-01-01"):
        return None
    day, clock, zone = found.groups()
    zone = "" if zone is None or zone in "Zz" or zone.upper() == "UTC" else zone
    try:
        read = datetime.fromisoformat(f"{day}T{clock or '00:00'}{zone}")
        read = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidRow(f"is {quote_value(value)}, which is not a valid date and time") from None
    if not EARLIEST_YEAR <= read.year <= LATEST_YEAR:
        raise InvalidRow(f"is {quote_value(value)}; only the years {EARLIEST_YEAR} to {LATEST_YEAR} can be stored")
    return read


def _limited(limit: int | None) -> Callable[[Any], str]:
    return lambda value: parse_text(value, limit)


def _reader(column: models.Field) -> Callable[[Any], Any]:
    if isinstance(column, models.DateTimeField):
        return parse_time
    if isinstance(column, models.BooleanField):
        return parse_boolean
    if isinstance(column, models.IntegerField):
        return parse_integer
    return _limited(column.max_length)


# The columns a file can contain are derived from the model, so that new columns are imported automatically.
_NOT_READ = frozenset({"id", "institution", "version", "search_text", "stage_entered_at"})
READERS: dict[str, Callable[[Any], Any]] = {
    column.name: _reader(column) for column in WorkItem._meta.concrete_fields if column.name not in _NOT_READ
}
_KNOWN = frozenset({"id", "date_processed", *READERS, *REFERENCES, *INSTITUTION_KEYS})


def parse_row(row: Any) -> ImportedItem:
    """Parses an item of a list reply or a dump. Raises InvalidRow."""
    arrival = _parse_item(row)
    fields = arrival.fields
    if not fields.get("date"):
        arrival.has_no_date = True
        fields["date"] = arrival.created_at
    if "pid" in fields:
        fields["pid"] = fields["pid"] or None  # no process has the number 0
    etag = fields.get("etag", "")
    arrival.has_damaged_etag = "+" in etag and _DAMAGED_ETAG.fullmatch(etag) is not None
    if fields.get("reviewed") and phase_of(fields["status"], retry=fields.get("retry", True)) is not Phase.CLOSED:
        fields["reviewed"] = False
        arrival.was_reviewed = True
    arrival.ignored = {key for key in row if key not in _KNOWN} | {key for key in REFERENCES if row.get(key)}
    return arrival


def parse_export(line: Any) -> ImportedItem:
    """Parses an item with its history from our own export. Raises InvalidRow."""
    row = line["item"]
    if missing := READERS.keys() - row.keys():
        raise InvalidRow(f"the item lacks {', '.join(sorted(missing))}; it is not what export_workitems wrote")
    arrival = _parse_item(row)
    if not arrival.fields["date"]:
        raise InvalidRow("date is missing")
    if arrival.fields["reviewed"] and (
        phase_of(arrival.fields["status"], retry=arrival.fields["retry"]) is not Phase.CLOSED
    ):
        raise InvalidRow("the item is reviewed but not closed")
    arrival.entries = _parse_history(line.get("history"), arrival)
    return arrival


def _parse_item(row: Any) -> ImportedItem:
    if not isinstance(row, Mapping):
        raise InvalidRow(f"the row is {quote_value(row)}, not an object with the fields of an item")
    number = parse_field("id", parse_integer, row.get("id"))
    if not number:
        raise InvalidRow("the row has no id, so its item can't be found again")
    if number > LARGEST_ID:
        raise InvalidRow(f"id is {number}; the largest is {LARGEST_ID}")
    fields = {}
    for name, reader in READERS.items():
        if name in row:
            fields[name] = parse_field(name, reader, row[name])
    if "date" not in fields and "date_processed" in row:
        fields["date"] = parse_field("date_processed", parse_time, row["date_processed"])
    if not fields.get("name"):
        raise InvalidRow("the row has no name")
    _check_words(fields)
    created_at = fields.pop("created_at", None) or fields.get("date") or fields.get("updated_at")
    if created_at is None:
        raise InvalidRow("the row says neither when it was created (created_at) nor when the bag was received (date)")
    updated_at = fields.pop("updated_at", None) or created_at
    arrival = ImportedItem(number, fields, created_at, updated_at)
    arrival.has_odd_path = (fields["action"], fields["stage"], fields["status"]) not in _VALID_STATES
    return arrival


def parse_field(name: str, reader: Callable[[Any], Any], value: Any) -> Any:
    """Parses a value with this function; the error starts with the field's name."""
    try:
        return reader(value)
    except InvalidRow as bad:
        raise InvalidRow(f"{name} {bad}") from None


def _check_words(fields: dict[str, Any]) -> None:
    action = fields.get("action", "")
    if ours := REGISTRY_ACTIONS.get(action):
        action = ours[0].value
    fields["action"] = action
    for name, value, known in (
        ("action", action, Action),
        ("stage", fields.get("stage", ""), Stage),
        ("status", fields.get("status", ""), Status),
    ):
        if value not in known._value2member_map_:
            said = f"unknown {name} {quote_value(value)}" if value else f"the row has no {name}"
            raise InvalidRow(f"{said}; use one of {', '.join(known)}")


def derive_object_identifier(arrival: ImportedItem) -> None:
    """Sets the object identifier of a successful ingest if the file doesn't have it. (Registry stores a reference instead.)"""
    fields = arrival.fields
    if fields["action"] != Action.INGEST or fields["status"] != Status.SUCCESS or fields.get("object_identifier"):
        return
    fields["object_identifier"] = lifecycle.build_object_identifier(arrival.domain, fields["name"])
    arrival.is_derived = True


_ENTRY = {
    "number": parse_integer,
    "at": parse_time,
    "who": _limited(255),
    "via": _limited(16),
    "move": _limited(16),
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
