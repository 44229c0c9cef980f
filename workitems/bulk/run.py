"""Makes one move on many items: reads the selection, freezes it, and processes it in batches.

A list page contains a signed snapshot: its filters, its reader, the number of matching items, and the last history entry
at that moment. It stands for "all matching items". Items that arrived or changed after the page was drawn have a later
history entry and are skipped.

Items can enter or leave a list without a history entry: they become late, or are superseded. So the dry run freezes the
selection to item ids, and the move is made on exactly these items. With more than COUNT_LIMIT items, only the query is
stored, and an item is included if it is in the list when its batch is processed. Even if the user's role changes, a bulk
change never affects items outside the scope it was selected in.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from itertools import accumulate
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID
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
from ..vocabulary import Action

SALT = "workitems.bulk"
# Filters whose result for an item can change although the item doesn't.
VOLATILE_FILTERS = frozenset({"acts", "late", "missing_part", "silent", "superseded", "duplicate", "other_upload"})
BATCH_SIZE = 500  # items per transaction: a worker's save waits for one batch at most
MAX_SELECTED = 1000
ID_WINDOW = 100_000  # the range of item ids that one search for the next batch covers
IN_FLIGHT = 200  # how many of the latest history entries are checked for missing ids
SNAPSHOT_LIFETIME = timedelta(days=30)  # short enough that no later entry can have been archived
TIME_SLICE = timedelta(seconds=2)  # how long one request works before the page shows the progress


class InvalidSelection(ValueError):
    """The selection can't be used. The sentence says what to do."""


