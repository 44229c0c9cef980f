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


class Reach(StrEnum):
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
    reach: Reach = Reach.SAME
    statuses: tuple[Status, ...] | None = None
    note_required: bool = False
    sets: Mapping[str, Any] = field(default_factory=dict)
    allows: frozenset[str] = frozenset()  # further fields that the caller may give

    def is_granted_to(self, role: str) -> bool:
        return any(may(role, permission) for permission in self.permissions)


_OPEN = frozenset({Phase.OPEN})
_ANY = frozenset(Phase)
# Which process holds an item, as it is while none does; only services and admins see it.
_RELEASE = {"node": "", "pid": None}
PROCESS = frozenset(_RELEASE)
# What a worker's save carries along beside stage, status and note.
CARRIED = frozenset(
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
        Move("progress", (Permission.PROGRESS,), _OPEN, Reach.ONWARD, (Status.PENDING, Status.STARTED), allows=CARRIED),
        Move(
            "succeed",
            (Permission.SUCCEED,),
            _OPEN,
            Reach.SUCCESS,
            (Status.SUCCESS,),
            sets={"retry": False},
            allows=CARRIED,
        ),
        Move("fail", (Permission.FAIL,), _OPEN, Reach.ONWARD, (Status.FAILED,), note_required=True, allows=CARRIED),
        Move(
            "suspend",
            (Permission.SUSPEND,),
            _OPEN,
            Reach.SAME,
            (Status.SUSPENDED,),
            note_required=True,
            sets={"needs_admin_review": True, "retry": False},
            allows=CARRIED,
        ),
        Move(
            "cancel",
            (Permission.CANCEL, Permission.CANCEL_REPLACED),
            frozenset({Phase.OPEN, Phase.HELD}),
            Reach.RESOLVE,
            (Status.CANCELLED,),
            note_required=True,
            sets={"retry": False},
            allows=CARRIED,
        ),
        Move(
            "requeue",
            (Permission.REQUEUE,),
            _ANY,
            Reach.BACK,
            (Status.PENDING,),
            sets={
                "retry": True,
                "needs_admin_review": False,
                "queued_at": None,
                "stage_started_at": None,
                "reviewed": False,
                **_RELEASE,
            },
        ),
        Move("review", (Permission.REVIEW,), frozenset({Phase.CLOSED}), sets={"reviewed": True}),
        Move("unreview", (Permission.REVIEW,), frozenset({Phase.CLOSED}), sets={"reviewed": False}),
        Move("edit", (Permission.EDIT,), _ANY, allows=PROCESS | {"retry", "needs_admin_review"}),
        # Its note is a line that is added to the item's; everything else stays.
        Move("notify", (Permission.NOTIFY,), _ANY, note_required=True),
    )
}


@dataclass(frozen=True)
class ItemState:
    """What the rules need to know of an item, as it is now. `is_replaced`: another upload of the bag counts instead.
    `stopped_at`: the stage of a cancelled item before its cancel. `is_told`: staff were told of it once, by `notify`.
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
    stopped_at: str = ""
    is_told: bool = False

    @property
    def stands_at(self) -> str:
        """How far it has really come: an admin's cancel leads to Resolve, whatever was not done."""
        return self.stopped_at or self.stage

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
    name: str, facts: ItemState, wanted: TransitionRequest, *, role: str, domain: str, item_name: str, now: datetime
) -> dict[str, Any]:
    """The fields that the move changes, with their new values; empty where nothing would change.

    Raises Refused where the role, the item's state or a value does not allow the move.
    """
    move = MOVES[name]
    if not move.is_granted_to(role):
        sentence = _("Your role does not allow this: %(move)s. %(allowed)s")
        raise Refused("forbidden", sentence % {"move": name, "allowed": _allowed(facts, role)})
    stage, status = _target(move, facts, wanted, role)
    new: dict[str, Any] = {"stage": stage, "status": status, **_given(move, wanted)}
    if wanted.note is not None:
        new["note"] = wanted.note
    if _repeats(move, facts, new):
        return {}
    if sentence := why_not(name, facts, role):
        raise Refused("illegal", sentence)
    _check_stage(move, facts, stage)
    if move.note_required and not new.get("note", "").strip():
        raise Refused("invalid", _("A note is required: say why, for those who read it later."), "note")
    if name == "edit" and facts.note.strip() and not new.get("note", facts.note).strip():
        raise Refused("invalid", _("A note may be changed, but not to nothing."), "note")
    new |= dict(move.sets)
    new |= _follows(name, facts, new, domain, item_name, now)
    return new


