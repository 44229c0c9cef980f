"""The rows of a list as a page shows them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Any

from django.db.models import QuerySet

from .explain import State, Words, words
from .lifecycle import Phase
from .models import WorkItem


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


def rows_at(ids: Sequence[int], now: datetime) -> list[Row]:
    """The rows of these items in this order: two statements, however many rows."""
    by_id = {item.pk: item for item in WorkItem.objects.with_numbers(ids).for_rows()}
    items = [by_id[pk] for pk in ids if pk in by_id]
    uploads = uploads_of(item.pk for item in items)
    following = [item.pk for item in items[1:]] + [None]
    return [Row(item, uploads[item.pk], now, after) for item, after in zip(items, following, strict=False)]
