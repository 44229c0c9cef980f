"""The fields of the API's records: how each kind of value is read and written. `""` means the same as null.

A field is declared once, in the record of its version:

    approved_by = Text(
        column="inst_approver", nullable=True, read_only=True, ignored=True,
        meaning="The email of the person who approved it at the institution.", example="stan@virginia.edu",
    )
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.core.validators import MaxLengthValidator
from rest_framework import serializers

from ..database import MAX_BIGINT
from ..models import WorkItem

_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d{1,9})?([Zz]|[+-]\d\d:?\d\d)", re.ASCII)
_NOT_A_TIME = "Use a time with a time zone, such as 2021-03-04T05:06:07Z."


def as_time(moment: datetime | None, timespec: str) -> str | None:
    """The time in the format of RFC 3339, in UTC. `timespec`: the digits after the second, as `datetime.isoformat` names them."""
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z") if moment else None


def read_time(text: str) -> datetime | None:
    """Parses a time with up to 9 digits after the second. Year 1 means "not set": None. Raises ValueError."""
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


UNCHANGED = object()


class Value:
    """The base of all fields. Any of them can be left out of a save.

    `column`: where the value is stored; by default, the column of the same name.
    `clears`: whether null removes the value; otherwise, null means the same as leaving the field out.
    `ignored`: a save accepts any value of this read-only field and ignores it. Set it for fields that change with every
    save; otherwise, a client couldn't send the same record twice. Without it, a save must send the current value or
    omit the field.
    `meaning`, `example` (as stored): for the documentation. By default, those of the column in description/meanings.py
    and description/samples.py.
    """

    show: Callable[[Any], Any] | None = None  # converts a stored value for output; None means unchanged

    def __init__(
        self,
        *,
        column: str = "",
        clears: bool = True,
        ignored: bool = False,
        meaning: str = "",
        example: Any = None,
        **kwargs: Any,
    ):
        if ignored and not kwargs.get("read_only"):
            raise TypeError("Only a read-only field can be ignored by a save: give read_only=True as well.")
        if not kwargs.get("read_only"):
            kwargs.setdefault("required", False)
            kwargs.setdefault("allow_null", not kwargs["required"])
        super().__init__(**kwargs)
        self.column = column
        self.clears = clears
        self.ignored = ignored
        self.meaning = meaning
        self.example = example

    def bind(self, field_name: str, parent: Any) -> None:
        super().bind(field_name, parent)  # type: ignore[misc]
        self.column = self.column or field_name

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return super().run_validation(None if data == "" else data)  # type: ignore[misc]

    def to_column_value(self, value: Any) -> Any:
        """The new value of the column, or UNCHANGED."""
        return value if value is not None or self.clears else UNCHANGED


class Text(Value, serializers.CharField):
    """Text. `nullable`: empty text is output as null."""

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
            self.validators.append(MaxLengthValidator(limit, "Use at most %(limit_value)d characters."))

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if "\0" in data:
            self.fail("nul")
        return data

    def to_column_value(self, value: Any) -> Any:
        return value or ("" if self.clears else UNCHANGED)


class Note(Text):
    """A worker's note. It's never refused, since it may be the only report of a failure.

    Characters that a database can't store become U+FFFD. What is longer than WORKITEM_NOTE_CHARACTERS is cut, and says so.
    """

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return _cut_note(_UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", data))


_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _cut_note(text: str) -> str:
    most = settings.WORKITEM_NOTE_CHARACTERS
    if len(text) <= most:
        return text
    said = f"\n[Cut off here: this note had {len(text):,} characters, and at most {most:,} are stored.]"
    return text[: most - len(said)] + said


def _or_null(text: str) -> str | None:
    return text or None


class Whole(Value, serializers.IntegerField):
    """A whole number from 0 to 2^63 - 1. `zero_is_null`: clients send 0 for "not set"."""

    def __init__(self, *, zero_is_null: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.zero_is_null = zero_is_null

    default_error_messages = {"invalid": f"Use a whole number from 0 to {MAX_BIGINT}.", "null": "This is required."}

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int or not 0 <= data <= MAX_BIGINT:
            self.fail("invalid")
        return data

    def to_column_value(self, value: Any) -> Any:
        return super().to_column_value(None if value == 0 and self.zero_is_null else value)


class Flag(Value, serializers.BooleanField):
    """True or false."""

    def __init__(self, **kwargs: Any):
        super().__init__(clears=False, **kwargs)

    default_error_messages = {"invalid": "Use true or false."}

    def to_internal_value(self, data: Any) -> bool:
        if type(data) is not bool:
            self.fail("invalid")
        return data


class Moment(Value, serializers.DateTimeField):
    """A time, written with the digits of the record's version."""

    def bind(self, field_name: str, parent: Any) -> None:
        super().bind(field_name, parent)
        self.show = partial(as_time, timespec=parent.timespec)

    def to_internal_value(self, data: Any) -> datetime | None:
        try:
            return read_time(data if isinstance(data, str) else "")
        except ValueError as error:
            raise serializers.ValidationError(str(error)) from None


class Word(Value, serializers.ChoiceField):
    """One of a list of words, in any case. `words`: {the word in this version: the stored word}."""

    default_error_messages = {
        "invalid_choice": "“{input}” is not one of: {words}.",
        "required": "This is required.",
        "null": "This is required.",
    }

    def __init__(self, words: Mapping[str, str], **kwargs: Any):
        super().__init__(choices=[(word, word) for word in words], clears=False, **kwargs)
        self.words = dict(words)
        self._known = {word.casefold(): str(stored) for word, stored in words.items()}

    def to_internal_value(self, data: Any) -> str:
        stored = self._known.get(data.casefold(), "") if isinstance(data, str) else ""
        if not stored:
            self.fail("invalid_choice", input=str(data)[:60], words=", ".join(self.words))
        return stored
