"""How many faults a note lists; and failures without a cause.

It runs while workers go on writing, and can be interrupted and run again. It changes no rows: run `manage.py work_out_pace`
afterwards, which works out the causes again from the notes.
"""

import django.db.models.deletion
from django.db import migrations, models

from workitems.database import AddColumnOnline, AllowNullOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("workitems", "0022_queue_messages")]

    operations = [
        AddColumnOnline("failure", "faults", models.IntegerField(null=True)),
        AllowNullOnline(
            "failure",
            "cause",
            models.ForeignKey(
                db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, to="workitems.cause"
            ),
        ),
    ]
