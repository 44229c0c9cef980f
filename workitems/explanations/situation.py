"""What is known about an item when its state is explained."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from ..lifecycle import Origin, Party, Phase, SplitBag, is_damaged_copy, phase_of, read_origin, responsible_party
from ..vocabulary import Status


@dataclass(frozen=True)
class Situation:
    """What is known about an item. The upload ids are those of other uploads of the same bag."""

    action: str
    stage: str
    status: str
    retry: bool
    needs_admin_review: bool
    reviewed: bool
    has_node: bool
    stage_entered_at: datetime | None
    note: str = ""
    names: tuple[str, ...] = ()  # the item's own names, as its note can contain them
    known_origin: Origin | None = None  # where its failure comes from, if the note has been read for that already
    superseded_by: int | None = None
    duplicate_of: int | None = None
    other_upload: int | None = None
    waits_for: int | None = None
    incomplete_bag: SplitBag | None = None  # the bag whose parts never came, if this item is the one to say so
    is_silent: bool = False  # a worker started it, and has shown no sign of life for too long
    is_copy_over: bool = False  # the restored copy has been deleted since
    # Whether this upload or the one that counts instead was sent in several parts, so that their etags can differ for one file.
    is_multipart: bool = False

    @property
    def phase(self) -> Phase:
        return phase_of(self.status, retry=self.retry)

    @property
    def is_waiting_duplicate(self) -> bool:
        return bool(self.duplicate_of) and self.phase is not Phase.CLOSED

    @property
    def gave_up(self) -> bool:
        """Whether a worker left it Started and it won't continue automatically."""
        return self.status == Status.STARTED and self.needs_admin_review and not self.retry

    @property
    def failed_permanently(self) -> bool:
        return self.status == Status.FAILED and not self.retry

    @cached_property
    def origin(self) -> Origin:
        """Where a failure comes from, as the note says."""
        return self.known_origin or read_origin(self.note, self.names)

    @property
    def party(self) -> Party:
        """Who has to act on a permanent failure."""
        return responsible_party(
            self.action,
            self.stage,
            needs_admin_review=self.needs_admin_review,
            reviewed=self.reviewed,
            origin=self.origin,
        )

    @property
    def is_damaged_copy(self) -> bool:
        return is_damaged_copy(self.action, self.status, retry=self.retry)
