"""Parses a row of a file into the values of an item, or says why that isn't possible.

`ImportedItem.fields` only has what the row contains. For example, a list reply to a depositor has no `node`, so importing it
must not clear an item's node.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import models
from django.utils import timezone

from ... import lifecycle
from ...database import MAX_BIGINT
from ...lifecycle import PATHS, SUCCESS_AT, Phase, phase_of
from ...models import HistoryEntry, WorkItem
from ...vocabulary import REGISTRY_ACTIONS, Action, Stage, Status
from ..spreadsheet_cells import is_shortened, unguard
from . import etags
from .raw_rows import NOT_UTF8, quote_value
from .remarks import Remark
from .repairs import Repaired, is_ambiguous_number, is_sheet_error, repair_for, repair_number, repair_time

LARGEST_ID = 2**52  # JSON numbers are exact up to 2**53, and new items get ids above the imported ones
_EXACT = 2**53 - 1

# Near the limits of the calendar, a time may not exist in a reader's time zone.
EARLIEST_YEAR, LATEST_YEAR = 1900, 9000

# Numbers in which clients and Registry say “none” by 0.
_NEVER_ZERO = ("pid", "intellectual_object_id", "generic_file_id", "deletion_request_id")
INSTITUTION_KEYS = ("institution", "institution_id", "institution_identifier", "institution_name")

_VALID_STATES = {
    (action.value, stage.value, status.value)
    for action in Action
    for stage in PATHS[action]
    for status in Status
    if status != Status.SUCCESS or stage in SUCCESS_AT[action]
}
_WHOLE = re.compile(r"-?\d{1,20}", re.ASCII)
_TIME = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?))?(?: ?(Z|UTC|[+-]\d\d(?::?\d\d)?))?",
    re.IGNORECASE | re.ASCII,
)
# Spreadsheets write these two words in their own language.
_TRUE = frozenset({"true", "t", "1", "1.0", "1,0", "yes", "wahr", "vrai", "verdadero", "vero", "verdadeiro"})
_FALSE = frozenset({"false", "f", "0", "0.0", "0,0", "no", "falsch", "faux", "falso", ""})


class InvalidRow(Exception):
    """A row that can't be imported. The sentence says why."""


class WorkerStateFile(NamedTuple):
    """A worker's state as an export holds it: packed as the database stores it."""

    action: str
    packed: bytes
    length: int
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class ImportedItem:
    """An item as in the file, and what was unusual about it."""

    id: int
    fields: dict[str, Any]
    created_at: datetime
    updated_at: datetime
    domain: str = ""
    entries: list[HistoryEntry] | None = None  # an export includes the history
    state: WorkerStateFile | None = None  # and what a worker has saved
    is_derived: bool = False  # the object identifier isn't in the file
    ignored: set[str] = field(default_factory=set)
    remarks: dict[Remark, str] = field(default_factory=dict)  # with an example

    @property
    def has_no_date(self) -> bool:
        return Remark.WITHOUT_DATE in self.remarks


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
    if type(value) is str and is_ambiguous_number(value):
        raise InvalidRow(
            f"is {quote_value(value)}, which is {value[:-4]} or {value[:-4]}000, depending on what the separator means; "
            "write it with digits only"
        )
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


def limited(limit: int | None) -> Callable[[Any], str]:
    return lambda value: parse_text(value, limit)


def _reader(column: models.Field) -> Callable[[Any], Any]:
    if isinstance(column, models.DateTimeField):
        return parse_time
    if isinstance(column, models.BooleanField):
        return parse_boolean
    if isinstance(column, models.IntegerField):
        return parse_integer
    return limited(column.max_length)


# The columns a file can contain are derived from the model, so that new columns are imported automatically.
_NOT_READ = frozenset({"id", "institution", "version", "search_text", "stage_entered_at"})
READERS: dict[str, Callable[[Any], Any]] = {
    column.name: _reader(column) for column in WorkItem._meta.concrete_fields if column.name not in _NOT_READ
}
_REPAIRS: dict[str, Callable[[Any], Repaired]] = {
    column.name: repair_for(column) for column in WorkItem._meta.concrete_fields if column.name in READERS
}
_KNOWN = frozenset({"id", "date_processed", *READERS, *INSTITUTION_KEYS})


