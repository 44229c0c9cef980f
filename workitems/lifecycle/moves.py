"""The table of moves, and `evaluate`, which returns what a move changes or why it is refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

from pharos.accounts.roles import Permission, has_permission

from ..vocabulary import Action, Stage, Status
from .paths import PATHS, PHASE_WORDS, SUCCESS_AT, Phase, is_on_path, phase_of, position, requeue_stages

_SPLIT_BAG = re.compile(r"\.b[0-9]+\.of[0-9]+\Z")

NOTE_LIMIT = 10_000  # characters of a note that a person types


class StageRule(StrEnum):
    """Which stages a move can name, relative to the current one."""

    SAME = "same"
    ONWARD = "onward"  # the same or a later one
    SUCCESS = "success"  # the same or a later one at which the action can succeed
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
_NO_PROCESS = {"node": "", "pid": None}
PROCESS = frozenset(_NO_PROCESS)
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
            (Permission.CANCEL, Permission.CANCEL_REPLACED),
            frozenset({Phase.OPEN, Phase.HELD}),
            StageRule.RESOLVE,
            (Status.CANCELLED,),
            note_required=True,
            sets={"retry": False},
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
                **_NO_PROCESS,
            },
        ),
        Move("review", (Permission.REVIEW,), frozenset({Phase.CLOSED}), sets={"reviewed": True}),
        Move("unreview", (Permission.REVIEW,), frozenset({Phase.CLOSED}), sets={"reviewed": False}),
        Move("edit", (Permission.EDIT,), _ANY, allows=PROCESS | {"retry", "needs_admin_review"}),
        # Its note is appended to the item's note as a new line; nothing else changes.
        Move("notify", (Permission.NOTIFY,), _ANY, note_required=True),
    )
}


@dataclass(frozen=True)
class ItemState:
    """What the rules need to know about an item.

    `is_replaced`: another upload of the bag counts instead. `stage_before_cancel`: only for cancelled items.
    `is_notified`: staff have been notified about it by `notify`.
    """

    action: str
    stage: str
    status: str
    retry: bool
    note: str = ""
    reviewed: bool = False
    node: str = ""
    pid: int | None = None
    stage_started_at: datetime | None = None
    object_identifier: str = ""
    is_replaced: bool = False
    stage_before_cancel: str = ""
    is_notified: bool = False

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
    - "invalid": a value is missing or wrong; `field` names it
    - "changed": the item has changed since the caller read it
    """

    def __init__(self, reason: str, sentence: str, field: str | None = None):
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence
        self.field = field


def evaluate(
    name: str, state: ItemState, requested: TransitionRequest, *, role: str, domain: str, item_name: str, now: datetime
) -> dict[str, Any]:
    """Returns the fields that the move changes, with their new values; empty if nothing would change.

    Raises Refused if the role, the item's state, or a value doesn't allow the move.
    """
    move = MOVES[name]
    if not move.is_granted_to(role):
        sentence = _("Your role doesn't allow this: %(move)s. %(allowed)s")
        raise Refused("forbidden", sentence % {"move": name, "allowed": _allowed(state, role)})
    stage, status = _target_state(move, state, requested, role)
    new: dict[str, Any] = {"stage": stage, "status": status, **_requested_fields(move, requested)}
    if requested.note is not None:
        new["note"] = requested.note
    if _is_repeat(move, state, new):
        return {}
    if sentence := explain_refusal(name, state, role):
        raise Refused("illegal", sentence)
    _check_stage(move, state, stage)
    if move.note_required and not new.get("note", "").strip():
        raise Refused("invalid", _("A note is required. Say why, for people who read it later."), "note")
    if name == "edit" and state.note.strip() and not new.get("note", state.note).strip():
        raise Refused("invalid", _("You can edit the note but not empty it."), "note")
    new |= dict(move.sets)
    new |= _side_effects(name, state, new, domain, item_name, now)
    return new


def _requested_fields(move: Move, requested: TransitionRequest) -> dict[str, Any]:
    if unknown := set(requested.fields) - move.allows:
        raise TypeError(f"{move.name} takes no {', '.join(sorted(unknown))}")
    return dict(requested.fields)


