"""Decides what to do with an item of a file, given the stored item with the same id. Runs no queries."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ... import lifecycle
from ...lifecycle import PROCESS, Phase
from ...models import HistoryEntry, WorkItem
from ...transitions import later_than
from .etags import is_damaged, is_damaged_form_of
from .parsing import ImportedItem, InvalidRow, WorkerStateFile
from .remarks import Remark
from .repairs import is_rounded_form_of
from .times import is_before, is_same_time

CREATED, UPDATED, UNCHANGED, NEWER_HERE = "created", "updated", "unchanged", "newer_here"
_IMMUTABLE = ("name", "etag", "action")
# Stage, status, and note have their own columns in the history; process fields and stage times aren't recorded.
_NOT_IN_CHANGES = PROCESS | {"stage", "status", "note", "stage_started_at", "queued_at", "finished_at"}
# The columns of an entry that are compared; the number comes first.
ENTRY_COLUMNS = ["number", *(c.attname for c in HistoryEntry._meta.concrete_fields if c.name not in ("id", "number"))]
_ROUNDED = frozenset({Remark.SCIENTIFIC, Remark.WITH_POINT, Remark.BEYOND_EXACT})
Entry = tuple[Any, ...]  # a stored entry as the values of these columns


@dataclass(slots=True)
class Verdict:
    outcome: str
    item: WorkItem | None = None
    entries: list[HistoryEntry] = field(default_factory=list)
    state: WorkerStateFile | None = None
    remarks: dict[Remark, str] = field(default_factory=dict)


def reconcile(arrival: ImportedItem, stored: WorkItem | None, history: Sequence[Entry], now: datetime) -> Verdict:
    """Returns the verdict on an item.

    Raises InvalidRow if the id belongs to another item here, or if the two histories contradict each other.
    """
    remarks = dict(arrival.remarks)
    if stored is None:
        if remarks.pop(Remark.CUT_BY_LIST, None) is not None:
            remarks[Remark.CUT_NOTE_NEW] = ""
        return Verdict(CREATED, *_new(arrival, now), arrival.state, remarks)
    _check_same(arrival, stored)
    different = _differences(arrival, stored, remarks)
    if arrival.entries is not None:
        return _follow_history(arrival, stored, history, different)
    if not different:
        return Verdict(UNCHANGED, remarks=remarks)
    if is_before(arrival.updated_at, stored.updated_at):
        mended = {name: value for name, value in different.items() if name == "etag"}
        if left := different.keys() - mended.keys():
            remarks[Remark.NEWER_HERE] = ", ".join(sorted(left))
        if not mended:
            return Verdict(NEWER_HERE, remarks=remarks)
        different = mended
    return _update(arrival, stored, different, now, remarks)


def _new(arrival: ImportedItem, now: datetime) -> tuple[WorkItem, list[HistoryEntry]]:
    item = WorkItem(
        id=arrival.id, created_at=arrival.created_at, updated_at=arrival.updated_at, version=1, **arrival.fields
    )
    if arrival.entries is not None:
        item.version = len(arrival.entries)
        return item, arrival.entries
    return item, [_entry(item, now, "", "", {})]


def _entry(item: WorkItem, now: datetime, stage: str, status: str, changes: dict[str, Any]) -> HistoryEntry:
    return HistoryEntry(
        item_id=item.pk,
        number=item.version,
        at=now,
        who="import",
        via="import",
        move="import",
        stage_before=stage,
        status_before=status,
        stage_after=item.stage,
        status_after=item.status,
        note=item.note,
        changes=changes,
    )


def _check_same(arrival: ImportedItem, stored: WorkItem) -> None:
    theirs = {**arrival.fields, "institution": arrival.domain}
    ours = {name: getattr(stored, name) for name in _IMMUTABLE} | {"institution": stored.institution.identifier}
    for name, value in ours.items():
        if name not in theirs or theirs[name] == value or (name == "etag" and _is_same_etag(value, theirs[name])):
            continue
        raise InvalidRow(
            f"id {arrival.id} is another item here: its {name} is {value[:100]!r}, in the file {theirs[name][:100]!r}"
        )


def _is_same_etag(ours: str, theirs: str) -> bool:
    """Returns whether a spreadsheet has damaged one of the two."""
    ours = lifecycle.normalize_etag(ours)
    if ours == theirs:
        return True
    if is_damaged(ours) and is_damaged_form_of(ours, theirs):
        return True
    return is_damaged(theirs) and is_damaged_form_of(theirs, ours)


def _differences(arrival: ImportedItem, stored: WorkItem, remarks: dict[Remark, str]) -> dict[str, Any]:
    """Returns the values that differ in the file, without those that only look different: adds a remark if something stays."""
    different = {name: value for name, value in arrival.fields.items() if getattr(stored, name) != value}
    if arrival.has_no_date:
        different.pop("date", None)
    if arrival.is_derived and stored.object_identifier:
        different.pop("object_identifier", None)
    if Remark.CUT_BY_LIST in remarks:
        different.pop("note", None)
    if "etag" in different:
        _compare_etags(stored.etag, different, remarks)
    for name, value in tuple(different.items()):
        ours = getattr(stored, name)
        if isinstance(value, datetime) and is_same_time(value, ours):
            del different[name]
            remarks.setdefault(Remark.SAME_TIMES, name)
        elif isinstance(value, str) and "\r\n" in value + ours and _with_one_end(value) == _with_one_end(ours):
            del different[name]
            remarks.setdefault(Remark.SAME_LINE_ENDS, name)
        elif type(value) is int and _ROUNDED & remarks.keys() and is_rounded_form_of(value, ours):
            del different[name]
            remarks.setdefault(Remark.KEPT_NUMBER, name)
    return different


def _with_one_end(text: str) -> str:
    return text.replace("\r\n", "\n")


def _compare_etags(ours: str, different: dict[str, Any], remarks: dict[Remark, str]) -> None:
    """A sound etag replaces a damaged one, never the other way round."""
    if is_damaged(different["etag"]) and not is_damaged(ours):
        remarks[Remark.KEPT_ETAG] = remarks.pop(Remark.DAMAGED_ETAG, different["etag"])
        del different["etag"]
    elif is_damaged(ours):
        remarks[Remark.MENDED_ETAG] = ours


def _update(
    arrival: ImportedItem, stored: WorkItem, different: dict[str, Any], now: datetime, remarks: dict[Remark, str]
) -> Verdict:
    stage, status, reviewed = stored.stage, stored.status, stored.reviewed
    changes = {name: [getattr(stored, name), new] for name, new in different.items() if name not in _NOT_IN_CHANGES}
    was_closed = stored.phase is Phase.CLOSED
    _overwrite(stored, different)
    if "finished_at" not in different and (stored.phase is Phase.CLOSED) != was_closed:
        stored.finished_at = None  # the file doesn't say when it was closed
    if stored.reviewed and stored.phase is not Phase.CLOSED:
        # Reopened elsewhere, so the reviewed result is outdated.
        stored.reviewed = False
        changes["reviewed"] = [reviewed, False]
    stored.version += 1
    # An edited sheet brings the time of the last change before the edit. The edit itself is made now.
    is_later = arrival.updated_at > stored.updated_at and not is_same_time(arrival.updated_at, stored.updated_at)
    stored.updated_at = arrival.updated_at if is_later else later_than(stored.updated_at, now)
    return Verdict(UPDATED, stored, [_entry(stored, now, stage, status, changes)], remarks=remarks)


def _overwrite(stored: WorkItem, different: dict[str, Any]) -> None:
    for name, new in different.items():
        setattr(stored, name, new)
    if "stage" in different:
        stored.stage_entered_at = None  # set from the history by `durations.backfill_stage_entered_at`


def _follow_history(
    arrival: ImportedItem, stored: WorkItem, history: Sequence[Entry], different: dict[str, Any]
) -> Verdict:
    """Continues the stored history with the file's. One of the two must be the beginning of the other."""
    theirs = arrival.entries or []
    if len(history) < stored.version:
        raise InvalidRow(
            "part of its history is not in this database; reattach the year of the archive that was detached"
        )
    for ours, other in zip(history, theirs, strict=False):
        if ours != entry_values(other):
            raise InvalidRow(f"from entry {ours[0]} on, the item's history here differs from the one in the file")
    if len(theirs) < len(history):
        return Verdict(NEWER_HERE, remarks={Remark.NEWER_HERE: "their history"})
    if len(theirs) == len(history):
        if different:
            raise InvalidRow(f"the item has the same history here, but a different {', '.join(sorted(different))}")
        return Verdict(UNCHANGED, state=arrival.state, remarks=arrival.remarks)
    _overwrite(stored, different)
    stored.updated_at = max(arrival.updated_at, stored.updated_at)
    stored.version = len(theirs)
    return Verdict(UPDATED, stored, theirs[len(history) :], arrival.state, arrival.remarks)


def entry_values(entry: HistoryEntry) -> Entry:
    return tuple(getattr(entry, column) for column in ENTRY_COLUMNS)
