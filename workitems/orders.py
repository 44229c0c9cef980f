"""The orders of a list, and a place in one: where the next page goes on, whatever has changed on the pages before."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .models import WorkItem


class Sort(NamedTuple):
    """An order of the list. The columns end with `id`, so that equal rows keep their places from page to page."""

    label: str | Promise
    columns: tuple[str, ...]

    @property
    def has_places(self) -> bool:
        """Whether each row has a place that can be named. Rows without a value are first on one database, last on the other."""
        return not any(_field(column).null for column in self.columns)


SORTS: dict[str, Sort] = {
    "date": Sort(gettext_lazy("Received, newest first"), ("-date", "-id")),
    "-date": Sort(gettext_lazy("Received, oldest first"), ("date", "id")),
    "updated": Sort(gettext_lazy("Last change, newest first"), ("-updated_at", "-id")),
    "-updated": Sort(gettext_lazy("Last change, oldest first"), ("updated_at", "id")),
    "name": Sort(gettext_lazy("Name, A to Z"), ("name", "id")),
    "-name": Sort(gettext_lazy("Name, Z to A"), ("-name", "-id")),
    "institution": Sort(gettext_lazy("Institution"), ("institution__identifier", "id")),
    "id": Sort(gettext_lazy("Number"), ("id",)),
}


def _path(column: str) -> str:
    return column.removeprefix("-")


def _field(column: str) -> Any:
    """The model's field that a column of an order names."""
    model: Any = WorkItem
    *relations, name = _path(column).split("__")
    for relation in relations:
        model = model._meta.get_field(relation).related_model
    return model._meta.get_field(name)


def values_at(columns: Sequence[str], item: WorkItem) -> list[Any]:
    """What an item has in these columns."""
    found = []
    for column in columns:
        value: Any = item
        for step in _path(column).split("__"):
            value = getattr(value, step)
        found.append(value)
    return found


def beyond(columns: Sequence[str], values: Sequence[Any]) -> Q:
    """The condition that a row comes after these values in this order: (a > x) or (a = x and b > y) or …"""
    later, same = Q(), Q()
    for column, value in zip(columns, values, strict=True):
        path = _path(column)
        later |= same & Q(**{f"{path}__{'lt' if column.startswith('-') else 'gt'}": value})
        same &= Q(**{path: value})
    if len(columns) > 1:
        # Says nothing new, but lets the database begin at the place instead of reading up to it.
        later &= Q(**{f"{_path(columns[0])}__{'lte' if columns[0].startswith('-') else 'gte'}": values[0]})
    return later


def written(values: Sequence[Any]) -> str:
    """A place as text for a query string; `read` understands it."""
    return "~".join(value.isoformat() if hasattr(value, "isoformat") else str(value) for value in values)


def read(columns: Sequence[str], text: str) -> list[Any]:
    """The values of a place. Raises ValidationError where the text is no place in this order."""
    parts = text.rsplit("~", len(columns) - 1)
    try:
        return [_field(column).to_python(_fits(column, part)) for column, part in zip(columns, parts, strict=True)]
    except (ValueError, OverflowError, ValidationError):
        raise ValidationError(
            _("This is not a place in a list with this sort; leave it out to begin at the first row.")
        ) from None


def _fits(column: str, part: str) -> str:
    """The text of one value, if the column can hold it; ValueError else."""
    internal = _field(column).get_internal_type()
    if internal == "BigAutoField" and not (part.isascii() and part.isdigit() and int(part[:20]) < 2**63):
        raise ValueError(part)
    if internal == "DateTimeField" and not ("+" in part[10:] or part.endswith("Z")):
        raise ValueError(part)
    if "\0" in part:
        raise ValueError(part)
    return part
