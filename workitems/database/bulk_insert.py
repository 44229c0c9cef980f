"""Many new rows into a table at once, as an import brings them: `bulk_create` without what it costs for each value.

Of the 160 µs that an imported row took, Django's preparing of statements was half. The rows are those of the models all the
same, and the database checks them by the same constraints and triggers.
"""

from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any

from django.db import connection, models

# Of these every value goes to the database as it is.
_PLAIN = (models.CharField, models.TextField, models.BooleanField, models.IntegerField, models.ForeignKey)


def load(rows: Sequence[models.Model]) -> None:
    """Inserts rows of one model, none of which is stored yet: on PostgreSQL by COPY. Their numbers are not told back.

    Raises what an INSERT would. Within a transaction only: it is all of them or nothing.
    """
    if not rows:
        return
    meta = rows[0]._meta
    fields: list[Any] = [field for field in meta.concrete_fields if not (field.primary_key and rows[0].pk is None)]
    names = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    values = _values(rows, fields)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with (
                connection.wrap_database_errors,
                cursor.copy(f"COPY {meta.db_table} ({names}) FROM STDIN") as copy,
            ):
                for row in values:
                    copy.write_row(row)
        else:
            places = ", ".join(["%s"] * len(fields))
            cursor.executemany(f"INSERT INTO {meta.db_table} ({names}) VALUES ({places})", list(values))  # noqa: S608


def _values(rows: Sequence[models.Model], fields: Sequence[Any]) -> Iterator[list[Any]]:
    """What the database gets of each row."""
    read = attrgetter(*(field.attname for field in fields))
    adapted = [(place, adapt) for place, field in enumerate(fields) if (adapt := _adapter(field))]
    for row in rows:
        values = list(read(row))
        for place, adapt in adapted:
            values[place] = adapt(row, values[place])
        yield values


def _adapter(field: Any) -> Callable[[models.Model, Any], Any] | None:
    """How a value of this field is made fit for the database; None where it goes there as it is."""
    if isinstance(field, models.DateTimeField):
        # Always aware of its zone: `rows.parse_time` has made it. psycopg takes it so.
        return (
            None
            if connection.vendor == "postgresql"
            else lambda row, value: connection.ops.adapt_datetimefield_value(value)
        )
    if type(field).pre_save is not models.Field.pre_save:  # it is made from other columns
        return lambda row, value: field.get_db_prep_save(field.pre_save(row, True), connection)
    return None if isinstance(field, _PLAIN) else lambda row, value: field.get_db_prep_save(value, connection)
