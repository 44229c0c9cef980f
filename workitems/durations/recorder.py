"""Appending to what is kept of times and outcomes, summing it up, and working it out anew from the histories."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from time import sleep
from typing import Any

from django.db import OperationalError, connection, models, transaction
from django.utils import timezone

from ..audit_log import whole
from ..models import OutcomeCount, StepTime, Typical, WorkItem
from .scale import ALL_SIZES, at_share
from .steps import Bag, Ended, Entry, Taken, added, quarter_of, walked

# Whoever sums up, or works it out anew, holds this lock of PostgreSQL's, so that there is only ever one.
SUMMING = 7_041_977_002
# Whoever appends one of every so many rows sums them all up, so that readers add up few rows.
SUM_EVERY = 512
WEEKS = 13  # that Typical, and the days of the overview, tell of
FEWEST = 30  # times; from fewer, nothing is said
LASTS = timedelta(minutes=5)  # after which Typical is worked out again, when somebody sums up
TRIES, PAUSE = 600, 0.1  # of working it out anew, while somebody sums up; seconds
_PIECE = 1000  # items of which the histories are read at once

_TABLES: tuple[tuple[type[models.Model], type[Any]], ...] = ((StepTime, Taken), (OutcomeCount, Ended))


def append(facts: Iterable[Taken | Ended]) -> None:
    """Notes what has happened, within the transaction that makes it happen."""
    counted = Counter(facts)
    for table, kind in _TABLES:
        rows = [table(**fact._asdict(), number=n) for fact, n in counted.items() if isinstance(fact, kind)]
        if rows:
            made = table._default_manager.bulk_create(rows)
            if made[0].pk // SUM_EVERY != (made[-1].pk + 1) // SUM_EVERY:
                # Afterwards, so that nobody's change waits for it, or fails with it.
                transaction.on_commit(sum_up, robust=True)


def sum_up() -> None:
    """Adds up the rows that were appended since the last time; nothing while somebody else is at it."""
    with transaction.atomic():
        if not _is_ours_to_do():
            return
        for table, kind in _TABLES:
            _sum_up(table._meta.db_table, ", ".join(kind._fields))
        made_at = Typical.objects.values_list("made_at", flat=True).first()
        if made_at is None or made_at < timezone.now() - LASTS:
            work_out_typical(timezone.now())


def _is_ours_to_do(*, one_view: bool = False) -> bool:
    """Whether nobody else is at it, until the end of this transaction. `one_view`: all of it sees the database as it is now."""
    if connection.vendor != "postgresql":  # there, a transaction has the database to itself
        return True
    with connection.cursor() as cursor:
        if one_view and not connection.savepoint_ids:  # a test's transaction has begun already
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SUMMING])
        [is_ours] = cursor.fetchone()
        return bool(is_ours)


def _sum_up(table: str, columns: str) -> None:
    # Only names of ours are in it.
    sums = (
        f"INSERT INTO {table} AS kept ({columns}, number, is_sum) SELECT {columns}, SUM(number), true FROM {{}}"  # noqa: S608
        f" GROUP BY {columns} ON CONFLICT ({columns}) WHERE is_sum DO UPDATE SET number = kept.number + excluded.number"
    )
    gone = f"DELETE FROM {table} WHERE NOT is_sum"  # noqa: S608
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # in one statement: what comes meanwhile is neither summed up nor deleted
            cursor.execute(f"WITH taken AS ({gone} RETURNING *) {sums.format('taken')}")
        else:
            cursor.execute(sums.format(f"{table} WHERE NOT is_sum"))
            cursor.execute(gone)


def work_out_typical(now: datetime) -> None:
    """What is usual, out of the last weeks. What is older than anybody asks for is forgotten."""
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
    Typical.objects.bulk_create(_typical(*kind, steps, now) for kind, steps in spread.items() if enough(steps))


def _first_week(now: datetime) -> date:
    """The Monday that the last WEEKS begin with."""
    return now.date() - timedelta(days=now.weekday(), weeks=WEEKS)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def enough(steps: dict[int, int]) -> bool:
    return sum(steps.values()) >= FEWEST


def _typical(action: str, stage: str, band: int, steps: dict[int, int], now: datetime) -> Typical:
    low, median, high, late = (at_share(steps, share) for share in (0.1, 0.5, 0.9, 0.95))
    found = {"number": sum(steps.values()), "low": low, "median": median, "high": high, "late": late}
    return Typical(action=action, stage=stage, band=band, made_at=now, **found)


Progress = Callable[[int], None]


def work_out_anew(now: datetime, *, progress: Progress = lambda items: None) -> int:
    """Works everything of this week and the last WEEKS out of the histories again.

    Exact, whoever writes meanwhile: it goes by one view of the database, and what was appended beside it stays. Returns of how
    many items the histories were read; `progress` is told now and then how many so far.
    """
    for _try in range(TRIES):
        try:
            with transaction.atomic():
                if _is_ours_to_do(one_view=True):
                    return _work_out_anew(now, progress)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != "40001":  # somebody has summed up just as we began
                raise
        sleep(PAUSE)
    raise TimeoutError("Another process is updating the sums at the moment. Try again later.")


def _work_out_anew(now: datetime, progress: Progress) -> int:
    counted: Counter[Taken | Ended] = Counter()
    week, number = _first_week(now), 0
    first: dict[type[Any], Any] = {Taken: week, Ended: quarter_of(_midnight(week))}  # a fact begins with its time
    for rows in _in_pieces(WorkItem.objects.filter(updated_at__gte=_midnight(week))):
        counted.update(fact for fact in _facts(rows) if fact[0] >= first[type(fact)])
        number += len(rows)
        progress(number)
    for table, kind in _TABLES:
        table._default_manager.filter(**{f"{kind._fields[0]}__gte": first[kind]}).delete()
        sums = [table(**fact._asdict(), number=n, is_sum=True) for fact, n in counted.items() if isinstance(fact, kind)]
        table._default_manager.bulk_create(sums, batch_size=5000)
    work_out_typical(now)
    return number


_COLUMNS = ("id", "version", "action", "institution_id", "size", "date", "retry")


def _in_pieces(items: models.QuerySet[Any]) -> Iterator[list[tuple[Any, ...]]]:
    piece: list[tuple[Any, ...]] = []
    for row in items.values_list(*_COLUMNS).iterator(chunk_size=_PIECE):
        piece.append(row)
        if len(piece) == _PIECE:
            yield piece
            piece = []
    yield piece


def _facts(rows: Sequence[tuple[Any, ...]]) -> Iterator[Taken | Ended]:
    histories = histories_of({row[0]: row[1] for row in rows})
    for pk, _version, action, institution, size, received, retry in rows:
        bag = Bag(action, institution, size, received)
        for entry, before, after in walked(histories.get(pk, []), retry):
            yield from added(bag, entry.move, before, after, entry.at)


def histories_of(versions: dict[int, int]) -> dict[int, list[Entry]]:
    """{item: its entries}, of items {id: version}."""
    return {pk: [Entry(*values) for values in entries] for pk, entries in whole(versions, Entry._fields).items()}


def set_stages_begun(*, progress: Progress = lambda items: None) -> int:
    """Sets, from its history, when each open item came to its stage, where that is not known; a piece in a transaction.

    For what came by an import, or is older than the column. Returns of how many.
    """
    unknown = WorkItem.objects.moving().filter(stage_entered_at=None).order_by("pk")
    last, number = 0, 0
    while rows := list(unknown.filter(pk__gt=last).values_list("pk", "version", "retry")[:_PIECE]):
        histories = histories_of({pk: version for pk, version, _retry in rows})
        with transaction.atomic():
            for pk, version, retry in rows:
                where = [after for _entry, _before, after in walked(histories.get(pk, []), retry)]
                if where:
                    # Whoever has moved it meanwhile has said it better.
                    WorkItem.objects.filter(pk=pk, version=version).update(stage_entered_at=where[-1].since)
        last, number = rows[-1][0], number + len(rows)
        progress(number)
    return number