@dataclass(frozen=True)
class Selection:
    """The selected items: as stored with a bulk change (see BulkChange.selection), and how many the reader was shown.

    `is_volatile`: whether items can enter or leave the list without being changed themselves.
    """

    stored: dict[str, Any]
    total: int
    query: str
    is_volatile: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether `total` is the exact number of items rather than a lower bound."""
        return "at_least" not in self.stored


def read_marker(using: str = DEFAULT_DB_ALIAS) -> list[int]:
    """Returns the id of the last history entry in the database named `using`, followed by lower ids that are still missing.

    Call this before reading the rows. PostgreSQL assigns ids before transactions commit, so a lower id can appear after a
    higher one. Ids that are missing among the latest entries are treated as later.
    """
    latest = HistoryEntry.objects.using(using).order_by("-pk").values_list("pk", flat=True)[:IN_FLIGHT]
    numbers, params = latest.query.sql_with_params()
    ends = f"SELECT MIN(pk), MAX(pk), COUNT(*) FROM ({numbers}) AS latest"  # noqa: S608  our own
    [(first, last, number)] = fetch_prepared(using, ends, params)
    if number == (last or 0) - (first or 0) + bool(number):
        return [last or 0]
    known = set(latest)
    return [max(known), *(pk for pk in range(min(known), max(known)) if pk not in known)]


def sign_snapshot(listing: ItemList, total: int, mark: list[int], *, is_complete: bool = True) -> str:
    """Signs what the list shows, for the form on its page to send back. Unless `is_complete`, there are more than `total` items."""
    content = _token_owner(listing.user) | {"query": listing.filter_query, "total": total, "mark": mark}
    content |= {"zone": timezone.get_current_timezone_name()} | ({} if is_complete else {"at_least": True})
    return signing.dumps(content, salt=SALT, compress=True)


def _token_owner(user: User) -> dict[str, Any]:
    """Returns the part of a token that says whose it is. "of": the only institution they can see, or None for all."""
    return {"user": user.pk, "of": None if user.can(Permission.SEE_EVERY_INSTITUTION) else user.institution_id}


def _read_token(token: str, user: User) -> dict[str, Any]:
    try:
        content = signing.loads(token, salt=SALT, max_age=SNAPSHOT_LIFETIME)
    except signing.BadSignature:
        content = {}
    if any(content.get(name, "") != value for name, value in _token_owner(user).items()):
        raise InvalidSelection(_("This selection is no longer valid. Go back to the list and select the items again."))
    return content


def select_by_snapshot(token: str, user: User) -> Selection:
    """Returns the selection that a token of `sign_snapshot` or `sign_frozen` stands for.

    Raises InvalidSelection if the token is forged, expired, or another user's, or if this user can no longer open the
    list.
    """
    content = _read_token(token, user)
    if "steps" in content:
        stored = {"ids": list(accumulate(content["steps"])), "mark": content["mark"]}
        return Selection(stored, content["total"], content["query"], content["drifts"])
    stored = {name: content[name] for name in ("query", "mark", "at_least", "zone", "of") if name in content}
    listing = selected_list(stored, user)
    if not listing.is_valid():
        raise InvalidSelection(
            _("You no longer have access to the list that these items were selected from. Select them again.")
        )
    return Selection(stored, content["total"], content["query"], bool(listing.params.keys() & VOLATILE_FILTERS))


def freeze(selection: Selection, user: User) -> Selection:
    """Returns the selection with item ids instead of a query, if there are at most COUNT_LIMIT items.

    Items that changed after the list was drawn are left out. Items that have entered it since without being changed, such
    as those that became late, are included.
    """
    stored = selection.stored
    if "query" not in stored:
        return selection
    ids = (
        _ids_if_few(stored, user)
        if selection.is_complete and selection.total <= COUNT_LIMIT
        else _ids_if_few_now(stored, user)
    )
    if ids is None:
        return selection
    total = max(selection.total, len(ids)) if selection.is_complete else len(ids)
    return Selection({"ids": ids, "mark": stored["mark"]}, total, selection.query, selection.is_volatile)


def _ids_if_few(stored: dict[str, Any], user: User) -> list[int] | None:
    """Returns the ids of the items of a list that had few items when it was drawn; None if it has too many by now."""
    ids = list(selected_items(stored, user).order_by("pk").values_list("pk", flat=True)[: COUNT_LIMIT + 1])
    return ids if len(ids) <= COUNT_LIMIT else None


def _ids_if_few_now(stored: dict[str, Any], user: User) -> list[int] | None:
    """Returns the ids of the items of a list that had too many items when it was drawn; None if it still has."""
    found = find(selected_list(stored, user))
    if not (found.is_complete and found.total <= COUNT_LIMIT):
        return None
    matching = {"ids": [row.pk for row in found.rows_from(0, COUNT_LIMIT) or []], "mark": stored["mark"]}
    return sorted(selected_items(matching, user).values_list("pk", flat=True))


def sign_frozen(selection: Selection, user: User) -> str:
    """Signs a frozen selection. Ids are stored as differences, which keeps the token short."""
    ids, mark = selection.stored["ids"], selection.stored["mark"]
    steps = [pk - former for pk, former in zip(ids, [0, *ids], strict=False)]
    content = {
        "query": selection.query,
        "total": selection.total,
        "mark": mark,
        "steps": steps,
        "drifts": selection.is_volatile,
    }
    return signing.dumps(_token_owner(user) | content, salt=SALT, compress=True)


def select_by_ids(values: list[str], query: str, token: str, user: User) -> Selection:
    """Returns the selection of single items on a page with this snapshot token. Scripts can leave the token out.

    Raises InvalidSelection for no items or too many, and for an invalid token.
    """
    ids = sorted({pk for pk in map(parse_bigint, values) if pk is not None})
    if not ids or len(ids) > MAX_SELECTED:
        raise InvalidSelection(
            _("Select items first, or select all matching items. You can select at most %(most)d items one by one.")
            % {"most": MAX_SELECTED}
        )
    mark = {"mark": _read_token(token, user)["mark"]} if token else {}
    return Selection({"ids": ids, **mark}, len(ids), query)


def selected_items(stored: dict[str, Any], user: User, after: int = 0) -> WorkItemQuerySet:
    """Returns the items of a selection with ids above `after`, as far as the user can see them now."""
    later = WorkItem.objects.visible_to(user).with_later_ids(after)
    if stored.get("of") is not None:
        later = later.filter(institution=stored["of"])
    if "undo" in stored:
        return later.with_ids([pk for pk, _number in _entries_to_undo(stored["undo"], after)])
    if "ids" in stored:
        items = later.with_ids([pk for pk in stored["ids"] if pk > after])
    else:
        items = later & selected_list(stored, user).items()
    if "mark" not in stored:
        return items
    last, *missing = stored["mark"]
    since = HistoryEntry.objects.filter(Q(pk__gt=last) | Q(pk__in=missing), item=OuterRef("pk"))
    return items.exclude(Exists(since))


def _entries_to_undo(change_id: str, after: int) -> list[tuple[int, int]]:
    """Returns (item id, entry number) of the next batch of items that a bulk change has changed, after this id."""
    return list(query_entries("item_id", "number", act=change_id, item__gt=after).order_by("item_id")[:BATCH_SIZE])


def selected_list(stored: dict[str, Any], user: User) -> ItemList:
    """Returns the list of a selection. Its dates are in the time zone of the user who made the selection."""
    with timezone.override(ZoneInfo(stored["zone"])):
        listing = ItemList(parse_qs(stored["query"]), user)
        listing.is_valid()  # parses the values in this time zone
    return listing


def start(
    selection: Selection,
    move: str,
    user: User,
    *,
    note: str = "",
    from_the_beginning: bool = False,
    number: UUID | None = None,
) -> BulkChange:
    """Records a bulk change of a frozen selection; `run_slice` carries it out.

    `from_the_beginning`: a requeue restarts each item at the first stage of its path instead of where it stopped.
    `number`: the id of the new bulk change. If the same user has already started it, for example by pressing a button
    twice, that one is returned.
    """
    stored = dict(selection.stored)
    if "query" in stored:
        stored["until"] = WorkItem.objects.last_id()
    values_given = {"by": user, "move": move, "note": note, "from_the_beginning": from_the_beginning}
    values_given["query"] = selection.query
    former = BulkChange.objects.filter(pk=number).first() if number else None
    if former:
        is_same = all(getattr(former, name) == value for name, value in values_given.items()) and _is_same_selection(
            former.selection, stored
        )
        if is_same and not former.undos.exists():
            return former
        number = None
    values = {"selection": stored, "total": selection.total, **values_given, **scope_of(user)}
    return BulkChange.objects.get_or_create(values, pk=number)[0] if number else BulkChange.objects.create(**values)


def scope_of(user: User) -> dict[str, Any]:
    """Returns the values of a new bulk change that say whose items its author can see."""
    return {"institution_id": user.institution_id, "is_of_all": user.can(Permission.SEE_EVERY_INSTITUTION)}


def _is_same_selection(former: dict[str, Any], stored: dict[str, Any]) -> bool:
    """Returns whether both select the same items on the same page. A query can have been replaced with ids since."""
    return former.get("mark") == stored.get("mark") and ("ids" not in former or former["ids"] == stored.get("ids"))


def run_slice(change: BulkChange) -> BulkChange:
    """Works on a bulk change for up to TIME_SLICE, one transaction per batch. `finished_at` is set after the last
    batch.

    The next call continues after the last batch. Anyone who can continue it can make that call.
    """
    until = timezone.now() + TIME_SLICE
    while change.finished_at is None:
        change = _run_batch(change)
        if timezone.now() >= until:
            break
    return change


@transaction.atomic
def _run_batch(change: BulkChange) -> BulkChange:
    change = BulkChange.objects.select_for_update(of=("self",)).select_related("by").get(pk=change.pk)
    if change.finished_at:
        return change
    seen, end = _next_batch(change)
    ids = list(seen)
    # Locked all at once and in order. Locking stage by stage would use another order, and two runs could deadlock.
    locked = dict(WorkItem.objects.with_ids(ids).order_by("pk").select_for_update().values_list("pk", "version"))
    if change.is_undo:  # before anything else about them: what has happened to them since is why they are left alone
        ids = [pk for pk in ids if locked[pk] == seen[pk]]
    results = [
        result
        for request, pks in _requests(change, ids)
        for result in transitions.apply(
            change.move,
            pks,
            request,
            by=change.by,
            via="page",
            versions=seen,
            act=change.pk,
        )
    ]
    reasons = Counter(_skip_reason(change.move, result) for result in results if result.refused)
    change.changed += sum(result.changed for result in results)
    change.unchanged += len(results) - sum(result.changed for result in results) - reasons.total()
    reasons["changed"] += len(seen) - len(ids)
    change.skipped = dict(Counter(change.skipped) + reasons)
    change.cursor = change.cursor if end is None else end
    if end is None:
        change.finished_at = timezone.now()
        change.total = max(change.total, change.processed) if change.is_complete else change.processed
        gone = max(0, change.total - change.processed)
        unseen = min(gone, _count_hidden(change))
        change.skipped = dict(Counter(change.skipped) + Counter(changed=gone - unseen, forbidden=unseen))
    change.save()
    return change


def _skip_reason(move: str, result: transitions.TransitionResult) -> str:
    """Returns why an item was refused, as a word that `report` explains."""
    reason = result.refused.reason if result.refused else ""
    is_damaged = result.item is not None and result.item.lifecycle_state.is_damaged_copy
    is_about_review = move in ("review", "unreview") and reason in ("illegal", "invalid")
    return "damaged" if is_about_review and is_damaged else reason


def _count_hidden(change: BulkChange) -> int:
    """Returns how many items the user who started it can no longer see because their role or institution has changed."""
    by = change.by
    is_as_then = by.is_active and MOVES[change.move].is_granted_to(by.role)
    is_as_then = is_as_then and (by.institution_id, by.can(Permission.SEE_EVERY_INSTITUTION)) == (
        change.institution_id,
        change.is_of_all,
    )
    # If nothing has changed for the user, they could never see these items. Then these must look as if they didn't exist.
    if is_as_then:
        return 0
    visible = WorkItem.objects.visible_to(by)
    if change.is_undo:
        return change.total - visible.filter(pk__in=query_entries("item_id", act=change.selection["undo"])).count()
    ids = change.selection.get("ids", [])
    return len(ids) - visible.with_ids(ids).count()


def _requests(change: BulkChange, ids: list[int]) -> list[tuple[TransitionRequest, list[int]]]:
    """Returns (what the move asks for, item ids) for the items of a batch."""
    note = change.note or None
    if change.is_undo and change.move == "unreview":
        return [
            (TransitionRequest(note=note, fields=fields), pks)
            for fields, pks in _ids_by_former_flag(change.selection["undo"], ids)
        ]
    return [(TransitionRequest(stage=stage, note=note), pks) for stage, pks in _ids_by_stage(change, ids).items()]


def _ids_by_former_flag(change_id: str, ids: list[int]) -> list[tuple[dict[str, bool], list[int]]]:
    """Returns (fields to set, item ids): whether items waited for the consortium before this bulk change reviewed them."""
    kept: list[int] = []
    flagged: dict[bool, list[int]] = {True: [], False: []}
    for pk, changes in query_entries("item_id", "changes", act=change_id, item__in=ids).order_by("item_id"):
        before = changes.get("needs_admin_review")
        (flagged[before[0]] if before else kept).append(pk)
    found: list[tuple[dict[str, bool], list[int]]] = [({}, kept)]
    found += [({"needs_admin_review": flag}, pks) for flag, pks in flagged.items()]
    return [(fields, pks) for fields, pks in found if pks]


def _ids_by_stage(change: BulkChange, ids: list[int]) -> dict[str | None, list[int]]:
    """Returns {target stage of the move: item ids}; None stands for the move's default stage."""
    if change.is_undo and change.move == "requeue":
        return _ids_by_former_stage(change.selection["undo"], ids)
    if not change.from_the_beginning:
        return {None: ids}
    found: dict[str | None, list[int]] = {}
    for pk, action in WorkItem.objects.with_ids(ids).order_by("pk").values_list("pk", "action"):
        found.setdefault(first_stage(action), []).append(pk)
    return found


