"""The orders of a list, and cursors: a cursor is the position where the next page continues, whatever changes before it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db.models import Case, DateTimeField, F, Q, When
from django.db.models.expressions import OrderBy
from django.db.models.lookups import Exact, GreaterThan, IsNull, LessThan
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import CLOSED, WorkItem

# When an open or held item reached its stage: the SQL equivalent of `WorkItem.at_stage_since`.
_COMPUTED: dict[str, Case] = {
    "at_stage_since": Case(
        When(CLOSED, then=None), default=F("stage_entered_at"), output_field=DateTimeField(null=True)
    )
}


class Sort(NamedTuple):
    """An order of the list. The last column is `id`, so that rows with equal values have a fixed order."""

    label: str | Promise
    columns: tuple[str, ...]

    @property
    def ordering(self) -> list[str | OrderBy]:
        """The columns for `order_by`. They say where NULL goes, because databases differ in that."""
        return [_order_by(column) if _is_nullable(column) else column for column in self.columns]


SORTS: dict[str, Sort] = {
    "date": Sort(gettext_lazy("Received, newest first"), ("-date", "-id")),
    "-date": Sort(gettext_lazy("Received, oldest first"), ("date", "id")),
    "updated": Sort(gettext_lazy("Updated, newest first"), ("-updated_at", "-id")),
    "-updated": Sort(gettext_lazy("Updated, oldest first"), ("updated_at", "id")),
    "finished": Sort(gettext_lazy("Finished, newest first"), ("-finished_at", "-id")),
    "-finished": Sort(gettext_lazy("Finished, oldest first"), ("finished_at", "id")),
    "name": Sort(gettext_lazy("Name, A to Z"), ("name", "id")),
    "-name": Sort(gettext_lazy("Name, Z to A"), ("-name", "-id")),
    "institution": Sort(gettext_lazy("Institution"), ("institution__identifier", "id")),
    "id": Sort(gettext_lazy("Number"), ("id",)),
    "waiting": Sort(gettext_lazy("Time at stage, longest first"), ("at_stage_since", "id")),
}

_INTEGER_FIELDS = ("BigAutoField", "BigIntegerField", "ForeignKey")


def column_name(column: str) -> str:
    """Returns the name of the column without the sign for a descending order."""
    return column.removeprefix("-")


def select_expression(column: str) -> str | Case:
    """Returns the column for `values_list`."""
    return _COMPUTED.get(column_name(column), column_name(column))


def column_expression(column: str) -> F | Case:
    """Returns the SQL expression for the column's value."""
    value = select_expression(column)
    return F(value) if isinstance(value, str) else value


def _field(column: str) -> Any:
    """Returns the field with the column's values."""
    if computed := _COMPUTED.get(column_name(column)):
        return computed.output_field
    model: Any = WorkItem
    *relations, name = column_name(column).split("__")
    for relation in relations:
        model = model._meta.get_field(relation).related_model
    return model._meta.get_field(name)


def _is_nullable(column: str) -> bool:
    return _field(column).null


def is_descending(column: str) -> bool:
    return column.startswith("-")


def _order_by(column: str) -> OrderBy:
    """Orders by the column with NULL last in either direction, because nobody looks for unset values first."""
    return OrderBy(column_expression(column), descending=is_descending(column), nulls_last=True)


def order_by_sql(column: str, name: str) -> str:
    """Returns the ORDER BY term for this column, whose name in the statement is `name`."""
    return f"{name} {'DESC' if is_descending(column) else 'ASC'} NULLS LAST"


def reversed_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """Returns the opposite order. The columns must not be nullable."""
    return tuple(column[1:] if is_descending(column) else f"-{column}" for column in columns)


def cursor_values(columns: Sequence[str], item: WorkItem) -> list[Any]:
    """Returns the item's values in these columns."""
    found = []
    for column in columns:
        value: Any = item
        for step in column_name(column).split("__"):
            value = getattr(value, step)
        found.append(value)
    return found


def after_cursor(columns: Sequence[str], values: Sequence[Any]) -> Q:
    """Returns the condition that a row comes after these values in this order: (a > x) or (a = x and b > y) or …"""
    later, same = Q(), Q()
    for column, value in zip(columns, values, strict=True):
        later |= same & _after(column, value)
        same &= _equal(column, value)
    first = columns[0]
    if not _is_nullable(first):
        # Redundant, but it lets the database start reading at the cursor.
        later &= Q(**{f"{column_name(first)}__{'lte' if is_descending(first) else 'gte'}": values[0]})
    return later


def _equal(column: str, value: Any) -> Q:
    value_sql = column_expression(column)
    return Q(IsNull(value_sql, True)) if value is None else Q(Exact(value_sql, value))


def _after(column: str, value: Any) -> Q:
    """Returns the condition that a row's value in this column comes after `value`, which can be None."""
    if value is None:
        return Q(pk__in=[])
    later = Q((LessThan if is_descending(column) else GreaterThan)(column_expression(column), value))
    return later | Q(IsNull(column_expression(column), True)) if _is_nullable(column) else later


def up_to_cursor(columns: Sequence[str], values: Sequence[Any]) -> Q:
    """Returns the condition that a row comes no later than these values. The first column must not be nullable."""
    first = columns[0]
    begins = Q(**{f"{column_name(first)}__{'gte' if is_descending(first) else 'lte'}": values[0]})
    return begins & ~after_cursor(columns, values)


def from_database(column: str, value: Any) -> Any:
    """Converts a value of this column from our own SQL: SQLite stores times as text without a zone."""
    if value is None or _field(column).get_internal_type() != "DateTimeField":
        return value
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def format_cursor(values: Sequence[Any]) -> str:
    """Formats a cursor for a query string; `parse_cursor` reads it."""
    return "~".join(_as_text(value) for value in values)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def parse_cursor(columns: Sequence[str], text: str) -> list[Any]:
    """Returns the values of a cursor. Raises ValidationError if the text isn't a cursor in this order."""
    parts = text.rsplit("~", len(columns) - 1)
    try:
        return [_value(column, part) for column, part in zip(columns, parts, strict=True)]
    except (ValueError, OverflowError, ValidationError):
        raise ValidationError(
            _("This isn't a position in a list with this sort order. Leave it out to start at the first row.")
        ) from None


def _value(column: str, part: str) -> Any:
    """Parses one value of a cursor. Raises ValueError, OverflowError, or ValidationError if the column can't hold it."""
    field = _field(column)
    internal = field.get_internal_type()
    if part == "" and field.null:
        return None
    if internal in _INTEGER_FIELDS and not (part.isascii() and part.isdigit() and int(part) < 2**63):
        raise ValueError(part)
    if internal == "DateTimeField" and not ("+" in part or part.endswith("Z")):
        raise ValueError(part)
    if "\0" in part:
        raise ValueError(part)
    value = field.to_python(part)
    # At the limits of the calendar, a time in another zone may not exist in UTC.
    return value.astimezone(UTC) if internal == "DateTimeField" else value
