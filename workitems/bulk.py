"""One move with many items: what was chosen, what would happen, and doing it piece by piece.

A list's page carries a signed snapshot: its filter, whose it is, how many there were, and the last history entry at that
moment. It stands for "all that match"; and whatever was chosen, an item that came or changed after the page was drawn has
a later entry, and is left alone.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from django.core import signing
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pharos.accounts.models import User

from . import door
from .filters import ItemList
from .history import every_entry
from .lifecycle import Wanted, phase_of
from .models import BulkAct, HistoryEntry, WorkItem, WorkItemQuerySet

SALT = "workitems.bulk"
PIECE = 500  # items per transaction: a worker's save waits for one piece at most
MOST_SELECTED = 1000
IN_FLIGHT = 200  # how many of the latest history entries are looked through for gaps
LASTS = timedelta(days=30)  # a snapshot: long before what has happened since could lie in the archive of the history
SLICE = timedelta(seconds=2)  # how long one request works before it shows how far it has come


class BadSelection(ValueError):
    """The selection cannot be read; the sentence says what to do."""


@dataclass(frozen=True)
class Selection:
    """Which items: as stored with an act, and how many the reader was shown."""

    stored: dict[str, Any]
    shown: int
    query: str


def mark() -> list[int]:
    """What has happened so far: the last history entry, and entries before it that are still to come.

    Take it before the rows are read. On PostgreSQL numbers are given out before they are committed, so that a lower one may
    appear after a higher one; numbers that are missing among the latest are counted as later.
    """
    latest = set(HistoryEntry.objects.order_by("-pk").values_list("pk", flat=True)[:IN_FLIGHT])
    last = max(latest, default=0)
    return [last, *(pk for pk in range(min(latest, default=0), last) if pk not in latest)]


def snapshot(listing: ItemList, total: int, mark: list[int]) -> str:
    """What the list shows, signed, to be posted back by the form on its page."""
    shown = {"user": listing.user.pk, "query": listing.filter_query, "total": total, "mark": mark}
    return signing.dumps(shown, salt=SALT, compress=True)


def _read(token: str, user: User) -> dict[str, Any]:
    try:
        shown = signing.loads(token, salt=SALT, max_age=LASTS)
    except signing.BadSignature:
        shown = {}
    if shown.get("user") != user.pk:
        raise BadSelection(_("This selection cannot be read any more. Go back to the list and choose again."))
    return shown


def of_snapshot(token: str, user: User) -> Selection:
    """The selection that a snapshot stands for. Raises BadSelection for one that is not ours or not this person's."""
    shown = _read(token, user)
    return Selection({"query": shown["query"], "mark": shown["mark"]}, shown["total"], shown["query"])


def of_ids(values: list[str], query: str, token: str, user: User) -> Selection:
    """The selection of single items, as a page with this snapshot showed them; a script may come without one.

    Raises BadSelection for none or too many, and for a snapshot that is not this person's.
    """
    ids = sorted({int(value) for value in values if value.isascii() and value.isdigit() and len(value) < 19})
    if not ids or len(ids) > MOST_SELECTED:
        raise BadSelection(
            _("Select the items first: tick their boxes, or take all that match. At most %(most)d can be ticked.")
            % {"most": MOST_SELECTED}
        )
    mark = {"mark": _read(token, user)["mark"]} if token else {}
    return Selection({"ids": ids, **mark}, len(ids), query)


def undoing(act: BulkAct) -> Selection:
    """The items that an act has changed."""
    return Selection({"undo": str(act.pk)}, act.changed, act.query)


def chosen(stored: dict[str, Any], user: User) -> WorkItemQuerySet:
    """The items of a selection, out of those that the person may see now."""
    visible = WorkItem.objects.visible_to(user)
    if "undo" in stored:
        return visible.filter(pk__in=every_entry("item", act=stored["undo"]))
    by_id = "ids" in stored
    items = visible.filter(pk__in=stored["ids"]) if by_id else ItemList(parse_qs(stored["query"]), user).items()
    if "mark" not in stored:
        return items
    last, *to_come = stored["mark"]
    since = HistoryEntry.objects.filter(Q(pk__gt=last) | Q(pk__in=to_come), item=OuterRef("pk"))
    return items.exclude(Exists(since))


@dataclass(frozen=True)
class Preview:
    """What would happen: how many the reader was shown, and of these can be marked, are so already, cannot, have gone."""

    shown: int
    acts: int
    already: int
    open: int
    gone: int
    outcomes: list[tuple[str, int]]  # (status, how many) of those that will be marked


