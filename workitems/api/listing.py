"""One page of a list, as every version answers it: count, next, previous, results."""

from collections.abc import Sequence
from typing import Any

from django.http import QueryDict

from ..listing import Cursor, Dialect, ItemList, count_from_summary, format_cursor, known_names, select_expression
from ..models import WorkItem
from .editions import Edition
from .replies import wrong_fields

_WHERE_NAMES_ARE = "/api/docs/ names those that there are."


def asked(request: Any, dialect: Dialect) -> ItemList:
    """The list that the query string asks for. Raises Wrong, naming each parameter that is not known or malformed."""
    listing = ItemList(request.GET, request.user, dialect)
    if not listing.is_valid():
        known = known_names(request.user, dialect)
        raise wrong_fields(
            400,
            {
                name: [sentence if name in known else f"{sentence} {_WHERE_NAMES_ARE}"]
                for name, sentence in listing.errors.items()
            },
        )
    return listing


def page(request: Any, edition: Edition) -> dict[str, Any]:
    """The page of items that the query string asks for."""
    listing = asked(request, edition.dialect)
    beside = [select_expression(column) for column in listing.sort.columns]
    goes_on = "after" in listing.cleaned_data
    found = count_from_summary(listing)
    places = found.page_rows() if found else None
    # One row more than the page has says whether there is another page.
    rows = _by_query(listing, edition, beside) if places is None else _at(places, request, edition, beside)
    shown = rows[: listing.per_page]
    has_next = len(rows) > len(shown)
    is_all = listing.page == 1 and not goes_on and not has_next
    count = found.total if found else len(shown) if is_all else listing.items().count()
    place = format_cursor(shown[-1][1]) if has_next else None
    records = [record for record, _place in shown]
    return envelope(request, listing, records, count=count, has_next=has_next, place=place)


Rows = list[tuple[dict[str, Any], tuple[Any, ...]]]


def _at(places: Sequence[Cursor], request: Any, edition: Edition, beside: Sequence[Any]) -> Rows:
    """The records at these places of an index, in their order."""
    items = WorkItem.objects.visible_to(request.user).with_ids([place.pk for place in places])
    by_id = {record["id"]: (record, values) for record, values in edition.record.serialize(items, beside)}
    return [by_id[place.pk] for place in places if place.pk in by_id]


def _by_query(listing: ItemList, edition: Edition, beside: Sequence[Any]) -> Rows:
    """The records of any list, as the database finds them."""
    start = 0 if "after" in listing.cleaned_data else (listing.page - 1) * listing.per_page
    return edition.record.serialize(listing.rows_after_cursor()[start : start + listing.per_page + 1], beside)


def envelope(
    request: Any, listing: ItemList, shown: list[Any], *, count: int, has_next: bool, place: str | None = None
) -> dict[str, Any]:
    return {
        "count": count,
        "next": _link(request, listing, listing.page + 1, place) if has_next else None,
        "previous": _link(request, listing, listing.page - 1, None) if listing.page > 1 else None,
        "results": shown,
    }


def _link(request: Any, listing: ItemList, number: int, place: str | None) -> str:
    """The address of another page, with every filter as it was given, and the page's size.

    `place`: where that page begins, so that a caller who changes items on the way misses none. A caller who counts pages
    instead gets what lies there by number.
    """
    query = QueryDict(mutable=True)
    for name, values in request.GET.lists():
        query.setlist(name, values)
    for name in ("page", "per_page", "after"):
        query.pop(name, None)
    query["page"] = str(number)
    query["per_page"] = str(listing.per_page)
    if place is not None:
        query["after"] = place
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
