"""Infers the move from a save: a client has read a complete record, changed it, and sent all of it back."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from pharos.accounts.roles import Permission, has_permission

from ..vocabulary import Status
from .moves import MOVES, PROCESS, SAVEABLE_FIELDS, ItemState, Refused, TransitionRequest
from .paths import PHASE_WORDS, Phase, is_on_path, position, retry_stages

# Fields that no client can change, and those that can be filled in once.
IMMUTABLE_FIELDS = ("name", "etag", "action", "institution_id", "bag_date")
WRITE_ONCE_FIELDS = ("object_identifier", "generic_file_identifier")
# Fields that the closing move itself sets, so they can differ when the save that closed the item is repeated.
_SET_BY_THE_MOVE = PROCESS | {"retry", "needs_admin_review", "stage_started_at"}
# Clients can cut times to milliseconds, so an earlier time is one that is earlier by this much.
_PRECISION = timedelta(milliseconds=1)
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
    state: ItemState,
    record: Mapping[str, Any],
    stored: Mapping[str, Any],
    *,
    requeued_at: datetime | None,
    is_retried: bool = False,
    stage_entered_at: datetime | None = None,
    is_abandoned: bool = False,
) -> None:
    """Raises Refused if the record was evidently read before another change.

    Records have no version, so this detects the harmful cases that can be seen: a second claim of an item that another
    process holds, queuing an item that a worker has claimed in the meantime, and a save from before a requeue (`requeued_at`;
    None: never requeued) or a retry (`is_retried`: whether there was one since).

    `stage_entered_at`: when the item reached its stage. `is_abandoned`: whether it has been left unchanged for so long
    that another process of the same node can take it over.
    """
    stage, status = record.get("stage") or state.stage, record.get("status") or state.status
    is_held = state.status == Status.STARTED and bool(state.node) and stage == state.stage
    if is_held and status == Status.STARTED:
        _check_claim(state, record, is_abandoned=is_abandoned)
    queued = record.get("queued_at")
    if is_held and status == Status.PENDING and queued and queued != stored["queued_at"]:
        raise _stale(_("%(node)s has already claimed this item at %(now)s, so it isn't queued again."), state)
    began = record.get("stage_started_at")
    if not began or began == stored["stage_started_at"]:
        return
    if requeued_at and began < requeued_at:
        raise _stale(
            _("This item has been requeued since the stage in your save started. It is now at %(now)s."), state
        )
    holder_began = stored["stage_started_at"] if is_retried else None
    if status == Status.STARTED and _is_overtaken(state, stage, began, holder_began, stage_entered_at):
        raise _stale(_("This item has moved since the stage in your save started. It is now at %(now)s."), state)


def _check_claim(state: ItemState, record: Mapping[str, Any], *, is_abandoned: bool) -> None:
    """Raises Refused if the record is a claim of an item that another process holds. A process is a node and a pid; where
    a pid isn't known, the node decides.
    """
    node, pid = record.get("node") or state.node, record.get("pid") or state.pid
    if node != state.node:
        raise _stale(_("%(node)s has already claimed this item at %(now)s."), state)
    if state.pid and pid != state.pid and not is_abandoned:
        raise _stale(_("Process %(pid)s of %(node)s has already claimed this item at %(now)s."), state)


def _is_overtaken(
    state: ItemState, stage: str, began: datetime, holder_began: datetime | None, entered_at: datetime | None
) -> bool:
    """Returns whether the item has left the stage that a save starts since that stage began.

    Going back is a retry, which must begin after the item reached its present stage. After a retry, a later stage must
    begin after the process that holds the item began (`holder_began`), or the save is from before the retry.
    """
    if not is_on_path(state.action, stage):
        return False
    here, target = position(state.action, state.stage), position(state.action, stage)
    if target < here:
        return entered_at is not None and began <= entered_at - _PRECISION
    held = state.status == Status.STARTED and state.is_held
    return target > here and held and holder_began is not None and began <= holder_began - _PRECISION


def _stale(sentence: str, state: ItemState) -> Refused:
    advice = _("Read it again before you continue.")
    return Refused("changed", f"{sentence % {'node': state.node, 'pid': state.pid, 'now': state}} {advice}")


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
    wanted = TransitionRequest(stage=stage, status=status, note=note, fields=carried)
    return "retry" if _is_retry(state, wanted) else _MOVE_TO[Status(status)], wanted


def _is_retry(state: ItemState, wanted: TransitionRequest) -> bool:
    """Returns whether a worker claims an open item again at an earlier stage."""
    is_claim = wanted.status == Status.STARTED and bool(wanted.fields.get("node"))
    return is_claim and state.phase is Phase.OPEN and wanted.stage in retry_stages(state.action, state.stage)


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
    if state.status == Status.CANCELLED:
        # The save that cancelled it can be repeated with the process that it was taken from.
        fields = {name: value for name, value in fields.items() if name not in PROCESS or not value}
    if state.status == Status.SUSPENDED and not fields.get("needs_admin_review"):
        fields.pop("needs_admin_review", None)  # a held item waits for an admin
    return TransitionRequest(note=None if note == state.note else note, fields=fields)


def _shown(value: Any) -> str:
    """Formats a value as the API does, so that it can be compared with what was sent."""
    if value is None or value == "":
        return _("not set")
    if isinstance(value, datetime):
        digits = "microseconds" if value.microsecond % 1000 else "milliseconds"
        value = value.astimezone(UTC).isoformat(timespec=digits).replace("+00:00", "Z")
    return str(value).lower() if isinstance(value, bool) else f"“{value}”"
