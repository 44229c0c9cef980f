"""Infers the move from a save: a client has read a complete record, changed it, and sent all of it back."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from pharos.accounts.roles import Permission, has_permission

from ..vocabulary import Status
from .moves import MOVES, PROCESS, SAVEABLE_FIELDS, ItemState, Refused, TransitionRequest
from .paths import PHASE_WORDS, Phase

# Fields that no client can change, and those that can be filled in once.
IMMUTABLE_FIELDS = ("name", "etag", "action", "institution_id", "bag_date")
WRITE_ONCE_FIELDS = ("object_identifier", "generic_file_identifier")
# Fields that the closing move itself sets, so they can differ when the save that closed the item is repeated.
_SET_BY_THE_MOVE = PROCESS | {"retry", "needs_admin_review", "stage_started_at"}
_MOVE_TO = {
    Status.PENDING: "progress",
    Status.STARTED: "progress",
    Status.SUCCESS: "succeed",
    Status.FAILED: "fail",
    Status.SUSPENDED: "suspend",
    Status.CANCELLED: "cancel",
}


def check_immutable(record: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
    """Raises Refused for the first immutable value that the record would change."""
    for name in (*IMMUTABLE_FIELDS, *WRITE_ONCE_FIELDS):
        may_be_filled = name in WRITE_ONCE_FIELDS and not (record.get(name) and stored[name])
        if name in record and record[name] != stored[name] and not may_be_filled:
            sentence = _("A save can't change the “%(name)s” of an item. It is %(now)s.")
            raise Refused("invalid", sentence % {"name": name, "now": _shown(stored[name])}, name)


def check_not_stale(
    state: ItemState, record: Mapping[str, Any], stored: Mapping[str, Any], *, requeued_at: datetime | None
) -> None:
    """Raises Refused if the record was evidently read before another change.

    Records have no version, so this detects the harmful cases that can be seen: a second claim of an item that another
    node holds, queuing an item that a worker has claimed in the meantime, and a save from before a requeue (`requeued_at`;
    None: never requeued).
    """
    stage, status = record.get("stage") or state.stage, record.get("status") or state.status
    is_held = state.status == Status.STARTED and bool(state.node) and stage == state.stage
    if is_held and status == Status.STARTED and record.get("node") not in (None, "", state.node):
        raise _stale(_("%(node)s has already claimed this item at %(now)s."), state)
    queued = record.get("queued_at")
    if is_held and status == Status.PENDING and queued and queued != stored["queued_at"]:
        raise _stale(_("%(node)s has already claimed this item at %(now)s, so it isn't queued again."), state)
    began = record.get("stage_started_at")
    if began and requeued_at and began < requeued_at and began != stored["stage_started_at"]:
        raise _stale(
            _("This item has been requeued since the stage in your save started. It is now at %(now)s."), state
        )


def _stale(sentence: str, state: ItemState) -> Refused:
    advice = _("Read it again before you continue.")
    return Refused("changed", f"{sentence % {'node': state.node, 'now': state}} {advice}")


def infer_move(
    state: ItemState, record: Mapping[str, Any], stored: Mapping[str, Any], *, role: str
) -> tuple[str, TransitionRequest]:
    """Returns the move that a record asks for, given the item's state. Fields missing from the record stay as they are.

    It is never a requeue, because a record read before a cancel would revive the item. `evaluate` decides whether the
    move can be made. Raises Refused for changes that a save can't make, such as reopening a closed item.
    """
    stage = record.get("stage") or state.stage
    status = record.get("status") or state.status
    note = record.get("note")
    carried = {
        name: value
        for name, value in record.items()
        if name in SAVEABLE_FIELDS and (value or name not in WRITE_ONCE_FIELDS)
    }
    if _is_former_stage_start(state, stage, status, carried.get("stage_started_at")):
        del carried["stage_started_at"]
    stays = (stage, status) == (state.stage, state.status)
    if stays and state.phase is not Phase.OPEN:
        _check_nothing_is_lost(state, carried, stored)
        if has_permission(role, Permission.EDIT):
            return "edit", _edit(state, note, carried)
    if stays and note is None:
        note = state.note  # saving a failure again needs no new reason
    if status == Status.CANCELLED != state.status and note == state.note:
        note = ""  # the old note isn't the reason for the cancellation
    return _MOVE_TO[Status(status)], TransitionRequest(stage=stage, status=status, note=note, fields=carried)


def _check_nothing_is_lost(state: ItemState, carried: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
    """Accepts a repeated save, but raises Refused rather than silently drop values that the item no longer accepts."""
    new = {name for name, value in carried.items() if value not in (None, "") and value != stored[name]}
    if lost := sorted(new - _SET_BY_THE_MOVE):
        sentence = _("This item is %(phase)s (%(now)s). A save can no longer change: %(lost)s.")
        words = {"phase": PHASE_WORDS[state.phase], "now": state, "lost": ", ".join(lost)}
        raise Refused("illegal", sentence % words)


def _is_former_stage_start(state: ItemState, stage: str, status: str, sent: datetime | None) -> bool:
    """Returns whether the time is the start of a former stage, as in a repeated save of the next stage."""
    if sent is None:
        return False
    if status == Status.PENDING:
        return True
    goes_on = status == state.status == Status.STARTED and stage == state.stage
    return goes_on and state.stage_started_at is not None and sent < state.stage_started_at


def _edit(state: ItemState, note: str | None, carried: Mapping[str, Any]) -> TransitionRequest:
    """Returns an admin's save of an item that no worker can change any more: flags and note, as on the page.

    The save that brought the item here can be repeated with its older flags, which then mean nothing.
    """
    fields = {name: value for name, value in carried.items() if name in MOVES["edit"].allows}
    if state.status != Status.FAILED:
        fields.pop("retry", None)  # it only means something for a failure
    elif fields.get("retry"):
        # If it was read before the failure became permanent, it would revive the item by accident.
        sentence = _(
            "This item is closed (%(now)s, retry off), and a save can't reopen it. Requeue it, or turn on “Retry” "
            "on its page."
        )
        raise Refused("illegal", sentence % {"now": state}, "retry")
    if state.status == Status.SUSPENDED and not fields.get("needs_admin_review"):
        fields.pop("needs_admin_review", None)  # a held item waits for an admin
    return TransitionRequest(note=None if note == state.note else note, fields=fields)


def _shown(value: Any) -> str:
    """Formats a value as the API does, so that it can be compared with what was sent."""
    if value is None or value == "":
        return _("not set")
    if isinstance(value, datetime):
        value = value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value).lower() if isinstance(value, bool) else f"“{value}”"
