"""Checks whether histories follow the lifecycle's tables, and whether saves that clients were told of are in them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.db.models import QuerySet

from pharos.accounts.roles import Role
from workitems.lifecycle import (
    MOVES,
    SUCCESS_AT,
    Move,
    Phase,
    StageRule,
    is_on_path,
    phase_of,
    position,
    requeue_stages,
    retry_stages,
)
from workitems.models import HistoryEntry, WorkItem
from workitems.simulation.decisions import Save
from workitems.vocabulary import Action, Stage, Status

FLAGS = ("retry", "needs_admin_review", "reviewed")
# Of the fields that a change may name, these are not written down each time.
UNTRACED = frozenset({"node", "pid"})
AFTER_A_CANCEL = frozenset({"requeue", "edit", "review", "unreview", "notify"})


@dataclass(frozen=True)
class Step:
    """One entry, with the flags before and after it."""

    entry: HistoryEntry
    before: dict[str, bool]
    after: dict[str, bool]
    stood: str  # how far the item really came before it

    @property
    def phase(self) -> Phase:
        return phase_of(self.entry.status_before, retry=self.before["retry"])


def faults(item: WorkItem, entries: Sequence[HistoryEntry], roles: Mapping[str, str]) -> list[str]:
    """Returns each fault as a sentence that names the item and the entry."""
    if not entries:
        return [f"item {item.pk}: no history"]
    found = [*_numbers(item, entries), *_chain(item, entries), *_values(item, entries), *_revivals(entries, roles)]
    found += _first(item, entries[0], roles)
    for step in _steps(item, entries):
        found += [f"entry {step.entry.number} ({step.entry.move}): {fault}" for fault in _move(item, step, roles)]
    return [f"item {item.pk}: {fault}" for fault in found]


def all_faults(roles: Mapping[str, str], items: QuerySet[WorkItem] | None = None) -> list[str]:
    asked = WorkItem.objects.all() if items is None else items
    histories = defaultdict(list)
    for entry in HistoryEntry.objects.filter(item__in=asked).order_by("item_id", "number").iterator():
        histories[entry.item_id].append(entry)
    return [fault for item in asked.order_by("pk").iterator() for fault in faults(item, histories[item.pk], roles)]


def unrecorded(saves: Iterable[Save], entries: Iterable[HistoryEntry]) -> list[Save]:
    """Saves that a client was told were taken, but of which the history knows nothing.

    Both what was sent and what was answered must be there. The answer is the item after the save, and its `updated_at` is the
    time of the entry that it shows: the save's own, or an earlier one where it was so already, or that of whoever came next.
    """
    known = [*entries]
    sent = {entry_key(entry) for entry in known}
    shown = {(entry.item_id, _as_shown(entry.at), entry.stage_after, entry.status_after, entry.note) for entry in known}
    return [save for save in saves if save_key(save) not in sent or _shown(save.reply) not in shown]


def entry_key(entry: HistoryEntry) -> tuple[Any, ...]:
    """Returns what an entry and the save that made it have in common."""
    return _key(entry.item_id, entry.stage_after, entry.status_after, entry.note)


def save_key(save: Save) -> tuple[Any, ...]:
    return _key(save.reply["id"], save.sent["stage"], save.sent["status"], save.sent["note"])


def _key(number: int, stage: str, status: str, note: str) -> tuple[Any, ...]:
    # An admin's cancel leads to Resolve, whatever stage was sent.
    return number, "" if status == Status.CANCELLED else stage, status, note


def _shown(reply: Mapping[str, Any]) -> tuple[Any, ...]:
    at = _as_shown(datetime.fromisoformat(reply["updated_at"]))
    return reply["id"], at, reply["stage"], reply["status"], reply["note"] or ""


def _as_shown(time: datetime) -> datetime:
    """The time with the digits that version 2 of the API sends."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)


def _numbers(item: WorkItem, entries: Sequence[HistoryEntry]) -> list[str]:
    numbers = [entry.number for entry in entries]
    found = [] if numbers == [*range(1, len(numbers) + 1)] else [f"its entries are numbered {numbers}"]
    if item.version != len(entries):
        found.append(f"its version is {item.version}, but it has {len(entries)} entries")
    return found


def _chain(item: WorkItem, entries: Sequence[HistoryEntry]) -> list[str]:
    """Each entry continues the previous one, and the item is where the last one says."""
    found = []
    for former, entry in pairwise(entries):
        before, after = (entry.stage_before, entry.status_before), (former.stage_after, former.status_after)
        if before != after:
            found.append(f"entry {entry.number} begins at {before}, the former ended at {after}")
    last = entries[-1]
    said, stored = (last.stage_after, last.status_after, last.note), (item.stage, item.status, item.note)
    if said != stored:
        found.append(f"it is {stored}, its last entry says {said}")
    return found


