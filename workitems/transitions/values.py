"""Checks whether columns can hold values before the database does, whose error messages aren't meant for users."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from ..database import MAX_BIGINT
from ..lifecycle import Refused


def check_values(model: type[models.Model], values: Mapping[str, Any]) -> None:
    """Raises Refused, naming the field, for the first value that its column can't hold.

    Without this check the two databases would fail in different ways.
    """
    columns = {column.name: column for column in model._meta.concrete_fields}
    for name, value in values.items():
        column = columns.get(name)
        # The database assigns the id.
        if column is not None and not column.primary_key and (wrong := _what_is_wrong(column, value)):
            raise Refused("invalid", wrong % {"field": name}, name)


def _what_is_wrong(column: models.Field, value: Any) -> str:
    """Returns a sentence with a placeholder for the field's name, or an empty string."""
    if value is None:
        return "" if column.null else _("“%(field)s” must have a value.")
    if isinstance(column, models.CharField | models.TextField):
        return _text(value, column)
    if isinstance(column, models.BooleanField):
        return "" if type(value) is bool else _("“%(field)s” must be true or false.")
    if isinstance(column, models.DateTimeField):
        return _moment(value)
    if isinstance(column, models.IntegerField):
        fits = type(value) is int and 0 <= value <= MAX_BIGINT
        return "" if fits else _("“%(field)s” must be a whole number from 0 to 9223372036854775807.")
    return ""


def _text(value: Any, column: models.Field) -> str:
    if not isinstance(value, str):
        return _("“%(field)s” must be text.")
    if not value.strip() and not column.blank and column.editable:
        return _("“%(field)s” must not be empty.")
    if column.max_length is not None and len(value) > column.max_length:
        sentence = _("“%(field)s” is too long: it has {count} characters, but at most {limit} can be stored.")
        return sentence.format(count=len(value), limit=column.max_length)
    if "\0" in value:
        return _("“%(field)s” contains a NUL character, which can't be stored. Remove it.")
    try:
        value.encode()
    except UnicodeEncodeError:
        return _("“%(field)s” contains half a surrogate pair, which isn't a valid character. Remove it.")
    return ""


def _moment(value: Any) -> str:
    try:
        fits = isinstance(value, datetime) and value.tzinfo is not None and value.astimezone(UTC) is not None
    except OverflowError:
        fits = False
    return "" if fits else _("“%(field)s” must be a time with a time zone.")
