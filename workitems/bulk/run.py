"""One move with many items: what was chosen, what would happen, and doing it piece by piece.

A list's page carries a signed snapshot: its filter, whose it is, how many there were, and the last history entry at that
moment. It stands for "all that match"; and whatever was chosen, an item that came or changed after the page was drawn has
a later entry, and is left alone.

What a list has in it may change without an entry: an item becomes late, or is superseded by another. So what the dry run shows
is fixed by the items' numbers, and those are what the move is made with. Of more than COUNT_LIMIT items only the list is kept, and such
an item counts as in it once it is. Whatever becomes of the person's role, no act leaves the scope that it was chosen in.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from django.core import signing
from django.db import DEFAULT_DB_ALIAS, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from pharos.accounts.models import User
from pharos.accounts.roles import Permission

from .. import transitions
from ..audit_log import query_entries
from ..database import fetch_prepared, parse_bigint
from ..lifecycle import MOVES, TransitionRequest, first_stage
from ..listing import COUNT_LIMIT, ItemList, find
from ..models import BulkChange, HistoryEntry, WorkItem, WorkItemQuerySet

SALT = "workitems.bulk"
# What an item is by these may change without a change of its own.
DRIFTING = frozenset({"late", "superseded", "duplicate", "other_upload"})
UNDO_OF = {"review": "unreview", "unreview": "review"}
PIECE = 500  # items per transaction: a worker's save waits for one piece at most
MOST_SELECTED = 1000
WINDOW = 100_000  # numbers of items that one look for the next piece goes over, however few of those items match
IN_FLIGHT = 200  # how many of the latest history entries are looked through for gaps
LASTS = timedelta(days=30)  # a snapshot: long before what has happened since could lie in the archive of the history
SLICE = timedelta(seconds=2)  # how long one request works before it shows how far it has come


class BadSelection(ValueError):
    """The selection cannot be read; the sentence says what to do."""


@dataclass(frozen=True)
class Selection:
    """Which items: as stored with an act, and how many the reader was shown. `drifts`: of a list that changes by itself."""

    stored: dict[str, Any]
    shown: int
    query: str
    drifts: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the reader was shown how many there are, and not only that there are more."""
        return "at_least" not in self.stored


def mark(using: str = DEFAULT_DB_ALIAS) -> list[int]:
    """What has happened so far, as the database called `using` has it: the last history entry, and entries before it that are still to come.

    Take it before the rows are read. On PostgreSQL numbers are given out before they are committed, so that a lower one may
    appear after a higher one; numbers that are missing among the latest are counted as later.
    """
    latest = HistoryEntry.objects.using(using).order_by("-pk").values_list("pk", flat=True)[:IN_FLIGHT]
    numbers, params = latest.query.sql_with_params()
    ends = f"SELECT MIN(pk), MAX(pk), COUNT(*) FROM ({numbers}) AS latest"  # noqa: S608  our own
    [(first, last, number)] = fetch_prepared(using, ends, params)
    if number == (last or 0) - (first or 0) + bool(number):
        return [last or 0]
    known = set(latest)
    return [max(known), *(pk for pk in range(min(known), max(known)) if pk not in known)]


def snapshot(listing: ItemList, total: int, mark: list[int], *, is_whole: bool = True) -> str:
    """What the list shows, signed, to be posted back by the form on its page. Not `is_whole`: there are more than `total`."""
    shown = _whose(listing.user) | {"query": listing.filter_query, "total": total, "mark": mark}
    shown |= {"zone": timezone.get_current_timezone_name()} | ({} if is_whole else {"at_least": True})
    return signing.dumps(shown, salt=SALT, compress=True)


def _whose(user: User) -> dict[str, Any]:
    """Whose a token is, and what they see; "of": their institution, None for all."""
    return {"user": user.pk, "of": None if user.can(Permission.SEE_EVERY_INSTITUTION) else user.institution_id}


def _read(token: str, user: User) -> dict[str, Any]:
    try:
        shown = signing.loads(token, salt=SALT, max_age=LASTS)
    except signing.BadSignature:
        shown = {}
    if any(shown.get(name, "") != value for name, value in _whose(user).items()):
        raise BadSelection(_("This selection cannot be read any more. Go back to the list and choose again."))
    return shown


def of_snapshot(token: str, user: User) -> Selection:
    """The selection that a snapshot stands for, or what `fixed` has made of it.

    Raises BadSelection for one that is not ours or not this person's, and for a list that is not there for them any more.
    """
    shown = _read(token, user)
    if "steps" in shown:
        stored = {"ids": list(accumulate(shown["steps"])), "mark": shown["mark"]}
        return Selection(stored, shown["total"], shown["query"], shown["drifts"])
    stored = {name: shown[name] for name in ("query", "mark", "at_least", "zone", "of") if name in shown}
    listing = listing_of(stored, user)
    if not listing.is_valid():
        raise BadSelection(_("The list that this was chosen from is not there for you any more. Choose again."))
    return Selection(stored, shown["total"], shown["query"], bool(listing.params.keys() & DRIFTING))