def _ids_by_former_stage(change_id: str, ids: list[int]) -> dict[str | None, list[int]]:
    """Returns {stage at which they restart: item ids}, of items that this bulk change has cancelled."""
    actions = dict(WorkItem.objects.with_ids(ids).values_list("pk", "action"))
    found: dict[str | None, list[int]] = {}
    for pk, stage in query_entries("item_id", "stage_before", act=change_id, item__in=ids).order_by("item_id"):
        found.setdefault(restart_stage(actions[pk], stage), []).append(pk)
    return found


def restart_stage(action: str, stage_before: str) -> str:
    """Returns where a cancelled item restarts if that is undone: where it stood. Only ingests restart on their way."""
    return stage_before if action == Action.INGEST else first_stage(action)


def _next_batch(change: BulkChange) -> tuple[dict[int, int | None], int | None]:
    """Returns the next batch as {item id: expected version}, and the id it reaches, or None for the last batch.

    Items that change between this query and the lock are skipped. An undo only changes items that haven't changed since.
    """
    items, until = (
        selected_items(change.selection, change.by, change.cursor).order_by("pk"),
        change.selection.get("until"),
    )
    end = None
    if until is not None:
        # Start at the next existing item, because gaps between ids can be of any size.
        first = WorkItem.objects.with_later_ids(change.cursor).first_id() or until
        end = min(first + ID_WINDOW - 1, until)
        items = items.filter(pk__lte=end)
    seen: dict[int, int | None] = dict(items.values_list("pk", "version")[:BATCH_SIZE])
    if change.is_undo:
        numbers: dict[int, int | None] = dict(_entries_to_undo(change.selection["undo"], change.cursor))
        return {pk: numbers[pk] for pk in seen}, max(numbers) if len(numbers) == BATCH_SIZE else None
    if len(seen) == BATCH_SIZE:
        return seen, max(seen)
    return seen, end if end != until else None
