"""The triggers that maintain the summary and the searched texts, their first contents, and the indexes of the list.

It runs while workers go on writing (see workitems/database/online_migrations.py), and can be interrupted and run again. For ten
million items it takes minutes. The triggers come first, so that everything written from then on is counted; then one statement
counts all items and adds exactly what the triggers have not seen.
"""

from django.db import migrations, models

from workitems.database import AddIndexOnline, RemoveIndexOnline, RunPythonOnline, run_with_lock_timeout

from .frozen import counts, search


def keep_counts(connection):
    run_with_lock_timeout(connection, counts.triggers(connection.vendor))


def no_counts(connection):
    run_with_lock_timeout(connection, counts.removal(connection.vendor))


def copy_texts(connection):
    if connection.vendor == "postgresql":
        run_with_lock_timeout(connection, [search.TRIGGERS])
        search.copy_all(connection)
        search.build_index(connection)


def no_texts(connection):
    if connection.vendor == "postgresql":
        run_with_lock_timeout(connection, search.REMOVAL)


def nothing(connection):
    pass


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("workitems", "0007_counts")]

    operations = [
        RunPythonOnline(keep_counts, no_counts),
        RunPythonOnline(copy_texts, no_texts),
        RemoveIndexOnline(
            model_name='workitem',
            name='item_facets',
        ),
        AddIndexOnline(
            model_name='workitem',
            index=models.Index(fields=['institution', '-updated_at', '-id'], name='item_changed_of_institution'),
        ),
        AddIndexOnline(
            model_name='workitem',
            index=models.Index(fields=['action', 'stage', 'status', 'reviewed', 'retry', '-date', '-id'], name='item_kind_newest'),
        ),
        AddIndexOnline(
            model_name='workitem',
            index=models.Index(fields=['action', 'stage', 'status', 'reviewed', 'retry', '-updated_at', '-id'], name='item_kind_changed'),
        ),
        AddIndexOnline(
            model_name='workitem',
            index=models.Index(fields=['institution', 'action', 'stage', 'status', 'reviewed', 'retry', '-date', '-id'], name='item_cell_newest'),
        ),
        AddIndexOnline(
            model_name='workitem',
            index=models.Index(fields=['institution', 'action', 'stage', 'status', 'reviewed', 'retry', '-updated_at', '-id'], name='item_cell_changed'),
        ),
        AddIndexOnline(
            model_name='workitem',
            index=models.Index(condition=models.Q(('status__in', ('Pending', 'Started'))), fields=['institution', 'action', 'stage', 'status', 'reviewed', 'retry'], name='item_moving'),
        ),
        AddIndexOnline(
            model_name='workitem',
            index=models.Index(condition=models.Q(('status__in', ['Pending', 'Started', 'Suspended']), models.Q(('retry', True), ('status', 'Failed')), _connector='OR'), fields=['institution', 'action'], name='item_not_closed'),
        ),
        AddIndexOnline(
            model_name='workitem',
            index=models.Index(condition=models.Q(('needs_admin_review', True)), fields=['-date', '-id'], name='item_for_admins'),
        ),
        AddIndexOnline(
            model_name='workitem',
            index=models.Index(condition=models.Q(('node', ''), _negated=True), fields=['node'], name='item_on_node'),
        ),
        AddIndexOnline(
            model_name='workitem',
            index=models.Index(fields=['created_at'], name='item_created'),
        ),
        RunPythonOnline(counts.count, nothing),
    ]
