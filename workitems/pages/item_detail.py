"""The content of an item's page, for one reader."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pharos.accounts.models import User
from pharos.accounts.roles import Permission

from .. import durations, explanations, work_queue
from ..audit_log import latest_entries
from ..durations import Lateness, UsualTime
from ..explanations import Advice, RestoredCopy, StatusLabel, advise, describe_status, find_copy
from ..failures import find_faults_of, find_last_cause
from ..lifecycle import PROCESS, BagPart, PartUpload, Phase, SplitBag, legal_moves, read_part
from ..listing import ItemList, Row, find, find_uploads, row_lateness, row_silence, situation_of
from ..mailing import is_watched, refusals_of
from ..models import AcceptedChange, BulkChange, WorkItem
from ..notes import Faults
from ..vocabulary import MOVING, Action, Status

MAX_ENTRIES = 200
MAX_RELATED = 50
MAX_FAULTS = 500
_PARTS = re.compile(r"-\d+\Z")
_IMPLIED_BY_MOVE = frozenset({"reviewed"})


class DetailField(NamedTuple):
    """One line of "All fields". `kind` tells the template how to format the value."""

    label: str | Promise
    value: Any
    kind: str = "text"


@dataclass(frozen=True)
class VisibleEntry:
    """A history entry as this reader can see it."""

    entry: AcceptedChange
    changes: list[tuple[str, Any, Any]]
    note_is_new: bool


class ItemDetail:
    """An item as this reader can see it at the time `now`, with related items."""

    max_faults = MAX_FAULTS

    def __init__(self, item: WorkItem, user: User, now: datetime):
        self.item = item
        self.user = user
        self.now = now
        visible = WorkItem.objects.visible_to(user)
        is_ingest = item.action == Action.INGEST
        self._same_bag = list(visible.uploads_of_same_bag(item).for_rows()[:MAX_RELATED]) if is_ingest else []
        self._same_object = list(visible.of_same_object(item).for_rows()[:MAX_RELATED])
        # Queried once for everything that the page shows.
        shown = {other.pk: other for other in [item, *self._same_bag, *self._same_object]}
        self._uploads = find_uploads(shown.values())
        self.situation = replace(
            situation_of(item, self._uploads[item.pk], note=item.note),
            is_multipart=self._has_multipart_etag(),
            is_silent=self.silence is not None,
            is_copy_over=bool(self.restored_copy and self.restored_copy.is_over(now)),
        )

    def _has_multipart_etag(self) -> bool:
        """Whether an upload of the bag was sent in several parts: its etag then depends on their size, too."""
        return any(_PARTS.search(other.etag) for other in [self.item, *self._same_bag])

    @property
    def status_label(self) -> StatusLabel:
        return describe_status(self.situation, self.now)

    @cached_property
    def late(self) -> Lateness | None:
        return row_lateness(self.item, self._uploads[self.item.pk], self.now)

    @cached_property
    def silence(self) -> timedelta | None:
        """For how long it has had no sign of life, if that is too long."""
        return row_silence(self.item, self._uploads[self.item.pk], self.now)

    @property
    def usual_time(self) -> UsualTime | None:
        """How long similar items usually spend at this stage; None if it isn't moving or too little is known."""
        return durations.usual_time(self.item) if self.is_moving else None

    @property
    def usual_total_time(self) -> UsualTime | None:
        """How long the whole action usually takes; None if the item isn't moving or too little is known."""
        return durations.usual_total_time(self.item) if self.is_moving else None

    @property
    def is_moving(self) -> bool:
        """Whether workers will advance it: it is pending or started, and no other upload is processed in its place."""
        uploads = self._uploads[self.item.pk]
        return self.item.status in MOVING and not (uploads.superseded_by or uploads.duplicate_of)

    @property
    def is_watched(self) -> bool:
        return is_watched(self.item, self.user)

    @cached_property
    def refused_emails(self) -> list[tuple[str, str]]:
        """(address, what its mail server said) of the staff who couldn't be asked to check a restored copy."""
        return refusals_of(self.item) if self.item.action == Action.RESTORE else []

    @cached_property
    def faults(self) -> Faults:
        """The faults in its note; none if it hasn't failed."""
        return find_faults_of(self.item)

    @cached_property
    def cause(self) -> int | None:
        """The number of the cause it failed for; None if it hasn't failed, or no cause is known."""
        found = find_last_cause(self.item.pk) if self.item.status == Status.FAILED else None
        return found[0] if found else None

    @property
    def time_at_stage(self) -> timedelta | None:
        """How long it has been at its stage."""
        return self.now - self.item.stage_entered_at if self.item.stage_entered_at else None

    @property
    def items_ahead(self) -> int | None:
        """How many items have been waiting longer at the same stage, up to a limit; None if it isn't waiting."""
        is_queued = self.is_moving and not self.item.needs_admin_review
        return durations.count_ahead(self.item) if is_queued else None

    @cached_property
    def visible_bulk_changes(self) -> set[UUID]:
        """The bulk changes in its history that this reader can open."""
        named = {entry.act for entry in self._entries if entry.act}
        return BulkChange.objects.visible_to(self.user).among(named) if named else set()

    @cached_property
    def advice(self) -> Advice:
        return advise(self.situation, self.user.role)

    @cached_property
    def moves(self) -> list[str]:
        """The moves that this reader can make now."""
        return legal_moves(self.item.lifecycle_state, self.user.role)

    @cached_property
    def restored_copy(self) -> RestoredCopy | None:
        """Where the copy of a restoration is, and until when."""
        item = self.item
        return find_copy(item.action, item.status, item.note, item.finished_at, item.own_names)

    @property
    def can_be_watched(self) -> bool:
        """Whether the item will end, so that a person can be notified. Another upload is processed instead of some."""
        is_replaced = self.situation.superseded_by or self.situation.is_waiting_duplicate
        return self.item.phase is not Phase.CLOSED and not is_replaced

    @property
    def review_needs_note(self) -> bool:
        """Whether an admin must say what was done when marking it as reviewed."""
        return self.situation.is_damaged_copy and "review" in self.moves

    @cached_property
    def _entries(self) -> list[AcceptedChange]:
        """The latest entries, oldest first."""
        return latest_entries(self.item, MAX_ENTRIES)[::-1]

    @property
    def history(self) -> list[VisibleEntry]:
        """The latest entries, newest first."""
        sees_process = self.user.can(Permission.SEE_PROCESS)
        shown, note = [], ""
        for entry in self._entries:
            hidden = _IMPLIED_BY_MOVE if entry.move in ("review", "unreview") else frozenset()
            hidden |= frozenset() if sees_process else PROCESS
            changes = [(name, *values) for name, values in entry.changes.items() if name not in hidden]
            shown.append(VisibleEntry(entry, changes, bool(entry.note) and entry.note != note))
            note = entry.note
        return shown[::-1]

    @property
    def older_entry_count(self) -> int:
        """How many entries of the history are not shown."""
        return self.item.version - len(self._entries)

    @property
    def review(self) -> AcceptedChange | None:
        """The entry that says who marked it as reviewed, and when; None if it isn't reviewed or was imported so."""
        marked = (entry for entry in reversed(self._entries) if entry.move in ("review", "unreview"))
        return next(marked, None) if self.item.reviewed else None

    @property
    def pipeline(self) -> list[explanations.PipelineStep]:
        item = self.item
        stage_changes = [explanations.StageChange(e.at, e.move, e.stage_before, e.stage_after) for e in self._entries]
        return explanations.build_pipeline(
            item.action, item.stage, item.status, retry=item.retry, changes=stage_changes, now=self.now
        )

    @property
    def same_bag(self) -> list[Row]:
        """Every upload of the bag, including this one, last received first; empty if this is the only one."""
        return self._rows(self._same_bag) if len(self._same_bag) > 1 else []

    @property
    def processed_upload(self) -> int | None:
        """The upload of the bag that is or was processed: the last received one that isn't cancelled or replaced."""
        uploads = ((row.item, row.uploads) for row in self.same_bag)
        processed = (
            item.pk
            for item, others in uploads
            if item.status != Status.CANCELLED and not (others.superseded_by or others.duplicate_of)
        )
        return next(processed, None)

    @property
    def split_bag(self) -> SplitBag | None:
        """The parts of its bag; None if it isn't split."""
        return self._uploads[self.item.pk].split_bag

    @property
    def part(self) -> BagPart | None:
        """Which part of the bag it is."""
        return read_part(self.item.name)

    @property
    def shown_parts(self) -> list[PartUpload]:
        """The upload of each part that counts, or of the parts around this one if there are too many."""
        parts = self.split_bag.parts if self.split_bag else []
        number = self.part.number if self.part else 0
        here = next((index for index, upload in enumerate(parts) if upload.part.number == number), 0)
        start = max(0, min(here - MAX_RELATED // 2, len(parts) - MAX_RELATED))
        return parts[start : start + MAX_RELATED]

    @property
    def same_object(self) -> list[Row]:
        """Other items of the object, except for the uploads in `same_bag` and the other parts of a split bag."""
        uploads = {other.pk for other in self._same_bag}
        uploads |= {upload.item for upload in self.split_bag.uploads} if self.split_bag else set()
        return self._rows(other for other in self._same_object if other.pk not in uploads)

    def _rows(self, items: Iterable[WorkItem]) -> list[Row]:
        return [Row(other, self._uploads[other.pk], self.now) for other in items]

    def adjacent_items(self, listing: ItemList | None) -> tuple[int | None, int | None]:
        """The numbers of the previous and the next item in the list."""
        return find(listing).neighbors(self.item) if listing else (None, None)

    def fields(self) -> list[DetailField]:
        """Every field that this reader can see. Members don't see empty ones."""
        shows_empty = self.user.can(Permission.SEE_PROCESS)
        return [field for field in self._fields() if shows_empty or field.value not in (None, "")]

    def _fields(self) -> Iterator[DetailField]:
        item = self.item
        yield DetailField(_("Number"), item.pk)
        yield DetailField(_("Name"), item.name, "code")
        yield DetailField(_("Institution"), item.institution.identifier)
        yield DetailField(_("Action"), item.action)
        yield DetailField(_("Stage"), item.stage)
        yield DetailField(_("Status"), item.status)
        yield DetailField(_("Etag"), item.etag, "etag")
        yield DetailField(_("Bucket"), item.bucket, "code")
        yield DetailField(_("Size"), item.size, "size")
        yield DetailField(_("Object identifier"), item.object_identifier, "code")
        yield DetailField(_("File identifier"), item.generic_file_identifier, "code")
        yield DetailField(_("Object number"), item.intellectual_object_id)
        yield DetailField(_("File number"), item.generic_file_id)
        yield DetailField(_("Deletion request"), item.deletion_request_id)
        yield DetailField(_("Storage option"), item.storage_option)
        yield DetailField(_("Requested by"), item.user)
        yield DetailField(_("Approved by (institution)"), item.inst_approver)
        yield DetailField(_("Approved by (consortium)"), item.aptrust_approver)
        yield DetailField(_("Bag created"), item.bag_date, "time")
        yield DetailField(_("Received"), item.date, "time")
        yield DetailField(_("Created"), item.created_at, "time")
        yield DetailField(_("Updated"), item.updated_at, "time")
        yield DetailField(_("Queued"), item.queued_at, "time")
        if self.user.can(Permission.REQUEUE) and (since := work_queue.waiting_since(item)):
            yield DetailField(_("Not yet accepted by the workers' queue, since"), since, "time")
        yield DetailField(_("Stage started"), item.stage_started_at, "time")
        yield DetailField(_("Finished"), item.finished_at, "time")
        yield DetailField(_("Retry"), item.retry, "bool")
        yield DetailField(_("Needs admin review"), item.needs_admin_review, "bool")
        yield DetailField(_("Reviewed"), item.reviewed, "bool")
        yield DetailField(_("Outcome (obsolete)"), item.outcome)
        if self.user.can(Permission.SEE_PROCESS):
            yield DetailField(_("Node"), item.node, "code")
            yield DetailField(_("Pid"), item.pid)
