"""What is found of a list, whichever way: its counts, and its rows from a place or a number on."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ...counts import Tally, fits
from ..ordering import Sort, read, values_at, written
from ..query import ItemList

# How far from either end of a long list a page can be had by its number; between, one goes on from a place.
NEAR = 10_000


class Cursor(NamedTuple):
    """A row of a list: its item, and its values in the columns of the order."""

    pk: int
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Page:
    """The items of one page in order, and the places where the pages beside it begin; None where there is none.

    `further`: where the look for rows ended though the list goes on. `is_too_far`: no such page can be had by its number.
    """

    ids: Sequence[int] = ()
    next: str | None = None
    previous: str | None = None
    further: str | None = None
    is_too_far: bool = False


class Found(ABC):
    """`tally`: the counts of the list as it would be without its left column. `total`: how many items are in the list.

    `is_whole`: these are all; where not, there are more; `is_exact`: so are the counts. `sort`: the order of the rows, which is the default one where the
    list is too long for the order that was asked for.
    """

    is_exact = True
    goes_back = True  # whether the rows before a place can be had, however far they are

    def __init__(self, listing: ItemList, tally: Tally, total: int, *, is_whole: bool, sort: Sort):
        self.listing = listing
        self.tally = tally
        self.total = total
        self.is_whole = is_whole
        self.sort = sort

    @property
    def is_sorted(self) -> bool:
        """Whether the rows are in the order that was asked for."""
        return self.sort == self.listing.sort

    @property
    def outcomes(self) -> Counter[tuple[str, bool, bool]]:
        """{(status, retry, reviewed): number} of the list; of a part of it where it is not whole."""
        masks, found = self.listing.left_masks, Counter[tuple[str, bool, bool]]()
        for kind, number in self.tally.kinds.items():
            if fits(kind, masks):
                found[kind.status, bool(kind.retry), bool(kind.reviewed)] += number
        return found

    @abstractmethod
    def beyond(self, values: Sequence[Any] | None, number: int, *, back: bool = False) -> list[Cursor]:
        """So many rows after this place, or before it, the nearest first; None: from the end."""

    def at(self, start: int, number: int) -> list[Cursor] | None:
        """So many rows from this number on, counted from 0; None where it is too far from both ends."""
        if start <= NEAR:
            return self.beyond(None, start + number)[start:]
        from_end = self.total - start
        if self.is_whole and 0 < from_end <= NEAR:
            return self.beyond(None, from_end, back=True)[::-1][:number]
        return [] if self.is_whole and from_end <= 0 else None

    def looked_until(self, values: Sequence[Any] | None) -> Sequence[Any] | None:
        """Where looking for rows from this place on ends though there may be more; None where it goes to the end."""
        return None

    def seek(self, values: Sequence[Any] | None, looks: int) -> tuple[Cursor | None, Sequence[Any] | None]:
        """The first row after this place (None: of all), over at most so many stretches; and where the look ended though it may go on."""
        for _look in range(looks):
            if following := self.beyond(values, 1):
                return following[0], None
            values = self.looked_until(values)
            if values is None:
                break
        return None, values

    def places(self) -> list[Cursor] | None:
        """The rows of the page that the query string asks for, and one more if there is one; None if it is too far."""
        given, number = self.listing.value_of, self.listing.per_page + 1
        if "after" in given and self.is_sorted:
            return self.beyond(read(self.sort.columns, given["after"]), number)
        return self.at((self.listing.page - 1) * self.listing.per_page, number)

    def page(self) -> Page:
        """The page that the list's query string asks for."""
        given, number = self.listing.value_of, self.listing.per_page
        if "before" in given and self.is_sorted:
            rows = self.beyond(read(self.sort.columns, given["before"]), number + 1, back=True)
            return self._page(rows[:number][::-1], has_next=True, has_previous=len(rows) > number)
        places = self.places()
        if places is None:
            return Page(is_too_far=True)
        after = given.get("after") if self.is_sorted else None
        has_next, is_first = len(places) > number, not after and self.listing.page == 1
        page = self._page(places[:number], has_next=has_next, has_previous=not is_first)
        if has_next or not (after or is_first):
            return page
        return replace(page, further=self._end(read(self.sort.columns, after) if after else None))

    def _end(self, start: Sequence[Any] | None) -> str | None:
        end = self.looked_until(start)
        return None if end is None else written(end)

    def _page(self, rows: Sequence[Cursor], *, has_next: bool, has_previous: bool) -> Page:
        return Page(
            [row.pk for row in rows],
            written(rows[-1].values) if rows and has_next else None,
            written(rows[0].values) if rows and has_previous and self.goes_back else None,
        )

    def beside(self, item: Any) -> tuple[int | None, int | None]:
        """The items before and after this one in the list's order; its own row need not be in the list any more."""
        place = values_at(self.sort.columns, item)
        before, after = self.beyond(place, 1, back=True), self.beyond(place, 1)
        return before[0].pk if before else None, after[0].pk if after else None
