"""What a client means that has read a whole item, altered it, and sent all of it back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from pharos.accounts.roles import Permission, may

from ..vocabulary import Status
from .paths import Phase
from .rules import CARRIED, MOVES, Facts, Refused, Wanted

# What a record says of an item that no client can change.
FIXED = ("id", "name", "etag", "action", "institution_id", "bag_date", "created_at", "reviewed")
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
    for name in FIXED:
        if name in record and record[name] != stored[name]:
            sentence = _("“%(name)s” of an item never changes by a save: it is %(now)s.")
            raise Refused("invalid", sentence % {"name": name, "now": _shown(stored[name])}, name)


def move_meant(facts: Facts, record: Mapping[str, Any], *, role: str) -> tuple[str, Wanted]:
    """The move that a record of an item in this state asks for. What the record does not name stays as it is.

    It is never a requeue: a record that was read before a cancel would revive what the cancel has ended. Whether the move
    may be made is for `decide`. Raises Refused where only a move that no record means would do.
    """
    stage = record.get("stage") or facts.stage
    status = record.get("status") or facts.status
    note = record.get("note")
    carried = {name: value for name, value in record.items() if name in CARRIED}
    if _is_of_before(facts, stage, status, carried.get("stage_started_at")):
        del carried["stage_started_at"]
    stays = (stage, status) == (facts.stage, facts.status)
    if stays and facts.phase is not Phase.OPEN and may(role, Permission.EDIT):
        return "edit", _edit(facts, note, carried)
    if stays and note is None:
        note = facts.note  # a failure that is only saved again needs no new reason
    return _MOVE_TO[Status(status)], Wanted(stage=stage, status=status, note=note, fields=carried)


def _is_of_before(facts: Facts, stage: str, status: str, sent: datetime | None) -> bool:
    """Whether a time is when a former stage began: the save that has left that stage still has it when it is sent again."""
    if sent is None:
        return False
    if status == Status.PENDING:
        return True
    goes_on = status == facts.status == Status.STARTED and stage == facts.stage
    return goes_on and facts.stage_started_at is not None and sent < facts.stage_started_at


def _edit(facts: Facts, note: str | None, carried: Mapping[str, Any]) -> Wanted:
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
    return Wanted(note=None if note == facts.note else note, fields=fields)


def _shown(value: Any) -> str:
    return _("not set") if value in (None, "") else f"“{value}”"
