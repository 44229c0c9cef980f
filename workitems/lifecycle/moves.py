"""The table of moves, and `evaluate`: what a move changes, or why it is refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

from pharos.accounts.roles import Permission, may

from ..vocabulary import Action, Stage, Status
from .paths import PATHS, PHASE_WORDS, SUCCESS_AT, Phase, is_on_path, phase_of, position, requeue_stages

_SPLIT_BAG = re.compile(r"\.b[0-9]+\.of[0-9]+\Z")

NOTE_LIMIT = 10_000  # characters of a note that a person types


class StageRule(StrEnum):
    """Which stages a move may name, seen from the present one."""

    SAME = "same"
    ONWARD = "onward"  # the same or a later one
    SUCCESS = "success"  # onward, and one at which the action can succeed
    BACK = "back"  # the requeue stages
    RESOLVE = "resolve"  # Resolve; a worker's cancel may name the same or a later one


@dataclass(frozen=True)
class Move:
    """One row of the table of moves.

    `statuses`: what the status may become; None leaves it as it is. `sets`: what the move always sets.
    """

    name: str
    permissions: tuple[Permission, ...]  # any one of them will do
    sources: frozenset[Phase]
    stage_rule: StageRule = StageRule.SAME
    statuses: tuple[Status, ...] | None = None
    note_required: bool = False
    sets: Mapping[str, Any] = field(default_factory=dict)
    allows: frozenset[str] = frozenset()  # further fields that the caller may give

    def is_granted_to(self, role: str) -> bool:
        return any(may(role, permission) for permission in self.permissions)


_OPEN = frozenset({Phase.OPEN})
_ANY = frozenset(Phase)
# What a worker's save carries along beside stage, status and note.
SAVEABLE_FIELDS = frozenset(
    {
        "bucket",
        "date",
        "needs_admin_review",
        "node",
        "outcome",
        "pid",
        "queued_at",
        "retry",
        "size",
        "stage_started_at",
        "user",
    }
    | {"object_identifier", "generic_file_identifier"}
)
_NO_PROCESS = {"node": "", "pid": None}

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
        Move("edit", (Permission.EDIT,), _ANY, allows=frozenset({"retry", "needs_admin_review", "node", "pid"})),
        # Its note is a line that is added to the item's; everything else stays.
        Move("notify", (Permission.NOTIFY,), _ANY, note_required=True),
    )
}


@dataclass(frozen=True)
class ItemState:
    """What the rules need to know of an item, as it is now. `is_replaced`: another upload of the bag counts instead.
    `stage_before_cancel`: the stage of a cancelled item before its cancel. `is_notified`: staff were told of it once, by `notify`.
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
        """How far it has really come: an admin's cancel leads to Resolve, whatever was not done."""
        return self.stage_before_cancel or self.stage

    @property
    def phase(self) -> Phase:
        return phase_of(self.status, retry=self.retry)

    def __str__(self) -> str:
        return f"{self.stage} / {self.status}"


@dataclass(frozen=True)
class TransitionRequest:
    """What a caller asks for: any of stage, status and note, and the further fields that the move allows."""

    stage: str | None = None
    status: str | None = None
    note: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


class Refused(Exception):
    """A move that may not be made. The sentence says what is the case now and what would be allowed.

    `reason` is one of "missing" (there is no such item), "forbidden" (this person may not), "illegal" (the item's state does not allow it), "invalid" (a
    value is missing or wrong; `field` names it) and "changed" (the item has moved on since the caller looked).
    """

    def __init__(self, reason: str, sentence: str, field: str | None = None):
        super().__init__(sentence)
        self.reason = reason
        self.sentence = sentence
        self.field = field


