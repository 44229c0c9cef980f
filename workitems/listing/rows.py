"""Loads the rows of a list with everything that pages show in them."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.utils import timezone

from pharos.accounts.models import Institution

from ..database import fetch_prepared
from ..durations import Lateness, find_lateness, find_silence
from ..explanations import Situation, StatusLabel, Tone, describe_part, describe_status
from ..lifecycle import BagPart, Origin, Party, Phase, SplitBag, read_part
from ..models import WorkItem, count_ingests, find_split_bags
from ..vocabulary import Action, Status


@dataclass(frozen=True)
class Uploads:
    """The other uploads of the bag that matter for an item, by id, and the bag's other parts."""

    superseded_by: int | None = None
    duplicate_of: int | None = None
    other_upload: int | None = None
    waits_for: int | None = None
    split_bag: SplitBag | None = None  # the parts of its bag, if its name is that of a part

    @property
    def is_replaced(self) -> bool:
        """Whether another upload is processed instead of this one."""
        return bool(self.superseded_by or self.duplicate_of)


NO_UPLOADS = Uploads()


@dataclass(frozen=True)
class Row:
    """One item as the list shows it."""

    item: WorkItem
    uploads: Uploads
    now: datetime
    following: int | None = None  # the next row's item, which gets the focus when this row leaves the list
    owner: Institution | None = None  # passed in, because `item.institution` would run a query
    late: Lateness | None = None
    silence: timedelta | None = None

    @cached_property
    def _situation(self) -> Situation:
        known = self.item.failure_origin
        situation = situation_of(self.item, self.uploads, note=self.item.note_head)
        return replace(situation, known_origin=Origin(known)) if known else situation

    @cached_property
    def status_label(self) -> StatusLabel:
        return describe_status(self._situation, self.now)

    @property
    def is_damaged_copy(self) -> bool:
        """Whether only an APTrust admin can mark it as reviewed, with a note."""
        return self._situation.is_damaged_copy

    @property
    def waits_for_consortium(self) -> bool:
        """Whether it failed and the consortium has to act, also after a review by its institution."""
        return self._situation.failed_permanently and self._situation.party is Party.CONSORTIUM

    @property
    def has_marks(self) -> bool:
        """Whether to show marks about the upload (superseded and so on), which is rare."""
        return self.uploads != NO_UPLOADS

    @property
    def part(self) -> BagPart | None:
        """Which part of a split bag it is; None if its bag isn't split."""
        return read_part(self.item.name) if self.uploads.split_bag else None

    @property
    def part_mark(self) -> str:
        """Which part it is, and what became of all of them: 4 of 5: 3 done, 1 missing."""
        bag, part = self.uploads.split_bag, self.part
        return describe_part(part, bag) if bag and part else ""

    @property
    def bag_group(self) -> str:
        """The value of the filter for all parts of its bag; with the domain if it is known, as bags can share a name."""
        bag = self.part.bag if self.part else ""
        return f"{self.owner.identifier}/{bag}" if self.owner else bag

    @property
    def has_state_marks(self) -> bool:
        """Whether to show marks about the state in addition to the status."""
        return self.late is not None or self.silence is not None or self.is_for_admin

    @property
    def is_for_admin(self) -> bool:
        """Whether it waits for an admin and its status doesn't already say so."""
        return self.item.needs_admin_review and not self.is_closed and self.status_label.tone is not Tone.HELD

    @property
    def has_failed(self) -> bool:
        """Whether its last failure is what its note is about: an item that was retried or requeued has another note."""
        return self.item.status == Status.FAILED

    @property
    def is_closed(self) -> bool:
        return self.item.phase is Phase.CLOSED


def situation_of(item: WorkItem, uploads: Uploads, *, note: str) -> Situation:
    """Returns what `explanations` needs to know about an item."""
    return Situation(
        action=item.action,
        stage=item.stage,
        status=item.status,
        retry=item.retry,
        needs_admin_review=item.needs_admin_review,
        reviewed=item.reviewed,
        has_node=bool(item.node),
        stage_entered_at=item.stage_entered_at,
        note=note,
        names=item.own_names,
        superseded_by=uploads.superseded_by,
        duplicate_of=uploads.duplicate_of,
        other_upload=uploads.other_upload,
        waits_for=uploads.waits_for,
        incomplete_bag=bag if (bag := uploads.split_bag) and bag.carrier == item.pk else None,
    )


_PLACEHOLDER = 1_000_000_000_000_000  # stands for an item's id in the SQL


