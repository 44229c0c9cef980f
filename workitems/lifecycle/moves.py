"""The table of moves, and what the rules know of an item and of a request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pharos.accounts.roles import Permission, has_permission

from ..vocabulary import Stage, Status
from .failures import Party, is_damaged_copy, read_origin, responsible_party
from .paths import Phase, phase_of, requeue_stages

NOTE_LIMIT = 10_000  # characters of a note that a person types


class StageRule(StrEnum):
    """Which stages a move can name, relative to the current one."""

    SAME = "same"
    ONWARD = "onward"  # the same or a later one
    SUCCESS = "success"  # the same or a later one at which the action can succeed
    EARLIER = "earlier"  # the retry stages
    BACK = "back"  # the requeue stages
    RESOLVE = "resolve"  # Resolve; a worker's cancel can also name the same or a later one


@dataclass(frozen=True)
class Move:
    """One row of the table of moves.

    `statuses`: the possible statuses after it, by default the first; None keeps the status. `sets`: values that the move always sets.
    """

    name: str
    permissions: tuple[Permission, ...]  # any one of them is enough
    sources: frozenset[Phase]
    stage_rule: StageRule = StageRule.SAME
    statuses: tuple[Status, ...] | None = None
    note_required: bool = False
    sets: Mapping[str, Any] = field(default_factory=dict)
    allows: frozenset[str] = frozenset()  # other fields that the caller can set

    def is_granted_to(self, role: str) -> bool:
        return any(has_permission(role, permission) for permission in self.permissions)


_OPEN = frozenset({Phase.OPEN})
_ANY = frozenset(Phase)
# The process fields of an item that no process holds. Only services and admins can see these fields.
NO_PROCESS = {"node": "", "pid": None}
PROCESS = frozenset(NO_PROCESS)
# The fields that a worker's save can change, in addition to stage, status, and note.
SAVEABLE_FIELDS = frozenset(
    {
        "bucket",
        "date",
        "needs_admin_review",
        "outcome",
        "queued_at",
        "retry",
        "size",
        "stage_started_at",
        "user",
    }
    | {"object_identifier", "generic_file_identifier"}
    | {"intellectual_object_id", "generic_file_id", "deletion_request_id", "storage_option"}
    | PROCESS
)

MOVES: dict[str, Move] = {
    move.name: move
    for move in (
        Move(
            "progress",
            (Permission.PROGRESS,),
            _OPEN,
            StageRule.ONWARD,
            (Status.PENDING, Status.STARTED),
            allows=SAVEABLE_FIELDS,
        ),
        # A worker claims the item again at a stage that it had already passed.
        Move(
            "retry",
            (Permission.RETRY,),
            _OPEN,
            StageRule.EARLIER,
            (Status.STARTED,),
            allows=SAVEABLE_FIELDS,
        ),
        Move(
            "succeed",
            (Permission.SUCCEED,),
            _OPEN,
            StageRule.SUCCESS,
            (Status.SUCCESS,),
            sets={"retry": False},
            allows=SAVEABLE_FIELDS,
        ),
        Move(
            "fail",
            (Permission.FAIL,),
            _OPEN,
            StageRule.ONWARD,
            (Status.FAILED,),
            note_required=True,
            allows=SAVEABLE_FIELDS,
        ),
        Move(
            "suspend",
            (Permission.SUSPEND,),
            _OPEN,
            StageRule.SAME,
            (Status.SUSPENDED,),
            note_required=True,
            sets={"needs_admin_review": True, "retry": False},
            allows=SAVEABLE_FIELDS,
        ),
        Move(
            "cancel",
            (Permission.CANCEL, Permission.CANCEL_UPLOAD),
            frozenset({Phase.OPEN, Phase.HELD}),
            StageRule.RESOLVE,
            (Status.CANCELLED,),
            note_required=True,
            sets={"retry": False, **NO_PROCESS},
            allows=SAVEABLE_FIELDS,
        ),
        Move(
            "requeue",
            (Permission.REQUEUE,),
            _ANY,
            StageRule.BACK,
            (Status.PENDING,),
            sets={
                "retry": True,
                "needs_admin_review": False,
                "queued_at": None,
                "stage_started_at": None,
                "reviewed": False,
                **NO_PROCESS,
            },
        ),
        # A note is appended to the item's note as a new line. A damaged copy needs one.
        Move("review", (Permission.REVIEW,), frozenset({Phase.CLOSED}), sets={"reviewed": True}),
        # An undo also sets whether the item needs an admin, as it was before the review.
        Move(
            "unreview",
            (Permission.REVIEW,),
            frozenset({Phase.CLOSED}),
            sets={"reviewed": False},
            allows=frozenset({"needs_admin_review"}),
        ),
        Move("edit", (Permission.EDIT,), _ANY, allows=PROCESS | {"retry", "needs_admin_review"}),
        # Its note is appended to the item's note as a new line; nothing else changes.
        Move("notify", (Permission.NOTIFY,), _ANY, note_required=True),
    )
}


@dataclass(frozen=True)
class ItemState:
    """What the rules need to know about an item.

    `is_replaced`: another upload of the bag counts instead. `stage_before_cancel`: only for cancelled items.
    `is_notified`: staff have been notified about it by `notify`. `names`: its own names, which its note can contain.
    `is_abandoned`: its process has left it unchanged for so long that another process of the same node can take it over.
    `served_stages`: where the installation's queue takes up items of this action; None: everywhere.
    """

    action: str
    stage: str
    status: str
    retry: bool
    note: str = ""
    reviewed: bool = False
    needs_admin_review: bool = False
    node: str = ""
    pid: int | None = None
    date: datetime | None = None
    stage_started_at: datetime | None = None
    object_identifier: str = ""
    is_replaced: bool = False
    stage_before_cancel: str = ""
    is_notified: bool = False
    names: tuple[str, ...] = ()
    is_abandoned: bool = False
    served_stages: frozenset[str] | None = None

    @property
    def is_held(self) -> bool:
        """Whether a process is working on it. A failed item can still name the process that it failed with."""
        return self.status == Status.STARTED and bool(self.node or self.pid)

    @property
    def is_damaged_copy(self) -> bool:
        return is_damaged_copy(self.action, self.status, retry=self.retry)

    @property
    def waits_for_consortium(self) -> bool:
        """Whether it failed permanently and the consortium has to act."""
        if self.status != Status.FAILED or self.phase is not Phase.CLOSED:
            return False
        party = responsible_party(
            self.action,
            self.stage,
            needs_admin_review=self.needs_admin_review,
            reviewed=self.reviewed,
            origin=read_origin(self.note, self.names),
        )
        return party is Party.CONSORTIUM

    @property
    def requeue_stages(self) -> list[Stage]:
        return requeue_stages(self.action, self.actual_stage, self.served_stages)

    @property
    def unserved_stages(self) -> list[Stage]:
        """The stages that it could be requeued to if the installation's queue served them."""
        possible = requeue_stages(self.action, self.actual_stage)
        return [stage for stage in possible if stage not in self.requeue_stages]

    @property
    def actual_stage(self) -> str:
        """The last stage the item has reached. An admin's cancel sets `stage` to Resolve, whatever was left to do."""
        return self.stage_before_cancel or self.stage

    @property
    def phase(self) -> Phase:
        return phase_of(self.status, retry=self.retry)

    def __str__(self) -> str:
        return f"{self.stage} / {self.status}"


@dataclass(frozen=True)
class TransitionRequest:
    """What a caller asks for: any of stage, status, and note, and other fields that the move allows."""

    stage: str | None = None
    status: str | None = None
    note: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


class Refused(Exception):
    """A move that can't be made. The sentence says what the situation is and what would be allowed.

    `reason` is one of

    - "missing": there is no such item
    - "forbidden": this person can't make the move
    - "illegal": the item's state doesn't allow it
    - "unserved": the installation's queue doesn't take up items of its kind
    - "invalid": a value is missing or wrong; `field` names it
    - "changed": the item has changed since the caller read it
    """

    def __init__(self, reason: str, sentence: str, field: str | None = None):
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence
        self.field = field
