"""The columns of the list. A column is one declaration in ItemTable."""

from collections.abc import Callable
from typing import Any, NamedTuple

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _
from django_tables2.columns import BoundColumn

from pharos.accounts.models import User
from pharos.accounts.roles import Permission

from ...listing import ItemList, Row

_DESCENDING_SORTS = ("date", "updated", "-name")  # those that start with the greatest value of their column


class ItemColumn(tables.Column):
    """A column of the list.

    `fields`: the item fields that its cells need, beyond those that every row has. Without them, each row would query.
    `cell_text`: returns the text of a cell, for a column that needs no markup. Such columns come right before
    "Reviewed", and narrow cards put the heading before the text. All other cells are in
    templates/workitems/list/_table.html.
    `permission`: required to see the column; None means that everyone sees it.
    `sorts`: the orders (names in listing.SORTS) that clicks on the heading choose in turn.
    `stacked_under`: the column in whose cell this one is the second line.
    """

    def __init__(
        self,
        *args: Any,
        fields: tuple[str, ...] = (),
        cell_text: Callable[[Row], Any] | None = None,
        permission: Permission | None = None,
        sorts: tuple[str, ...] = (),
        stacked_under: str = "",
        **kwargs: Any,
    ):
        super().__init__(*args, empty_values=(), orderable=False, **kwargs)
        self.fields = fields
        self.cell_text = cell_text
        self.permission = permission
        self.sorts = sorts
        self.stacked_under = stacked_under

    def is_granted_to(self, user: User) -> bool:
        return self.permission is None or user.can(self.permission)


class Heading(NamedTuple):
    """The heading of a column. `query`: the query string that sorts by it; None if the list can't be sorted by it."""

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
        stacked_under="action",
        permission=Permission.SEE_EVERY_INSTITUTION,
    )
    state = ItemColumn(verbose_name=_("Stage and status"))
    size = ItemColumn(verbose_name=_("Size"))
    received = ItemColumn(verbose_name=_("Received"), sorts=("date", "-date"))
    updated = ItemColumn(verbose_name=_("Updated"), sorts=("updated", "-updated"), stacked_under="received")
    reviewed = ItemColumn(verbose_name=_("Reviewed"))

    class Meta:
        template_name = "workitems/list/_table.html"
        orderable = False

    def __init__(self, rows: Any, listing: ItemList, *, is_sorted: bool = True):
        self.listing = listing
        self.is_sorted = is_sorted  # in the requested order
        columns = self.base_columns
        hidden = [name for name, column in columns.items() if not column.is_granted_to(listing.user)]
        text_columns = [name for name, column in columns.items() if column.cell_text]
        others = [name for name in columns if name not in (*text_columns, "reviewed")]
        super().__init__(rows, exclude=hidden, sequence=[*others, *text_columns, "reviewed"])

    @classmethod
    def fields_for(cls, user: User) -> set[str]:
        """The item fields that this user's columns need, beyond those that every row has."""
        columns = [column for column in cls.base_columns.values() if column.is_granted_to(user)]
        return {field for column in columns for field in column.fields}

    def has(self, name: str) -> bool:
        """Whether the reader sees this column."""
        return name not in self.exclude

    @property
    def text_columns(self) -> list[tuple[str, str, Callable[[Row], Any]]]:
        """(name, heading, function for the text of a cell) of the columns that need no markup."""
        return [(bound.name, bound.header, bound.column.cell_text) for bound in self.columns if bound.column.cell_text]

    @property
    def header_cells(self):
        """(name, aria-sort, headings from top to bottom) of every cell in the header row."""
        cells: dict[str, list[BoundColumn]] = {}
        for bound in self.columns:
            cells.setdefault(bound.column.stacked_under or bound.name, []).append(bound)
        for name, columns in cells.items():
            headings = [self._heading(bound) for bound in columns]
            is_sorted = any(heading.is_current for heading in headings)
            yield (
                name,
                ("descending" if self._current_sort in _DESCENDING_SORTS else "ascending") if is_sorted else "",
                headings,
            )

    def _heading(self, bound: BoundColumn) -> Heading:
        sorts = bound.column.sorts
        is_current = self._current_sort in sorts
        next_sort = sorts[(sorts.index(self._current_sort) + 1) % len(sorts)] if is_current else (sorts or [None])[0]
        return Heading(bound.header, self.listing.query(sort=next_sort) if sorts else None, is_current)

    @property
    def _current_sort(self) -> str:
        return self.listing.sort_name if self.listing.is_valid() and self.is_sorted else ""
