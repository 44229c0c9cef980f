"""The columns of the list. A column is one declaration in ItemTable."""

from collections.abc import Callable
from typing import Any, NamedTuple

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _
from django_tables2.columns import BoundColumn

from pharos.accounts.models import User
from pharos.accounts.roles import Permission

from ...listing import ItemList, Row

_FALLING = ("date", "updated", "-name")  # the orders that begin with the greatest value of their column


class ItemColumn(tables.Column):
    """A column of the list.

    `fields`: the fields of an item that its cells need, beyond those that every row has. Without them, each row would query.
    `show`: the text of a cell, for a column that needs no markup; narrow cards put the heading before it. Such columns stand
    before "Reviewed". The other cells are in templates/workitems/list/_table.html.
    `permission`: who has the column; None is everyone.
    `sorts`: the orders (names of listing.SORTS) that a click on the heading chooses, first and then again.
    `under`: the column whose cell this one shares, as its second line.
    """

    def __init__(
        self,
        *args: Any,
        fields: tuple[str, ...] = (),
        show: Callable[[Row], Any] | None = None,
        permission: Permission | None = None,
        sorts: tuple[str, ...] = (),
        under: str = "",
        **kwargs: Any,
    ):
        super().__init__(*args, empty_values=(), orderable=False, **kwargs)
        self.fields = fields
        self.show = show
        self.permission = permission
        self.sorts = sorts
        self.under = under

    def is_granted_to(self, user: User) -> bool:
        return self.permission is None or user.can(self.permission)


class Heading(NamedTuple):
    """The heading of a column. `query`: where a click on it leads; None if the list cannot be sorted by it."""

    label: str
    query: str | None
    is_current: bool


class ItemTable(tables.Table):
    select = ItemColumn(verbose_name=_("Select"), permission=Permission.REVIEW)
    name = ItemColumn(verbose_name=_("Name"), sorts=("name", "-name"))
    action = ItemColumn(verbose_name=_("Action"))
    institution = ItemColumn(
        verbose_name=_("Institution"),
        sorts=("institution",),
        under="action",
        permission=Permission.SEE_EVERY_INSTITUTION,
    )
    state = ItemColumn(verbose_name=_("Stage and status"))
    size = ItemColumn(verbose_name=_("Size"))
    received = ItemColumn(verbose_name=_("Received"), sorts=("date", "-date"))
    updated = ItemColumn(verbose_name=_("Updated"), sorts=("updated", "-updated"), under="received")
    reviewed = ItemColumn(verbose_name=_("Reviewed"))

    class Meta:
        template_name = "workitems/list/_table.html"
        orderable = False

    def __init__(self, rows: Any, listing: ItemList, *, is_sorted: bool = True):
        self.listing = listing
        self.is_sorted = is_sorted  # in the order that was asked for
        columns = self.base_columns
        left_out = [name for name, column in columns.items() if not column.is_granted_to(listing.user)]
        shown = [name for name, column in columns.items() if column.show]
        others = [name for name in columns if name not in (*shown, "reviewed")]
        super().__init__(rows, exclude=left_out, sequence=[*others, *shown, "reviewed"])

    @classmethod
    def fields_for(cls, user: User) -> set[str]:
        """What this person's columns need of an item, beyond what every row has."""
        columns = [column for column in cls.base_columns.values() if column.is_granted_to(user)]
        return {field for column in columns for field in column.fields}

    def has(self, name: str) -> bool:
        """Whether the reader's list has this column."""
        return name not in self.exclude

    @property
    def shown(self) -> list[tuple[str, str, Callable[[Row], Any]]]:
        """(name, heading, text of a cell) of the columns that need no markup."""
        return [(bound.name, bound.header, bound.column.show) for bound in self.columns if bound.column.show]

    @property
    def heads(self):
        """(name, aria-sort, headings from top to bottom) of every place in a row."""
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
