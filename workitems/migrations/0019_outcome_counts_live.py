"""How many items came to an end in the last months, out of their histories.

Runs while workers go on writing (see workitems/database/online_migrations.py), and can be interrupted and run again. What is done between this and the
start of the new version is not counted; `manage.py work_out_pace` counts it, at any time.
"""

from django.db import migrations
from django.utils import timezone

from workitems.database import RunLive
from workitems.durations import recorder


def work_out(connection):
    recorder.work_out_anew(timezone.now())
    if connection.vendor == "postgresql":  # it knows nothing yet of what is new, and would plan at random
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE workitems_steptime, workitems_outcomecount, workitems_typical")


def nothing(connection):
    pass


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("workitems", "0018_outcome_counts")]

    operations = [RunLive(work_out, nothing)]
