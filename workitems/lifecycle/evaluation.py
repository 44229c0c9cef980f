"""`evaluate`, which returns what a move changes or why it is refused, and the same for new items."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from pharos.accounts.roles import Permission, has_permission

from ..vocabulary import Action, Stage, Status
from .moves import MOVES, NO_PROCESS, ItemState, Move, Refused, StageRule, TransitionRequest
from .paths import (
    LAST_STAGE_FOR_A_SERVICE_TO_CANCEL,
    PATHS,
    PHASE_WORDS,
    SUCCESS_AT,
    Phase,
    is_early,
    is_on_path,
    phase_of,
    position,
    retry_stages,
)
from .split_bags import without_part

_MOST_AHEAD = timedelta(days=1)  # clocks and time zones differ


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
    if _is_repeat(move, state, new, role):
        return {}
    if name == "retry" and new.get("node") != state.node:
        state = replace(state, is_abandoned=False)  # only a process of the same node can take it over
    if sentence := explain_refusal(name, state, role):
        is_unserved = name == "requeue" and not state.requeue_stages and state.status != Status.SUCCESS
        raise Refused("unserved" if is_unserved else "illegal", sentence)
    _check_stage(move, state, stage)
    if name == "retry" and not new.get("node"):
        raise Refused("invalid", _("A retry is a claim, so it needs the node that claims the item."), "node")
    if new.get("date") != state.date:  # what is stored can be repeated, whatever it is
        check_received(new.get("date"), now)
    if move.note_required and not new.get("note", "").strip():
        raise Refused("invalid", _("A note is required. Say why, for people who read it later."), "note")
    if name == "review" and state.is_damaged_copy and not new.get("note", "").strip():
        raise Refused("invalid", _("A note is required. Say what was done about the damaged copy."), "note")
    if name == "edit" and state.note.strip() and not new.get("note", state.note).strip():
        raise Refused("invalid", _("You can edit the note but not empty it."), "note")
    new |= dict(move.sets)
    new |= _side_effects(name, state, new, domain, item_name, now)
    new |= _effects_of_review(state, role) if name == "review" else {}
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
    found: list[Stage] = []
    if move.stage_rule is StageRule.BACK:
        found = state.requeue_stages
    elif move.stage_rule is StageRule.EARLIER:
        found = retry_stages(state.action, state.stage)
    return found[-1] if found else state.stage


def _is_repeat(move: Move, state: ItemState, new: Mapping[str, Any], role: str) -> bool:
    """Returns whether nothing would change: a repeated save, or a flag that already has the value. It isn't recorded.

    The caller checks other fields by comparing the result with the row.
    """
    if move.name in ("review", "unreview"):
        is_idle = state.reviewed is move.sets["reviewed"] and state.phase is Phase.CLOSED
        return is_idle and not (move.name == "review" and _settles(state, role))
    if move.name == "notify":
        return state.is_notified
    if move.name in ("edit", "requeue", "retry"):
        return False
    same = (state.stage, state.status, state.node, state.note) == (
        new["stage"],
        new["status"],
        # Where the move releases the item, the node that a client sends means nothing.
        {"node": state.node, **new, **move.sets}["node"],
        new.get("note", state.note),
    )
    return same and (state.phase is not Phase.OPEN or not new.keys() - {"stage", "status", "node", "note"})


def _obstacle(move: Move, state: ItemState, role: str) -> str:
    """Returns why the item's state doesn't let this role make the move, or an empty string."""
    if state.phase not in move.sources:
        return _wrong_phase(move.name, move.sources)
    if move.name == "notify" and state.action != Action.RESTORE:
        return _("notify is only for a Restore, not for %(action)s.") % {"action": state.action}
    if move.name == "requeue" and state.status == Status.SUCCESS:
        return _("An item that has succeeded can't be requeued.")
    if move.name == "requeue" and not state.requeue_stages:
        return _("The queue of this installation doesn't serve any stage that it could be requeued to.")
    if move.name == "retry":
        return _obstacle_to_retry(state)
    if move.name in ("review", "unreview"):
        if state.is_damaged_copy and not has_permission(role, Permission.REVIEW_FOR_CONSORTIUM):
            return _("A stored copy may be damaged, so only an APTrust admin can mark it.")
        return ""
    if move.name == "cancel" and not (has_permission(role, Permission.CANCEL) or state.is_replaced):
        return _obstacle_to_cancel(state)
    return ""


def _wrong_phase(name: str, legal: Collection[Phase]) -> str:
    wanted = _(" or ").join(str(PHASE_WORDS[phase]) for phase in Phase if phase in legal)
    return _("%(move)s is only for items that are %(wanted)s.") % {"move": name, "wanted": wanted}


def _obstacle_to_cancel(state: ItemState) -> str:
    """Returns why a service can't cancel an item that no other upload has replaced, or an empty string."""
    if not is_early(state.action, state.stage):
        sentence = _("A service can cancel an ingest only up to %(stage)s, or if another upload has replaced it.")
        return sentence % {"stage": LAST_STAGE_FOR_A_SERVICE_TO_CANCEL}
    return _wrong_phase("cancel", (Phase.OPEN,)) if state.phase is Phase.HELD else ""


