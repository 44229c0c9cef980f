"""The one door through which items change: it locks the rows, asks `lifecycle`, saves, and records.

WorkItem's verbs call it for one item, bulk acts for many at a time. Safe under concurrent writers: on PostgreSQL the rows are
locked; on SQLite a transaction has the database to itself from its first statement (settings: IMMEDIATE); and on both
the update names the version that was read, so that nothing is ever decided from a stale copy.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps import apps
from django.db import connection, models, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from pharos.accounts.models import User
from pharos.accounts.roles import Permission

from .lifecycle import MOVES, Phase, Refused, Wanted, check_new, decide, first_stage, new_with
from .search import SEARCHED, search_text
from .vocabulary import Action, Status

if TYPE_CHECKING:
    from .models import HistoryEntry, WorkItem

_LARGEST = 2**63 - 1
# Stage, status and note have columns of their own in the history; the rest of what a worker's save carries would only swell it.
_NOT_IN_CHANGES = frozenset({"stage", "status", "note", "stage_started_at", "queued_at", "search_text"})
_PROCESS = frozenset({"node", "pid"})


@dataclass(frozen=True)
class Result:
    """What became of one item: `changed`, or `refused` with the reason, or neither (it was so already)."""

    item: "WorkItem | None"
    changed: bool = False
    refused: Refused | None = None


def _models() -> "tuple[type[WorkItem], type[HistoryEntry]]":
    # models.py is built on this module, so the classes are looked up when they are needed.
    return apps.get_model("workitems", "WorkItem"), apps.get_model("workitems", "HistoryEntry")


def _role(by: User) -> str:
    return by.role if by.is_active else ""


def create(item: "WorkItem", *, by: User, via: str, now: datetime) -> "WorkItem":
    """Stores a new item with its first history entry. Raises Refused."""
    _items, entries = _models()
    item.stage = item.stage or (first_stage(item.action) if item.action in tuple(Action) else "")
    item.status = item.status or Status.PENDING
    item.date = item.date or now
    item.created_at = item.updated_at = now
    item.version = 1  # the number of its first history entry, whatever the caller has given
    check_new(item.action, item.stage, item.status, role=_role(by))
    _check_values({column.name: getattr(item, column.attname) for column in item._meta.concrete_fields})
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
    return item


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
    items, entries = _models()
    now = at or timezone.now()
    given = {name: value for name, value in wanted.fields.items() if name in MOVES[move].allows}
    if wanted.note is not None:
        given["note"] = wanted.note
    with transaction.atomic():
        rows = {
            row.pk: row
            for row in items.objects.select_for_update(of=("self",))
            .select_related("institution")
            .filter(pk__in=ids)
            .order_by("pk")
        }
        replaced = _replaced(items, move, by, list(rows))
        stopped = _stopped(rows.values()) if move == "requeue" else {}
        results: dict[int, Result] = {}
        accepted: list[tuple[WorkItem, dict[str, Any]]] = []
        for pk in ids:
            row = rows.get(pk)
            if row is None:
                results[pk] = Result(None, refused=Refused("illegal", _("There is no such item.")))
                continue
            try:
                if MOVES[move].is_granted_to(_role(by)):  # who may not make the move hears only that
                    _check_values(given)
                new = decide(
                    move,
                    replace(row.facts, is_replaced=pk in replaced, stopped_at=stopped.get(pk, "")),
                    wanted,
                    role=_role(by),
                    domain=row.institution.identifier,
                    item_name=row.name,
                    now=now,
                )
                different = {name: value for name, value in new.items() if getattr(row, name) != value}
                if different:
                    _check_version(row, (versions or {}).get(pk))
                    accepted.append((row, different))
            except Refused as refused:
                results[pk] = Result(row, refused=refused)
            else:
                results[pk] = Result(row, changed=bool(different))
        entries.objects.bulk_create([_apply(entries, row, new, move, by, via, now, act) for row, new in accepted])
        _save(items, accepted, now)
    return [results[pk] for pk in ids]


def _check_values(values: Mapping[str, Any]) -> None:
    """Raises Refused, naming the field, at the first value that its column cannot hold.

    Else it would fail inside the database, on each of the two in another way.
    """
    items, _entries = _models()
    columns = {column.name: column for column in items._meta.concrete_fields}
    for name, value in values.items():
        column = columns.get(name)
        # The database gives the id.
        if column is not None and not column.primary_key and (wrong := _what_is_wrong(column, value)):
            raise Refused("invalid", wrong % {"field": name}, name)


def _what_is_wrong(column: models.Field, value: Any) -> str:
    """A sentence with a place for the field's name, or an empty one."""
    if value is None:
        return "" if column.null else _("“%(field)s” must have a value.")
    if isinstance(column, models.CharField | models.TextField):
        return _text(value, column)
    if isinstance(column, models.BooleanField):
        return "" if type(value) is bool else _("“%(field)s” must be true or false.")
    if isinstance(column, models.DateTimeField):
        return _moment(value)
    if isinstance(column, models.IntegerField):
        fits = type(value) is int and 0 <= value <= _LARGEST
        return "" if fits else _("“%(field)s” must be a whole number from 0 to 9223372036854775807.")
    return ""