def preview_of_review(selection: Selection, user: User, *, reviewed: bool) -> Preview:
    """What marking the selection would do, in one statement. Nothing is changed."""
    counted, outcomes = Counter[str](), Counter[str]()
    items = chosen(selection.stored, user).order_by().values_list("status", "retry", "reviewed")
    for status, retry, is_reviewed, number in items.annotate(number=Count("pk")):
        if phase_of(status, retry=retry) != "closed":
            counted["open"] += number
        else:
            counted["already" if is_reviewed == reviewed else "acts"] += number
            outcomes[status] += number if is_reviewed != reviewed else 0
    gone = max(0, selection.shown - counted.total())
    marked = [(status, number) for status, number in outcomes.most_common() if number]
    return Preview(selection.shown, counted["acts"], counted["already"], counted["open"], gone, marked)


def begin(selection: Selection, move: str, user: User) -> BulkAct:
    """Records what is to be done; `go_on` does it."""
    return BulkAct.objects.create(
        by=user, move=move, selection=selection.stored, query=selection.query, total=selection.shown
    )


def go_on(act: BulkAct) -> BulkAct:
    """Works on an act for up to SLICE, piece by piece, each in a transaction of its own. `finished_at` is set at the end.

    Called again, by whoever sees the act's page, it goes on where the last piece ended.
    """
    until = timezone.now() + SLICE
    while act.finished_at is None:
        act = _piece(act)
        if timezone.now() >= until:
            break
    return act


@transaction.atomic
def _piece(act: BulkAct) -> BulkAct:
    act = BulkAct.objects.select_for_update(of=("self",)).select_related("by").get(pk=act.pk)
    if act.finished_at:
        return act
    items = chosen(act.selection, act.by).filter(pk__gt=act.cursor).order_by("pk")
    seen: dict[int, int | None] = dict(items.values_list("pk", "version")[:PIECE])
    ids = list(seen)
    # What changes between this look and the lock is left alone, too.
    versions = {**seen, **_versions_left_by(act, ids)}
    results = door.change(act.move, ids, Wanted(), by=act.by, via="page", versions=versions, act=act.pk)
    reasons = Counter(result.refused.reason for result in results if result.refused)
    act.changed += sum(result.changed for result in results)
    act.unchanged += len(results) - sum(result.changed for result in results) - reasons.total()
    act.skipped = dict(Counter(act.skipped) + reasons)
    act.cursor = ids[-1] if ids else act.cursor
    if len(ids) < PIECE:
        act.finished_at = timezone.now()
        gone = max(0, act.total - act.came_to)
        act.skipped = dict(Counter(act.skipped) + Counter(changed=gone))
    act.save()
    return act


def _versions_left_by(act: BulkAct, ids: list[int]) -> dict[int, int | None]:
    """An undo touches only what nobody has touched since."""
    if "undo" not in act.selection:
        return {}
    return dict(every_entry("item_id", "number", act=act.selection["undo"], item__in=ids))


_REASONS = {
    "illegal": gettext_lazy("not finished yet"),
    "changed": gettext_lazy("changed since you opened the list"),
    "forbidden": gettext_lazy("your role does not allow it any more"),
}
_REASONS_OF_UNDO = {**_REASONS, "changed": gettext_lazy("changed since they were marked")}


def skipped_of(act: BulkAct) -> list[tuple[object, int]]:
    """(why, how many) of the items that an act has left alone."""
    reasons = _REASONS_OF_UNDO if "undo" in act.selection else _REASONS
    return [(reasons[reason], number) for reason, number in sorted(act.skipped.items())]


class Done(NamedTuple):
    """What an act has made of one item."""

    item_id: int
    name: str
    move: str
    stage_after: str
    status_after: str


def entries_of(act: BulkAct) -> QuerySet[Any, Any]:
    """What an act has entered in the items' histories, by item; of the rows that are shown, `named` makes Dones."""
    # The items are not joined here: then a page of it is read in the order of an index, however much the act has done.
    return every_entry("item_id", "move", "stage_after", "status_after", act=act.pk).order_by("item_id")


def named(entries: Iterable[Any]) -> list[Done]:
    """A page of `entries_of`, with the items' names."""
    shown = list(entries)
    names = dict(WorkItem.objects.with_numbers(entry.item_id for entry in shown).values_list("pk", "name"))
    return [Done(entry.item_id, names[entry.item_id], *entry[1:]) for entry in shown]
