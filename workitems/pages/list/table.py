"""The columns of the list. A column is one line; its cell stands at the same place in templates/workitems/list/_table.html."""

from typing import NamedTuple

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _
from django_tables2.columns import BoundColumn

from pharos.accounts.roles import Permission

from ...listing import ItemList

_FALLING = ("date", "updated", "-name")  # the sorts that begin with what is greatest in their column


class ItemColumn(tables.Column):
    """A column that the list can be sorted by: `sorts` are names of filters.SORTS.

    The first of them is what a click on the heading asks for, the second what the next click does. `under`: the column that this
    one shares its place with, as the second line.
    """

    def __init__(self, *args, sorts: tuple[str, ...] = (), under: str = "", **kwargs):
        super().__init__(*args, empty_values=(), orderable=False, **kwargs)
        self.sorts = sorts
        self.under = under


class Heading(NamedTuple):
    """What is above a column. `query`: of a click on it; None where the list cannot be sorted by it."""

    label: str
    query: str | None
    is_current: bool


class ItemTable(tables.Table):
    select = ItemColumn(verbose_name=_("Select"))
    name = ItemColumn(verbose_name=_("Name"), sorts=("name", "-name"))
    action = ItemColumn(verbose_name=_("Action"))
    institution = ItemColumn(verbose_name=_("Institution"), sorts=("institution",), under="action")
    state = ItemColumn(verbose_name=_("Stage and status"))
    size = ItemColumn(verbose_name=_("Size"))
    received = ItemColumn(verbose_name=_("Received"), sorts=("date", "-date"))
    updated = ItemColumn(verbose_name=_("Updated"), sorts=("updated", "-updated"), under="received")
    reviewed = ItemColumn(verbose_name=_("Reviewed"))

    class Meta:
        template_name = "workitems/list/_table.html"
        orderable = False

    def __init__(self, rows, listing: ItemList, *, is_sorted: bool = True):
        self.listing = listing
        self.is_sorted = is_sorted  # in the order that was asked for
        left_out = []
        if not listing.user.can(Permission.SEE_EVERY_INSTITUTION):
            left_out.append("institution")
        if not listing.user.can(Permission.REVIEW):
            left_out.append("select")
        super().__init__(rows, exclude=left_out)

    def has(self, name: str) -> bool:
        """Whether the reader's list has this column."""
        return name not in self.exclude

    @property
    def heads(self):
        """(name, aria-sort, headings one under the other) of every place in a row."""
        places: dict[str, list[BoundColumn]] = {}
        for bound in self.columns:
            places.setdefault(bound.column.under or bound.name, []).append(bound)
        for name, columns in places.items():
            headings = [self._heading(bound) for bound in columns]
            is_sorted = any(heading.is_current for heading in headings)
            yield name, ("descending" if self._current in _FALLING else "ascending") if is_sorted else "", headings

    def _heading(self, bound: BoundColumn) -> Heading:
        sorts = bound.column.sorts
        is_current = self._current in sorts
        following = sorts[(sorts.index(self._current) + 1) % len(sorts)] if is_current else (sorts or [None])[0]
        return Heading(bound.header, self.listing.query(sort=following) if sorts else None, is_current)

    @property
    def _current(self) -> str:
        return self.listing.sort_name if self.listing.is_valid() and self.is_sorted else ""