def evaluate(
    name: str, state: ItemState, requested: TransitionRequest, *, role: str, domain: str, item_name: str, now: datetime
) -> dict[str, Any]:
    """The fields that the move changes, with their new values; empty where nothing would change.

    Raises Refused where the role, the item's state or a value does not allow the move.
    """
    move = MOVES[name]
    if not move.is_granted_to(role):
        sentence = _("Your role does not allow this: %(move)s. %(allowed)s")
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
        raise Refused("invalid", _("A note is required: say why, for those who read it later."), "note")
    if name == "edit" and state.note.strip() and not new.get("note", state.note).strip():
        raise Refused("invalid", _("A note may be changed, but not to nothing."), "note")
    new |= dict(move.sets)
    new |= _side_effects(name, state, new, domain, item_name, now)
    return new


def _requested_fields(move: Move, requested: TransitionRequest) -> dict[str, Any]:
    if unknown := set(requested.fields) - move.allows:
        raise TypeError(f"{move.name} takes no {', '.join(sorted(unknown))}")
    return dict(requested.fields)


def _target_state(move: Move, state: ItemState, requested: TransitionRequest, role: str) -> tuple[str, str]:
    """Stage and status after the move; raises where the words do not fit the action or the move."""
    stage = requested.stage or _default_stage(move, state)
    if move.name == "cancel" and may(role, Permission.CANCEL):
        # Resolve means completed or cancelled (member API, version 8); the history keeps where it was.
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
    sentence = _("“%(stage)s” is not a stage of %(action)s; its stages are %(path)s.")
    words = {"stage": stage, "action": action, "path": ", ".join(PATHS[Action(action)])}
    return Refused("invalid", sentence % words, "stage")


def _default_stage(move: Move, state: ItemState) -> str:
    return requeue_stages(state.action, state.actual_stage)[-1] if move.stage_rule is StageRule.BACK else state.stage


def _is_repeat(move: Move, state: ItemState, new: Mapping[str, Any]) -> bool:
    """Whether this is what already is: a save sent again, or a flag set to what it has. Such a call is answered, not recorded.

    Whether a further field differs is for the caller to see: it compares what comes back with the row.
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
    """Why the item's state does not let this role make the move; empty where it does."""
    if state.phase not in move.sources:
        wanted = _(" or ").join(str(PHASE_WORDS[p]) for p in Phase if p in move.sources)
        return _("%(move)s is only for items that are %(wanted)s.") % {"move": move.name, "wanted": wanted}
    if move.name == "notify" and state.action != Action.RESTORE:
        return _("notify is only for a Restore, not for %(action)s.") % {"action": state.action}
    if move.name == "requeue" and state.status == Status.SUCCESS:
        return _("What has succeeded is not done again.")
    if move.name == "cancel" and not may(role, Permission.CANCEL) and not state.is_replaced:
        return _("A service may cancel only an upload in whose place another one counts.")
    return ""


def explain_refusal(name: str, state: ItemState, role: str) -> str:
    """Why an item in this state does not allow the move at all: a sentence, empty where it does."""
    if not (bar := _obstacle(MOVES[name], state, role)):
        return ""
    sentence = _("This item is %(phase)s (%(now)s). %(bar)s %(allowed)s")
    return sentence % {"phase": PHASE_WORDS[state.phase], "now": state, "bar": bar, "allowed": _allowed(state, role)}


def legal_moves(state: ItemState, role: str) -> list[str]:
    """The names of the moves that this role may make with an item in this state."""
    idle = {"review" if state.reviewed else "unreview"} | ({"notify"} if state.is_notified else set())
    return [
        name
        for name, move in MOVES.items()
        if name not in idle and move.is_granted_to(role) and not _obstacle(move, state, role)
    ]


def _allowed(state: ItemState, role: str) -> str:
    if names := legal_moves(state, role):
        return _("You may: %(moves)s.") % {"moves": ", ".join(names)}
    if state.phase is Phase.OPEN or state.status == Status.SUCCESS:
        return _("There is nothing that your role may do with it now.")
    return _("Only an admin can take it up again, by requeue.")


