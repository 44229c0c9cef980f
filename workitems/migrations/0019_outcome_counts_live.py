"""How many items finished in the last months, from their histories.

It runs while workers go on writing (see workitems/database/online_migrations.py), and can be interrupted and run again. What
happens between this and the start of the new version is not counted; `manage.py work_out_pace` counts it, at any time.
"""

from django.db import migrations
from django.utils import timezone

from .frozen import durations


def work_out(apps, schema_editor):
    connection = schema_editor.connection
    durations.work_out(apps, connection, timezone.now())
    if connection.vendor == "postgresql":  # it has no statistics yet of what is new, and would plan at random
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE workitems_steptime, workitems_outcomecount, workitems_typical")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("workitems", "0018_outcome_counts")]

    operations = [migrations.RunPython(work_out, migrations.RunPython.noop)]
