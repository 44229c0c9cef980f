"""The sequences from which PostgreSQL takes ids. SQLite derives ids from the rows."""

from django.db import connection, models


def advance_sequence(model: type[models.Model], highest: int) -> None:
    """Moves the id sequence of a table past an id that came with a row."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [model._meta.db_table])
        [sequence] = cursor.fetchone()
        # Never backwards, because another writer may be ahead. An unused sequence has the value 1 and would return 1
        # again.
        ahead = f"SELECT setval(%s, %s) FROM {sequence} WHERE last_value < %s OR NOT is_called"  # noqa: S608
        cursor.execute(ahead, [sequence, highest, highest])
