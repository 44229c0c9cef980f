"""The rows of a list as a page shows them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import QuerySet

from .explain import State, Words, words
from .lifecycle import Phase
from .models import WorkItem
from .uploads import ingests_of_bags
from .vocabulary import Action


@dataclass(frozen=True)
class Uploads:
    """Which other upload of the bag matters to an item, by id."""

    superseded_by: int | None = None
    duplicate_of: int | None = None
    other_upload: int | None = None


NO_UPLOADS = Uploads()


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
    def has_marks(self) -> bool:
        """Whether there is more to be known of it than its status says; of most there is not."""
        return self.uploads != NO_UPLOADS or self.item.needs_admin_review

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


def uploads_of(items: Collection[WorkItem], *, using: str = DEFAULT_DB_ALIAS) -> dict[int, Uploads]:
    """{item's id: its Uploads}. Two statements: which bags were uploaded more than once, and of those what stands in for what."""
    found = {item.pk: NO_UPLOADS for item in items}
    bags = {item.pk: (item.institution_id, item.name) for item in items if item.action == Action.INGEST}
    ingests = ingests_of_bags(bags.values(), using=using)
    asked = [pk for pk, bag in bags.items() if ingests[bag] > 1]
    if asked:
        found |= {pk: Uploads(*others) for pk, *others in _marked().using(using).filter(pk__in=asked)}
    return found


def rows_at(ids: Sequence[int], now: datetime, *, using: str = DEFAULT_DB_ALIAS) -> list[Row]:
    """The rows of these items in this order: three statements, however many rows."""
    by_id = {item.pk: item for item in WorkItem.objects.using(using).with_numbers(ids).for_rows()}
    items = [by_id[pk] for pk in ids if pk in by_id]
    uploads = uploads_of(items, using=using)
    following = [item.pk for item in items[1:]] + [None]
    return [Row(item, uploads[item.pk], now, after) for item, after in zip(items, following, strict=False)]
