"""On SQLite, which has no index by trigrams: the searched texts in the orders in which the search goes through the newest items.

Without these it would fetch every item that it looks at. PostgreSQL could not have them (an entry of an index may not be so
long) and does not need them. Django does not know of them, so a later migration for which it remakes the table must end with
`RunLive(add, remove)` of this one again; tests/database/test_guards.py fails where it does not.
"""

from django.db import migrations

from workitems.database import RunLive

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
    operations = [RunLive(add, remove)]