def _given(move: Move, wanted: TransitionRequest) -> dict[str, Any]:
    if unknown := set(wanted.fields) - move.allows:
        raise TypeError(f"{move.name} takes no {', '.join(sorted(unknown))}")
    return dict(wanted.fields)


def _target(move: Move, facts: ItemState, wanted: TransitionRequest, role: str) -> tuple[str, str]:
    """Stage and status after the move; raises where the words do not fit the action or the move."""
    stage = wanted.stage or _usual_stage(move, facts)
    if move.name == "cancel" and may(role, Permission.CANCEL):
        # Resolve means completed or cancelled (member API, version 8); the history keeps where it was.
        stage = Stage.RESOLVE
    if stage != facts.stage and not is_on_path(facts.action, stage):
        raise _off_path(facts.action, stage)
    if move.statuses is None:
        return facts.stage, facts.status
    status = wanted.status or move.statuses[0]
    if status not in move.statuses:
        sentence = _("%(move)s leads to %(legal)s, not to “%(status)s”.")
        words = {"move": move.name, "legal": _(" or ").join(move.statuses), "status": status}
        raise Refused("invalid", sentence % words, "status")
    return stage, status


def _off_path(action: str, stage: str) -> Refused:
    sentence = _("“%(stage)s” is not a stage of %(action)s; its stages are %(path)s.")
    words = {"stage": stage, "action": action, "path": ", ".join(PATHS[Action(action)])}
    return Refused("invalid", sentence % words, "stage")


def _usual_stage(move: Move, facts: ItemState) -> str:
    return requeue_stages(facts.action, facts.stands_at)[-1] if move.reach is Reach.BACK else facts.stage


def _repeats(move: Move, facts: ItemState, new: Mapping[str, Any]) -> bool:
    """Whether this is what already is: a save sent again, or a flag set to what it has. Such a call is answered, not recorded.

    Whether a further field differs is for the caller to see: it compares what comes back with the row.
    """
    if move.name in ("review", "unreview"):
        return facts.reviewed is move.sets["reviewed"] and facts.phase is Phase.CLOSED
    if move.name == "notify":
        return facts.is_told
    if move.name in ("edit", "requeue"):
        return False
    same = (facts.stage, facts.status, facts.node, facts.note) == (
        new["stage"],
        new["status"],
        new.get("node", facts.node),
        new.get("note", facts.note),
    )
    return same and (facts.phase is not Phase.OPEN or not new.keys() - {"stage", "status", "node", "note"})


def _bar(move: Move, facts: ItemState, role: str) -> str:
    """Why the item's state does not let this role make the move; empty where it does."""
    if facts.phase not in move.sources:
        wanted = _(" or ").join(str(PHASE_WORDS[p]) for p in Phase if p in move.sources)
        return _("%(move)s is only for items that are %(wanted)s.") % {"move": move.name, "wanted": wanted}
    if move.name == "notify" and facts.action != Action.RESTORE:
        return _("notify is only for a Restore, not for %(action)s.") % {"action": facts.action}
    if move.name == "requeue" and facts.status == Status.SUCCESS:
        return _("What has succeeded is not done again.")
    if move.name == "cancel" and not may(role, Permission.CANCEL) and not facts.is_replaced:
        return _("A service may cancel only an upload in whose place another one counts.")
    return ""


def why_not(name: str, facts: ItemState, role: str) -> str:
    """Why an item in this state does not allow the move at all: a sentence, empty where it does."""
    if not (bar := _bar(MOVES[name], facts, role)):
        return ""
    sentence = _("This item is %(phase)s (%(now)s). %(bar)s %(allowed)s")
    return sentence % {"phase": PHASE_WORDS[facts.phase], "now": facts, "bar": bar, "allowed": _allowed(facts, role)}


def legal_moves(facts: ItemState, role: str) -> list[str]:
    """The names of the moves that this role may make with an item in this state."""
    idle = {"review" if facts.reviewed else "unreview"} | ({"notify"} if facts.is_told else set())
    return [
        name
        for name, move in MOVES.items()
        if name not in idle and move.is_granted_to(role) and not _bar(move, facts, role)
    ]


