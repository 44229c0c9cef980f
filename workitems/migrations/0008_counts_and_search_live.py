"""The triggers that keep the summary and the searched texts, their first filling, and the indexes of the list.

Runs while workers go on writing (see workitems/database/online_migrations.py), and can be interrupted and run again. On ten million items it takes
minutes. The triggers come first: what is written from then on is counted; then everything is counted once, in one statement,
which adds just what the triggers have not seen.
"""

import workitems.vocabulary
from django.db import migrations, models

from workitems.search import index
from workitems.counts import repair, triggers
from workitems.database import AddIndexOnline, RemoveIndexOnline, RunPythonOnline, run_with_lock_timeout


def keep_counts(connection):
    run_with_lock_timeout(connection, triggers.creation_sql(connection.vendor))


def no_counts(connection):
    run_with_lock_timeout(connection, triggers.removal_sql(connection.vendor))


def count(connection):
    repair.repair_counts()


def copy_texts(connection):
    if connection.vendor == "postgresql":
        run_with_lock_timeout(connection, [index.TRIGGERS])
        index.copy_texts(connection)
        index.build_index(connection)


def no_texts(connection):
    if connection.vendor == "postgresql":
        run_with_lock_timeout(connection, index.REMOVAL)


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
            index=models.Index(condition=models.Q(('status__in', (workitems.vocabulary.Status['PENDING'], workitems.vocabulary.Status['STARTED']))), fields=['institution', 'action', 'stage', 'status', 'reviewed', 'retry'], name='item_moving'),
        ),
        AddIndexOnline(
            model_name='workitem',
            index=models.Index(condition=models.Q(('status__in', [workitems.vocabulary.Status['PENDING'], workitems.vocabulary.Status['STARTED'], workitems.vocabulary.Status['SUSPENDED']]), models.Q(('retry', True), ('status', workitems.vocabulary.Status['FAILED'])), _connector='OR'), fields=['institution', 'action'], name='item_not_closed'),
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
        RunPythonOnline(count, nothing),
    ]
