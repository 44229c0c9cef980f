"""Makes one move on many items: locks the rows, asks `lifecycle` what it changes, saves the result, and records it.

Single moves and bulk changes both use this. It is safe with concurrent writers: PostgreSQL locks the rows, and on SQLite
a transaction has the database to itself from its first statement (settings: IMMEDIATE). On both, the update names the
version that was read, so nothing is decided from stale data.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from pharos.accounts.models import User

from ..durations import (
    ItemOutcome,
    ItemProfile,
    StageDuration,
    StagePosition,
    compute_stage_entered_at,
    measure,
    record_durations,
)
from ..failures import failed_items, record_failures
from ..lifecycle import MOVES, PROCESS, Phase, Refused, TransitionRequest, evaluate
from ..models import HistoryEntry, WorkItem
from ..search import SEARCHED_COLUMNS, build_search_text
from ..work_queue import enqueue
from .clock import later_than
from .related import related_facts
from .values import check_values

# Not recorded in `changes`: stage, status, and note have their own columns in the history, and the others change with
# nearly every save.
_NOT_IN_CHANGES = frozenset(
    {"stage", "status", "note", "stage_started_at", "stage_entered_at", "finished_at", "queued_at", "search_text"}
)

# An invented past, as in the demo, isn't in the installation's queue.
_NO_QUEUE: dict[str, Any] = {"served_stages": None}

PlannedMove = tuple[str, TransitionRequest] | Refused  # the move to make on an item, or why there is none


@dataclass(frozen=True)
class TransitionResult:
    """The result for one item: `changed`, `refused` with the reason, or neither if nothing had to change."""

    item: WorkItem | None
    changed: bool = False
    refused: Refused | None = None


class _Change(NamedTuple):
    """A move on one item, with the new values of the columns that change."""

    row: WorkItem
    move: str
    new: dict[str, Any]


def effective_role(by: User) -> str:
    """Returns the account's role, or an empty string if the account is inactive."""
    return by.role if by.is_active else ""


@dataclass(frozen=True)
class TransitionBatch:
    """The context of a call: by whom, `via` what (page, api, import, or command), when, and for which bulk change (`act`).

    If `at` is None, the time at which the rows were locked is used.
    """

    by: User
    via: str
    at: datetime | None
    act: UUID | None = None

    def run(
        self,
        ids: Sequence[int],
        plan: Callable[[Mapping[int, WorkItem], datetime], Mapping[int, PlannedMove]],
        versions: Mapping[int, int | None],
        queryset: Any,
    ) -> list[TransitionResult]:
        """Locks the rows, makes the move that `plan` returns for each of them (given the rows and the time), and saves
        what was accepted.

        Returns a result for each id, in order. A row whose version differs from the one in `versions` is refused.
        """
        results, accepted = {}, []
        with transaction.atomic():
            locked = queryset.select_for_update(of=("self",)).select_related("institution").filter(pk__in=ids)
            rows = {row.pk: row for row in locked.order_by("pk")}
            # Read the time only now: a writer that waited for the lock comes later in the history than the one that had it.
            now = self.at or timezone.now()
            plans = plan(rows, now)
            related = related_facts(rows, plans, self.by, now)
            for pk in ids:
                try:
                    if pk not in rows:
                        raise Refused("missing", _("There is no such item."))
                    change = self._evaluate(rows[pk], plans[pk], related.get(pk, {}), versions.get(pk), now)
                    accepted += [change] if change.new else []
                    results[pk] = TransitionResult(rows[pk], changed=bool(change.new))
                except Refused as refused:
                    results[pk] = TransitionResult(rows.get(pk), refused=refused)
            self._save(accepted, now)
        return [results[pk] for pk in ids]

    def _evaluate(
        self, row: WorkItem, planned: PlannedMove, related: dict[str, Any], seen: int | None, now: datetime
    ) -> _Change:
        """Returns what the move changes in the row; `new` is empty if nothing would change. Raises Refused."""
        if isinstance(planned, Refused):
            raise planned
        move, requested = planned
        if MOVES[move].is_granted_to(effective_role(self.by)):  # others are only told that they can't make the move
            given = {name: value for name, value in requested.fields.items() if name in MOVES[move].allows}
            check_values(type(row), given if requested.note is None else {**given, "note": requested.note})
        new = evaluate(
            move,
            replace(row.lifecycle_state, **({} if self.at is None else _NO_QUEUE), **related),
            requested,
            role=effective_role(self.by),
            domain=row.institution.identifier,
            item_name=row.name,
            now=now,
        )
        different = {name: value for name, value in new.items() if getattr(row, name) != value}
        if different:
            _check_version(row, seen)
        return _Change(row, move, different)

    def _save(self, accepted: Sequence[_Change], now: datetime) -> None:
        """Stores the rows, their history entries, durations, and failures."""
        entries = []
        facts: list[StageDuration | ItemOutcome] = []
        for change in accepted:
            before = StagePosition.of(change.row)
            entries.append(self._write(*change, now))
            facts += measure(ItemProfile.of(change.row), change.move, before, StagePosition.of(change.row), now)
        HistoryEntry.objects.bulk_create(entries)
        _update(accepted)
        record_durations(facts)
        record_failures(failed_items(row for row, move, _new in accepted if move == "fail"))
        # An edited note replaces the cause of the failure, but not its time.
        edited = failed_items(row for row, move, new in accepted if move == "edit" and "note" in new)
        record_failures(edited, is_new=False)
        if self.at is None:
            enqueue([row for row, move, _new in accepted if move == "requeue"], now)

    def _write(self, row: WorkItem, move: str, new: dict[str, Any], now: datetime) -> HistoryEntry:
        """Sets the new values on the row in memory, and returns the history entry for them."""
        stage, status, was_closed = row.stage, row.status, row.phase is Phase.CLOSED
        hidden = _NOT_IN_CHANGES if _changes_hands(move, row, new) else _NOT_IN_CHANGES | PROCESS
        changes = {name: [getattr(row, name), value] for name, value in new.items() if name not in hidden}
        if (
            since := compute_stage_entered_at(move, StagePosition.of(row), new.get("stage", stage), now)
        ) != row.stage_entered_at:
            new["stage_entered_at"] = since
        for name, value in new.items():
            setattr(row, name, value)
        if (is_closed := row.phase is Phase.CLOSED) != was_closed:
            new["finished_at"] = row.finished_at = now if is_closed else None
        if new.keys() & set(SEARCHED_COLUMNS):
            new["search_text"] = row.search_text = build_search_text(row)
        row.version += 1
        row.updated_at = later_than(row.updated_at, now)
        return HistoryEntry(
            item=row,
            number=row.version,
            at=now,
            who=self.by.email,
            via=self.via,
            move=move,
            stage_before=stage,
            status_before=status,
            stage_after=row.stage,
            status_after=row.status,
            note=row.note,
            changes=changes,
            act=self.act,
        )


