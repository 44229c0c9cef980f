"""The verbs: one function for each move, with one item.

Keywords common to all: `by` whom; `via` "page", "api", "import" or "command"; `version` that the caller has seen (refused if
the item has moved on since; None: whatever it is now); `at` what time it is (a demo plays the past). Other keywords are columns
that the move may change. All raise lifecycle.Refused and then change nothing; all leave the item as its row is now, and
return it.
"""

from typing import Any

from ..lifecycle import TransitionRequest
from ..models import WorkItem
from ..vocabulary import Status
from .batch import apply


def progress(
    item: WorkItem, *, stage: str | None = None, status: str = Status.STARTED, note: str | None = None, **context: Any
) -> WorkItem:
    """A worker takes it up, goes on to a later stage, or hands it back to wait."""
    return _move(item, "progress", stage, status, note, context)


def succeed(item: WorkItem, *, stage: str | None = None, note: str | None = None, **context: Any) -> WorkItem:
    return _move(item, "succeed", stage, Status.SUCCESS, note, context)


def fail(item: WorkItem, *, note: str, retry: bool, stage: str | None = None, **context: Any) -> WorkItem:
    """`retry`: a temporary problem that the system will try again by itself; without, the failure is final."""
    return _move(item, "fail", stage, Status.FAILED, note, {"retry": retry, **context})


def suspend(item: WorkItem, *, note: str, **context: Any) -> WorkItem:
    """Workers stop until an admin has decided."""
    return _move(item, "suspend", None, Status.SUSPENDED, note, context)


def cancel(item: WorkItem, *, note: str, stage: str | None = None, **context: Any) -> WorkItem:
    """`stage` counts for a worker's cancel only; an admin's leads to Resolve."""
    return _move(item, "cancel", stage, Status.CANCELLED, note, context)


def requeue(item: WorkItem, *, stage: str | None = None, note: str | None = None, **context: Any) -> WorkItem:
    """Back to wait at `stage`, by default where it stopped. Without a note, the one that it has stays."""
    return _move(item, "requeue", stage, Status.PENDING, note or None, context)


def review(item: WorkItem, *, reviewed: bool = True, **context: Any) -> WorkItem:
    """Sets the flag to a value, never flips it."""
    return _move(item, "review" if reviewed else "unreview", None, None, None, context)


def edit(item: WorkItem, *, note: str | None = None, **context: Any) -> WorkItem:
    """Corrects `retry`, `needs_admin_review`, `node`, `pid` or the note."""
    return _move(item, "edit", None, None, note, context)


def notify(item: WorkItem, **context: Any) -> WorkItem:
    """Records that the institution's staff are told of a restored copy: once. `spot_test` makes it and mails them."""
    # Clients look for these words, so they are in no other language.
    return _move(item, "notify", None, None, f"Email sent to admins at {item.institution.name}", context)


def _move(
    item: WorkItem, name: str, stage: str | None, status: str | None, note: str | None, context: dict[str, Any]
) -> WorkItem:
    call = {key: context.pop(key) for key in ("by", "via", "version", "at") if key in context}
    wanted = TransitionRequest(stage=stage, status=status, note=note, fields=context)
    [result] = apply(name, [item.pk], wanted, versions={item.pk: call.pop("version", None)}, **call)
    if result.item is not None:
        for column in item._meta.concrete_fields:
            setattr(item, column.attname, getattr(result.item, column.attname))
    if result.refused:
        raise result.refused
    return item
