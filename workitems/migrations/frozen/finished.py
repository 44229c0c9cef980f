"""Migration 0020: when each closed item was closed, as its history says."""

from django.db import models, transaction

from .histories import histories, walked

PIECE = 1000  # items whose histories are read at once
CLOSED = models.Q(status__in=["Success", "Cancelled"]) | models.Q(status="Failed", retry=False)


def set_finished_at(apps, connection):
    """Sets it where it is not known and the history tells; a piece in a transaction."""
    model = apps.get_model("workitems", "WorkItem")
    unknown = model.objects.using(connection.alias).filter(CLOSED, finished_at=None).order_by("pk")
    # Whoever has changed an item in the meantime has another version.
    update = f'UPDATE "{model._meta.db_table}" SET finished_at = %s WHERE id = %s AND version = %s'  # noqa: S608
    last = 0
    while rows := list(unknown.filter(pk__gt=last).values_list("pk", "version", "retry")[:PIECE]):
        found = histories(apps, connection, {pk: version for pk, version, _retry in rows})
        times = {(pk, version): _closed_at(found.get(pk, []), retry) for pk, version, retry in rows}
        adapt = connection.ops.adapt_datetimefield_value
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.executemany(update, [(adapt(time), *row) for row, time in times.items() if time is not None])
        last = rows[-1][0]


def _closed_at(entries, retry):
    found = None
    for entry, before, after in walked(entries, retry):
        if not after.is_closed:
            found = None
        elif before is None or not before.is_closed:
            found = None if entry.move == "import" else entry.at
    return found
