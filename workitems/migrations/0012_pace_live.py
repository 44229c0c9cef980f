"""When each item came to its stage, and the causes of failures in the notes so far. (0019 reads times and outcomes from the histories.)

It runs while workers go on writing (see workitems/database/online_migrations.py), and can be interrupted and run again. What
happens between this and the start of the new version is not counted; `manage.py work_out_pace` counts it, at any time.
"""

from django.db import migrations, models

from workitems.database import AddColumnOnline, AddIndexOnline, RemoveIndexOnline

from .frozen import durations, failures


def work_out(apps, schema_editor):
    connection = schema_editor.connection
    durations.set_stage_entered_at(apps, connection)
    failures.record_failures(apps, connection)
    if connection.vendor == "postgresql":  # it has no statistics yet of what is new, and would plan at random
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE workitems_failure")
            cursor.execute("ANALYZE workitems_workitem (stage_entered_at)")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("workitems", "0011_pace_and_causes")]

    operations = [
        AddColumnOnline(
            model_name="workitem",
            name="stage_entered_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        AddIndexOnline(
            model_name="workitem",
            index=models.Index(
                condition=models.Q(("status__in", ("Pending", "Started"))),
                fields=["institution", "action", "stage", "status", "reviewed", "retry", "stage_entered_at"],
                include=("size",),
                name="item_moving_since",
            ),
        ),
        RemoveIndexOnline(model_name="workitem", name="item_moving"),
        migrations.RunPython(work_out, migrations.RunPython.noop),
    ]