def _target_state(move: Move, state: ItemState, requested: TransitionRequest, role: str) -> tuple[str, str]:
    """Returns stage and status after the move. Raises Refused if they don't fit the action or the move."""
    stage = requested.stage or _default_stage(move, state)
    if move.name == "cancel" and has_permission(role, Permission.CANCEL):
        # Resolve means completed or cancelled (member API, version 8); the history keeps the former stage.
        stage = Stage.RESOLVE
    if stage != state.stage and not is_on_path(state.action, stage):
        raise _off_path_error(state.action, stage)
    if move.statuses is None:
        return state.stage, state.status
    status = requested.status or move.statuses[0]
    if status not in move.statuses:
        sentence = _("%(move)s leads to %(legal)s, not to “%(status)s”.")
        words = {"move": move.name, "legal": _(" or ").join(move.statuses), "status": status}
        raise Refused("invalid", sentence % words, "status")
    return stage, status


def _off_path_error(action: str, stage: str) -> Refused:
    sentence = _("“%(stage)s” is not a stage of %(action)s. Its stages are %(path)s.")
    words = {"stage": stage, "action": action, "path": ", ".join(PATHS[Action(action)])}
    return Refused("invalid", sentence % words, "stage")


def _default_stage(move: Move, state: ItemState) -> str:
    return requeue_stages(state.action, state.actual_stage)[-1] if move.stage_rule is StageRule.BACK else state.stage


def _is_repeat(move: Move, state: ItemState, new: Mapping[str, Any]) -> bool:
    """Returns whether nothing would change: a repeated save, or a flag that already has the value. It isn't recorded.

    The caller checks other fields by comparing the result with the row.
    """
    if move.name in ("review", "unreview"):
        return state.reviewed is move.sets["reviewed"] and state.phase is Phase.CLOSED
    if move.name == "notify":
        return state.is_notified
    if move.name in ("edit", "requeue"):
        return False
    same = (state.stage, state.status, state.node, state.note) == (
        new["stage"],
        new["status"],
        new.get("node", state.node),
        new.get("note", state.note),
    )
    return same and (state.phase is not Phase.OPEN or not new.keys() - {"stage", "status", "node", "note"})


def _obstacle(move: Move, state: ItemState, role: str) -> str:
    """Returns why the item's state doesn't let this role make the move, or an empty string."""
    if state.phase not in move.sources:
        wanted = _(" or ").join(str(PHASE_WORDS[p]) for p in Phase if p in move.sources)
        return _("%(move)s is only for items that are %(wanted)s.") % {"move": move.name, "wanted": wanted}
    if move.name == "notify" and state.action != Action.RESTORE:
        return _("notify is only for a Restore, not for %(action)s.") % {"action": state.action}
    if move.name == "requeue" and state.status == Status.SUCCESS:
        return _("An item that has succeeded can't be requeued.")
    if move.name == "cancel" and not has_permission(role, Permission.CANCEL) and not state.is_replaced:
        return _("A service can cancel only an upload that another upload has replaced.")
    return ""


def explain_refusal(name: str, state: ItemState, role: str) -> str:
    """Returns a sentence on why an item in this state doesn't allow the move, or an empty string."""
    if not (bar := _obstacle(MOVES[name], state, role)):
        return ""
    sentence = _("This item is %(phase)s (%(now)s). %(bar)s %(allowed)s")
    return sentence % {"phase": PHASE_WORDS[state.phase], "now": state, "bar": bar, "allowed": _allowed(state, role)}


def legal_moves(state: ItemState, role: str) -> list[str]:
    """Returns the names of the moves that this role can make on an item in this state."""
    idle = {"review" if state.reviewed else "unreview"} | ({"notify"} if state.is_notified else set())
    return [
        name
        for name, move in MOVES.items()
        if name not in idle and move.is_granted_to(role) and not _obstacle(move, state, role)
    ]


def _allowed(state: ItemState, role: str) -> str:
    if names := legal_moves(state, role):
        return _("You can: %(moves)s.") % {"moves": ", ".join(names)}
    if state.phase is Phase.OPEN or state.status == Status.SUCCESS:
        return _("Your role can't make any changes to it now.")
    return _("Only an admin can reopen it, with requeue.")


