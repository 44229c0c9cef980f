"""What the page of a list says about its search, beside the rows: the item of that number, and the names without one."""

from dataclasses import dataclass, field

from ...listing import PRESENTATION_NAMES, ItemList, find, missing_names, numbered_item
from ...models import WorkItem
from .facets import DropHint


@dataclass(frozen=True)
class SearchNotes:
    """`item`: the item whose number was typed. `missing`: the names, of `number` in a list of names, that no item has."""

    item: WorkItem | None = None
    number: int = 0
    missing: list[str] = field(default_factory=list)


def notes_on_search(listing: ItemList) -> SearchNotes:
    """Returns what there is to say. Items that this reader can't see don't exist, whatever the list's filters are."""
    if not listing.is_valid():
        return SearchNotes()
    search = listing.search
    item = numbered_item(search.number, listing.user, listing.using)
    missing = missing_names(search.names, listing.user, listing.using) if search.names else []
    if not search.is_list and len(missing) == len(search.names):
        missing = []  # the comma was part of a name
    return SearchNotes(item, len(search.names), missing)


def found_without_filters(listing: ItemList) -> DropHint | None:
    """Returns what the search of an empty list finds without its other filters; None without any, or if it is nothing."""
    if "q" not in listing.params or listing.params.keys() - PRESENTATION_NAMES <= {"q"}:
        return None
    search = ItemList({"q": listing.params["q"]}, listing.user, using=listing.using)
    found = find(search)
    if not found.total:
        return None
    return DropHint("", "", found.total, found.is_complete, search.query())
