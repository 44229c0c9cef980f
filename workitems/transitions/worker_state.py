"""What a worker writes down of its progress with an item: read and saved whole, compressed at rest.

It comes with nearly every save of a worker and may have tens of MB, so saving it is no entry in the item's history and
leaves the item itself as it is.
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
# Of 22.6 MB of JSON as workers send it, level 1 leaves 27 % at 150 MB a second; level 6 leaves 24 %, at 60 MB a second.
_LEVEL = 1


class WorkerStateTooLarge(Exception):
    """A state of more than WORKER_STATE_LIMIT bytes. The sentence says how large it is, and how large it may be."""

    def __init__(self, size: int):
        sentence = _("This state has {size:,} bytes, but at most {limit:,} bytes (64 MiB) can be stored.")
        self.sentence = sentence.format(size=size, limit=WORKER_STATE_LIMIT)
        self.size = size
        super().__init__(self.sentence)


def stored_worker_state(item: WorkItem) -> tuple[str, str] | None:
    """What was saved last, as (action, text); None where nothing ever was."""
    found = WorkItemState.objects.filter(pk=item.pk).values_list("action", "packed").first()
    return (found[0], zlib.decompress(found[1]).decode()) if found else None


def save_worker_state(
    item: WorkItem, *, text: str | None, action: str | None, by: User, now: datetime
) -> tuple[WorkItemState, bool]:
    """Stores the text in place of the former one; also says whether it is the item's first state.

    `action` is what the worker calls its task; blank, it is the item's. Of two at once, the later one stays, whole. What comes
    back has not fetched the text again. Raises Refused or WorkerStateTooLarge, and then nothing is changed.
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
        WorkItem.objects.select_for_update().only("pk").get(pk=item.pk)  # else two could both find that none is there
        created = not WorkItemState.objects.filter(pk=item.pk).update(**values)
        if created:
            WorkItemState.objects.create(pk=item.pk, created_at=now, **values)
        return WorkItemState.objects.defer("packed").get(pk=item.pk), created


def _utf8(text: str) -> bytes:
    """The text as it is stored; raises Refused for what is none."""
    if not isinstance(text, str):
        raise Refused("invalid", _("“state” must be text."), "state")
    if "\0" in text:
        raise Refused("invalid", _("“state” contains a NUL character. Remove it."), "state")
    try:
        return text.encode()
    except UnicodeEncodeError:
        sentence = _("“state” contains half a surrogate pair, which isn't a valid character. Remove it.")
        raise Refused("invalid", sentence, "state") from None
