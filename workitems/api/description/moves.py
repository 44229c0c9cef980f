"""The content of the page about moves, derived from the rules of the life cycle, so that it can't contradict them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pharos.accounts.roles import ROLES, Role

from ...lifecycle import (
    MOVES,
    PATHS,
    PHASE_WORDS,
    SUCCESS_AT,
    ItemState,
    Move,
    Phase,
    StageRule,
    TransitionRequest,
    evaluate,
    phase_of,
)
from ...vocabulary import ACTIONS, STAGES, STATUSES, Action, Stage, Status
from ..fields import as_time

_THEN, _NOW = datetime(2026, 3, 5, 9, 30, tzinfo=UTC), datetime(2026, 3, 5, 10, 12, tzinfo=UTC)
_UNKNOWN = object()
# Moves that can't be requested by sending a status, and how they are requested.
_REQUESTED_BY: dict[str, str | Promise] = {
    "edit": gettext_lazy("An admin's save that doesn't change the stage and status of an item that isn't open."),
    "requeue": gettext_lazy("The requeue address. A save is never a requeue."),
    "notify": gettext_lazy("The spot test address of version 2; only for a Restore."),
    "review": gettext_lazy("Only on the pages."),
    "unreview": gettext_lazy("Only on the pages."),
}
_MEANINGS: dict[str, str | Promise] = {
    "progress": gettext_lazy("Work continues: the item is waiting for a stage or running at it."),
    "succeed": gettext_lazy("Permanently done. An ingest gets the object identifier below if it has none."),
    "fail": gettext_lazy(
        "The task failed. With retry true, it stays open and is retried; with retry false, it is closed."
    ),
    "suspend": gettext_lazy("Put on hold until an admin decides."),
    "cancel": gettext_lazy(
        "Stopped: later saves are refused. It needs a new note, not the existing one. A service can cancel only an "
        "upload that another upload has replaced."
    ),
    "requeue": gettext_lazy(
        "Work restarts at an earlier stage or the same one. This is the only way back and the only way to reopen a "
        "closed item. An item that has succeeded can't be requeued."
    ),
    "review": gettext_lazy("Staff have checked the result."),
    "unreview": gettext_lazy("Staff want to check the result again."),
    "edit": gettext_lazy("Corrects flags, note, node, and pid, nothing else."),
    "notify": gettext_lazy("Asks the institution's staff to check the restored copy."),
}
_STAGES_OF: dict[StageRule, str | Promise] = {
    StageRule.SAME: gettext_lazy("The stage doesn't change."),
    StageRule.ONWARD: gettext_lazy("The same stage or a later one on its path."),
    StageRule.SUCCESS: gettext_lazy("The same stage or a later one at which its action can succeed."),
    StageRule.BACK: gettext_lazy("An earlier stage or the same one; for all actions except Ingest, it is Requested."),
    StageRule.RESOLVE: gettext_lazy("The same stage or a later one."),
}


@dataclass(frozen=True)
class PathStep:
    """A stage on a path, and whether the action can succeed there."""

    stage: str
    can_succeed: bool


@dataclass(frozen=True)
class PathRow:
    """An action with its path."""

    action: str
    meaning: str
    steps: tuple[PathStep, ...]


@dataclass(frozen=True)
class PhaseRow:
    """A phase: open, on hold, or closed. `when`: the statuses that belong to it."""

    word: str
    name: str
    when: str


@dataclass(frozen=True)
class MoveRow:
    """A move. `sent`: the status that requests it. If there is none, `requested_by` says how to request it."""

    sent: str
    requested_by: str
    move: str
    meaning: str
    who: str
    sources: str
    stage: str
    note_required: bool
    sets: tuple[tuple[str, str], ...]


def paths() -> list[PathRow]:
    return [
        PathRow(
            action.value,
            str(ACTIONS[action].explanation),
            tuple(PathStep(one.value, one in SUCCESS_AT[action]) for one in stages),
        )
        for action, stages in PATHS.items()
    ]


def vocabulary() -> list[tuple[str, str, list[tuple[str, str]]]]:
    """(title, anchor in the page, [(word, meaning)]) of the stages and of the statuses."""
    return [
        (_("Stages"), "stages", [(word.value, str(term.explanation)) for word, term in STAGES.items()]),
        (_("Statuses"), "statuses", [(word.value, str(term.explanation)) for word, term in STATUSES.items()]),
    ]


def phases() -> list[PhaseRow]:
    return [PhaseRow(str(PHASE_WORDS[phase]), phase.value, ", ".join(_statuses_of(phase))) for phase in Phase]


def _statuses_of(phase: Phase) -> Iterable[str]:
    for status in Status:
        found = {retry: phase_of(status, retry=retry) is phase for retry in (True, False)}
        if all(found.values()):
            yield status.value
        elif any(found.values()):
            retry = "true" if found[True] else "false"
            yield _("%(status)s with retry %(retry)s") % {"status": status.value, "retry": retry}


def saved_moves() -> list[MoveRow]:
    """What each status means when it is sent in a save."""
    return [
        _row(move, status)
        for move in MOVES.values()
        if move.name not in _REQUESTED_BY
        for status in move.statuses or ()
    ]


def other_moves() -> list[MoveRow]:
    return [_row(MOVES[name], None) for name in _REQUESTED_BY]


def _row(move: Move, status: Status | None) -> MoveRow:
    return MoveRow(
        sent=status.value if status else "",
        requested_by=str(_REQUESTED_BY.get(move.name, "")),
        move=move.name,
        meaning=str(_MEANINGS[move.name]),
        who=", ".join(str(ROLES[role].label) for role in Role if move.is_granted_to(role)),
        sources=_sources(move),
        stage=str(_STAGES_OF[move.stage_rule]),
        note_required=move.note_required,
        sets=tuple(_side_effects(move, status)),
    )


def _sources(move: Move) -> str:
    if move.sources == set(Phase):
        return _("any")
    return _(" or ").join(str(PHASE_WORDS[phase]) for phase in Phase if phase in move.sources)


def _side_effects(move: Move, status: Status | None) -> Iterable[tuple[str, str]]:
    """Yields (name, value) of what the move sets in addition to the values sent.

    Found by applying the rules to a sample for each role that can make the move.
    """
    facts, wanted = _sample_transition(move, status)
    sets: dict[tuple[str, str], list[str]] = {}
    roles = [role for role in Role if move.is_granted_to(role)]
    for role in roles:
        new = evaluate(move.name, facts, wanted, role=role, domain="DOMAIN", item_name="NAME", now=_NOW)
        for name, value in new.items():
            if value != getattr(wanted, name, _UNKNOWN) and value != getattr(facts, name, _UNKNOWN):
                sets.setdefault((name, _api_value(value)), []).append(str(ROLES[role].label))
    for (name, word), who in sets.items():
        only = {"word": word, "who": ", ".join(who)}
        yield name, word if len(who) == len(roles) else _("%(word)s (%(who)s)") % only


def _sample_transition(move: Move, status: Status | None) -> tuple[ItemState, TransitionRequest]:
    is_open = Phase.CLOSED not in move.sources
    now, retry = (Status.STARTED, True) if is_open else (Status.FAILED, False)
    reviewed = move.name != "review"
    action = Action.RESTORE if move.name == "notify" else Action.INGEST
    stage = Stage.RECORD
    onward = Stage.CLEANUP if move.stage_rule in (StageRule.ONWARD, StageRule.SUCCESS) else stage
    facts = ItemState(
        action, stage, now, retry, reviewed=reviewed, node="node", pid=1, stage_started_at=_THEN, is_replaced=True
    )
    return facts, TransitionRequest(stage=onward, status=status, note="…" if move.note_required else None)


def _api_value(value: Any) -> str:
    """A value in the API's format."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value == _NOW:
        return _("the time of the save, unless one is sent")
    if value in (None, ""):
        return "null"
    return as_time(value) or "" if isinstance(value, datetime) else str(value)
