"""The review queue: what of a list is finished and not reviewed, item by item in the list's order.

Where somebody is in it stands in the address alone, so that a reload, a second window or a colleague's link shows the same.
What others have marked in the meantime is passed over: the next item is looked for when it is asked for.
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

MOST_BEHIND = 30  # of the items seen before, so many can be gone back to: they stand in the address
LOOKS = 5  # stretches of a list that one step goes over, where rows that no index knows are few among many
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Stop(NamedTuple):
    """An item on the way. `at`: its last change when it was come to, in an order where changing it would change its place."""

    pk: int
    at: datetime | None = None

    def __str__(self) -> str:
        return str(self.pk) if self.at is None else f"{self.pk}-{(self.at - _EPOCH) // _MICROSECOND}"

    @classmethod
    def read(cls, text: str) -> "Stop | None":
        """What an address says; None for what is none."""
        number, _, since = text.partition("-")
        pk, microseconds = parse_bigint(number), parse_bigint(since.removeprefix("-"))
        if pk is None or microseconds is None:
            return None if pk is None else cls(pk)
        try:
            return cls(pk, _EPOCH + (-microseconds if since.startswith("-") else microseconds) * _MICROSECOND)
        except OverflowError:
            return cls(pk)


@dataclass(frozen=True)
class Round:
    """One person's way through a queue. `list`: the list's query string.

    `order`: the name of the sort that it goes by, which is not the list's own where the list is too long for that.
    `item`: the one that is shown; `after`: the one whose next is asked for. `of`: how many there were when that was first known;
    `behind`: those seen before, the last one last; `marked`: the one marked by the last step, which can be undone.
    """

    list: str = ""
    order: str = ""
    item: Stop | None = None
    after: Stop | None = None
    of: int = 0
    behind: tuple[Stop, ...] = ()
    marked: int | None = None

    @classmethod
    def read(cls, data: Mapping[str, str]) -> "Round":
        """What an address says; what cannot be is left out, since it tells no more than where to go on."""
        order = data.get("order", "")
        behind = [Stop.read(part) for part in data.get("behind", "").split(".")[-MOST_BEHIND:]]
        return cls(
            data.get("list", ""),
            order if order in SORTS else "",
            Stop.read(data.get("item", "")),
            Stop.read(data.get("after", "")),
            parse_bigint(data.get("of", "")) or 0,
            tuple(stop for stop in behind if stop is not None),
            parse_bigint(data.get("marked", "")),
        )

    @property
    def query(self) -> str:
        parts = {
            "list": self.list,
            "order": self.order,
            "of": self.of,
            "item": self.item,
            "after": self.after,
            "behind": ".".join(map(str, self.behind)),
            "marked": self.marked,
        }
        return urlencode({name: value for name, value in parts.items() if value not in (None, "", 0)})

    def past(self, stop: Stop, *, marked: int | None = None) -> "Round":
        """The step from this item to the next."""
        behind = (*(one for one in self.behind if one.pk != stop.pk), stop)[-MOST_BEHIND:]
        return replace(self, item=None, after=stop, behind=behind, marked=marked)

    def showing(self, stop: Stop) -> "Round":
        return replace(self, item=stop, after=None)

    def looking_on(self, stop: Stop) -> "Round":
        """The look for the next item goes on after this one, which nobody has been shown."""
        return replace(self, item=None, after=stop)

    def back_to(self, pk: int) -> "Round":
        """The step back to an item seen before; those seen after it come again."""
        for number, stop in enumerate(self.behind):
            if stop.pk == pk:
                return replace(self, item=stop, after=None, behind=self.behind[:number], marked=None)
        return replace(self, item=self.item if self.item and self.item.pk == pk else Stop(pk), after=None, marked=None)

    def by(self, order: str, number: int | None) -> "Round":
        """Going by this order; with how many there are, if that is known: more may have come since."""
        return replace(self, order=order, of=max(self.of, number or 0))

    @property
    def back(self) -> "Round | None":
        return self.back_to(self.behind[-1].pk) if self.behind else None


class Alike(NamedTuple):
    """Items of the queue that ended as one of it did: the list of them, what they have in common, and how many there are."""

    listing: ItemList
    what: str
    found: ListResult


class Next(NamedTuple):
    """What comes next in a queue: `item`, None where there is none; or where the look for it ended though it may go on."""

    item: Stop | None = None
    scanned_until: Stop | None = None


class Queue:
    """The queue of a valid list, by the list's own order or by another one, which is given by its name."""

    def __init__(self, whole: ItemList, order: str = ""):
        self.whole = whole
        values = {"reviewed": "false", "phase": Phase.CLOSED.value, "per_page": None}
        self.listing = whole.for_query(whole.query(**values, **({"sort": order} if order else {})))
        # A list of open items alone, or of reviewed ones, has nothing to review; what it asks for is not to be overwritten.
        self.is_empty = any(
            name in whole.params and values[name] not in whole.params[name] for name in ("reviewed", "phase")
        )

    @cached_property
    def found(self) -> ListResult:
        return find(self.listing)

    @property
    def left(self) -> int:
        return 0 if self.is_empty else self.found.total

    @property
    def is_whole(self) -> bool:
        return self.is_empty or self.found.is_whole

    @property
    def order(self) -> str:
        """The name of the order that it goes by."""
        return next(name for name, sort in SORTS.items() if sort == self.found.sort)

    def stop(self, item: WorkItem) -> Stop:
        """This item as it is now."""
        return Stop(item.pk, item.updated_at if "updated_at" in self._columns else None)

    def _place_of(self, stop: Stop, item: WorkItem) -> list[Any]:
        """The item's place in the order as it was when it was come to: only its last change can have changed since."""
        values = cursor_values(self.found.sort.columns, item)
        return [
            stop.at if column == "updated_at" and stop.at else value
            for column, value in zip(self._columns, values, strict=True)
        ]

    @property
    def _columns(self) -> list[str]:
        return [column_name(column) for column in self.found.sort.columns]

    def following(self, stop: Stop | None, item: WorkItem | None) -> Next:
        """What comes after this item, where the way had come to it; after none of them: the first of all."""
        if self.is_empty:
            return Next()
        place, end = self.found.seek(self._place_of(stop, item) if stop and item else None, LOOKS)
        return Next(self._stop_at(place and place.values), self._stop_at(end))

    def _stop_at(self, values: Sequence[Any] | None) -> Stop | None:
        """Every order ends with the item's number."""
        if values is None:
            return None
        there = dict(zip(self._columns, values, strict=True))
        return Stop(there["id"], there.get("updated_at"))

    def alike(self, item: WorkItem) -> Alike | None:
        """Those that failed for the same cause; of what did not fail, those of the same action and status."""
        if self.is_empty or not self.listing.items().filter(pk=item.pk).exists():
            return None
        if item.status == Status.FAILED:
            found = find_last_cause(item.pk)
            if found is None:
                return None
            number, what = found
            listing = self._with(status=item.status, cause=str(number))
        else:
            what, listing = "", self._with(item_action=item.action, status=item.status)
        return Alike(listing, what, find(listing)) if listing.is_valid() else None

    def _with(self, **values: str) -> ItemList:
        return self.listing.for_query(self.listing.query(**values))


def to_review(found: ListResult) -> int:
    """How many of what was found are finished and not reviewed."""
    return sum(
        number
        for (status, retry, reviewed), number in found.outcomes.items()
        if not reviewed and phase_of(status, retry=retry) is Phase.CLOSED
    )
