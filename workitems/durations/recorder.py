"""Records durations and outcomes, folds them, and rebuilds them from the histories."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from time import sleep
from typing import Any

from django.db import OperationalError, connection, models, transaction
from django.utils import timezone

from ..audit_log import read_histories
from ..models import OutcomeCount, StepTime, Typical, WorkItem
from .measurements import Entry, ItemOutcome, ItemProfile, StageDuration, measure, quarter_of, replay
from .scale import ALL_SIZES, quantile

# The PostgreSQL advisory lock held while folding or rebuilding, so that only one runs at a time.
FOLD_LOCK = 7_041_977_002
# After this many rows, a writer folds them all, so that readers add up few rows.
FOLD_EVERY = 512
WEEKS = 13  # the period covered by Typical and by the daily results of the overview
MIN_SAMPLES = 30  # with fewer times, there is no usual time
REFRESH_AFTER = timedelta(minutes=5)  # after this, folding also refreshes Typical
MAX_ATTEMPTS, RETRY_PAUSE = 600, 0.1  # attempts to get the lock for a rebuild, and seconds between them
_BATCH_SIZE = 1000  # items whose histories are read at once

_TABLES: tuple[tuple[type[models.Model], type[Any]], ...] = ((StepTime, StageDuration), (OutcomeCount, ItemOutcome))


def record_durations(facts: Iterable[StageDuration | ItemOutcome]) -> None:
    """Records the measurements of a change. Call it in the transaction that makes the change."""
    counted = Counter(facts)
    for table, kind in _TABLES:
        rows = [table(**fact._asdict(), number=n) for fact, n in counted.items() if isinstance(fact, kind)]
        if rows:
            made = table._default_manager.bulk_create(rows)
            if made[0].pk // FOLD_EVERY != (made[-1].pk + 1) // FOLD_EVERY:
                # After the commit, so that no change waits for the fold or fails with it.
                transaction.on_commit(fold, robust=True)


def fold() -> None:
    """Adds up the rows appended since the last fold. Does nothing while another fold is running."""
    with transaction.atomic():
        if not _acquire_lock():
            return
        for table, kind in _TABLES:
            _fold_table(table._meta.db_table, ", ".join(kind._fields))
        made_at = Typical.objects.values_list("made_at", flat=True).first()
        if made_at is None or made_at < timezone.now() - REFRESH_AFTER:
            refresh_typical(timezone.now())


def _acquire_lock(*, one_view: bool = False) -> bool:
    """Tries to take the lock until the end of this transaction, and returns whether it has it.

    With `one_view`, all statements of the transaction see the database as it is now.
    """
    if connection.vendor != "postgresql":  # on SQLite a transaction has the database to itself
        return True
    with connection.cursor() as cursor:
        if one_view and not connection.savepoint_ids:  # in tests the transaction has already started
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [FOLD_LOCK])
        [is_ours] = cursor.fetchone()
        return bool(is_ours)


def _fold_table(table: str, columns: str) -> None:
    # The statements contain only our own names.
    sums = (
        f"INSERT INTO {table} AS kept ({columns}, number, is_sum) SELECT {columns}, SUM(number), true FROM {{}}"  # noqa: S608
        f" GROUP BY {columns} ON CONFLICT ({columns}) WHERE is_sum DO UPDATE SET number = kept.number + excluded.number"
    )
    gone = f"DELETE FROM {table} WHERE NOT is_sum"  # noqa: S608
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # one statement, so that rows appended in the meantime aren't deleted
            cursor.execute(f"WITH taken AS ({gone} RETURNING *) {sums.format('taken')}")
        else:
            cursor.execute(sums.format(f"{table} WHERE NOT is_sum"))
            cursor.execute(gone)


def refresh_typical(now: datetime) -> None:
    """Recomputes the usual times from recent weeks. Deletes rows older than anything that is read."""
    since = _first_week(now)
    StepTime.objects.filter(week__lt=since - timedelta(weeks=WEEKS)).delete()
    OutcomeCount.objects.filter(quarter__lt=quarter_of(_midnight(since)), is_sum=True).delete()
    spread: dict[tuple[str, str, int], dict[int, int]] = {}
    times = StepTime.objects.filter(week__gte=since).order_by()
    columns = ("action", "stage", "band", "step")
    for action, stage, band, step, number in times.values_list(*columns).annotate(all=models.Sum("number")):
        for kind in ((action, stage, band), (action, stage, ALL_SIZES)):
            of_kind = spread.setdefault(kind, {})
            of_kind[step] = of_kind.get(step, 0) + number
    Typical.objects.all().delete()
    Typical.objects.bulk_create(_typical(*kind, steps, now) for kind, steps in spread.items() if has_enough(steps))


def _first_week(now: datetime) -> date:
    """Returns the Monday that starts the last WEEKS."""
    return now.date() - timedelta(days=now.weekday(), weeks=WEEKS)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def has_enough(steps: dict[int, int]) -> bool:
    return sum(steps.values()) >= MIN_SAMPLES


def _typical(action: str, stage: str, band: int, steps: dict[int, int], now: datetime) -> Typical:
    low, median, high, late = (quantile(steps, share) for share in (0.1, 0.5, 0.9, 0.95))
    found = {"number": sum(steps.values()), "low": low, "median": median, "high": high, "late": late}
    return Typical(action=action, stage=stage, band=band, made_at=now, **found)


Progress = Callable[[int], None]


def rebuild_durations(now: datetime, *, progress: Progress = lambda items: None) -> int:
    """Rebuilds this week and the last WEEKS from the histories.

    Exact even while others write: it reads one snapshot of the database, and rows appended in the meantime stay. Returns
    the number of items whose histories were read; `progress` is called with the number so far. Raises TimeoutError if
    another process holds the lock throughout.
    """
    for _try in range(MAX_ATTEMPTS):
        try:
            with transaction.atomic():
                if _acquire_lock(one_view=True):
                    return _rebuild(now, progress)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != "40001":  # another process folded just as we started
                raise
        sleep(RETRY_PAUSE)
    raise TimeoutError("Another process is updating the sums at the moment. Try again later.")


def _rebuild(now: datetime, progress: Progress) -> int:
    counted: Counter[StageDuration | ItemOutcome] = Counter()
    week, number = _first_week(now), 0
    first: dict[type[Any], Any] = {
        StageDuration: week,
        ItemOutcome: quarter_of(_midnight(week)),
    }  # the first field of a measurement is its time
    for rows in _in_batches(WorkItem.objects.filter(updated_at__gte=_midnight(week))):
        counted.update(fact for fact in _measure_histories(rows) if fact[0] >= first[type(fact)])
        number += len(rows)
        progress(number)
    for table, kind in _TABLES:
        table._default_manager.filter(**{f"{kind._fields[0]}__gte": first[kind]}).delete()
        sums = [table(**fact._asdict(), number=n, is_sum=True) for fact, n in counted.items() if isinstance(fact, kind)]
        table._default_manager.bulk_create(sums, batch_size=5000)
    refresh_typical(now)
    return number


_COLUMNS = ("id", "version", "action", "institution_id", "size", "date", "retry")


def _in_batches(items: models.QuerySet[Any]) -> Iterator[list[tuple[Any, ...]]]:
    piece: list[tuple[Any, ...]] = []
    for row in items.values_list(*_COLUMNS).iterator(chunk_size=_BATCH_SIZE):
        piece.append(row)
        if len(piece) == _BATCH_SIZE:
            yield piece
            piece = []
    yield piece


def _measure_histories(rows: Sequence[tuple[Any, ...]]) -> Iterator[StageDuration | ItemOutcome]:
    histories = _read_entries({row[0]: row[1] for row in rows})
    for pk, _version, action, institution, size, received, retry in rows:
        bag = ItemProfile(action, institution, size, received)
        for entry, before, after in replay(histories.get(pk, []), retry):
            yield from measure(bag, entry.move, before, after, entry.at)


def _read_entries(versions: dict[int, int]) -> dict[int, list[Entry]]:
    """Returns {item id: its entries} for items given as {id: version}."""
    return {
        pk: [Entry(*values) for values in entries] for pk, entries in read_histories(versions, Entry._fields).items()
    }


def backfill_stage_entered_at(*, progress: Progress = lambda items: None) -> int:
    """Sets `stage_entered_at` of moving items that lack it, from their histories, a batch per transaction.

    Imported items lack it, and items that are older than the column. Returns how many items were examined.
    """
    unknown = WorkItem.objects.moving().filter(stage_entered_at=None).order_by("pk")
    last, number = 0, 0
    while rows := list(unknown.filter(pk__gt=last).values_list("pk", "version", "retry")[:_BATCH_SIZE]):
        histories = _read_entries({pk: version for pk, version, _retry in rows})
        with transaction.atomic():
            for pk, version, retry in rows:
                positions = [after for _entry, _before, after in replay(histories.get(pk, []), retry)]
                if positions:
                    # If the item has changed in the meantime, that change has set the right time.
                    WorkItem.objects.filter(pk=pk, version=version).update(stage_entered_at=positions[-1].entered_at)
        last, number = rows[-1][0], number + len(rows)
        progress(number)
    return number