def _obstacle_to_retry(state: ItemState) -> str:
    if not retry_stages(state.action, state.stage):
        return _("It has no earlier stage at which a worker can claim it again.")
    if state.is_held and not state.is_abandoned:
        return _("%(node)s (pid %(pid)s) still holds it.") % {"node": state.node or "–", "pid": state.pid or "–"}
    if not state.retry or state.needs_admin_review:
        return _("It isn't retried until an admin has decided.")
    return ""


def explain_refusal(name: str, state: ItemState, role: str) -> str:
    """Returns a sentence on why an item in this state doesn't allow the move, or an empty string."""
    if not (bar := _obstacle(MOVES[name], state, role)):
        return ""
    sentence = _("This item is %(phase)s (%(now)s). %(bar)s %(allowed)s")
    return sentence % {"phase": PHASE_WORDS[state.phase], "now": state, "bar": bar, "allowed": _allowed(state, role)}


def legal_moves(state: ItemState, role: str) -> list[str]:
    """Returns the names of the moves that this role can make on an item in this state."""
    is_reviewed = state.reviewed and not _settles(state, role)
    idle = {"review" if is_reviewed else "unreview"} | ({"notify"} if state.is_notified else set())
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
        if stage not in state.requeue_stages:
            raise _requeue_error(state, stage)
        return
    if move.stage_rule is StageRule.EARLIER:
        legal = retry_stages(action, state.stage)
        if stage not in legal:
            sentence = _("This item is at %(now)s. A worker can claim it again at %(legal)s.")
            raise Refused("invalid", sentence % {"now": state, "legal": ", ".join(legal)}, "stage")
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


def _requeue_error(state: ItemState, stage: str) -> Refused:
    """Why an item isn't requeued to this stage, and what is possible."""
    if stage in state.unserved_stages:
        sentence = _("The queue of this installation doesn't serve %(stage)s. This item can be requeued to %(legal)s.")
    else:
        sentence = _("This item had reached %(stood)s. It can be requeued to %(legal)s.")
    words = {"stage": stage, "stood": state.actual_stage, "legal": ", ".join(state.requeue_stages)}
    return Refused("invalid", sentence % words, "stage")


def _side_effects(
    name: str, state: ItemState, new: Mapping[str, Any], domain: str, item_name: str, now: datetime
) -> dict[str, Any]:
    """Returns what the move changes in addition to what was asked for."""
    if name == "progress" and new["status"] == Status.PENDING:
        return NO_PROCESS if new["stage"] == state.stage else {**NO_PROCESS, "stage_started_at": None}
    if name in ("progress", "retry"):
        return {"stage_started_at": _stage_start(state, new, now)}
    if name == "succeed" and state.action == Action.INGEST:
        known = new.get("object_identifier") or state.object_identifier
        return {"object_identifier": known or build_object_identifier(domain, item_name)}
    if name in ("notify", "review") and new.get("note", "").strip():
        return {"note": f"{state.note}\n{new['note']}" if state.note.strip() else new["note"]}
    if name == "edit" and phase_of(new["status"], retry=new.get("retry", state.retry)) is not Phase.CLOSED:
        # Turning retry on reopens a failed item, so a review of its outcome no longer applies.
        return {"reviewed": False}
    return {}


def _settles(state: ItemState, role: str) -> bool:
    """Whether a review by this role closes what the consortium has to do about a failure."""
    return state.waits_for_consortium and has_permission(role, Permission.REVIEW_FOR_CONSORTIUM)


def _effects_of_review(state: ItemState, role: str) -> dict[str, Any]:
    """An admin's review says that the consortium has nothing left to do, an institution's leaves that open."""
    if not state.waits_for_consortium:
        return {}
    return {"needs_admin_review": not has_permission(role, Permission.REVIEW_FOR_CONSORTIUM)}


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
    return f"{domain}/{without_part(name)}"


def check_received(date: datetime | None, now: datetime) -> None:
    """Raises Refused for a time of receipt more than a day ahead: the upload would replace every true one for ever."""
    if date is not None and date > now + _MOST_AHEAD:
        sentence = _("“date” is when the bag was received, so it can't be more than a day from now (%(now)s).")
        raise Refused("invalid", sentence % {"now": f"{now:%Y-%m-%d %H:%M} UTC"}, "date")


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
