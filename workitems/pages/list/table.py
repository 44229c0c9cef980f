"""The columns of the list. A column is one line; its cell stands at the same place in templates/workitems/list/_table.html."""

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _

from pharos.accounts.roles import Permission

from ...listing import ItemList


class ItemColumn(tables.Column):
    """A column that the list can be sorted by: `sorts` are names of filters.SORTS.

    The first of them is what a click on the heading asks for, the second what the next click does.
    """

    def __init__(self, *args, sorts: tuple[str, ...] = (), **kwargs):
        super().__init__(*args, empty_values=(), orderable=False, **kwargs)
        self.sorts = sorts


class ItemTable(tables.Table):
    select = ItemColumn(verbose_name=_("Select"))
    name = ItemColumn(verbose_name=_("Name"), sorts=("name", "-name"))
    institution = ItemColumn(verbose_name=_("Institution"), sorts=("institution",))
    action = ItemColumn(verbose_name=_("Action"))
    state = ItemColumn(verbose_name=_("Stage and status"))
    size = ItemColumn(verbose_name=_("Size"))
    received = ItemColumn(verbose_name=_("Received"), sorts=("date", "-date"))
    updated = ItemColumn(verbose_name=_("Updated"), sorts=("updated", "-updated"))
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
        """(column, aria-sort, query string of a click on it) of every column shown."""
        current = self.listing.sort_name if self.listing.is_valid() and self.is_sorted else ""
        for bound in self.columns:
            sorts = bound.column.sorts
            descending = {"date": True, "updated": True, "-name": True}
            order = ("descending" if descending.get(current) else "ascending") if current in sorts else ""
            after = sorts[(sorts.index(current) + 1) % len(sorts)] if current in sorts else (sorts or [None])[0]
            yield bound, order, self.listing.query(sort=after) if sorts else None