def parse_row(row: Any, *, is_guarded: bool = False) -> ImportedItem:
    """Parses an item of a list reply or a dump. `is_guarded`: its texts are guarded as in a list's CSV. Raises
    InvalidRow.
    """
    if is_guarded and isinstance(row, Mapping):
        row = {name: unguard(value) if isinstance(value, str) else value for name, value in row.items()}
    arrival = parse_item(row)
    fields = arrival.fields
    if not fields.get("date"):
        arrival.remarks[Remark.WITHOUT_DATE] = ""
        fields["date"] = arrival.created_at
    elif fields["date"] > timezone.now() + timedelta(days=1):
        arrival.remarks[Remark.FUTURE_DATE] = f"{fields['date']:%Y-%m-%d}"
    for name in _NEVER_ZERO:
        if name in fields:
            fields[name] = fields[name] or None
    is_closed = phase_of(fields["status"], retry=fields.get("retry", True)) is Phase.CLOSED
    if not is_closed or not fields.get("finished_at"):
        fields.pop("finished_at", None)
    if etags.is_damaged(fields.get("etag", "")):
        arrival.remarks[Remark.DAMAGED_ETAG] = fields["etag"]
    if is_shortened(fields.get("note", ""), arrival.id):
        arrival.remarks[Remark.CUT_BY_LIST] = ""
    if fields.get("reviewed") and not is_closed:
        fields["reviewed"] = False
        arrival.remarks[Remark.REVIEWED_DROPPED] = ""
    arrival.ignored = {key for key in row if key not in _KNOWN}
    return arrival


def parse_item(row: Any) -> ImportedItem:
    """Parses the values of an item, whatever kind of file it is from. Raises InvalidRow."""
    if not isinstance(row, Mapping):
        raise InvalidRow(f"the row is {quote_value(row)}, not an object with the fields of an item")
    remarks: dict[Remark, str] = {}
    number = parse_field("id", parse_integer, _repair("id", repair_number, row.get("id"), remarks))
    if not number:
        raise InvalidRow("the row has no id, so its item can't be found again")
    if number > LARGEST_ID:
        raise InvalidRow(f"id is {number}; the largest is {LARGEST_ID}")
    fields = {
        name: parse_field(name, reader, _repair(name, _REPAIRS[name], row[name], remarks))
        for name, reader in READERS.items()
        if name in row
    }
    if "date" not in fields and "date_processed" in row:
        received = _repair("date_processed", repair_time, row["date_processed"], remarks)
        fields["date"] = parse_field("date_processed", parse_time, received)
    if not fields.get("name"):
        raise InvalidRow("the row has no name")
    if Remark.SHEET_ERROR in remarks and is_sheet_error(fields["name"]):
        raise InvalidRow(f"name is {fields['name']}, because a spreadsheet took it for a formula")
    if "etag" in fields:
        fields["etag"] = lifecycle.normalize_etag(fields["etag"])
    _check_words(fields)
    created_at = fields.pop("created_at", None) or fields.get("date") or fields.get("updated_at")
    if created_at is None:
        raise InvalidRow("the row says neither when it was created (created_at) nor when the bag was received (date)")
    updated_at = fields.pop("updated_at", None) or created_at
    if (fields["action"], fields["stage"], fields["status"]) not in _VALID_STATES:
        remarks[Remark.ODD_PATH] = ""
    return ImportedItem(number, fields, created_at, updated_at, remarks=remarks)


def _repair(name: str, repair: Callable[[Any], Repaired], value: Any, remarks: dict[Remark, str]) -> Any:
    repaired, remark = repair(value)
    if remark:
        remarks.setdefault(remark, f"{name} {quote_value(value, 30)}")
    return repaired


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
