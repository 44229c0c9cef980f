"""A page of the list, and an item's place in it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Any

from django.db.models import QuerySet

from .explain import State, Words, words
from .filters import ItemList
from .lifecycle import Phase
from .models import WorkItem
from .orders import beyond, values_at


@dataclass(frozen=True)
class Uploads:
    """Which other upload of the bag matters to an item, by id."""

    superseded_by: int | None = None
    duplicate_of: int | None = None
    other_upload: int | None = None


@dataclass(frozen=True)
class Row:
    """One item as the list shows it."""

    item: WorkItem
    uploads: Uploads
    now: datetime
    following: int | None = None  # the next row's item: where the eye goes on when this one leaves the list

    @cached_property
    def words(self) -> Words:
        return words(state_of(self.item, self.uploads, note=self.item.note_head), self.now)

    @property
    def is_closed(self) -> bool:
        return self.item.phase is Phase.CLOSED


def state_of(item: WorkItem, uploads: Uploads, *, note: str) -> State:
    """What `explain` needs to know of an item."""
    return State(
        action=item.action,
        stage=item.stage,
        status=item.status,
        retry=item.retry,
        needs_admin_review=item.needs_admin_review,
        reviewed=item.reviewed,
        has_node=bool(item.node),
        stage_started_at=item.stage_started_at,
        note=note,
        superseded_by=uploads.superseded_by,
        duplicate_of=uploads.duplicate_of,
        other_upload=uploads.other_upload,
    )


@cache
def _marked() -> QuerySet:
    """Every item with its uploads, not yet asked for. Building the query costs more than running it, so it is built once."""
    marked: Any = WorkItem.objects.with_uploads()
    return marked.values_list("pk", "superseded_by_id", "duplicate_of_id", "other_upload_id")


def uploads_of(ids: Iterable[int]) -> dict[int, Uploads]:
    """{item's id: its Uploads}, in one statement."""
    return {pk: Uploads(*others) for pk, *others in _marked().filter(pk__in=list(ids))}


def page_of(listing: ItemList, now: datetime) -> list[Row]:
    """The rows of the list's page: two statements, however many rows. The marks are asked for these rows only."""
    start = (listing.page - 1) * listing.per_page
    items = list(listing.rows().for_rows()[start : start + listing.per_page])
    uploads = uploads_of(item.pk for item in items)
    following = [item.pk for item in items[1:]] + [None]
    return [Row(item, uploads[item.pk], now, after) for item, after in zip(items, following, strict=False)]


def neighbours(listing: ItemList, item: WorkItem) -> tuple[int | None, int | None]:
    """The items before and after this one in the list's order, by id; its own row need not be in the list any more."""
    columns = listing.sort.columns
    turned = tuple(column[1:] if column.startswith("-") else f"-{column}" for column in columns)
    return _first(listing, item, turned), _first(listing, item, columns)


def _first(listing: ItemList, item: WorkItem, columns: tuple[str, ...]) -> int | None:
    later = listing.items().filter(beyond(columns, values_at(columns, item)))
    return later.order_by(*columns).values_list("pk", flat=True).first()
