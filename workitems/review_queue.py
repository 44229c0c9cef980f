"""The review queue: what of a list is finished and not reviewed, item by item in the list's order.

Where somebody is in it stands in the address alone, so that a reload, a second window or a colleague's link shows the same.
What others have marked in the meantime is passed over: the next item is looked for when it is asked for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import urlencode

from .failures import cause_of_item
from .filters import ItemList
from .finding import Found, find
from .lifecycle import Phase, phase_of
from .models import WorkItem
from .orders import values_at
from .vocabulary import Status

MOST_BEHIND = 30  # of the items seen before, so many can be gone back to: they stand in the address


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


@dataclass(frozen=True)
class Round:
    """One person's way through a queue. `list`: the list's query string.

    `item`: the one that is shown; `after`: the one whose next is asked for. `of`: how many there were at the beginning;
    `behind`: those seen before, the last one last; `marked`: the one marked by the last step, which can be undone.
    """

    list: str = ""
    item: int | None = None
    after: int | None = None
    of: int = 0
    behind: tuple[int, ...] = ()
    marked: int | None = None

    @classmethod
    def read(cls, data: Mapping[str, str]) -> "Round":
        """What an address says; what cannot be is left out, since it tells no more than where to go on."""
        number = {name: _number(data.get(name, "")) for name in ("item", "after", "of", "marked")}
        behind = [_number(part) for part in data.get("behind", "").split(".")[-MOST_BEHIND:]]
        return cls(
            data.get("list", ""),
            number["item"],
            number["after"],
            number["of"] or 0,
            tuple(pk for pk in behind if pk is not None),
            number["marked"],
        )

    @property
    def query(self) -> str:
        parts = {
            "list": self.list,
            "of": self.of,
            "item": self.item,
            "after": self.after,
            "behind": ".".join(map(str, self.behind)),
            "marked": self.marked,
        }
        return urlencode({name: value for name, value in parts.items() if value not in (None, "", 0)})

    def beyond(self, pk: int, *, marked: int | None = None) -> "Round":
        """The step from this item to the next."""
        behind = (*(one for one in self.behind if one != pk), pk)[-MOST_BEHIND:]
        return replace(self, item=None, after=pk, behind=behind, marked=marked)

    def showing(self, pk: int) -> "Round":
        return replace(self, item=pk, after=None)

    def back_to(self, pk: int) -> "Round":
        """The step back to an item seen before; those seen after it come again."""
        behind = self.behind[: self.behind.index(pk)] if pk in self.behind else self.behind
        return replace(self, item=pk, after=None, behind=behind, marked=None)

    def begun(self, number: int) -> "Round":
        """With how many there were at the beginning, if that is not known yet; more may have come since."""
        return replace(self, of=max(self.of, number))

    @property
    def back(self) -> "Round | None":
        return self.back_to(self.behind[-1]) if self.behind else None


class Alike(NamedTuple):
    """Items of the queue that ended as one of it did: the list of them, what they have in common, and how many there are."""

    listing: ItemList
    what: str
    found: Found


class Queue:
    """The queue of a valid list."""

    def __init__(self, whole: ItemList):
        self.whole = whole
        self.listing = whole.beside(whole.query(reviewed="false", phase=Phase.CLOSED.value, per_page=None))

    @cached_property
    def found(self) -> Found:
        return find(self.listing)

    def place_of(self, item: WorkItem) -> list[Any]:
        return values_at(self.found.sort.columns, item)

    def beyond(self, place: Sequence[Any] | None) -> int | None:
        """The first item after this place as the queue is now; None: the first of all."""
        following = find(self.listing).beyond(place, 1)
        return following[0].pk if following else None

    def alike(self, item: WorkItem) -> Alike | None:
        """Those that failed for the same cause; of what did not fail, those of the same action and status."""
        if item.status == Status.FAILED:
            found = cause_of_item(item.pk)
            if found is None:
                return None
            number, what = found
            listing = self._with(status=item.status, cause=str(number))
        else:
            what, listing = "", self._with(item_action=item.action, status=item.status)
        return Alike(listing, what, find(listing)) if listing.is_valid() else None

    def _with(self, **values: str) -> ItemList:
        return self.listing.beside(self.listing.query(**values))


def to_review(found: Found) -> int:
    """How many of what was found are finished and not reviewed."""
    return sum(
        number
        for (status, retry, reviewed), number in found.outcomes.items()
        if not reviewed and phase_of(status, retry=retry) is Phase.CLOSED
    )
