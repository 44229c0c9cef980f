"""Decides what to do with an item of a file, given the stored item with the same id. Runs no queries."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ...lifecycle import PROCESS, Phase
from ...models import HistoryEntry, WorkItem
from .parsing import ImportedItem, InvalidRow

CREATED, UPDATED, UNCHANGED, NEWER_HERE = "created", "updated", "unchanged", "newer_here"
_IMMUTABLE = ("name", "etag", "action")
# Stage, status, and note have their own columns in the history; process fields and stage times aren't recorded.
_NOT_IN_CHANGES = PROCESS | {"stage", "status", "note", "stage_started_at", "queued_at"}
# The columns of an entry that are compared; the number comes first.
ENTRY_COLUMNS = ["number", *(c.attname for c in HistoryEntry._meta.concrete_fields if c.name not in ("id", "number"))]
Entry = tuple[Any, ...]  # a stored entry as the values of these columns


@dataclass(slots=True)
class Verdict:
    outcome: str
    item: WorkItem | None = None
    entries: list[HistoryEntry] = field(default_factory=list)


def reconcile(arrival: ImportedItem, stored: WorkItem | None, history: Sequence[Entry], now: datetime) -> Verdict:
    """Returns the verdict on an item.

    Raises InvalidRow if the id belongs to another item here, or if the two histories contradict each other.
    """
    if stored is None:
        return _new(arrival, now)
    _check_same(arrival, stored)
    different = _differences(arrival, stored)
    if arrival.entries is not None:
        return _follow_history(arrival, stored, history, different)
    if not different:
        return Verdict(UNCHANGED)
    if arrival.updated_at < stored.updated_at:
        return Verdict(NEWER_HERE)
    return _update(arrival, stored, different, now)


def _new(arrival: ImportedItem, now: datetime) -> Verdict:
    item = WorkItem(
        id=arrival.id, created_at=arrival.created_at, updated_at=arrival.updated_at, version=1, **arrival.fields
    )
    if arrival.entries is not None:
        item.version = len(arrival.entries)
        return Verdict(CREATED, item, arrival.entries)
    return Verdict(CREATED, item, [_entry(item, now, "", "", {})])


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
        if name in theirs and theirs[name] != value:
            raise InvalidRow(
                f"id {arrival.id} is another item here: its {name} is {value[:100]!r}, in the file {theirs[name][:100]!r}"
            )


def _differences(arrival: ImportedItem, stored: WorkItem) -> dict[str, Any]:
    """Returns the values of the file that differ. Values that were only derived don't count as different."""
    different = {name: value for name, value in arrival.fields.items() if getattr(stored, name) != value}
    if arrival.has_no_date:
        different.pop("date", None)
    if arrival.is_derived and stored.object_identifier:
        different.pop("object_identifier", None)
    return different


def _update(arrival: ImportedItem, stored: WorkItem, different: dict[str, Any], now: datetime) -> Verdict:
    stage, status, reviewed = stored.stage, stored.status, stored.reviewed
    changes = {name: [getattr(stored, name), new] for name, new in different.items() if name not in _NOT_IN_CHANGES}
    _overwrite(stored, different)
    if stored.reviewed and stored.phase is not Phase.CLOSED:
        # Reopened elsewhere, so the reviewed result is outdated.
        stored.reviewed = False
        changes["reviewed"] = [reviewed, False]
    stored.version += 1
    stored.updated_at = arrival.updated_at
    return Verdict(UPDATED, stored, [_entry(stored, now, stage, status, changes)])


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
        if ours != _values(other):
            raise InvalidRow(f"from entry {ours[0]} on, the item's history here differs from the one in the file")
    if len(theirs) < len(history):
        return Verdict(NEWER_HERE)
    if len(theirs) == len(history):
        if different:
            raise InvalidRow(f"the item has the same history here, but a different {', '.join(sorted(different))}")
        return Verdict(UNCHANGED)
    _overwrite(stored, different)
    stored.updated_at = arrival.updated_at
    stored.version = len(theirs)
    return Verdict(UPDATED, stored, theirs[len(history) :])


def _values(entry: HistoryEntry) -> Entry:
    return tuple(getattr(entry, column) for column in ENTRY_COLUMNS)
