"""The orders of a list, and a place in one: where the next page goes on, whatever has changed on the pages before."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db.models import F, Q
from django.db.models.expressions import OrderBy
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import WorkItem


class Sort(NamedTuple):
    """An order of the list. The columns end with `id`, so that equal rows keep their places from page to page."""

    label: str | Promise
    columns: tuple[str, ...]

    @property
    def ordering(self) -> list[str | OrderBy]:
        """The columns as a queryset takes them. Left to the databases, one would put what is not set first, the other last."""
        return [_placed(column) if _field(column).null else column for column in self.columns]


SORTS: dict[str, Sort] = {
    "date": Sort(gettext_lazy("Received, newest first"), ("-date", "-id")),
    "-date": Sort(gettext_lazy("Received, oldest first"), ("date", "id")),
    "updated": Sort(gettext_lazy("Last change, newest first"), ("-updated_at", "-id")),
    "-updated": Sort(gettext_lazy("Last change, oldest first"), ("updated_at", "id")),
    "name": Sort(gettext_lazy("Name, A to Z"), ("name", "id")),
    "-name": Sort(gettext_lazy("Name, Z to A"), ("-name", "-id")),
    "institution": Sort(gettext_lazy("Institution"), ("institution__identifier", "id")),
    "id": Sort(gettext_lazy("Number"), ("id",)),
    "waiting": Sort(gettext_lazy("At its stage, longest first"), ("stage_entered_at", "id")),
}

_WHOLE = ("BigAutoField", "BigIntegerField", "ForeignKey")


def path(column: str) -> str:
    return column.removeprefix("-")


def _field(column: str) -> Any:
    """The model's field that a column of an order names."""
    model: Any = WorkItem
    *relations, name = path(column).split("__")
    for relation in relations:
        model = model._meta.get_field(relation).related_model
    return model._meta.get_field(name)


def falls(column: str) -> bool:
    return column.startswith("-")


def _placed(column: str) -> OrderBy:
    """What is not set comes before all that is, and falling after it."""
    value = F(path(column))
    return value.desc(nulls_last=True) if falls(column) else value.asc(nulls_first=True)


def turned(columns: Sequence[str]) -> tuple[str, ...]:
    """The same order from its other end."""
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
        same &= Q(**{path(column): value})
    if len(columns) > 1 and not _field(columns[0]).null:
        # Says nothing new, but lets the database begin at the place instead of reading up to it.
        later &= Q(**{f"{path(columns[0])}__{'lte' if falls(columns[0]) else 'gte'}": values[0]})
    return later


def _after(column: str, value: Any) -> Q:
    """The condition that a row's value in this column comes after this one; None: not set."""
    name = path(column)
    if value is None:
        return Q(pk__in=[]) if falls(column) else Q(**{f"{name}__isnull": False})
    beyond_it = Q(**{f"{name}__{'lt' if falls(column) else 'gt'}": value})
    return beyond_it | Q(**{f"{name}__isnull": True}) if falls(column) and _field(column).null else beyond_it


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
            _("This is not a place in a list with this sort; leave it out to begin at the first row.")
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
