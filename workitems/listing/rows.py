"""The rows of a list as a page shows them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, cached_property
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection

from pharos.accounts.models import Institution

from ..database import fetched
from ..durations import Late, lateness
from ..explanations import State, Tone, Words, words
from ..lifecycle import Phase
from ..models import WorkItem, ingests_of_bags
from ..vocabulary import Action


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
    owner: Institution | None = None  # as the list knows it; its item would look it up
    late: Late | None = None

    @cached_property
    def words(self) -> Words:
        return words(state_of(self.item, self.uploads, note=self.item.note_head), self.now)

    @property
    def has_marks(self) -> bool:
        """Whether there is more to be known of the upload; of most there is not."""
        return self.uploads != NO_UPLOADS

    @property
    def has_state_marks(self) -> bool:
        """Whether there is more to be known of where it stands than its status says."""
        return self.late is not None or self.is_for_admin

    @property
    def is_for_admin(self) -> bool:
        """Whether it waits for an admin to look at it, and its status does not say so already."""
        return self.item.needs_admin_review and not self.is_closed and self.words.tone is not Tone.HELD

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
        stage_entered_at=item.stage_entered_at,
        note=note,
        superseded_by=uploads.superseded_by,
        duplicate_of=uploads.duplicate_of,
        other_upload=uploads.other_upload,
    )


_GAP = 10**15  # stands for an item's number


@cache
def _marking(number: int) -> tuple[str, tuple[Any, ...]]:
    """The statement for the uploads of so many items, and its parameters before their numbers.

    Putting it together takes three times as long as running it, so that is done once.
    """
    marked: Any = WorkItem.objects.with_uploads()
    marked = marked.values_list("pk", "superseded_by_id", "duplicate_of_id", "other_upload_id")
    gaps = range(_GAP, _GAP + number)
    sql, params = marked.filter(pk__in=gaps).query.sql_with_params()
    if connection.vendor != "postgresql":
        return sql, params[:-number]
    # Its own words written out: a plan for any values would not know that an index is for the first 200 letters of a name.
    operations: Any = connection.ops
    whole = operations.compose_sql(sql, params).replace("%", "%%")
    for gap in gaps:
        whole = whole.replace(str(gap), "%s")
    return whole, ()


def _marked(numbers: list[int], using: str) -> Iterator[tuple[int, Uploads]]:
    """The items with these numbers, and their uploads."""
    # Filled up with the last to a power of two, so that there are few statements.
    filled = [*numbers, *numbers[-1:] * ((1 << (len(numbers) - 1).bit_length()) - len(numbers))]
    sql, params = _marking(len(filled))
    for pk, *others in fetched(using, sql, [*params, *filled]):
        yield pk, Uploads(*others)


def uploads_of(items: Collection[WorkItem], using: str = DEFAULT_DB_ALIAS) -> dict[int, Uploads]:
    """{item's id: its Uploads}, from the database called `using`.

    Two statements: which bags were uploaded more than once, and of those what stands in for what.
    """
    found = {item.pk: NO_UPLOADS for item in items}
    bags = {item.pk: (item.institution_id, item.name) for item in items if item.action == Action.INGEST}
    ingests = ingests_of_bags(bags.values(), using)
    asked = [pk for pk, bag in bags.items() if ingests[bag] > 1]
    if asked:
        found |= _marked(asked, using)
    return found


def rows_at(
    ids: Sequence[int],
    now: datetime,
    institutions: Mapping[int, Institution],
    using: str = DEFAULT_DB_ALIAS,
    *,
    fields: Iterable[str] = (),
) -> list[Row]:
    """The rows of these items in this order, from the database called `using`: three statements, however many rows.

    `institutions`: those that the reader knows of, by number, so that nobody has to look them up again. `fields`: of an item, beyond
    those that every row has.
    """
    by_id = {item.pk: item for item in WorkItem.objects.using(using).with_numbers(ids).for_rows(fields)}
    items = [by_id[pk] for pk in ids if pk in by_id]
    uploads = uploads_of(items, using)
    following = [item.pk for item in items[1:]] + [None]
    return [
        Row(
            item,
            uploads[item.pk],
            now,
            after,
            institutions.get(item.institution_id),
            late_of(item, uploads[item.pk], now, using),
        )
        for item, after in zip(items, following, strict=False)
    ]


def late_of(item: WorkItem, uploads: Uploads, now: datetime, using: str = DEFAULT_DB_ALIAS) -> Late | None:
    """Whether it is late; an upload that another one stands in for waits for nothing."""
    is_replaced = uploads.superseded_by or uploads.duplicate_of
    return None if is_replaced else lateness(item, now, using)
