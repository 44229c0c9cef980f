"""On SQLite, which has no trigram index: the searched texts in the orders in which the search goes through the newest items.

Without these indexes it would fetch every item that it examines. PostgreSQL could not have them, since its index entries must
not be that long, and does not need them. No model knows of them; `workitems.database.VocabularyCheck` makes sure that they
survive when Django remakes the table.
"""

from django.db import migrations

from workitems.database import RunPythonOnline

INDEXES = {
    "item_searched": "date DESC, id DESC, search_text",
    "item_searched_of_institution": "institution_id, date DESC, id DESC, search_text",
}


def add(connection):
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for name, columns in INDEXES.items():
                cursor.execute(f"CREATE INDEX IF NOT EXISTS {name} ON workitems_workitem ({columns})")


def remove(connection):
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            for name in INDEXES:
                cursor.execute(f"DROP INDEX IF EXISTS {name}")


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("workitems", "0009_archive")]
    operations = [RunPythonOnline(add, remove)]
