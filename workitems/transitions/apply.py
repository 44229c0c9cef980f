"""How items are created and changed: the rows are locked, `lifecycle` is asked, what it says is saved and recorded.

WorkItem's verbs call it for one item, bulk acts for many at a time. Safe under concurrent writers: on PostgreSQL the rows are
locked; on SQLite a transaction has the database to itself from its first statement (settings: IMMEDIATE); and on both
the update names the version that was read, so that nothing is ever decided from a stale copy.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from pharos.accounts.models import User
from pharos.accounts.roles import Permission

from ..durations import recorder as pace
from ..durations.steps import At, Bag, Ended, Taken, added, since_when
from ..failures.recorder import Told, note_failures
from ..lifecycle.moves import CARRIED, MOVES, Refused, Wanted, check_new, decide, new_with
from ..lifecycle.paths import Phase, first_stage
from ..lifecycle.saves import FIXED, check_fixed, check_fresh, move_meant
from ..models.history import every_entry
from ..search.text import SEARCHED, search_text
from ..vocabulary import Action, Status
from .values import check_values

if TYPE_CHECKING:
    from ..models.work_item import HistoryEntry, WorkItem

# Stage, status and note have columns of their own in the history; the rest of what a worker's save carries would only swell it.
_NOT_IN_CHANGES = frozenset(
    {"stage", "status", "note", "stage_started_at", "stage_entered_at", "queued_at", "search_text"}
)
_PROCESS = frozenset({"node", "pid"})


Plan = tuple[str, Wanted] | Refused  # the move that is to be made with an item, or why none is


@dataclass(frozen=True)
class Result:
    """What became of one item: `changed`, or `refused` with the reason, or neither (it was so already)."""

    item: "WorkItem | None"
    changed: bool = False
    refused: Refused | None = None


def models() -> "tuple[type[WorkItem], type[HistoryEntry]]":
    # models.py is built on this module, so the classes are looked up when they are needed.
    return apps.get_model("workitems", "WorkItem"), apps.get_model("workitems", "HistoryEntry")


def _role(by: User) -> str:
    return by.role if by.is_active else ""


def create(item: "WorkItem", *, by: User, via: str, now: datetime, once_in: timedelta | None = None) -> "WorkItem":
    """Stores a new item with its first history entry. Raises Refused.

    `once_in`: if the same caller made the same item no longer ago than this, that one is returned: a client that lost the
    answer asks again.
    """
    items, entries = models()
    _check_institution(item)
    asked_for = item.date
    item.stage = item.stage or (first_stage(item.action) if item.action in tuple(Action) else "")
    item.status = item.status or Status.PENDING
    item.date = item.date or now
    item.created_at = item.updated_at = now
    item.stage_entered_at = now
    item.version = 1  # the number of its first history entry, whatever the caller has given
    check_new(item.action, item.stage, item.status, role=_role(by))
    check_values(items, {column.name: getattr(item, column.attname) for column in item._meta.concrete_fields})
    sets = new_with(
        item.action,
        item.status,
        identifier=item.object_identifier,
        domain=item.institution.identifier,
        item_name=item.name,
    )
    for name, value in sets.items():
        setattr(item, name, value)
    if item.status == Status.STARTED:
        item.stage_started_at = item.stage_started_at or now
    if item.reviewed and item.phase is not Phase.CLOSED:
        raise Refused("invalid", _("“reviewed” is only for items that are closed."), "reviewed")
    with transaction.atomic():
        if once_in is not None:
            _one_at_a_time(item)
            if made := items.objects.made_before(item, date=asked_for, who=by.email, since=now - once_in):
                return made
        item.save(force_insert=True)
        entries.objects.create(
            item=item,
            number=1,
            at=now,
            who=by.email,
            via=via,
            move="create",
            stage_after=item.stage,
            status_after=item.status,
            note=item.note,
        )
        pace.append(added(_bag(item), "create", None, _at(item), now))
        note_failures(failures_among([item]))
    return item


def _bag(row: "WorkItem") -> Bag:
    return Bag(row.action, row.institution_id, row.size, row.date)


def _at(row: "WorkItem") -> At:
    return At(row.stage, row.status, row.retry, row.stage_entered_at)


def failures_among(rows: "Iterable[WorkItem]") -> "Iterable[Told]":
    failed = (row for row in rows if row.status == Status.FAILED)
    return (Told(row.pk, row.institution_id, row.note, row.updated_at) for row in failed)


def change(
    move: str,
    ids: Sequence[int],
    wanted: Wanted,
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
    visit = _Visit(by, via, at, act)
    return visit.all(ids, lambda rows: dict.fromkeys(rows, (move, wanted)), versions or {}, models()[0].objects.all())


def _check_institution(item: "WorkItem") -> None:
    if item.institution_id is None:
        return  # said by check_values, as of every column that must have a value
    try:
        item.institution  # noqa: B018  asked for, so that it is fetched
    except ObjectDoesNotExist:
        number = item.institution_id
        sentence = _("There is no institution with the number %(number)s.") % {"number": number}
        raise Refused("invalid", sentence, "institution_id") from None


def _one_at_a_time(item: "WorkItem") -> None:
    """Whoever makes the same item now waits for the end of this transaction. On SQLite every writer does anyway."""
    if connection.vendor == "postgresql":
        same = f"{item.institution_id} {item.action} {item.etag} {item.name}"
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [same])


class Stopped(Exception):
    """One of several records cannot be saved, so that none was. `index`: which one; `refused`: why."""

    def __init__(self, index: int, refused: Refused):
        super().__init__(refused.sentence)
        self.index = index
        self.refused = refused


def save(
    records: Mapping[int, Mapping[str, Any]], *, by: User, via: str = "api", at: datetime | None = None
) -> list[Result]:
    """Saves whole records, {item's id: {column: value}}, each by the move that it means; all of them or none.

    Only what `by` may see is there to be saved. Raises Stopped at the first one that is refused.
    """
    items, entries = models()

    def meant(row: "WorkItem", requeued_at: datetime | None) -> Plan:
        record = records[row.pk]
        stored = {name: getattr(row, name) for name in {*FIXED, *CARRIED}}
        try:
            check_fixed(record, stored)
            check_fresh(row.facts, record, stored, requeued_at=requeued_at)
            return move_meant(row.facts, record, stored, role=_role(by))
        except Refused as refused:
            return refused

    def plans(rows: "Mapping[int, WorkItem]") -> dict[int, Plan]:
        requeued = _requeued(entries, rows, records)
        return {pk: meant(row, requeued.get(pk)) for pk, row in rows.items()}

    with transaction.atomic():
        results = _Visit(by, via, at, None).all(list(records), plans, {}, items.objects.visible_to(by))
        for index, result in enumerate(results):
            if result.refused:
                raise Stopped(index, result.refused)
    return results


def _requeued(
    entries: "type[HistoryEntry]", rows: "Mapping[int, WorkItem]", records: Mapping[int, Mapping[str, Any]]
) -> dict[int, datetime]:
    """When the items were requeued last; asked only of those whose record has another time than the row for its stage's beginning.

    The archive need not be asked: what it tells of lies before the item was last closed, at least a year ago.
    """
    asked = [pk for pk, row in rows.items() if records[pk].get("stage_started_at") not in (None, row.stage_started_at)]
    if not asked:
        return {}
    requeues = entries.objects.filter(item_id__in=asked, move="requeue").order_by("number")
    return dict(requeues.values_list("item_id", "at"))  # of each item, the last one stays


@dataclass(frozen=True)
class _Visit:
    """One call at the door: who, through what, when (None: once the rows are locked)."""

    by: User
    via: str
    at: datetime | None
    act: UUID | None

    def all(
        self,
        ids: Sequence[int],
        asks: "Callable[[Mapping[int, WorkItem]], Mapping[int, Plan]]",
        versions: Mapping[int, int | None],
        among: Any,
    ) -> list[Result]:
        """Locks the rows, makes with each the move that `asks` plans for it, and saves what was accepted."""
        items, entries = models()
        with transaction.atomic():
            locked = among.select_for_update(of=("self",)).select_related("institution").filter(pk__in=ids)
            rows = {row.pk: row for row in locked.order_by("pk")}
            # Not before: who waited for the lock comes later than who had it, in the history, too.
            now = self.at or timezone.now()
            plans = asks(rows)
            around = _around(items, rows, plans, self.by)
            results, accepted, moves = {}, [], []
            facts: list[Taken | Ended] = []
            for pk in ids:
                if pk not in rows:
                    results[pk] = Result(None, refused=Refused("missing", _("There is no such item.")))
                    continue
                row, plan = rows[pk], plans[pk]
                try:
                    if isinstance(plan, Refused):
                        raise plan
                    different = self._judge(row, *plan, around.get(pk, {}), now)
                    if different:
                        _check_version(row, versions.get(pk))
                        accepted.append((row, different))
                        moves.append(plan[0])
                except Refused as refused:
                    results[pk] = Result(row, refused=refused)
                else:
                    results[pk] = Result(row, changed=bool(different))
            made = []
            for (row, new), move in zip(accepted, moves, strict=True):
                before = _at(row)
                made.append(self._apply(entries, row, new, move, now))
                facts += added(_bag(row), move, before, _at(row), now)
            entries.objects.bulk_create(made)
            _save(items, accepted, now)
            pace.append(facts)
            changed = [(row, new, move) for (row, new), move in zip(accepted, moves, strict=True)]
            note_failures(failures_among(row for row, _new, move in changed if move == "fail"))
            # What an admin has written in its place is what it failed for; when it did stays as it is.
            edited = failures_among(row for row, new, move in changed if move == "edit" and "note" in new)
            note_failures(edited, is_new=False)
        return [results[pk] for pk in ids]

    def _judge(
        self, row: "WorkItem", move: str, wanted: Wanted, around: dict[str, Any], now: datetime
    ) -> dict[str, Any]:
        """What the move changes of the row, with the new values. Raises Refused."""
        if MOVES[move].is_granted_to(_role(self.by)):  # who may not make the move hears only that
            given = {name: value for name, value in wanted.fields.items() if name in MOVES[move].allows}
            check_values(type(row), given if wanted.note is None else {**given, "note": wanted.note})
        new = decide(
            move,
            replace(row.facts, **around),
            wanted,
            role=_role(self.by),
            domain=row.institution.identifier,
            item_name=row.name,
            now=now,
        )
        return {name: value for name, value in new.items() if getattr(row, name) != value}

    def _apply(
        self, entries: "type[HistoryEntry]", row: "WorkItem", new: dict[str, Any], move: str, now: datetime
    ) -> "HistoryEntry":
        """Writes the new values onto the row in memory, and returns the history entry that says so."""
        stage, status = row.stage, row.status
        hidden = _NOT_IN_CHANGES if move in ("edit", "requeue") else _NOT_IN_CHANGES | _PROCESS
        changes = {name: [getattr(row, name), value] for name, value in new.items() if name not in hidden}
        if (since := since_when(move, _at(row), new.get("stage", stage), now)) != row.stage_entered_at:
            new["stage_entered_at"] = since
        for name, value in new.items():
            setattr(row, name, value)
        if new.keys() & set(SEARCHED):
            new["search_text"] = row.search_text = search_text(row)
        row.version += 1
        row.updated_at = now
        return entries(
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


def _around(
    items: "type[WorkItem]",
    rows: "dict[int, WorkItem]",
    plans: Mapping[int, Plan],
    by: User,
) -> dict[int, dict[str, Any]]:
    """What lies in other rows and decides: {item: facts of it}. Asked only where the move depends on it."""
    making: dict[str, list[int]] = defaultdict(list)
    for pk, plan in plans.items():
        if not isinstance(plan, Refused):
            making[plan[0]].append(pk)
    found: dict[int, dict[str, Any]] = {}
    if making["cancel"] and not by.can(Permission.CANCEL):
        found |= {pk: {"is_replaced": True} for pk in _replaced(items, making["cancel"])}
    if making["requeue"]:
        found |= {pk: {"stopped_at": stage} for pk, stage in _stopped(rows[pk] for pk in making["requeue"]).items()}
    if making["notify"]:
        found |= {pk: {"is_told": True} for pk in _told(making["notify"])}
    return found


def _replaced(items: "type[WorkItem]", ids: list[int]) -> set[int]:
    """Which of the items another upload stands in for."""
    asked = items.objects.filter(pk__in=ids)
    return {*asked.superseded().values_list("pk", flat=True), *asked.duplicates().values_list("pk", flat=True)}


def _stopped(rows: "Iterable[WorkItem]") -> dict[int, str]:
    """Where the cancelled ones among the items stood before."""
    return {row.pk: row.stopped_at() for row in rows if row.status == Status.CANCELLED}


def _told(ids: list[int]) -> set[int]:
    """Of which of the items the institution's staff were told already."""
    return {pk for [pk] in every_entry("item_id", item_id__in=ids, move="notify")}


def _check_version(row: "WorkItem", seen: int | None) -> None:
    if seen is not None and seen != row.version:
        raise Refused(
            "changed",
            _(
                "This item has changed since you opened the page. It is now at %(now)s; look at it before you repeat this."
            )
            % {"now": row.facts},
        )


def _save(items: "type[WorkItem]", accepted: "list[tuple[WorkItem, dict[str, Any]]]", now: datetime) -> None:
    """One UPDATE for all rows that take the same values: a bulk act is a handful of statements, a single move is one."""
    groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for row, new in accepted:
        groups[row.version, tuple(sorted(new.items(), key=lambda pair: pair[0]))].append(row.pk)
    for (version, values), pks in groups.items():
        saved = items.objects.filter(pk__in=pks, version=version - 1).update(
            **dict(values), version=F("version") + 1, updated_at=now
        )
        if saved != len(pks):
            raise RuntimeError(
                "An item changed between its lock and its save; nothing was saved. Is the database's isolation what settings.py sets?"
            )
