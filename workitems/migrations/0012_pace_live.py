"""When each item came to its stage; and what the notes say of causes so far. (0019 asks the histories for times and outcomes.)

Runs while workers go on writing (see workitems/database/online_migrations.py), and can be interrupted and run again. What is done between this and the
start of the new version is not counted; `manage.py work_out_pace` counts it, at any time.
"""

import workitems.vocabulary
from django.db import migrations, models

from workitems.failures import record_all_failures
from workitems.database import AddColumnLive, AddIndexLive, RemoveIndexLive, RunLive
from workitems.models import WorkItem
from workitems.durations import recorder


def work_out(connection):
    recorder.set_stages_begun()
    record_all_failures(WorkItem.objects.all())
    if connection.vendor == "postgresql":  # it knows nothing yet of what is new, and would plan at random
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE workitems_failure")
            cursor.execute("ANALYZE workitems_workitem (stage_entered_at)")


def nothing(connection):
    pass


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("workitems", "0011_pace_and_causes")]

    operations = [
        AddColumnLive(
            model_name="workitem",
            name="stage_entered_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        AddIndexLive(
            model_name="workitem",
            index=models.Index(
                condition=models.Q(
                    ("status__in", (workitems.vocabulary.Status["PENDING"], workitems.vocabulary.Status["STARTED"]))
                ),
                fields=["institution", "action", "stage", "status", "reviewed", "retry", "stage_entered_at"],
                include=("size",),
                name="item_moving_since",
            ),
        ),
        RemoveIndexLive(model_name="workitem", name="item_moving"),
        RunLive(work_out, nothing),
    ]
