"""Which items the people who started bulk changes could see then. For existing bulk changes it is what they can see now."""

import django.db.models.deletion
from django.db import migrations, models

SEE_EVERY_INSTITUTION = ("admin", "worker")  # the roles that did, then


def fill(apps, schema_editor):
    acts = apps.get_model("workitems", "BulkChange").objects.using(schema_editor.connection.alias)
    for act in acts.select_related("by").iterator():
        act.institution_id = act.by.institution_id
        act.is_of_all = act.by.role in SEE_EVERY_INSTITUTION
        if "query" in act.selection:
            act.selection.setdefault("zone", act.by.time_zone)
            act.selection.setdefault("of", None if act.is_of_all else act.institution_id)
        act.save(update_fields=["institution_id", "is_of_all", "selection"])


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_language"), ("workitems", "0016_digests")]

    operations = [
        migrations.AddField(
            "bulkchange",
            "institution",
            models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="bulk_changes", to="accounts.institution"
            ),
        ),
        migrations.AddField("bulkchange", "is_of_all", models.BooleanField(db_default=True)),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
