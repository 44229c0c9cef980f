"""Values as the API writes and reads them. `""` and null are alike; what is not set goes out as null.

A field is one name of a version's record; `column` is where the value lives, by default under the same name.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.core.validators import MaxLengthValidator
from rest_framework import serializers

from ..database import LARGEST
from ..models import WorkItem

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)
_NOT_A_TIME = "Use a time with a time zone, such as 2021-03-04T05:06:07Z."


def as_time(moment: datetime | None) -> str | None:
    """RFC 3339, in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else None


def read_time(text: str) -> datetime | None:
    """A time as clients write it, 0 to 9 digits of a second; year 1 means that it is not set. Raises ValueError."""
    found = _TIME.fullmatch(text)
    if not found:
        raise ValueError(_NOT_A_TIME)
    day, time, fraction, zone = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{time}{(fraction or '.')[:7].ljust(7, '0')}{zone.upper()}")
        if moment.year == 1:
            return None
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(_NOT_A_TIME) from None
    if not 1 < moment.year < 9999:
        raise ValueError(_NOT_A_TIME)
    return moment


NOTHING_SAID = object()


class Value:
    """What all fields have in common: their column, and that they may be left out.

    `clears`: null takes the value away; without, null says nothing, as if the name had been left out.
    """

    show: Callable[[Any], Any] | None = None  # how a stored value goes out; None: as it is

    def __init__(self, *, column: str = "", clears: bool = True, **kwargs: Any):
        if not kwargs.get("read_only"):
            kwargs.setdefault("required", False)
            kwargs.setdefault("allow_null", not kwargs["required"])
        super().__init__(**kwargs)
        self.column = column
        self.clears = clears

    def bind(self, field_name: str, parent: Any) -> None:
        super().bind(field_name, parent)  # type: ignore[misc]
        self.column = self.column or field_name

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return super().run_validation(None if data == "" else data)  # type: ignore[misc]

    def said(self, value: Any) -> Any:
        """What a value that was read means for the column, or NOTHING_SAID."""
        return value if value is not None or self.clears else NOTHING_SAID


class Text(Value, serializers.CharField):
    """Text; `nullable`: what is not set goes out as null, else as an empty text."""

    default_error_messages = {
        "invalid": "Use text.",
        "nul": "Remove the NUL character (\\u0000). Text can't contain one.",
        "required": "This is required.",
        "null": "This must not be empty.",
    }

    def __init__(self, *, nullable: bool = False, **kwargs: Any):
        super().__init__(trim_whitespace=False, **kwargs)
        self.nullable = nullable
        self.show = _or_null if nullable else None

    def bind(self, field_name: str, parent: Any) -> None:
        super().bind(field_name, parent)
        limit = None if "__" in self.column else getattr(WorkItem._meta.get_field(self.column), "max_length", None)
        if limit and not self.read_only:
            self.validators.append(MaxLengthValidator(limit, "Give at most %(limit_value)d characters."))

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if "\0" in data:
            self.fail("nul")
        return data

    def said(self, value: Any) -> Any:
        return value or ("" if self.clears else NOTHING_SAID)


def _or_null(text: str) -> str | None:
    return text or None


class Whole(Value, serializers.IntegerField):
    """A whole number, from 0 to 2^63 - 1. `zero_is_null`: callers who have none send 0."""

    def __init__(self, *, zero_is_null: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.zero_is_null = zero_is_null

    default_error_messages = {"invalid": f"Use a whole number from 0 to {LARGEST}.", "null": "This is required."}

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int or not 0 <= data <= LARGEST:
            self.fail("invalid")
        return data

    def said(self, value: Any) -> Any:
        return super().said(None if value == 0 and self.zero_is_null else value)


class Flag(Value, serializers.BooleanField):
    def __init__(self, **kwargs: Any):
        super().__init__(clears=False, **kwargs)

    default_error_messages = {"invalid": "Use true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if type(data) is not bool:
            self.fail("invalid")
        return data


class Moment(Value, serializers.DateTimeField):
    show = staticmethod(as_time)

    def to_internal_value(self, data: Any) -> datetime | None:
        try:
            return read_time(data if isinstance(data, str) else "")
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None


class Word(Value, serializers.ChoiceField):
    """One of a list of words; `words` is {how this version writes it: how it is stored}."""

    default_error_messages = {
        "invalid_choice": "“{input}” is not one of: {words}.",
        "required": "This is required.",
        "null": "This is required.",
    }

    def __init__(self, words: Mapping[str, str], **kwargs: Any):
        super().__init__(choices=[(word, word) for word in words], clears=False, **kwargs)
        self.words = dict(words)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or data not in self.words:
            self.fail("invalid_choice", input=str(data)[:60], words=", ".join(self.words))
        return self.words[data]