def fixed(selection: Selection, user: User) -> Selection:
    """The same by the numbers of its items, where it is a list and they are few enough to be known.

    Without those that have changed since the list was drawn. There may be others: those that are late only now, say.
    """
    stored = selection.stored
    if "query" not in stored:
        return selection
    ids = _few(stored, user) if selection.is_whole and selection.shown <= COUNT_LIMIT else _few_by_now(stored, user)
    if ids is None:
        return selection
    shown = max(selection.shown, len(ids)) if selection.is_whole else len(ids)
    return Selection({"ids": ids, "mark": stored["mark"]}, shown, selection.query, selection.drifts)


def _few(stored: dict[str, Any], user: User) -> list[int] | None:
    """The items of a list that had few when it was drawn; None where there are many all the same."""
    ids = list(chosen(stored, user).order_by("pk").values_list("pk", flat=True)[: COUNT_LIMIT + 1])
    return ids if len(ids) <= COUNT_LIMIT else None


def _few_by_now(stored: dict[str, Any], user: User) -> list[int] | None:
    """The items of a list that had many, or more than were counted; None where it still has."""
    found = find(listing_of(stored, user))
    if not (found.is_whole and found.total <= COUNT_LIMIT):
        return None
    matching = {"ids": [place.pk for place in found.rows_from(0, COUNT_LIMIT) or []], "mark": stored["mark"]}
    return sorted(chosen(matching, user).values_list("pk", flat=True))


def token_of(selection: Selection, user: User) -> str:
    """A snapshot that stands for what `fixed` has found; it is short, since numbers that are near each other are told by steps."""
    ids, mark = selection.stored["ids"], selection.stored["mark"]
    steps = [pk - former for pk, former in zip(ids, [0, *ids], strict=False)]
    shown = {
        "query": selection.query,
        "total": selection.shown,
        "mark": mark,
        "steps": steps,
        "drifts": selection.drifts,
    }
    return signing.dumps(_whose(user) | shown, salt=SALT, compress=True)


def of_ids(values: list[str], query: str, token: str, user: User) -> Selection:
    """The selection of single items, as a page with this snapshot showed them; a script may come without one.

    Raises BadSelection for none or too many, and for a snapshot that is not this person's.
    """
    ids = sorted({pk for pk in map(parse_bigint, values) if pk is not None})
    if not ids or len(ids) > MOST_SELECTED:
        raise BadSelection(
            _("Select the items first: tick their boxes, or take all that match. At most %(most)d can be ticked.")
            % {"most": MOST_SELECTED}
        )
    mark = {"mark": _read(token, user)["mark"]} if token else {}
    return Selection({"ids": ids, **mark}, len(ids), query)


def chosen(stored: dict[str, Any], user: User, after: int = 0) -> WorkItemQuerySet:
    """The items of a selection with a higher number than `after`, out of those that the person may see now."""
    later = WorkItem.objects.visible_to(user).with_later_ids(after)
    if stored.get("of") is not None:
        later = later.filter(institution=stored["of"])
    if "undo" in stored:
        return later.with_ids([pk for pk, _number in _changed_by(stored["undo"], after)])
    if "ids" in stored:
        items = later.with_ids([pk for pk in stored["ids"] if pk > after])
    else:
        items = later & listing_of(stored, user).items()
    if "mark" not in stored:
        return items
    last, *to_come = stored["mark"]
    since = HistoryEntry.objects.filter(Q(pk__gt=last) | Q(pk__in=to_come), item=OuterRef("pk"))
    return items.exclude(Exists(since))


def _changed_by(act: str, after: int) -> list[tuple[int, int]]:
    """(item, number of the entry) of the next piece of what an act has changed, from the one after this item on."""
    return list(query_entries("item_id", "number", act=act, item__gt=after).order_by("item_id")[:PIECE])


def listing_of(stored: dict[str, Any], user: User) -> ItemList:
    """The list that a selection by what its items have in common is about. Its days are those of whoever chose them."""
    with timezone.override(ZoneInfo(stored["zone"])):
        listing = ItemList(parse_qs(stored["query"]), user)
        listing.is_valid()  # reads the values
    return listing


def begin(
    selection: Selection,
    move: str,
    user: User,
    *,
    note: str = "",
    from_the_beginning: bool = False,
    number: UUID | None = None,
) -> BulkChange:
    """Records what is to be done with a selection that is `fixed`; `go_on` does it.

    `from_the_beginning`: a requeue leads to the first stage of each item's path, and not to where it stopped. `number`: the
    act's own; where this person has begun it already, by a button pressed twice, it is that act.
    """
    stored = dict(selection.stored)
    if "query" in stored:
        stored["until"] = WorkItem.objects.last_id()
    what = {"by": user, "move": move, "note": note, "from_the_beginning": from_the_beginning, "query": selection.query}
    scope = {"institution_id": user.institution_id, "is_of_all": user.can(Permission.SEE_EVERY_INSTITUTION)}
    former = BulkChange.objects.filter(pk=number).first() if number else None
    if former:
        is_same = all(getattr(former, name) == value for name, value in what.items()) and _is_same(
            former.selection, stored
        )
        if is_same and undo_of(former) is None:
            return former
        number = None
    values = {"selection": stored, "total": selection.shown, **what, **scope}
    return BulkChange.objects.get_or_create(values, pk=number)[0] if number else BulkChange.objects.create(**values)


