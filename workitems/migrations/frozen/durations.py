"""Migrations 0012 and 0019: when open items came to their stage, and how long things took in the last weeks."""

from bisect import bisect_right
from collections import Counter
from datetime import UTC, datetime, time, timedelta
from math import log2
from time import sleep

from django.db import OperationalError, models, transaction

from .histories import histories, pieces, walked

PIECE = 1000  # items whose histories are read at once
WEEKS, FEWEST = 13, 30
SUMMING = 7_041_977_002  # the advisory lock of whoever sums up
TRIES, PAUSE = 600, 0.1  # while somebody else sums up; seconds
EVERYBODY, WHOLE, ALL_SIZES = 0, "", -1
_BANDS = (0, 10**8, 10**9, 10**10, 10**11, 10**12)
_STEPS_PER_OCTAVE = 4
_LAST_STEP = 27 * _STEPS_PER_OCTAVE
_QUARTER, _EPOCH = timedelta(minutes=15), datetime(1970, 1, 1, tzinfo=UTC)
_KEYS = {
    "StepTime": ("week", "action", "stage", "band", "step"),
    "OutcomeCount": ("quarter", "institution_id", "outcome"),
}


def set_stage_entered_at(apps, connection):
    """Sets when each open item came to its stage, where that is not known; a piece in a transaction."""
    items = apps.get_model("workitems", "WorkItem").objects.using(connection.alias)
    unknown = items.filter(status__in=["Pending", "Started"], stage_entered_at=None).order_by("pk")
    last = 0
    while rows := list(unknown.filter(pk__gt=last).values_list("pk", "version", "retry")[:PIECE]):
        found = histories(apps, connection, {pk: version for pk, version, _retry in rows})
        with transaction.atomic(using=connection.alias):
            for pk, version, retry in rows:
                if places := [after for _entry, _before, after in walked(found.get(pk, []), retry)]:
                    # Whoever has changed it in the meantime has set it.
                    items.filter(pk=pk, version=version).update(stage_entered_at=places[-1].since)
        last = rows[-1][0]


def work_out(apps, connection, now):
    """Fills the tables of times and outcomes with those of the last weeks. Whatever is written meanwhile stays."""
    for _try in range(TRIES):
        try:
            with transaction.atomic(using=connection.alias):
                if _is_ours(connection):
                    return _work_out(apps, connection, now)
        except OperationalError as error:
            if getattr(error.__cause__, "sqlstate", "") != "40001":  # somebody has summed up just now
                raise
        sleep(PAUSE)
    raise TimeoutError("Somebody else is summing up all the time. Try again later.")


def _is_ours(connection):
    """Whether nobody else sums up until the end of this transaction, which sees the database as it is now."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        if not connection.savepoint_ids:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SUMMING])
        return cursor.fetchone() == (True,)


def _work_out(apps, connection, now):
    week = now.date() - timedelta(days=now.weekday(), weeks=WEEKS)
    midnight = datetime.combine(week, time(), tzinfo=UTC)
    first = {"StepTime": week, "OutcomeCount": _quarter(midnight)}
    counted = {name: Counter() for name in _KEYS}
    items = apps.get_model("workitems", "WorkItem").objects.using(connection.alias).filter(updated_at__gte=midnight)
    columns = ("id", "version", "action", "institution_id", "size", "date", "retry")
    for rows in pieces(items.values_list(*columns), PIECE):
        for name, fact in _facts(apps, connection, rows):
            if fact[0] >= first[name]:
                counted[name][fact] += 1
    for name, keys in _KEYS.items():
        model = apps.get_model("workitems", name)
        table = model.objects.using(connection.alias)
        table.filter(**{f"{keys[0]}__gte": first[name]}).delete()
        sums = [model(**dict(zip(keys, fact)), number=n, is_sum=True) for fact, n in counted[name].items()]
        table.bulk_create(sums, batch_size=5000)
    _work_out_typical(apps, connection, week, now)


def _quarter(moment):
    return (moment - _EPOCH) // _QUARTER


def _facts(apps, connection, rows):
    """(table, its key) of everything that these items add."""
    found = histories(apps, connection, {row[0]: row[1] for row in rows})
    for pk, _version, action, institution, size, received, retry in rows:
        for entry, before, after in walked(found.get(pk, []), retry):
            if entry.move == "import":
                continue
            goes_on = entry.move == "succeed" or (
                entry.move == "progress" and before and before.stage != after.stage
            )
            if before and before.since and goes_on:
                yield "StepTime", _taken(action, size, before.stage, entry.at - before.since, entry.at)
            if entry.move == "succeed" and received <= entry.at:
                yield "StepTime", _taken(action, size, WHOLE, entry.at - received, entry.at)
            if after.is_closed and not (before and before.is_closed):
                outcome = {"Success": "done", "Cancelled": "cancelled"}.get(after.status, "failed")
                for owner in (institution, EVERYBODY):
                    yield "OutcomeCount", (_quarter(entry.at), owner, outcome)


def _taken(action, size, stage, duration, now):
    seconds = duration.total_seconds()
    band = 0 if size is None else bisect_right(_BANDS, size)
    step = min(_LAST_STEP, int(log2(seconds) * _STEPS_PER_OCTAVE)) if seconds > 1 else 0
    return (now.date() - timedelta(days=now.weekday()), action, stage, band, step)


def _work_out_typical(apps, connection, since, now):
    times = apps.get_model("workitems", "StepTime").objects.using(connection.alias).filter(week__gte=since)
    spread = {}
    rows = times.order_by().values_list("action", "stage", "band", "step").annotate(all=models.Sum("number"))
    for action, stage, band, step, number in rows:
        for kind in ((action, stage, band), (action, stage, ALL_SIZES)):
            spread.setdefault(kind, Counter())[step] += number
    model = apps.get_model("workitems", "Typical")
    table = model.objects.using(connection.alias)
    table.all().delete()
    table.bulk_create(
        model(action=action, stage=stage, band=band, made_at=now, **_distribution(steps))
        for (action, stage, band), steps in spread.items()
        if sum(steps.values()) >= FEWEST
    )


def _distribution(steps):
    shares = {"low": 0.1, "median": 0.5, "high": 0.9, "late": 0.95}
    return {"number": sum(steps.values()), **{name: _at_share(steps, share) for name, share in shares.items()}}


def _at_share(steps, share):
    """The time in seconds that this share of the times does not exceed."""
    wanted, seen = share * sum(steps.values()), 0
    for step, number in sorted(steps.items()):
        if seen + number >= wanted:
            return 2 ** ((step + (wanted - seen) / number) / _STEPS_PER_OCTAVE)
        seen += number
