"""Where a failure comes from, as its note says: the bag, a machine, and so on.

It runs while workers go on writing, and can be interrupted and run again. It changes no rows: run `manage.py work_out_pace`
afterwards, which reads the notes again.
"""

from django.db import migrations, models

from workitems.database import AddColumnOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("workitems", "0023_faults")]

    operations = [AddColumnOnline("failure", "origin", models.CharField(max_length=16, null=True))]