def _check_stage(move: Move, state: ItemState, stage: str) -> None:
    action = state.action
    if move.stage_rule is StageRule.BACK:
        legal = requeue_stages(action, state.actual_stage)
        if stage not in legal:
            sentence = _("This item had come to %(stood)s; it can be requeued to %(legal)s.")
            raise Refused("invalid", sentence % {"stood": state.actual_stage, "legal": ", ".join(legal)}, "stage")
        return
    if position(action, stage) < position(action, state.stage):
        raise Refused(
            "illegal",
            _("This item is at %(now)s already; only an admin's requeue goes back to %(stage)s.")
            % {"now": state, "stage": stage},
            "stage",
        )
    if move.stage_rule is StageRule.SAME and stage != state.stage:
        raise Refused(
            "illegal",
            _("This item is at %(now)s; %(move)s keeps the stage.") % {"now": state, "move": move.name},
            "stage",
        )
    if move.stage_rule is StageRule.SUCCESS and stage not in SUCCESS_AT[Action(action)]:
        raise Refused(
            "illegal",
            _("This item is at %(now)s; %(action)s succeeds at %(legal)s.")
            % {"now": state, "action": action, "legal": ", ".join(SUCCESS_AT[Action(action)])},
            "stage",
        )


def _side_effects(
    name: str, state: ItemState, new: Mapping[str, Any], domain: str, item_name: str, now: datetime
) -> dict[str, Any]:
    """What the move brings with it beside what was asked for."""
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
        # Switching retry on opens a failed item again: what was reviewed is no longer the outcome.
        return {"reviewed": False}
    return {}


def _stage_start(state: ItemState, new: Mapping[str, Any], now: datetime) -> datetime | None:
    """When the stage began. Clients send whole records back: a time that they only repeat is the former stage's."""
    sent = new.get("stage_started_at")
    if (state.stage, state.status) == (new["stage"], Status.STARTED):
        return sent or state.stage_started_at
    return now if sent in (None, state.stage_started_at) else sent


def build_object_identifier(domain: str, name: str) -> str:
    """`<institution's domain>/<name without .tar and without .bNNN.ofNNN>` (member API, version 8, and its split bags)."""
    return f"{domain}/{_SPLIT_BAG.sub('', name.removesuffix('.tar'))}"


def check_creation(action: str, stage: str, status: str, *, role: str) -> None:
    """Whether a worker or admin may record a new item like this; raises Refused.

    Normally it stands at the first stage, Pending; one that is further on or already closed is taken too, on its path.
    """
    if not may(role, Permission.CREATE):
        raise Refused("forbidden", _("Your role does not allow this: create."))
    for name, value, legal in (("action", action, Action), ("status", status, Status)):
        if value not in tuple(legal):
            sentence = _("There is no %(name)s “%(value)s”; there are %(legal)s.")
            raise Refused("invalid", sentence % {"name": name, "value": value, "legal": ", ".join(legal)}, name)
    if not is_on_path(action, stage):
        raise _off_path_error(action, stage)
    if status == Status.SUCCESS and stage not in SUCCESS_AT[Action(action)]:
        sentence = _("%(action)s succeeds at %(legal)s, not at %(stage)s.")
        words = {"action": action, "legal": ", ".join(SUCCESS_AT[Action(action)]), "stage": stage}
        raise Refused("invalid", sentence % words, "stage")


def fields_on_creation(action: str, status: str, *, identifier: str, domain: str, item_name: str) -> dict[str, Any]:
    """What is set on a new item that is recorded as closed or held: what the move there would have set."""
    there = {Status.SUCCESS: "succeed", Status.SUSPENDED: "suspend", Status.CANCELLED: "cancel"}.get(Status(status))
    fields = dict(MOVES[there].sets) if there else {}
    if action == Action.INGEST and status == Status.SUCCESS:
        fields["object_identifier"] = identifier or build_object_identifier(domain, item_name)
    return fields
