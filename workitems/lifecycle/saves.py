"""What a client means that has read a whole item, altered it, and sent all of it back."""

from collections.abc import Mapping
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
    may be made is for `decide`.
    """
    stage = record.get("stage") or facts.stage
    status = record.get("status") or facts.status
    note = record.get("note")
    carried = {name: value for name, value in record.items() if name in CARRIED}
    stays = (stage, status) == (facts.stage, facts.status)
    if stays and facts.phase is not Phase.OPEN and may(role, Permission.EDIT):
        return "edit", _edit(facts, note, carried)
    return _MOVE_TO[Status(status)], Wanted(stage=stage, status=status, note=note, fields=carried)


def _edit(facts: Facts, note: str | None, carried: Mapping[str, Any]) -> Wanted:
    """An admin's save of an item that no worker may touch any more: flags and note, as on the page."""
    fields = {name: value for name, value in carried.items() if name in MOVES["edit"].allows}
    if facts.status != Status.FAILED:
        # Only of a failure does it say anything; a save that brought the item here and is sent again still has it on.
        fields.pop("retry", None)
    return Wanted(note=None if note == facts.note else note, fields=fields)


def _shown(value: Any) -> str:
    return _("not set") if value in (None, "") else f"“{value}”"
