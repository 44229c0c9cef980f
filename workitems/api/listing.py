"""One page of a list in the format of every version: count, next, previous, results."""

from collections.abc import Sequence
from typing import Any

from django.http import QueryDict

from ..listing import Cursor, Dialect, ItemList, count_from_summary, format_cursor, known_names, select_expression
from ..models import WorkItem
from .responses import field_errors
from .variants import ApiVariant

_SEE_DOCS = "See /api/docs/ for the available ones."


def read_listing(request: Any, dialect: Dialect) -> ItemList:
    """The list for the query string. Raises ApiError with a message for each unknown or malformed parameter."""
    listing = ItemList(request.GET, request.user, dialect)
    if not listing.is_valid():
        known = known_names(request.user, dialect)
        raise field_errors(
            400,
            {
                name: [sentence if name in known else f"{sentence} {_SEE_DOCS}"]
                for name, sentence in listing.errors.items()
            },
        )
    return listing


def list_page(request: Any, variant: ApiVariant) -> dict[str, Any]:
    """The page of items for the query string, as the body of the response."""
    listing = read_listing(request, variant.dialect)
    sort_values = [select_expression(column) for column in listing.sort.columns]
    has_cursor = "after" in listing.cleaned_data
    found = count_from_summary(listing)
    cursors = found.page_rows() if found else None
    # One extra row tells whether there is another page.
    rows = (
        _records_by_query(listing, variant, sort_values)
        if cursors is None
        else _records_at(cursors, request, variant, sort_values)
    )
    shown = rows[: listing.per_page]
    has_next = len(rows) > len(shown)
    is_all = listing.page == 1 and not has_cursor and not has_next
    count = found.total if found else len(shown) if is_all else listing.items().count()
    cursor = format_cursor(shown[-1][1]) if has_next else None
    records = [record for record, _sort_values in shown]
    return envelope(request, listing, records, count=count, has_next=has_next, cursor=cursor)


Rows = list[tuple[dict[str, Any], tuple[Any, ...]]]  # (record, values of the columns that the list is sorted by)


def _records_at(cursors: Sequence[Cursor], request: Any, variant: ApiVariant, sort_values: Sequence[Any]) -> Rows:
    """The records at these positions of an index, in the same order."""
    items = WorkItem.objects.visible_to(request.user).with_ids([cursor.pk for cursor in cursors])
    by_id = {record["id"]: (record, values) for record, values in variant.record.serialize(items, sort_values)}
    return [by_id[cursor.pk] for cursor in cursors if cursor.pk in by_id]


def _records_by_query(listing: ItemList, variant: ApiVariant, sort_values: Sequence[Any]) -> Rows:
    """The records of the page, and one more, by a query that works for any list."""
    start = 0 if "after" in listing.cleaned_data else (listing.page - 1) * listing.per_page
    return variant.record.serialize(listing.rows_after_cursor()[start : start + listing.per_page + 1], sort_values)


def envelope(
    request: Any, listing: ItemList, shown: list[Any], *, count: int, has_next: bool, cursor: str | None = None
) -> dict[str, Any]:
    """The body of a response with one page of a list. `cursor`: where the next page starts."""
    return {
        "count": count,
        "next": _link(request, listing, listing.page + 1, cursor) if has_next else None,
        "previous": _link(request, listing, listing.page - 1, None) if listing.page > 1 else None,
        "results": shown,
    }


def _link(request: Any, listing: ItemList, number: int, cursor: str | None) -> str:
    """The address of another page, with every filter as it was given, and the page size.

    `cursor`: where that page starts, so that callers who change items along the way don't miss any. Without it, the
    page is found by its number.
    """
    query = QueryDict(mutable=True)
    for name, values in request.GET.lists():
        query.setlist(name, values)
    for name in ("page", "per_page", "after"):
        query.pop(name, None)
    query["page"] = str(number)
    query["per_page"] = str(listing.per_page)
    if cursor is not None:
        query["after"] = cursor
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
