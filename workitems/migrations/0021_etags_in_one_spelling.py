"""Etags that storage services list in quotes or that came in capitals are written as all others are.

It runs while workers go on writing, and can be interrupted and run again. What the previous version writes after this stays as
it came, so end its processes soon.
"""

from django.db import migrations

from .frozen import etags


def normalize_etags(apps, schema_editor):
    etags.normalize_etags(apps, schema_editor.connection)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("workitems", "0020_registry_numbers_and_finished_at")]

    operations = [migrations.RunPython(normalize_etags, migrations.RunPython.noop)]
