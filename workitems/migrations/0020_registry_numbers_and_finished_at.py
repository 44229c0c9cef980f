"""What an open restoration or deletion is about, by the registry's numbers; and when each item was closed.

It runs while workers go on writing, and can be interrupted and run again. Items that the previous version closes after this
have no time until `manage.py work_out_pace` reads it from their histories.
"""

from django.db import migrations, models

from workitems.database import AddColumnOnline, AddIndexOnline

from .frozen import finished

_NUMBERS = (
    ("intellectual_object_id", "object number"),
    ("generic_file_id", "file number"),
    ("deletion_request_id", "deletion request"),
)


def set_finished_at(apps, schema_editor):
    finished.set_finished_at(apps, schema_editor.connection)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("workitems", "0019_outcome_counts_live")]

    operations = [
        *(
            AddColumnOnline("workitem", name, models.BigIntegerField(label, blank=True, null=True))
            for name, label in _NUMBERS
        ),
        AddColumnOnline(
            "workitem",
            "storage_option",
            models.CharField("storage option", blank=True, db_default="", default="", max_length=255),
        ),
        AddColumnOnline("workitem", "finished_at", models.DateTimeField("finished", editable=False, null=True)),
        migrations.RunPython(set_finished_at, migrations.RunPython.noop),
        AddIndexOnline(
            "workitem",
            models.Index(
                fields=["-finished_at", "-id"],
                name="item_finished",
                condition=models.Q(("finished_at__isnull", False)),
            ),
        ),
        AddIndexOnline(
            "workitem",
            models.Index(
                fields=["institution", "-finished_at", "-id"],
                name="item_finished_of_institution",
                condition=models.Q(("finished_at__isnull", False)),
            ),
        ),
    ]
