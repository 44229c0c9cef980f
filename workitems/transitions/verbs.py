"""One function for each move, for a single item.

All functions take these keywords:

- `by`: the user who makes the move
- `via`: "page" (the default), "api", "import", or "command"
- `version`: the version that the caller has seen; a changed item is refused, None means any
- `at`: the time of the move, if not now (the demo makes moves in the past)

Other keywords are columns that the move can change. The functions update the item in memory to its current row and return
it. They raise lifecycle.Refused if the move can't be made; then nothing is changed.
"""

from typing import Any

from ..lifecycle import TransitionRequest
from ..models import WorkItem
from ..vocabulary import Status
from .batch import apply


def progress(
    item: WorkItem, *, stage: str | None = None, status: str = Status.STARTED, note: str | None = None, **context: Any
) -> WorkItem:
    """Starts a stage, advances the item to a later one, or makes it wait for a worker (Pending)."""
    return _move(item, "progress", stage, status, note, context)


def retry(item: WorkItem, *, stage: str, node: str, note: str | None = None, **context: Any) -> WorkItem:
    """Claims an item again for a process, at a stage that it had already passed."""
    return _move(item, "retry", stage, Status.STARTED, note, {"node": node, **context})


def succeed(item: WorkItem, *, stage: str | None = None, note: str | None = None, **context: Any) -> WorkItem:
    return _move(item, "succeed", stage, Status.SUCCESS, note, context)


def fail(item: WorkItem, *, note: str, retry: bool, stage: str | None = None, **context: Any) -> WorkItem:
    """`retry`: True if the problem is temporary and the item will be retried; False if the failure is permanent."""
    return _move(item, "fail", stage, Status.FAILED, note, {"retry": retry, **context})


def suspend(item: WorkItem, *, note: str, **context: Any) -> WorkItem:
    """Puts the item on hold until an admin has decided."""
    return _move(item, "suspend", None, Status.SUSPENDED, note, context)


def cancel(item: WorkItem, *, note: str, stage: str | None = None, **context: Any) -> WorkItem:
    """Ends the item and releases it. `stage` only applies to a service's cancel; an admin's cancel always leads to Resolve."""
    return _move(item, "cancel", stage, Status.CANCELLED, note, context)


def requeue(item: WorkItem, *, stage: str | None = None, note: str | None = None, **context: Any) -> WorkItem:
    """Sends the item back to `stage`, by default where it stopped, to wait for a worker. Without a note, the old one stays."""
    return _move(item, "requeue", stage, Status.PENDING, note or None, context)


def review(item: WorkItem, *, reviewed: bool = True, note: str | None = None, **context: Any) -> WorkItem:
    """Sets the flag to a value; it never toggles. A note is added to the item's note; a damaged copy needs one."""
    return _move(item, "review" if reviewed else "unreview", None, None, note if reviewed else None, context)


def edit(item: WorkItem, *, note: str | None = None, **context: Any) -> WorkItem:
    """Corrects `retry`, `needs_admin_review`, `node`, `pid`, or the note."""
    return _move(item, "edit", None, None, note, context)


def notify(item: WorkItem, **context: Any) -> WorkItem:
    """Records that the institution's staff have been notified of a restored copy. `mailing` queues the email."""
    # Clients search for these words, so they aren't translated.
    return _move(item, "notify", None, None, f"Email sent to admins at {item.institution.name}", context)


def _move(
    item: WorkItem, name: str, stage: str | None, status: str | None, note: str | None, context: dict[str, Any]
) -> WorkItem:
    call = {key: context.pop(key) for key in ("by", "via", "version", "at") if key in context}
    requested = TransitionRequest(stage=stage, status=status, note=note, fields=context)
    [result] = apply(name, [item.pk], requested, versions={item.pk: call.pop("version", None)}, **call)
    if result.item is not None:
        for column in item._meta.concrete_fields:
            setattr(item, column.attname, getattr(result.item, column.attname))
    if result.refused:
        raise result.refused
    return item