@cache
def _uploads_statement(number: int) -> tuple[str, tuple[Any, ...]]:
    """Returns the statement for the uploads of `number` items, and its parameters before their ids.

    Building it takes three times as long as running it, so it is cached.
    """
    marked: Any = WorkItem.objects.with_uploads()
    marked = marked.values_list("pk", "superseded_by_id", "duplicate_of_id", "other_upload_id", "waits_for_id")
    gaps = range(_PLACEHOLDER, _PLACEHOLDER + number)
    sql, params = marked.filter(pk__in=gaps).query.sql_with_params()
    if connection.vendor != "postgresql":
        return sql, params[:-number]
    # Constants are inlined: with a parameter for the prefix length, a generic plan couldn't use the index on name prefixes.
    operations: Any = connection.ops
    statement = operations.compose_sql(sql, params).replace("%", "%%")
    for gap in gaps:
        statement = statement.replace(str(gap), "%s")
    return statement, ()


def _fetch_uploads(numbers: list[int], using: str) -> Iterator[tuple[int, Uploads]]:
    """Yields these ids with their uploads."""
    # Padded with the last id to a power of two, so that there are only a few different statements.
    filled = [*numbers, *numbers[-1:] * ((1 << (len(numbers) - 1).bit_length()) - len(numbers))]
    sql, params = _uploads_statement(len(filled))
    for pk, *others in fetch_prepared(using, sql, [*params, *filled]):
        yield pk, Uploads(*others)


def find_uploads(items: Collection[WorkItem], using: str = DEFAULT_DB_ALIAS) -> dict[int, Uploads]:
    """Returns {item id: Uploads} from the database named `using`.

    Up to three statements: which bags were uploaded more than once, which of their uploads replaces which, and the other
    parts of split bags.
    """
    found = {item.pk: NO_UPLOADS for item in items}
    bags = {item.pk: (item.institution_id, item.name) for item in items if item.action == Action.INGEST}
    ingests = count_ingests(bags.values(), using)
    asked = [pk for pk, bag in bags.items() if ingests[bag] > 1]
    if asked:
        found |= _fetch_uploads(asked, using)
    for pk, bag in _split_bags(items, using).items():
        found[pk] = replace(found[pk], split_bag=bag)
    return found


def _split_bags(items: Collection[WorkItem], using: str) -> dict[int, SplitBag]:
    """Returns {id: the parts of its bag} for the ingests among these items whose names are those of parts."""
    parts = {item.pk: (item.institution_id, part) for item in items if (part := _part_of(item))}
    bags = find_split_bags([(owner, part.bag) for owner, part in parts.values()], timezone.now(), using)
    keys = {pk: (owner, part.bag, part.total) for pk, (owner, part) in parts.items()}
    return {pk: bags[key] for pk, key in keys.items() if key in bags}


def _part_of(item: WorkItem) -> BagPart | None:
    return read_part(item.name) if item.action == Action.INGEST else None


def fetch_rows(
    ids: Sequence[int],
    now: datetime,
    institutions: Mapping[int, Institution],
    using: str = DEFAULT_DB_ALIAS,
    *,
    fields: Iterable[str] = (),
) -> list[Row]:
    """Returns the rows of these items in this order, with at most four statements however many there are.

    `institutions`: those that the reader can see, by id, so that they aren't loaded again. `fields`: fields of the item
    to load in addition to those of every row. `using`: the database to read.
    """
    by_id = {item.pk: item for item in WorkItem.objects.using(using).with_ids(ids).for_rows(fields)}
    items = [by_id[pk] for pk in ids if pk in by_id]
    uploads = find_uploads(items, using)
    following = [item.pk for item in items[1:]] + [None]
    return [
        Row(
            item,
            uploads[item.pk],
            now,
            after,
            institutions.get(item.institution_id),
            row_lateness(item, uploads[item.pk], now, using),
            row_silence(item, uploads[item.pk], now),
        )
        for item, after in zip(items, following, strict=False)
    ]


def row_lateness(item: WorkItem, uploads: Uploads, now: datetime, using: str = DEFAULT_DB_ALIAS) -> Lateness | None:
    """Returns how late an item is, or None. An upload that is replaced by another one isn't waiting for anything."""
    return None if uploads.is_replaced else find_lateness(item, now, using)


def row_silence(item: WorkItem, uploads: Uploads, now: datetime) -> timedelta | None:
    """Returns for how long an item has had no sign of life, or None if it isn't too long."""
    return None if uploads.is_replaced else find_silence(item, now)
