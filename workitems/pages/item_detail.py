"""What the item's page shows of one item, gathered for one reader."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pharos.accounts.models import User
from pharos.accounts.roles import Permission

from .. import durations, explanations
from ..audit_log import latest_entries
from ..bulk import visible_changes
from ..durations import Lateness, UsualTime
from ..explanations import Advice, StatusLabel, advise, describe_status
from ..lifecycle import PROCESS, legal_moves
from ..listing import ItemList, Row, find, find_uploads, row_lateness, situation_of
from ..mailing import is_watched
from ..models import AcceptedChange, WorkItem
from ..vocabulary import MOVING, Action, Status

MAX_ENTRIES = 200
MAX_RELATED = 50
_IMPLIED_BY_MOVE = frozenset({"reviewed"})


class DetailField(NamedTuple):
    """One line of "All fields". `kind` says how the template writes the value."""

    label: str | Promise
    value: Any
    kind: str = "text"


@dataclass(frozen=True)
class VisibleEntry:
    """A history entry as this reader may see it."""

    entry: AcceptedChange
    changes: list[tuple[str, Any, Any]]
    note_is_new: bool


class ItemDetail:
    def __init__(self, item: WorkItem, user: User, now: datetime):
        self.item = item
        self.user = user
        self.now = now
        visible = WorkItem.objects.visible_to(user)
        is_ingest = item.action == Action.INGEST
        self._bag = list(visible.uploads_of_same_bag(item).for_rows()[:MAX_RELATED]) if is_ingest else []
        self._object = list(visible.of_same_object(item).for_rows()[:MAX_RELATED])
        # Asked once for all that the page shows.
        self._uploads = find_uploads({other.pk: other for other in [item, *self._bag, *self._object]}.values())
        self.state = situation_of(item, self._uploads[item.pk], note=item.note)

    @property
    def words(self) -> StatusLabel:
        return describe_status(self.state, self.now)

    @cached_property
    def late(self) -> Lateness | None:
        return row_lateness(self.item, self._uploads[self.item.pk], self.now)

    @property
    def usual(self) -> UsualTime | None:
        """How long items like this one usually are at its stage, while it moves on by itself."""
        return durations.usual_time(self.item) if self.is_moving else None

    @property
    def usual_total(self) -> UsualTime | None:
        return durations.usual_total_time(self.item) if self.is_moving else None

    @property
    def is_moving(self) -> bool:
        uploads = self._uploads[self.item.pk]
        return self.item.status in MOVING and not (uploads.superseded_by or uploads.duplicate_of)

    @property
    def is_watched(self) -> bool:
        return is_watched(self.item, self.user)

    @property
    def time_at_stage(self) -> timedelta | None:
        """For how long it has been at its stage."""
        return self.now - self.item.stage_entered_at if self.item.stage_entered_at else None

    @property
    def items_ahead(self) -> int | None:
        """How many items wait for the same for longer than it does, at most MOST_BEFORE + 1."""
        waits = self.is_moving and not self.item.needs_admin_review
        return durations.count_ahead(self.item) if waits else None

    @cached_property
    def visible_bulk_changes(self) -> set[UUID]:
        """The bulk acts in its history that this reader may open."""
        named = {entry.act for entry in self._entries if entry.act}
        return set(visible_changes(self.user).filter(pk__in=named).values_list("pk", flat=True)) if named else set()

    @property
    def advice(self) -> Advice:
        return advise(self.state, self.user.role)

    @cached_property
    def moves(self) -> list[str]:
        """The moves that this reader may make now."""
        return legal_moves(self.item.lifecycle_state, self.user.role)

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
    def older_entries(self) -> int:
        return self.item.version - len(self._entries)

    @property
    def review(self) -> AcceptedChange | None:
        """The entry that says who marked it reviewed, and when; None for what came in so by an import."""
        marked = (entry for entry in reversed(self._entries) if entry.move in ("review", "unreview"))
        return next(marked, None) if self.item.reviewed else None

    @property
    def steps(self) -> list[explanations.PipelineStep]:
        item = self.item
        passages = [explanations.StageChange(e.at, e.move, e.stage_before, e.stage_after) for e in self._entries]
        return explanations.build_pipeline(
            item.action, item.stage, item.status, retry=item.retry, changes=passages, now=self.now
        )

    @property
    def same_bag(self) -> list[Row]:
        """Every upload of the bag, this one among them, the last received first; empty where it is the only one."""
        return self._rows(self._bag) if len(self._bag) > 1 else []

    @property
    def counting_upload(self) -> int | None:
        """The upload of the bag that is, or was, processed: the last received that none of the others stands in for."""
        uploads = ((row.item, row.uploads) for row in self.same_bag)
        counts = (i.pk for i, u in uploads if i.status != Status.CANCELLED and not (u.superseded_by or u.duplicate_of))
        return next(counts, None)

    @property
    def same_object(self) -> list[Row]:
        """Other items about the object, but for the uploads shown above."""
        above = {other.pk for other in self._bag}
        return self._rows(other for other in self._object if other.pk not in above)

    def _rows(self, items: Iterable[WorkItem]) -> list[Row]:
        return [Row(other, self._uploads[other.pk], self.now) for other in items]

    def adjacent_items(self, listing: ItemList | None) -> tuple[int | None, int | None]:
        return find(listing).neighbors(self.item) if listing else (None, None)

    def fields(self) -> list[DetailField]:
        """Every field that this reader may see; those of a member only where they say something."""
        everything = self.user.can(Permission.SEE_PROCESS)
        return [field for field in self._fields() if everything or field.value not in (None, "")]

    def _fields(self) -> Iterator[DetailField]:
        item = self.item
        yield DetailField(_("Number"), item.pk)
        yield DetailField(_("Name"), item.name, "code")
        yield DetailField(_("Institution"), item.institution.identifier)
        yield DetailField(_("Action"), item.action)
        yield DetailField(_("Stage"), item.stage)
        yield DetailField(_("Status"), item.status)
        yield DetailField(_("Etag"), item.etag, "code")
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
        yield DetailField(_("Stage started"), item.stage_started_at, "time")
        yield DetailField(_("Finished"), item.finished_at, "time")
        yield DetailField(_("Retry"), item.retry, "bool")
        yield DetailField(_("Needs admin review"), item.needs_admin_review, "bool")
        yield DetailField(_("Reviewed"), item.reviewed, "bool")
        yield DetailField(_("Outcome (obsolete)"), item.outcome)
        if self.user.can(Permission.SEE_PROCESS):
            yield DetailField(_("Node"), item.node, "code")
            yield DetailField(_("Pid"), item.pid)
