"""Which bulk change undoes which; the database makes sure that there is at most one.

It runs while bulk changes go on, and can be interrupted and run again. An undo that the previous version starts after this
is not known as one, so end its processes soon.
"""

import django.db.models.deletion
from django.db import migrations, models

from workitems.database import AddColumnOnline, AddUniqueIndexOnline


def link_undos(apps, schema_editor):
    changes = apps.get_model("workitems", "BulkChange").objects.using(schema_editor.connection.alias)
    undos = changes.filter(undoes=None, selection__has_key="undo").values_list("pk", "selection__undo")
    for pk, undone in undos.iterator():
        changes.filter(pk=pk).update(undoes=undone)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("workitems", "0024_failure_origin")]

    operations = [
        AddColumnOnline(
            "bulkchange",
            "undoes",
            models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="undos",
                to="workitems.bulkchange",
            ),
        ),
        migrations.RunPython(link_undos, migrations.RunPython.noop),
        AddUniqueIndexOnline(
            "bulkchange",
            models.UniqueConstraint(
                condition=models.Q(("undoes__isnull", False)), fields=("undoes",), name="undone_once"
            ),
        ),
    ]
