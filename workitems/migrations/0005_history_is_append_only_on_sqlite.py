"""SQLite, too, refuses to change or delete history, whoever tries; PostgreSQL has since 0002.

SQLite drops a table's triggers with the table, and Django remakes the table for most changes of a model. For HistoryEntry see
0009, which replaces these triggers.
"""

from django.db import migrations

TRIGGERS = {"history_is_append_only_update": "UPDATE", "history_is_append_only_delete": "DELETE"}
FORWARD = [
    f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {act} ON workitems_historyentry "
    f"BEGIN SELECT RAISE(ABORT, 'The history of work items is only ever added to ({act} refused).'); END"
    for name, act in TRIGGERS.items()
]
BACKWARD = [f"DROP TRIGGER IF EXISTS {name}" for name in TRIGGERS]


def run(statements):
    def on_sqlite(apps, schema_editor):
        if schema_editor.connection.vendor == "sqlite":
            for statement in statements:
                schema_editor.execute(statement, params=None)

    return on_sqlite


class Migration(migrations.Migration):
    dependencies = [("workitems", "0004_values_that_make_sense")]
    operations = [migrations.RunPython(run(FORWARD), run(BACKWARD))]
