"""What a client means that has read a whole item, altered it, and sent all of it back."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from pharos.accounts.roles import Permission, may

from ..vocabulary import Status
from .moves import CARRIED, MOVES, PROCESS, ItemState, Refused, TransitionRequest
from .paths import PHASE_WORDS, Phase

# What a record says of an item that no client can change, and what it may fill in, once.
FIXED = ("name", "etag", "action", "institution_id", "bag_date")
SETTLED = ("object_identifier", "generic_file_identifier")
# What may differ in the save that has closed an item when it comes again: the move itself has set it.
_SET_BY_THE_MOVE = PROCESS | {"retry", "needs_admin_review", "stage_started_at"}
_MOVE_TO = {
    Status.PENDING: "progress",
    Status.STARTED: "progress",
    Status.SUCCESS: "succeed",
    Status.FAILED: "fail",
    Status.SUSPENDED: "suspend",
    Status.CANCELLED: "cancel",
}


def check_fixed(record: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
    """Raises Refused at the first fixed value that the record would change."""
    for name in (*FIXED, *SETTLED):
        may_be_filled = name in SETTLED and not (record.get(name) and stored[name])
        if name in record and record[name] != stored[name] and not may_be_filled:
            sentence = _("“%(name)s” of an item never changes by a save: it is %(now)s.")
            raise Refused("invalid", sentence % {"name": name, "now": _shown(stored[name])}, name)


def check_fresh(
    facts: ItemState, record: Mapping[str, Any], stored: Mapping[str, Any], *, requeued_at: datetime | None
) -> None:
    """Raises Refused where the record tells that it was read before somebody else's change: of two at once, one is told.

    Records carry no version, so this sees what does harm and can be seen: a second claim of what another node has begun, an
    item queued again that a worker has taken up meanwhile, and a save of before a requeue (at `requeued_at`, None: never).
    """
    stage, status = record.get("stage") or facts.stage, record.get("status") or facts.status
    is_held = facts.status == Status.STARTED and bool(facts.node) and stage == facts.stage
    if is_held and status == Status.STARTED and record.get("node") not in (None, "", facts.node):
        raise _stale(_("%(node)s has taken up this item at %(now)s."), facts)
    queued = record.get("queued_at")
    if is_held and status == Status.PENDING and queued and queued != stored["queued_at"]:
        raise _stale(_("%(node)s has taken up this item at %(now)s, so it is not queued again."), facts)
    began = record.get("stage_started_at")
    if began and requeued_at and began < requeued_at and began != stored["stage_started_at"]:
        raise _stale(_("This item was requeued since the stage began that you save; it is at %(now)s."), facts)


def _stale(sentence: str, facts: ItemState) -> Refused:
    advice = _("Read it again before you go on.")
    return Refused("changed", f"{sentence % {'node': facts.node, 'now': facts}} {advice}")


def move_meant(
    facts: ItemState, record: Mapping[str, Any], stored: Mapping[str, Any], *, role: str
) -> tuple[str, TransitionRequest]:
    """The move that a record of an item in this state asks for. What the record does not name stays as it is.

    It is never a requeue: a record that was read before a cancel would revive what the cancel has ended. Whether the move
    may be made is for `decide`. Raises Refused where only a move that no record means would do.
    """
    stage = record.get("stage") or facts.stage
    status = record.get("status") or facts.status
    note = record.get("note")
    carried = {name: value for name, value in record.items() if name in CARRIED and (value or name not in SETTLED)}
    if _is_of_before(facts, stage, status, carried.get("stage_started_at")):
        del carried["stage_started_at"]
    stays = (stage, status) == (facts.stage, facts.status)
    if stays and facts.phase is not Phase.OPEN:
        _check_nothing_is_lost(facts, carried, stored)
        if may(role, Permission.EDIT):
            return "edit", _edit(facts, note, carried)
    if stays and note is None:
        note = facts.note  # a failure that is only saved again needs no new reason
    if status == Status.CANCELLED != facts.status and note == facts.note:
        note = ""  # what it says already is not why it is cancelled
    return _MOVE_TO[Status(status)], TransitionRequest(stage=stage, status=status, note=note, fields=carried)


def _check_nothing_is_lost(facts: ItemState, carried: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
    """The same save again is fine; values that the item does not take any more are not dropped in silence."""
    new = {name for name, value in carried.items() if value not in (None, "") and value != stored[name]}
    if lost := sorted(new - _SET_BY_THE_MOVE):
        sentence = _("This item is %(phase)s (%(now)s); a save does not change these any more: %(lost)s.")
        words = {"phase": PHASE_WORDS[facts.phase], "now": facts, "lost": ", ".join(lost)}
        raise Refused("illegal", sentence % words)


def _is_of_before(facts: ItemState, stage: str, status: str, sent: datetime | None) -> bool:
    """Whether a time is when a former stage began: the save that has left that stage still has it when it is sent again."""
    if sent is None:
        return False
    if status == Status.PENDING:
        return True
    goes_on = status == facts.status == Status.STARTED and stage == facts.stage
    return goes_on and facts.stage_started_at is not None and sent < facts.stage_started_at


def _edit(facts: ItemState, note: str | None, carried: Mapping[str, Any]) -> TransitionRequest:
    """An admin's save of an item that no worker may touch any more: flags and note, as on the page.

    The save that brought the item here may be sent again, with flags as they were before it: those say nothing.
    """
    fields = {name: value for name, value in carried.items() if name in MOVES["edit"].allows}
    if facts.status != Status.FAILED:
        fields.pop("retry", None)  # only of a failure does it say anything
    elif fields.get("retry"):
        # Read before the failure became final, it would revive the item; whoever looks at the page sees what he does.
        sentence = _(
            "This item is closed (%(now)s, retry off), and a save does not open it again: requeue it, or switch retry on on its page."
        )
        raise Refused("illegal", sentence % {"now": facts}, "retry")
    if facts.status == Status.SUSPENDED and not fields.get("needs_admin_review"):
        fields.pop("needs_admin_review", None)  # as long as it is held, it waits for an admin
    return TransitionRequest(note=None if note == facts.note else note, fields=fields)


def _shown(value: Any) -> str:
    """A value as the API writes it, so that it can be compared with what was sent."""
    if value is None or value == "":
        return _("not set")
    if isinstance(value, datetime):
        value = value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value).lower() if isinstance(value, bool) else f"“{value}”"
