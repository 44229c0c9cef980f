"""Reads and saves a worker's record of its progress on an item, which is stored compressed.

Workers send it with nearly every save, and it can be tens of MB. Therefore saving it adds no history entry and doesn't
change the item.
"""

import zlib
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from pharos.accounts.models import User
from pharos.accounts.roles import Permission

from ..lifecycle import Refused
from ..models import WorkItem, WorkItemState
from .values import check_values

WORKER_STATE_LIMIT = 64 * 1024 * 1024  # bytes of UTF-8
# For 22.6 MB of JSON from workers, level 1 compresses to 27 % at 150 MB/s, level 6 to 24 % at 60 MB/s.
_LEVEL = 1


class WorkerStateTooLarge(Exception):
    """A state larger than WORKER_STATE_LIMIT bytes. The sentence says how large it is and how large it can be."""

    def __init__(self, size: int):
        sentence = _("This state has {size:,} bytes, but at most {limit:,} bytes (64 MiB) can be stored.")
        self.sentence = sentence.format(size=size, limit=WORKER_STATE_LIMIT)
        self.size = size
        super().__init__(self.sentence)


def read_worker_state(item: WorkItem) -> tuple[str, str] | None:
    """Returns the last saved state as (action, text), or None if there is none."""
    found = WorkItemState.objects.filter(pk=item.pk).values_list("action", "packed").first()
    return (found[0], zlib.decompress(found[1]).decode()) if found else None


def save_worker_state(
    item: WorkItem, *, text: str | None, action: str | None, by: User, now: datetime
) -> tuple[WorkItemState, bool]:
    """Replaces the item's state. Returns it, and whether it is the item's first state.

    `action` is what the worker calls its task, by default the item's action. If two states are saved at once, the later
    one remains. The returned row hasn't loaded the text. Raises Refused or WorkerStateTooLarge without changing anything.
    """
    if not by.can(Permission.PROGRESS):
        raise Refused("forbidden", _("Your role doesn't allow this. Only services and admins can save a state."))
    action = action or item.action
    check_values(WorkItemState, {"action": action})
    data = _utf8(text or "")
    if len(data) > WORKER_STATE_LIMIT:
        raise WorkerStateTooLarge(len(data))
    values = {"action": action, "packed": zlib.compress(data, _LEVEL), "length": len(data), "updated_at": now}
    with transaction.atomic():
        WorkItem.objects.select_for_update().only("pk").get(pk=item.pk)  # otherwise two callers could both find no row
        created = not WorkItemState.objects.filter(pk=item.pk).update(**values)
        if created:
            WorkItemState.objects.create(pk=item.pk, created_at=now, **values)
        return WorkItemState.objects.defer("packed").get(pk=item.pk), created


def _utf8(text: str) -> bytes:
    """Encodes the text. Raises Refused if it can't be stored."""
    if not isinstance(text, str):
        raise Refused("invalid", _("“state” must be text."), "state")
    if "\0" in text:
        raise Refused("invalid", _("“state” contains a NUL character. Remove it."), "state")
    try:
        return text.encode()
    except UnicodeEncodeError:
        sentence = _("“state” contains half a surrogate pair, which isn't a valid character. Remove it.")
        raise Refused("invalid", sentence, "state") from None
