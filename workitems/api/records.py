"""The base of the records: an item as a version of the API reads and writes it."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from rest_framework import serializers

from ..lifecycle import is_same_time
from .fields import UNCHANGED, Moment, read_time
from .responses import field_errors

_REQUIRED = "A new item requires this."
_UNKNOWN = "There is no field with this name."
_READ_ONLY = "This is set by the system, and a save can't change it. Leave it out."


class OutputField(NamedTuple):
    """A field of a record for output: its name, the column with its value, and the function that converts the value."""

    name: str
    column: str
    show: Any


class Record(serializers.Serializer):
    """Subclasses declare the fields in the order of the response, and `adjust` values that depend on several fields."""

    timespec = "microseconds"  # the digits of its times, as `datetime.isoformat` names them
    absent_for_members: tuple[str, ...] = ()  # fields that members who read at the workers' address do not get
    by_name: dict[str, Any]
    output_fields: tuple[OutputField, ...]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.by_name = dict(cls().fields)
        cls.output_fields = tuple(OutputField(name, field.column, field.show) for name, field in cls.by_name.items())

    @classmethod
    def adjust(cls, shown: dict[str, Any]) -> None:
        """Changes one outgoing record in place."""

    @classmethod
    def serialize(cls, items: Any, extra_columns: Sequence[Any] = ()) -> list[tuple[dict[str, Any], tuple[Any, ...]]]:
        """The records of a queryset, each with the values of the `extra_columns`.

        It creates no model instances, because they would take most of the time.
        """
        output_fields = cls.output_fields
        columns = [field.column for field in output_fields]
        found = []
        for values in items.values_list(*columns, *extra_columns):
            record = {
                name: value if show is None else show(value)
                for (name, _column, show), value in zip(output_fields, values, strict=False)
            }
            cls.adjust(record)
            found.append((record, values[len(columns) :]))
        return found

    @classmethod
    def name_of(cls, column: str) -> str:
        """This version's name for a column."""
        return next((field.name for field in cls.output_fields if field.column == column), column)

    @classmethod
    def read(cls, data: Any, now: Mapping[str, Any] | None = None, required: Iterable[str] = ()) -> dict[str, Any]:
        """{column: value} of what a client sent, without the columns that weren't sent.

        `now`: the current record, None for a new item. `required`: the columns that must be sent. Raises ApiError with
        a message for each field that is invalid or missing.
        """
        record = cls(data=data, context={"is_new": now is None})
        errors = (
            {} if record.is_valid() else {name: list(map(str, messages)) for name, messages in record.errors.items()}
        )
        errors |= {name: [_REQUIRED] for name in map(cls.name_of, required) if data.get(name) in (None, "")}
        errors |= dict(cls.reject_unknown(data, now))
        if errors:
            raise field_errors(422, errors)
        return dict(cls._column_values(record))

    @classmethod
    def needs_current(cls, data: Mapping[str, Any]) -> bool:
        """Whether `read` needs the current record: if the client sends values that only the system can set."""
        return any(name in cls.by_name and cls._is_compared(name) for name in data)

    @classmethod
    def reject_unknown(cls, data: Mapping[str, Any], now: Mapping[str, Any] | None) -> Iterable[tuple[str, list[str]]]:
        """Yields (name, messages) for unknown names and for values that a client can't change."""
        for name, value in data.items():
            if name not in cls.by_name:
                yield name, [_UNKNOWN]
            elif cls._is_compared(name) and not _is_same(cls.by_name[name], value, now[name] if now else None):
                yield name, [_READ_ONLY]

    @classmethod
    def _is_compared(cls, name: str) -> bool:
        field = cls.by_name[name]
        return field.read_only and not field.ignored

    @classmethod
    def _column_values(cls, record: "Record") -> Iterable[tuple[str, Any]]:
        for name, value in record.validated_data.items():
            field = record.fields[name]
            if (column_value := field.to_column_value(value)) is not UNCHANGED:
                yield field.column, column_value


def _is_same(field: Any, sent: Any, now: Any) -> bool:
    """Whether a client sent the current value back, or none. Clients write the same time in several ways."""
    if sent in (None, ""):
        return True
    if isinstance(field, Moment) and isinstance(sent, str):
        with suppress(ValueError):
            one, other = read_time(sent), read_time(now) if now else None
            if one is None:  # year 1
                return True
            return other is not None and (is_same_time(one, other) or is_same_time(other, one))
    return (sent or None) == (now or None)
