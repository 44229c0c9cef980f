"""The result of a list, with any strategy: its counts, and its rows from a cursor or an offset."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from ...counts import FacetCounts, matches_any
from ..ordering import Sort, cursor_values, format_cursor, parse_cursor
from ..query import ItemList

# Within this many rows from either end of a long list, pages can be reached by number; elsewhere only by cursor.
OFFSET_LIMIT = 10_000


class Cursor(NamedTuple):
    """The position of a row: its item, and its values in the columns of the order."""

    pk: int
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Page:
    """The items of a page in order, and the cursors of the next and previous page, or None.

    `further`: where the scan stopped although the list may continue. `is_too_far`: the page can't be reached by its
    number.
    """

    ids: Sequence[int] = ()
    next: str | None = None
    previous: str | None = None
    further: str | None = None
    is_too_far: bool = False


class ListResult(ABC):
    """What was found for a list.

    - `counts`: the counts of the list, ignoring its facets
    - `total`: the number of items in the list; a lower bound unless `is_complete`
    - `is_exact`: whether `counts` is exact, too
    - `sort`: the order of the rows, which is the default order if the list is too long for the one requested
    """

    is_exact = True
    can_go_back = True  # whether the rows before any cursor can be read

    def __init__(self, listing: ItemList, counts: FacetCounts, total: int, *, is_complete: bool, sort: Sort):
        self.listing = listing
        self.counts = counts
        self.total = total
        self.is_complete = is_complete
        self.sort = sort

    @property
    def is_sorted(self) -> bool:
        """Whether the rows are in the requested order."""
        return self.sort == self.listing.sort

    @property
    def outcomes(self) -> Counter[tuple[str, str, str, bool, bool]]:
        """{(action, stage, status, retry, reviewed): number} for the list, or for a part of it unless `is_complete`."""
        conditions, found = self.listing.facet_conditions, Counter[tuple[str, str, str, bool, bool]]()
        for kind, number in self.counts.kinds.items():
            if matches_any(kind, conditions):
                found[kind.action, kind.stage, kind.status, bool(kind.retry), bool(kind.reviewed)] += number
        return found

    @abstractmethod
    def rows_after(self, values: Sequence[Any] | None, number: int, *, back: bool = False) -> list[Cursor]:
        """Returns `number` rows after this cursor, nearest first; with `back`, the rows before it.

        None starts at the first row or, with `back`, at the last one.
        """

    def rows_from(self, start: int, number: int) -> list[Cursor] | None:
        """Returns `number` rows from this offset; None if it is too far from both ends."""
        if start <= OFFSET_LIMIT:
            return self.rows_after(None, start + number)[start:]
        from_end = self.total - start
        if self.is_complete and 0 < from_end <= OFFSET_LIMIT:
            return self.rows_after(None, from_end, back=True)[::-1][:number]
        return [] if self.is_complete and from_end <= 0 else None

    def scanned_until(self, values: Sequence[Any] | None) -> Sequence[Any] | None:
        """Returns where a scan from this cursor stops although there may be more rows; None if it reaches the end."""
        return None

    def seek(self, values: Sequence[Any] | None, max_scans: int) -> tuple[Cursor | None, Sequence[Any] | None]:
        """Returns the first row after this cursor (None: the very first), and where the last of at most `max_scans` scans stopped."""
        for _scan in range(max_scans):
            if following := self.rows_after(values, 1):
                return following[0], None
            values = self.scanned_until(values)
            if values is None:
                break
        return None, values

    def page_rows(self) -> list[Cursor] | None:
        """Returns the rows of the requested page and one more if there is one; None if the page is too far."""
        given, number = self.listing.cleaned_data, self.listing.per_page + 1
        if "after" in given and self.is_sorted:
            return self.rows_after(parse_cursor(self.sort.columns, given["after"]), number)
        return self.rows_from((self.listing.page - 1) * self.listing.per_page, number)

    def page(self) -> Page:
        """Returns the page that the query string asks for."""
        given, number = self.listing.cleaned_data, self.listing.per_page
        if "before" in given and self.is_sorted:
            rows = self.rows_after(parse_cursor(self.sort.columns, given["before"]), number + 1, back=True)
            return self._page(rows[:number][::-1], has_next=True, has_previous=len(rows) > number)
        found = self.page_rows()
        if found is None:
            return Page(is_too_far=True)
        after = given.get("after") if self.is_sorted else None
        has_next, is_first = len(found) > number, not after and self.listing.page == 1
        page = self._page(found[:number], has_next=has_next, has_previous=not is_first)
        if has_next or not (after or is_first):
            return page
        return replace(page, further=self._end(parse_cursor(self.sort.columns, after) if after else None))

    def _end(self, start: Sequence[Any] | None) -> str | None:
        end = self.scanned_until(start)
        return None if end is None else format_cursor(end)

    def _page(self, rows: Sequence[Cursor], *, has_next: bool, has_previous: bool) -> Page:
        return Page(
            [row.pk for row in rows],
            format_cursor(rows[-1].values) if rows and has_next else None,
            format_cursor(rows[0].values) if rows and has_previous and self.can_go_back else None,
        )

    def neighbors(self, item: Any) -> tuple[int | None, int | None]:
        """Returns the ids of the items before and after this one in the list's order, even if it has left the list."""
        place = cursor_values(self.sort.columns, item)
        before, after = self.rows_after(place, 1, back=True), self.rows_after(place, 1)
        return before[0].pk if before else None, after[0].pk if after else None
