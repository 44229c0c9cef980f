"""The orders of a list, and a place in one: where the next page goes on, whatever has changed on the pages before."""

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

# Since when an item has been at its stage, and nothing of one that is closed: `WorkItem.waiting_since`, said in SQL.
_COMPUTED: dict[str, Case] = {
    "waiting_since": Case(When(CLOSED, then=None), default=F("stage_entered_at"), output_field=DateTimeField(null=True))
}


class Sort(NamedTuple):
    """An order of the list. The columns end with `id`, so that equal rows keep their places from page to page."""

    label: str | Promise
    columns: tuple[str, ...]

    @property
    def ordering(self) -> list[str | OrderBy]:
        """The columns as a queryset takes them. Left to the databases, one would put what is not set first, the other last."""
        return [_placed(column) if _is_nullable(column) else column for column in self.columns]


SORTS: dict[str, Sort] = {
    "date": Sort(gettext_lazy("Received, newest first"), ("-date", "-id")),
    "-date": Sort(gettext_lazy("Received, oldest first"), ("date", "id")),
    "updated": Sort(gettext_lazy("Updated, newest first"), ("-updated_at", "-id")),
    "-updated": Sort(gettext_lazy("Updated, oldest first"), ("updated_at", "id")),
    "name": Sort(gettext_lazy("Name, A to Z"), ("name", "id")),
    "-name": Sort(gettext_lazy("Name, Z to A"), ("-name", "-id")),
    "institution": Sort(gettext_lazy("Institution"), ("institution__identifier", "id")),
    "id": Sort(gettext_lazy("Number"), ("id",)),
    "waiting": Sort(gettext_lazy("Time at stage, longest first"), ("waiting_since", "id")),
}

_WHOLE = ("BigAutoField", "BigIntegerField", "ForeignKey")


def path(column: str) -> str:
    return column.removeprefix("-")


def selected(column: str) -> str | Case:
    """A column as `values_list` takes it."""
    return _COMPUTED.get(path(column), path(column))


def expression(column: str) -> F | Case:
    """The value of a column in SQL."""
    value = selected(column)
    return F(value) if isinstance(value, str) else value


def _field(column: str) -> Any:
    """The field that holds the values of a column."""
    if computed := _COMPUTED.get(path(column)):
        return computed.output_field
    model: Any = WorkItem
    *relations, name = path(column).split("__")
    for relation in relations:
        model = model._meta.get_field(relation).related_model
    return model._meta.get_field(name)


def _is_nullable(column: str) -> bool:
    return _field(column).null


def falls(column: str) -> bool:
    return column.startswith("-")


def _placed(column: str) -> OrderBy:
    """What is not set comes last, whichever way the column goes: nobody looks for it first."""
    return OrderBy(expression(column), descending=falls(column), nulls_last=True)


def in_sql(column: str, name: str) -> str:
    """The part of an ORDER BY for this column, which the statement calls `name`."""
    return f"{name} {'DESC' if falls(column) else 'ASC'} NULLS LAST"


def turned(columns: Sequence[str]) -> tuple[str, ...]:
    """The same order from its other end, of columns that are always set."""
    return tuple(column[1:] if falls(column) else f"-{column}" for column in columns)


def values_at(columns: Sequence[str], item: WorkItem) -> list[Any]:
    """What an item has in these columns."""
    found = []
    for column in columns:
        value: Any = item
        for step in path(column).split("__"):
            value = getattr(value, step)
        found.append(value)
    return found


def after_cursor(columns: Sequence[str], values: Sequence[Any]) -> Q:
    """The condition that a row comes after these values in this order: (a > x) or (a = x and b > y) or …"""
    later, same = Q(), Q()
    for column, value in zip(columns, values, strict=True):
        later |= same & _after(column, value)
        same &= _equal(column, value)
    if len(columns) > 1 and not _is_nullable(columns[0]):
        # Says nothing new, but lets the database begin at the place instead of reading up to it.
        later &= Q(**{f"{path(columns[0])}__{'lte' if falls(columns[0]) else 'gte'}": values[0]})
    return later


def _equal(column: str, value: Any) -> Q:
    value_of = expression(column)
    return Q(IsNull(value_of, True)) if value is None else Q(Exact(value_of, value))


def _after(column: str, value: Any) -> Q:
    """The condition that a row's value in this column comes after this one; None: not set."""
    if value is None:
        return Q(pk__in=[])
    later = Q((LessThan if falls(column) else GreaterThan)(expression(column), value))
    return later | Q(IsNull(expression(column), True)) if _is_nullable(column) else later


def up_to(columns: Sequence[str], values: Sequence[Any]) -> Q:
    """The condition that a row comes no later than these values, where the first column is always set."""
    first = Q(**{f"{path(columns[0])}__{'gte' if falls(columns[0]) else 'lte'}": values[0]})
    return first & ~after_cursor(columns, values)


def as_stored(column: str, value: Any) -> Any:
    """A value of this column as a statement of our own brings it. SQLite has text for a time, and no zone."""
    if value is None or _field(column).get_internal_type() != "DateTimeField":
        return value
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def written(values: Sequence[Any]) -> str:
    """A place as text for a query string; `read` understands it."""
    return "~".join(_as_text(value) for value in values)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def read(columns: Sequence[str], text: str) -> list[Any]:
    """The values of a place. Raises ValidationError where the text is no place in this order."""
    parts = text.rsplit("~", len(columns) - 1)
    try:
        return [_value(column, part) for column, part in zip(columns, parts, strict=True)]
    except (ValueError, OverflowError, ValidationError):
        raise ValidationError(
            _("This isn't a position in a list with this sort order. Leave it out to start at the first row.")
        ) from None


def _value(column: str, part: str) -> Any:
    """The value that this text stands for; ValueError, OverflowError or ValidationError where the column cannot hold it."""
    field = _field(column)
    internal = field.get_internal_type()
    if part == "" and field.null:
        return None
    if internal in _WHOLE and not (part.isascii() and part.isdigit() and int(part) < 2**63):
        raise ValueError(part)
    if internal == "DateTimeField" and not ("+" in part[10:] or part.endswith("Z")):
        raise ValueError(part)
    if "\0" in part:
        raise ValueError(part)
    value = field.to_python(part)
    # At the ends of the calendar, a time with a zone may be none in UTC.
    return value.astimezone(UTC) if internal == "DateTimeField" else value