def _is_same(former: dict[str, Any], stored: dict[str, Any]) -> bool:
    """Whether it was chosen from the same page, and the same items of it; of many there may be few left by now."""
    return former.get("mark") == stored.get("mark") and ("ids" not in former or former["ids"] == stored.get("ids"))


def undo(act: BulkChange, user: User) -> BulkChange:
    """Sets back what an act has set, once."""
    move, selection = UNDO_OF[act.move], Selection({"undo": str(act.pk)}, act.changed, act.query)
    return undo_of(act) or begin(selection, move, user, number=uuid5(act.pk, "undo"))


def undo_of(act: BulkChange) -> BulkChange | None:
    """The act that has set this one back."""
    return BulkChange.objects.filter(pk=uuid5(act.pk, "undo")).first()


def go_on(act: BulkChange) -> BulkChange:
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
def _piece(act: BulkChange) -> BulkChange:
    act = BulkChange.objects.select_for_update(of=("self",)).select_related("by").get(pk=act.pk)
    if act.finished_at:
        return act
    seen, end = _next(act)
    ids = list(seen)
    # All of them at once and in order, since stage by stage they would come in another: two who wait for each other.
    list(WorkItem.objects.with_ids(ids).order_by("pk").select_for_update().values_list("pk"))
    results = [
        result
        for stage, pks in _by_stage(act, ids).items()
        for result in transitions.apply(
            act.move,
            pks,
            TransitionRequest(stage=stage, note=act.note or None),
            by=act.by,
            via="page",
            versions=seen,
            act=act.pk,
        )
    ]
    reasons = Counter(result.refused.reason for result in results if result.refused)
    act.changed += sum(result.changed for result in results)
    act.unchanged += len(results) - sum(result.changed for result in results) - reasons.total()
    act.skipped = dict(Counter(act.skipped) + reasons)
    act.cursor = act.cursor if end is None else end
    if end is None:
        act.finished_at = timezone.now()
        act.total = max(act.total, act.came_to) if act.is_whole else act.came_to
        gone = max(0, act.total - act.came_to)
        unseen = min(gone, _unseen(act))
        act.skipped = dict(Counter(act.skipped) + Counter(changed=gone - unseen, forbidden=unseen))
    act.save()
    return act


def _unseen(act: BulkChange) -> int:
    """How many of the items whoever began the act may not see any more, because they may less than then."""
    by = act.by
    is_as_then = by.is_active and MOVES[act.move].is_granted_to(by.role)
    is_as_then = is_as_then and (by.institution_id, by.can(Permission.SEE_EVERY_INSTITUTION)) == (
        act.institution_id,
        act.is_of_all,
    )
    # Where nothing has changed for them, an item that is not there for them never was: nothing tells which of the two it is.
    ids = [] if is_as_then else act.selection.get("ids", [])
    return len(ids) - WorkItem.objects.visible_to(by).with_ids(ids).count()


def _by_stage(act: BulkChange, ids: list[int]) -> dict[str | None, list[int]]:
    """{the stage that the move is to lead to: items}; None: the usual one."""
    if not act.from_the_beginning:
        return {None: ids}
    found: dict[str | None, list[int]] = {}
    for pk, action in WorkItem.objects.with_ids(ids).order_by("pk").values_list("pk", "action"):
        found.setdefault(first_stage(action), []).append(pk)
    return found


def _next(act: BulkChange) -> tuple[dict[int, int | None], int | None]:
    """The next piece as {item: the version that it may change}, and the number that it goes up to; None: it is the last one.

    What changes between this look and the lock is left alone, and an undo touches only what nobody has touched since.
    """
    items, until = chosen(act.selection, act.by, act.cursor).order_by("pk"), act.selection.get("until")
    end = None
    if until is not None:
        # From the next item that there is: numbers may have gaps of any size.
        first = WorkItem.objects.with_later_ids(act.cursor).first_id() or until
        end = min(first + WINDOW - 1, until)
        items = items.filter(pk__lte=end)
    seen: dict[int, int | None] = dict(items.values_list("pk", "version")[:PIECE])
    if "undo" in act.selection:
        numbers: dict[int, int | None] = dict(_changed_by(act.selection["undo"], act.cursor))
        return {pk: numbers[pk] for pk in seen}, max(numbers) if len(numbers) == PIECE else None
    if len(seen) == PIECE:
        return seen, max(seen)
    return seen, end if end != until else None
