"""The triggers that maintain the summary and the searched texts, their first contents, and the indexes of the list.

It runs while workers go on writing (see workitems/database/online_migrations.py), and can be interrupted and run again. For ten
million items it takes minutes. The triggers come first, so that everything written from then on is counted; then one statement
counts all items and adds exactly what the triggers have not seen.
"""

from django.db import migrations, models

from workitems.database import AddIndexLive, RemoveIndexLive, RunLive, with_short_locks

from .frozen import counts, search


def keep_counts(connection):
    with_short_locks(connection, counts.triggers(connection.vendor))


def no_counts(connection):
    with_short_locks(connection, counts.removal(connection.vendor))


def copy_texts(connection):
    if connection.vendor == "postgresql":
        with_short_locks(connection, [search.TRIGGERS])
        search.copy_all(connection)
        search.build_index(connection)


def no_texts(connection):
    if connection.vendor == "postgresql":
        with_short_locks(connection, search.REMOVAL)


def nothing(connection):
    pass


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("workitems", "0007_counts")]

    operations = [
        RunLive(keep_counts, no_counts),
        RunLive(copy_texts, no_texts),
        RemoveIndexLive(
            model_name='workitem',
            name='item_facets',
        ),
        AddIndexLive(
            model_name='workitem',
            index=models.Index(fields=['institution', '-updated_at', '-id'], name='item_changed_of_institution'),
        ),
        AddIndexLive(
            model_name='workitem',
            index=models.Index(fields=['action', 'stage', 'status', 'reviewed', 'retry', '-date', '-id'], name='item_kind_newest'),
        ),
        AddIndexLive(
            model_name='workitem',
            index=models.Index(fields=['action', 'stage', 'status', 'reviewed', 'retry', '-updated_at', '-id'], name='item_kind_changed'),
        ),
        AddIndexLive(
            model_name='workitem',
            index=models.Index(fields=['institution', 'action', 'stage', 'status', 'reviewed', 'retry', '-date', '-id'], name='item_cell_newest'),
        ),
        AddIndexLive(
            model_name='workitem',
            index=models.Index(fields=['institution', 'action', 'stage', 'status', 'reviewed', 'retry', '-updated_at', '-id'], name='item_cell_changed'),
        ),
        AddIndexLive(
            model_name='workitem',
            index=models.Index(condition=models.Q(('status__in', ('Pending', 'Started'))), fields=['institution', 'action', 'stage', 'status', 'reviewed', 'retry'], name='item_moving'),
        ),
        AddIndexLive(
            model_name='workitem',
            index=models.Index(condition=models.Q(('status__in', ['Pending', 'Started', 'Suspended']), models.Q(('retry', True), ('status', 'Failed')), _connector='OR'), fields=['institution', 'action'], name='item_not_closed'),
        ),
        AddIndexLive(
            model_name='workitem',
            index=models.Index(condition=models.Q(('needs_admin_review', True)), fields=['-date', '-id'], name='item_for_admins'),
        ),
        AddIndexLive(
            model_name='workitem',
            index=models.Index(condition=models.Q(('node', ''), _negated=True), fields=['node'], name='item_on_node'),
        ),
        AddIndexLive(
            model_name='workitem',
            index=models.Index(fields=['created_at'], name='item_created'),
        ),
        RunLive(counts.count, nothing),
    ]