def _values(item: WorkItem, entries: Sequence[HistoryEntry]) -> list[str]:
    """The same for all other fields: an entry replaces what the previous one wrote."""
    known: dict[str, Any] = {}
    found = []
    for entry in entries:
        for name, (before, after) in entry.changes.items():
            if name in known and name not in UNTRACED and known[name] != before:
                found.append(f"entry {entry.number} replaces {name} {before!r}, but it was {known[name]!r}")
            known[name] = after
    for name, value in known.items():
        stored = getattr(item, name)
        if name not in UNTRACED and isinstance(stored, bool | int | str) and stored != value:
            found.append(f"its {name} is {stored!r}, its history says {value!r}")
    return found


def _revivals(entries: Sequence[HistoryEntry], roles: Mapping[str, str]) -> list[str]:
    found = []
    for former, entry in pairwise(entries):
        if former.status_after != Status.CANCELLED:
            continue
        if entry.move not in AFTER_A_CANCEL:
            found.append(f"entry {entry.number}: {entry.move} after a cancel")
        elif roles.get(entry.who) == Role.WORKER and entry.move != "notify":
            found.append(f"entry {entry.number}: a service's {entry.move} after a cancel")
    return found


def _first(item: WorkItem, entry: HistoryEntry, roles: Mapping[str, str]) -> list[str]:
    found = []
    if entry.move not in ("create", "import"):
        found.append(f"it begins with {entry.move}")
    if entry.stage_before or entry.status_before:
        found.append("something was before it was created")
    if entry.move == "create":
        if not is_on_path(item.action, entry.stage_after):
            found.append(f"created at {entry.stage_after}, which is no stage of {item.action}")
        if entry.status_after == Status.SUCCESS and entry.stage_after not in SUCCESS_AT[Action(item.action)]:
            found.append(f"created as done at {entry.stage_after}")
        if roles.get(entry.who) not in (Role.WORKER, Role.ADMIN):
            found.append(f"created by {entry.who}, who may not")
    return found


def _steps(item: WorkItem, entries: Sequence[HistoryEntry]) -> list[Step]:
    """The flags are reconstructed backward: the item has the last values, and each entry says what it replaced."""
    flags = {name: getattr(item, name) for name in FLAGS}
    steps = []
    for place in range(len(entries) - 1, 0, -1):
        entry = entries[place]
        before = {**flags, **{name: entry.changes[name][0] for name in FLAGS if name in entry.changes}}
        steps.append(Step(entry, before, flags, _stood(entries[:place])))
        flags = before
    return steps[::-1]


def _stood(former: Sequence[HistoryEntry]) -> str:
    """An admin's cancel leads to Resolve, whatever was left to do; the real stage is the one before it."""
    if former[-1].status_after != Status.CANCELLED:
        return former[-1].stage_after
    cancels = [entry.stage_before for entry in former if entry.move == "cancel"]
    return (cancels and cancels[-1]) or former[-1].stage_after


def _move(item: WorkItem, step: Step, roles: Mapping[str, str]) -> list[str]:
    """Compares the entry with its row of the table of moves."""
    entry = step.entry
    move = MOVES.get(entry.move)
    if move is None:
        return [] if entry.move == "import" else ["there is no such move"]
    found = []
    role = roles.get(entry.who, "")
    if not move.is_granted_to(role):
        found.append(f"{entry.who} ({role or 'unknown'}) may not")
    if step.phase not in move.sources:
        found.append(f"made with an item that was {step.phase} ({entry.stage_before} / {entry.status_before})")
    if entry.status_after not in (move.statuses or (entry.status_before,)):
        found.append(f"leads to {entry.status_after}")
    if not _reaches(item.action, move, step, role):
        found.append(f"goes from {entry.stage_before} to {entry.stage_after}")
    if move.name == "requeue" and entry.status_before == Status.SUCCESS:
        found.append("takes up what has succeeded")
    if move.note_required and not entry.note.strip():
        found.append("has no note")
    for name, value in move.sets.items():
        if name in FLAGS and step.after[name] is not value:
            found.append(f"leaves {name} {step.after[name]}")
    return found


def _reaches(action: str, move: Move, step: Step, role: str) -> bool:
    before, after = step.entry.stage_before, step.entry.stage_after
    if after != before and not is_on_path(action, after):
        return False
    if move.stage_rule is StageRule.SAME:
        return after == before
    if move.stage_rule is StageRule.EARLIER:
        return after in retry_stages(action, before)
    if move.stage_rule is StageRule.BACK:
        return after in requeue_stages(action, step.stood)
    if move.stage_rule is StageRule.RESOLVE and role == Role.ADMIN:
        return after == Stage.RESOLVE
    is_onward = position(action, after) >= position(action, before)
    return is_onward and (move.stage_rule is not StageRule.SUCCESS or after in SUCCESS_AT[Action(action)])
