"""One move made with many items at once: the rows are locked, `lifecycle` is asked, what it says is saved and recorded.

The verbs call it for one item, bulk changes for many at a time. Safe under concurrent writers: on PostgreSQL the rows are
locked; on SQLite a transaction has the database to itself from its first statement (settings: IMMEDIATE); and on both
the update names the version that was read, so that nothing is ever decided from a stale copy.
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

from ..durations import At, Bag, Ended, Taken, added, since_when
from ..durations import append as record_durations
from ..failures import failures_among, record_failures
from ..lifecycle import MOVES, PROCESS, Refused, TransitionRequest, evaluate
from ..models import HistoryEntry, WorkItem
from ..search import SEARCHED, search_text
from .related import related_facts
from .values import check_values

# Stage, status and note have columns of their own in the history; the rest of what a worker's save carries would only swell it.
_NOT_IN_CHANGES = frozenset(
    {"stage", "status", "note", "stage_started_at", "stage_entered_at", "queued_at", "search_text"}
)

Plan = tuple[str, TransitionRequest] | Refused  # the move that is to be made with an item, or why none is


@dataclass(frozen=True)
class Result:
    """What became of one item: `changed`, or `refused` with the reason, or neither (it was so already)."""

    item: WorkItem | None
    changed: bool = False
    refused: Refused | None = None


class _Change(NamedTuple):
    """A move of one item, and the columns that it changes, with their new values."""

    row: WorkItem
    move: str
    new: dict[str, Any]


def role_of(by: User) -> str:
    """The role that counts: an account that is closed has none."""
    return by.role if by.is_active else ""


@dataclass(frozen=True)
class TransitionBatch:
    """One call: by whom, through what (page, api, import or command), when (None: once the rows are locked), in which bulk change."""

    by: User
    via: str
    at: datetime | None
    act: UUID | None = None

    def run(
        self,
        ids: Sequence[int],
        plan: Callable[[Mapping[int, WorkItem]], Mapping[int, Plan]],
        versions: Mapping[int, int | None],
        among: Any,
    ) -> list[Result]:
        """Locks the rows, makes with each the move that `plan` gives for it, and saves what was accepted."""
        results, accepted = {}, []
        with transaction.atomic():
            locked = among.select_for_update(of=("self",)).select_related("institution").filter(pk__in=ids)
            rows = {row.pk: row for row in locked.order_by("pk")}
            # Not before: who waited for the lock comes later than who had it, in the history, too.
            now = self.at or timezone.now()
            plans = plan(rows)
            related = related_facts(rows, plans, self.by)
            for pk in ids:
                try:
                    if pk not in rows:
                        raise Refused("missing", _("There is no such item."))
                    change = self._judge(rows[pk], plans[pk], related.get(pk, {}), versions.get(pk), now)
                    accepted += [change] if change.new else []
                    results[pk] = Result(rows[pk], changed=bool(change.new))
                except Refused as refused:
                    results[pk] = Result(rows.get(pk), refused=refused)
            self._save(accepted, now)
        return [results[pk] for pk in ids]

    def _judge(self, row: WorkItem, planned: Plan, related: dict[str, Any], seen: int | None, now: datetime) -> _Change:
        """What the move changes of the row; nothing where it is so already. Raises Refused."""
        if isinstance(planned, Refused):
            raise planned
        move, wanted = planned
        if MOVES[move].is_granted_to(role_of(self.by)):  # who may not make the move hears only that
            given = {name: value for name, value in wanted.fields.items() if name in MOVES[move].allows}
            check_values(type(row), given if wanted.note is None else {**given, "note": wanted.note})
        new = evaluate(
            move,
            replace(row.facts, **related),
            wanted,
            role=role_of(self.by),
            domain=row.institution.identifier,
            item_name=row.name,
            now=now,
        )
        different = {name: value for name, value in new.items() if getattr(row, name) != value}
        if different:
            _check_version(row, seen)
        return _Change(row, move, different)

    def _save(self, accepted: Sequence[_Change], now: datetime) -> None:
        """Stores the rows, their history entries, and what is kept of durations and failures."""
        entries = []
        facts: list[Taken | Ended] = []
        for change in accepted:
            before = At.of(change.row)
            entries.append(self._write(*change, now))
            facts += added(Bag.of(change.row), change.move, before, At.of(change.row), now)
        HistoryEntry.objects.bulk_create(entries)
        _update(accepted, now)
        record_durations(facts)
        record_failures(failures_among(row for row, move, _new in accepted if move == "fail"))
        # What an admin has written in its place is what it failed for; when it did stays as it is.
        edited = failures_among(row for row, move, new in accepted if move == "edit" and "note" in new)
        record_failures(edited, is_new=False)

    def _write(self, row: WorkItem, move: str, new: dict[str, Any], now: datetime) -> HistoryEntry:
        """Writes the new values onto the row in memory, and returns the history entry that says so."""
        stage, status = row.stage, row.status
        hidden = _NOT_IN_CHANGES if move in ("edit", "requeue") else _NOT_IN_CHANGES | PROCESS
        changes = {name: [getattr(row, name), value] for name, value in new.items() if name not in hidden}
        if (since := since_when(move, At.of(row), new.get("stage", stage), now)) != row.stage_entered_at:
            new["stage_entered_at"] = since
        for name, value in new.items():
            setattr(row, name, value)
        if new.keys() & set(SEARCHED):
            new["search_text"] = row.search_text = search_text(row)
        row.version += 1
        row.updated_at = now
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


def _check_version(row: WorkItem, seen: int | None) -> None:
    if seen is not None and seen != row.version:
        raise Refused(
            "changed",
            _(
                "This item has changed since you opened the page. It is now at %(now)s; look at it before you repeat this."
            )
            % {"now": row.facts},
        )


def _update(accepted: Sequence[_Change], now: datetime) -> None:
    """One UPDATE for all rows that take the same values: a bulk act is a handful of statements, a single move is one."""
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for row, _move, new in accepted:
        groups[row.version, tuple(sorted(new.items(), key=lambda pair: pair[0]))].append(row.pk)
    for (version, values), pks in groups.items():
        saved = WorkItem.objects.filter(pk__in=pks, version=version - 1).update(
            **dict(values), version=F("version") + 1, updated_at=now
        )
        if saved != len(pks):
            raise RuntimeError(
                "An item changed between its lock and its save; nothing was saved. Is the database's isolation what settings.py sets?"
            )


def apply(
    move: str,
    ids: Sequence[int],
    wanted: TransitionRequest,
    *,
    by: User,
    via: str = "page",
    versions: Mapping[int, int | None] | None = None,
    at: datetime | None = None,
    act: UUID | None = None,
) -> list[Result]:
    """Makes one move with each of the items, in one transaction, and says what became of each, in the order of `ids`.

    `versions`: what the caller has seen of an item; an item that has moved on since is refused.
    """
    batch = TransitionBatch(by, via, at, act)
    return batch.run(ids, lambda rows: dict.fromkeys(rows, (move, wanted)), versions or {}, WorkItem.objects.all())