def _check_stage(move: Move, state: ItemState, stage: str) -> None:
    action = state.action
    if move.stage_rule is StageRule.BACK:
        legal = requeue_stages(action, state.actual_stage)
        if stage not in legal:
            sentence = _("This item had reached %(stood)s. It can be requeued to %(legal)s.")
            raise Refused("invalid", sentence % {"stood": state.actual_stage, "legal": ", ".join(legal)}, "stage")
        return
    if position(action, stage) < position(action, state.stage):
        raise Refused(
            "illegal",
            _("This item is already at %(now)s. Only an admin can send it back to %(stage)s, with requeue.")
            % {"now": state, "stage": stage},
            "stage",
        )
    if move.stage_rule is StageRule.SAME and stage != state.stage:
        raise Refused(
            "illegal",
            _("This item is at %(now)s, and %(move)s can't change the stage.") % {"now": state, "move": move.name},
            "stage",
        )
    if move.stage_rule is StageRule.SUCCESS and stage not in SUCCESS_AT[Action(action)]:
        raise Refused(
            "illegal",
            _("This item is at %(now)s. %(action)s can succeed only at %(legal)s.")
            % {"now": state, "action": action, "legal": ", ".join(SUCCESS_AT[Action(action)])},
            "stage",
        )


def _side_effects(
    name: str, state: ItemState, new: Mapping[str, Any], domain: str, item_name: str, now: datetime
) -> dict[str, Any]:
    """Returns what the move changes in addition to what was asked for."""
    if name == "progress" and new["status"] == Status.PENDING:
        return _NO_PROCESS if new["stage"] == state.stage else {**_NO_PROCESS, "stage_started_at": None}
    if name == "progress":
        return {"stage_started_at": _stage_start(state, new, now)}
    if name == "succeed" and state.action == Action.INGEST:
        known = new.get("object_identifier") or state.object_identifier
        return {"object_identifier": known or build_object_identifier(domain, item_name)}
    if name == "notify":
        return {"note": f"{state.note}\n{new['note']}" if state.note.strip() else new["note"]}
    if name == "edit" and phase_of(new["status"], retry=new.get("retry", state.retry)) is not Phase.CLOSED:
        # Turning retry on reopens a failed item, so a review of its outcome no longer applies.
        return {"reviewed": False}
    return {}


def _stage_start(state: ItemState, new: Mapping[str, Any], now: datetime) -> datetime | None:
    """Returns when the stage started.

    Clients send complete records, so a time that they only repeat is the start of the former stage.
    """
    sent = new.get("stage_started_at")
    if (state.stage, state.status) == (new["stage"], Status.STARTED):
        return sent or state.stage_started_at
    return now if sent in (None, state.stage_started_at) else sent


def build_object_identifier(domain: str, name: str) -> str:
    """Returns `<institution's domain>/<name without .tar and .bNNN.ofNNN>` (member API, version 8)."""
    return f"{domain}/{_SPLIT_BAG.sub('', name.removesuffix('.tar'))}"


def check_creation(action: str, stage: str, status: str, *, role: str) -> None:
    """Raises Refused if this role can't create an item with this stage and status.

    Normally an item starts at the first stage as Pending, but one that is further along or already closed is accepted.
    """
    if not has_permission(role, Permission.CREATE):
        raise Refused("forbidden", _("Your role doesn't allow this: create."))
    for name, value, legal in (("action", action, Action), ("status", status, Status)):
        if value not in tuple(legal):
            sentence = _("“%(value)s” is not a valid %(name)s. Use one of: %(legal)s.")
            raise Refused("invalid", sentence % {"name": name, "value": value, "legal": ", ".join(legal)}, name)
    if not is_on_path(action, stage):
        raise _off_path_error(action, stage)
    if status == Status.SUCCESS and stage not in SUCCESS_AT[Action(action)]:
        sentence = _("%(action)s can succeed only at %(legal)s, not at %(stage)s.")
        words = {"action": action, "legal": ", ".join(SUCCESS_AT[Action(action)]), "stage": stage}
        raise Refused("invalid", sentence % words, "stage")


def fields_on_creation(action: str, status: str, *, identifier: str, domain: str, item_name: str) -> dict[str, Any]:
    """Returns what is set on a new item that is created as closed or held, as the corresponding move would set it."""
    move = {Status.SUCCESS: "succeed", Status.SUSPENDED: "suspend", Status.CANCELLED: "cancel"}.get(Status(status))
    fields = dict(MOVES[move].sets) if move else {}
    if action == Action.INGEST and status == Status.SUCCESS:
        fields["object_identifier"] = identifier or build_object_identifier(domain, item_name)
    return fields