def _text(value: Any, column: models.Field) -> str:
    if not isinstance(value, str):
        return _("“%(field)s” must be text.")
    if not value.strip() and not column.blank and column.editable:
        return _("“%(field)s” must not be empty.")
    if column.max_length is not None and len(value) > column.max_length:
        sentence = _("“%(field)s” is too long: it has {count} characters, and at most {limit} can be kept.")
        return sentence.format(count=len(value), limit=column.max_length)
    if "\0" in value:
        return _("“%(field)s” contains a NUL character, which cannot be stored; leave it out.")
    try:
        value.encode()
    except UnicodeEncodeError:
        return _("“%(field)s” contains half a surrogate pair, which is no character; leave it out.")
    return ""


def _moment(value: Any) -> str:
    try:
        fits = isinstance(value, datetime) and value.tzinfo is not None and value.astimezone(UTC) is not None
    except OverflowError:
        fits = False
    return "" if fits else _("“%(field)s” must be a time with its zone.")


def _replaced(items: "type[WorkItem]", move: str, by: User, ids: list[int]) -> set[int]:
    """Which of the items another upload stands in for; asked only where the answer decides."""
    if move != "cancel" or by.can(Permission.CANCEL):
        return set()
    asked = items.objects.filter(pk__in=ids)
    return {*asked.superseded().values_list("pk", flat=True), *asked.duplicates().values_list("pk", flat=True)}


def _stopped(rows: "Iterable[WorkItem]") -> dict[int, str]:
    """Where the cancelled ones among the items stood before; asked for a requeue only."""
    return {row.pk: row.stopped_at() for row in rows if row.status == Status.CANCELLED}


def _check_version(row: "WorkItem", seen: int | None) -> None:
    if seen is not None and seen != row.version:
        raise Refused(
            "changed",
            _(
                "This item has changed since you opened the page. It is now at %(now)s; look at it before you repeat this."
            )
            % {"now": row.facts},
        )


def _apply(
    entries: "type[HistoryEntry]",
    row: "WorkItem",
    new: dict[str, Any],
    move: str,
    by: User,
    via: str,
    now: datetime,
    act: UUID | None,
) -> "HistoryEntry":
    """Writes the new values onto the row in memory, and returns the history entry that says so."""
    stage, status = row.stage, row.status
    hidden = _NOT_IN_CHANGES if move in ("edit", "requeue") else _NOT_IN_CHANGES | _PROCESS
    changes = {name: [getattr(row, name), value] for name, value in new.items() if name not in hidden}
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
        who=by.email,
        via=via,
        move=move,
        stage_before=stage,
        status_before=status,
        stage_after=row.stage,
        status_after=row.status,
        note=row.note,
        changes=changes,
        act=act,
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


@dataclass(frozen=True)
class Arrivals:
    """What an import wants stored: new rows, stored rows with new values, and the entries that say so."""

    new: "list[WorkItem]"
    changed: "list[WorkItem]"
    entries: "list[HistoryEntry]"


def take_in(
    ids: Sequence[int],
    judge: "Callable[[dict[int, WorkItem], dict[int, list[HistoryEntry]]], Arrivals]",
    *,
    with_history: bool = False,
) -> None:
    """Stores what an import brings, with its history, in one transaction: all of it or nothing.

    `judge` is given the rows that are stored under these ids, locked, and their histories if those are asked for, and says
    what to write. The rules of the lifecycle are not asked: what has happened elsewhere has happened.
    """
    items, entries = _models()
    with transaction.atomic():
        locked = items.objects.select_for_update(of=("self",)).select_related("institution").filter(pk__in=ids)
        stored = {row.pk: row for row in locked.order_by("pk")}
        histories: dict[int, list[HistoryEntry]] = defaultdict(list)
        if with_history and stored:
            for entry in entries.objects.filter(item_id__in=stored).order_by("item_id", "number"):
                histories[entry.item_id].append(entry)
        arrivals = judge(stored, histories)
        _keep_ids_ahead(items, arrivals.new)
        items.objects.bulk_create(arrivals.new)
        if arrivals.changed:
            # One statement for rows that all take other values. They are locked, so each of them does exist.
            columns = [column.name for column in items._meta.concrete_fields if not column.primary_key]
            items.objects.bulk_create(
                arrivals.changed, update_conflicts=True, unique_fields=["id"], update_fields=columns
            )
        entries.objects.bulk_create(arrivals.entries)


def _keep_ids_ahead(items: "type[WorkItem]", new: "list[WorkItem]") -> None:
    """PostgreSQL hands out ids by a counter that does not see ids which come with a row; SQLite looks at the rows."""
    if not new or connection.vendor != "postgresql":
        return
    highest = max(row.pk for row in new)
    table = items._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
        [sequence] = cursor.fetchone()
        # Never backwards: another writer may be ahead. A counter that was never used says 1, and would give 1 again.
        ahead = f"SELECT setval(%s, %s) FROM {sequence} WHERE last_value < %s OR NOT is_called"  # noqa: S608
        cursor.execute(ahead, [sequence, highest, highest])