def _allowed(facts: ItemState, role: str) -> str:
    if names := legal_moves(facts, role):
        return _("You may: %(moves)s.") % {"moves": ", ".join(names)}
    if facts.phase is Phase.OPEN or facts.status == Status.SUCCESS:
        return _("There is nothing that your role may do with it now.")
    return _("Only an admin can take it up again, by requeue.")


def _check_stage(move: Move, facts: ItemState, stage: str) -> None:
    action = facts.action
    if move.reach is Reach.BACK:
        legal = requeue_stages(action, facts.stands_at)
        if stage not in legal:
            sentence = _("This item had come to %(stood)s; it can be requeued to %(legal)s.")
            raise Refused("invalid", sentence % {"stood": facts.stands_at, "legal": ", ".join(legal)}, "stage")
        return
    if position(action, stage) < position(action, facts.stage):
        raise Refused(
            "illegal",
            _("This item is at %(now)s already; only an admin's requeue goes back to %(stage)s.")
            % {"now": facts, "stage": stage},
            "stage",
        )
    if move.reach is Reach.SAME and stage != facts.stage:
        raise Refused(
            "illegal",
            _("This item is at %(now)s; %(move)s keeps the stage.") % {"now": facts, "move": move.name},
            "stage",
        )
    if move.reach is Reach.SUCCESS and stage not in SUCCESS_AT[Action(action)]:
        raise Refused(
            "illegal",
            _("This item is at %(now)s; %(action)s succeeds at %(legal)s.")
            % {"now": facts, "action": action, "legal": ", ".join(SUCCESS_AT[Action(action)])},
            "stage",
        )


def _follows(
    name: str, facts: ItemState, new: Mapping[str, Any], domain: str, item_name: str, now: datetime
) -> dict[str, Any]:
    """What the move brings with it beside what was asked for."""
    if name == "progress" and new["status"] == Status.PENDING:
        return _RELEASE if new["stage"] == facts.stage else {**_RELEASE, "stage_started_at": None}
    if name == "progress":
        return {"stage_started_at": _start(facts, new, now)}
    if name == "succeed" and facts.action == Action.INGEST:
        known = new.get("object_identifier") or facts.object_identifier
        return {"object_identifier": known or object_identifier(domain, item_name)}
    if name == "notify":
        return {"note": f"{facts.note}\n{new['note']}" if facts.note.strip() else new["note"]}
    if name == "edit" and phase_of(new["status"], retry=new.get("retry", facts.retry)) is not Phase.CLOSED:
        # Switching retry on opens a failed item again: what was reviewed is no longer the outcome.
        return {"reviewed": False}
    return {}


def _start(facts: ItemState, new: Mapping[str, Any], now: datetime) -> datetime | None:
    """When the stage began. Clients send whole records back: a time that they only repeat is the former stage's."""
    sent = new.get("stage_started_at")
    if (facts.stage, facts.status) == (new["stage"], Status.STARTED):
        return sent or facts.stage_started_at
    return now if sent in (None, facts.stage_started_at) else sent


def object_identifier(domain: str, name: str) -> str:
    """`<institution's domain>/<name without .tar and without .bNNN.ofNNN>` (member API, version 8, and its split bags)."""
    return f"{domain}/{_SPLIT_BAG.sub('', name.removesuffix('.tar'))}"


def check_new(action: str, stage: str, status: str, *, role: str) -> None:
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
        raise _off_path(action, stage)
    if status == Status.SUCCESS and stage not in SUCCESS_AT[Action(action)]:
        sentence = _("%(action)s succeeds at %(legal)s, not at %(stage)s.")
        words = {"action": action, "legal": ", ".join(SUCCESS_AT[Action(action)]), "stage": stage}
        raise Refused("invalid", sentence % words, "stage")


def new_with(action: str, status: str, *, identifier: str, domain: str, item_name: str) -> dict[str, Any]:
    """What is set on a new item that is recorded as closed or held: what the move there would have set."""
    there = {Status.SUCCESS: "succeed", Status.SUSPENDED: "suspend", Status.CANCELLED: "cancel"}.get(Status(status))
    fields = dict(MOVES[there].sets) if there else {}
    if action == Action.INGEST and status == Status.SUCCESS:
        fields["object_identifier"] = identifier or object_identifier(domain, item_name)
    return fields