def _changes_hands(move: str, row: WorkItem, new: Mapping[str, Any]) -> bool:
    """Returns whether the process is worth recording: a worker's own saves name it all the time, but not when another
    process takes the item over, or when it is taken from its process.
    """
    if move in ("edit", "requeue", "cancel", "retry"):
        return True
    former, following = (row.node, row.pid), (new.get("node", row.node), new.get("pid", row.pid))
    return bool(row.node and following[0]) and former != following


def _check_version(row: WorkItem, seen: int | None) -> None:
    if seen is not None and seen != row.version:
        raise Refused(
            "changed",
            _("This item has changed since you opened the page. It is now at %(now)s. Check it before you try again.")
            % {"now": row.lifecycle_state},
        )


def _update(accepted: Sequence[_Change]) -> None:
    """Runs one UPDATE for all rows that get the same values, which is a handful of statements for a bulk change."""
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for row, _move, new in accepted:
        groups[row.version, row.updated_at, tuple(sorted(new.items(), key=lambda pair: pair[0]))].append(row.pk)
    for (version, updated_at, values), pks in groups.items():
        saved = WorkItem.objects.filter(pk__in=pks, version=version - 1).update(
            **dict(values), version=F("version") + 1, updated_at=updated_at
        )
        if saved != len(pks):
            raise RuntimeError(
                "An item changed between its lock and its save; nothing was saved. Check that the database uses the isolation level set in settings.py."
            )


def apply(
    move: str,
    ids: Sequence[int],
    requested: TransitionRequest,
    *,
    by: User,
    via: str = "page",
    versions: Mapping[int, int | None] | None = None,
    at: datetime | None = None,
    act: UUID | None = None,
) -> list[TransitionResult]:
    """Makes one move on each of the items, in one transaction, and returns a result for each id, in order.

    `versions`: {item id: the version that the caller has seen}; an item that has changed since is refused.
    """
    batch = TransitionBatch(by, via, at, act)
    return batch.run(
        ids, lambda rows, _now: dict.fromkeys(rows, (move, requested)), versions or {}, WorkItem.objects.all()
    )
