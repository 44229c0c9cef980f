"""Records failures from notes that are already stored: those that were written around transitions, and all of them again when
causes are worked out in another way.

Workers go on writing meanwhile. Each batch is a transaction of its own that locks the recorded failures and then reads the
notes, so what a worker saves at the same time is never replaced with something older.
"""

from collections.abc import Callable, Iterable, Iterator

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, ProtectedError, QuerySet

from ..audit_log import read_histories
from ..models import Cause, Failure, WorkItem
from ..vocabulary import Status
from .recorder import FailureRecord, failed_items, names_of, record_failures

_BATCH_SIZE = 500
_ORPHANS_BATCH_SIZE = 100

Progress = Callable[[int], None]


def backfill_failures(items: QuerySet[WorkItem], *, progress: Progress = lambda number: None) -> int:
    """Records failures of these items that haven't been recorded yet, a batch per transaction. Returns how many."""
    unknown = items.filter(status=Status.FAILED, failure=None).select_related("institution").order_by("pk")
    last, number = 0, 0
    while rows := list(unknown.filter(pk__gt=last)[:_BATCH_SIZE]):
        with transaction.atomic():
            record_failures(failed_items(rows))
        last, number = rows[-1].pk, number + len(rows)
        progress(number)
    return number


def rework_causes(*, progress: Progress = lambda number: None) -> int:
    """Works out the cause of each recorded failure again, then deletes the causes that no failure has. Returns how many
    failures there were.
    """
    last, number = 0, 0
    while ids := list(Failure.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:_BATCH_SIZE]):
        with transaction.atomic():
            locked = Failure.objects.select_for_update().filter(pk__in=ids).order_by("pk")
            times = dict(locked.values_list("pk", "at"))
            items = WorkItem.objects.select_related("institution").filter(pk__in=ids)
            record_failures(_recorded(items, times), is_new=False)
        last, number = ids[-1], number + len(ids)
        progress(number)
    _delete_orphans()
    return number


def _recorded(items: Iterable[WorkItem], times: dict) -> Iterator[FailureRecord]:
    """The failures of these items, with the note of each failure: an item that went on has another note by now."""
    listed = list(items)
    went_on = {item.pk: item.version for item in listed if item.status != Status.FAILED}
    notes = {pk: _note_of_failure(entries) for pk, entries in read_histories(went_on, ("status_after", "note")).items()}
    for item in listed:
        note = item.note if item.status == Status.FAILED else notes.get(item.pk)
        if note is not None:
            yield FailureRecord(item.pk, item.institution_id, note, times[item.pk], names_of(item))


def _note_of_failure(entries: list[tuple]) -> str | None:
    """The note of the last entry of a history in which the item was failed; None without one."""
    return next((note for status, note in reversed(entries) if status == Status.FAILED), None)


def _delete_orphans() -> None:
    """Deletes the causes without a failure. One that a worker needs again at this moment is left for the next time."""
    unused = Cause.objects.filter(~Exists(Failure.objects.filter(cause=OuterRef("pk")))).order_by("pk")
    last = 0
    while ids := list(unused.filter(pk__gt=last).values_list("pk", flat=True)[:_ORPHANS_BATCH_SIZE]):
        try:
            with transaction.atomic():
                Cause.objects.filter(pk__in=ids).delete()
                connection.check_constraints()
        except (IntegrityError, ProtectedError):
            pass
        last = ids[-1]
