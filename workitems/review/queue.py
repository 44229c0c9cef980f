"""The review queue: the finished, unreviewed items of a list, one by one in the list's order.

A reader's position is stored only in the URL, so a reload, a second window, or a colleague's link shows the same item. The
next item is looked up when it is needed, so items that others have marked in the meantime are skipped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlencode

from ..database import parse_bigint
from ..failures import find_last_cause
from ..lifecycle import Phase, phase_of
from ..listing import SORTS, ItemList, ListResult, column_name, cursor_values, find
from ..models import WorkItem
from ..vocabulary import Status

MAX_SEEN = 30  # how many items a reader can go back; they are stored in the URL
MAX_SEEKS = 5  # how many scans one step makes when no index covers the filters and few rows match
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class QueueItem(NamedTuple):
    """An item of the queue as in a URL.

    `at`: the time of its last change when the reader reached it, only set in orders in which a change would move the item.
    """

    pk: int
    at: datetime | None = None

    def __str__(self) -> str:
        return str(self.pk) if self.at is None else f"{self.pk}-{(self.at - _EPOCH) // _MICROSECOND}"

    @classmethod
    def read(cls, text: str) -> "QueueItem | None":
        """Parses the text in a URL. Returns None if it names no item."""
        number, _, since = text.partition("-")
        pk, microseconds = parse_bigint(number), parse_bigint(since.removeprefix("-"))
        if pk is None or microseconds is None:
            return None if pk is None else cls(pk)
        try:
            return cls(pk, _EPOCH + (-microseconds if since.startswith("-") else microseconds) * _MICROSECOND)
        except OverflowError:
            return cls(pk)


@dataclass(frozen=True)
class QueueState:
    """How far a reader has come in a queue. `list_query`: the list's query string.

    `order`: the name of the sort in use, which differs from the list's own sort if the list is too long for that one.
    `item`: the item that is shown; `after`: the item whose successor is wanted. `total`: how many items there were when
    that was first known; `seen`: the items seen before, latest last; `marked`: the item marked in the last step, which can
    be undone.
    """

    list_query: str = ""
    order: str = ""
    item: QueueItem | None = None
    after: QueueItem | None = None
    total: int = 0
    seen: tuple[QueueItem, ...] = ()
    marked: int | None = None

    @classmethod
    def read(cls, data: Mapping[str, str]) -> "QueueState":
        """Parses the parameters of a URL. Invalid ones are dropped, because they only say where to continue."""
        order = data.get("order", "")
        seen = [QueueItem.read(part) for part in data.get("behind", "").split(".")[-MAX_SEEN:]]
        return cls(
            data.get("list", ""),
            order if order in SORTS else "",
            QueueItem.read(data.get("item", "")),
            QueueItem.read(data.get("after", "")),
            parse_bigint(data.get("of", "")) or 0,
            tuple(entry for entry in seen if entry is not None),
            parse_bigint(data.get("marked", "")),
        )

    @property
    def query(self) -> str:
        parts = {
            "list": self.list_query,
            "order": self.order,
            "of": self.total,
            "item": self.item,
            "after": self.after,
            "behind": ".".join(map(str, self.seen)),
            "marked": self.marked,
        }
        return urlencode({name: value for name, value in parts.items() if value not in (None, "", 0)})

    def advance(self, entry: QueueItem, *, marked: int | None = None) -> "QueueState":
        """Returns the state after this item, from which the next one is looked up."""
        seen = (*(one for one in self.seen if one.pk != entry.pk), entry)[-MAX_SEEN:]
        return replace(self, item=None, after=entry, seen=seen, marked=marked)

    def show(self, entry: QueueItem) -> "QueueState":
        return replace(self, item=entry, after=None)

    def skip(self, entry: QueueItem) -> "QueueState":
        """Continues the search after this item, which was not shown to anyone."""
        return replace(self, item=None, after=entry)

    def back_to(self, pk: int) -> "QueueState":
        """Goes back to an item seen before. Items seen after it are shown again."""
        for number, entry in enumerate(self.seen):
            if entry.pk == pk:
                return replace(self, item=entry, after=None, seen=self.seen[:number], marked=None)
        return replace(
            self, item=self.item if self.item and self.item.pk == pk else QueueItem(pk), after=None, marked=None
        )

    def ordered_by(self, order: str, number: int | None) -> "QueueState":
        """Sets the order and, if it is known, the number of items, which may have grown."""
        return replace(self, order=order, total=max(self.total, number or 0))

    @property
    def previous(self) -> "QueueState | None":
        return self.back_to(self.seen[-1].pk) if self.seen else None


class SimilarItems(NamedTuple):
    """Items of the queue that ended like a given one: their list, the cause of their failure (or ""), and how many."""

    listing: ItemList
    cause: str
    found: ListResult


class NextItem(NamedTuple):
    """The next item of a queue, or None. `scanned_until`: where the search stopped although there may be more items."""

    item: QueueItem | None = None
    scanned_until: QueueItem | None = None


class Queue:
    """The queue of a valid list, in the list's own order or in the given one."""

    def __init__(self, source: ItemList, order: str = ""):
        self.source = source
        values = {"reviewed": "false", "phase": Phase.CLOSED.value, "per_page": None}
        self.listing = source.for_query(source.query(**values, **({"sort": order} if order else {})))
        # A list of open items only, or of reviewed ones, has nothing to review; its own filters must not be overwritten.
        self.is_empty = any(
            name in source.params and values[name] not in source.params[name] for name in ("reviewed", "phase")
        )

    @cached_property
    def found(self) -> ListResult:
        return find(self.listing)

    @property
    def remaining(self) -> int:
        return 0 if self.is_empty else self.found.total

    @property
    def is_complete(self) -> bool:
        return self.is_empty or self.found.is_complete

    @property
    def order(self) -> str:
        """The name of the order in use."""
        return next(name for name, sort in SORTS.items() if sort == self.found.sort)

    def entry(self, item: WorkItem) -> QueueItem:
        """Returns the queue's entry for an item in its current state."""
        return QueueItem(item.pk, item.updated_at if "updated_at" in self._columns else None)

    def _values_of(self, entry: QueueItem, item: WorkItem) -> list[Any]:
        """Returns the item's values in the order's columns when the reader reached it. Only `updated_at` can have changed."""
        values = cursor_values(self.found.sort.columns, item)
        return [
            entry.at if column == "updated_at" and entry.at else value
            for column, value in zip(self._columns, values, strict=True)
        ]

    @property
    def _columns(self) -> list[str]:
        return [column_name(column) for column in self.found.sort.columns]

    def next_after(self, entry: QueueItem | None, item: WorkItem | None) -> NextItem:
        """Returns the item after this one, from where it was when the reader reached it; without one, the first item."""
        if self.is_empty:
            return NextItem()
        following, end = self.found.seek(self._values_of(entry, item) if entry and item else None, MAX_SEEKS)
        return NextItem(self._queue_item_at(following and following.values), self._queue_item_at(end))

    def _queue_item_at(self, values: Sequence[Any] | None) -> QueueItem | None:
        """Returns the entry at a cursor. Every order ends with the item's id."""
        if values is None:
            return None
        found = dict(zip(self._columns, values, strict=True))
        return QueueItem(found["id"], found.get("updated_at"))

    def similar_to(self, item: WorkItem) -> SimilarItems | None:
        """Returns the items that failed with the same cause or, if this one didn't fail, those with the same action and status."""
        if self.is_empty or not self.listing.items().filter(pk=item.pk).exists():
            return None
        if item.status == Status.FAILED:
            found = find_last_cause(item.pk)
            if found is None:
                return None
            number, cause = found
            listing = self._narrowed(status=item.status, cause=str(number))
        else:
            cause, listing = "", self._narrowed(item_action=item.action, status=item.status)
        return SimilarItems(listing, cause, find(listing)) if listing.is_valid() else None

    def _narrowed(self, **values: str) -> ItemList:
        return self.listing.for_query(self.listing.query(**values))


def count_unreviewed(found: ListResult) -> int:
    """Returns how many of the matching items are closed but not reviewed."""
    return sum(
        number
        for (_action, _stage, status, retry, reviewed), number in found.outcomes.items()
        if not reviewed and phase_of(status, retry=retry) is Phase.CLOSED
    )
