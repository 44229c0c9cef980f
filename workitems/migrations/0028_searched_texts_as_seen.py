"""Searched texts lose the characters that nobody sees, and runs of spaces: a name is found as it is read.

It runs while workers go on writing, and can be interrupted and run again. What the previous version writes after this stays as
it came, so end its processes soon.
"""

from django.db import migrations

from .frozen import folding


def fold_texts(apps, schema_editor):
    folding.fold_texts(apps, schema_editor.connection)


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("workitems", "0027_emails_are_queued")]

    operations = [migrations.RunPython(fold_texts, migrations.RunPython.noop)]
