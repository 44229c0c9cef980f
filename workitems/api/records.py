"""The base of the records: an item as one version of the API reads and writes it."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from rest_framework import serializers

from ..lifecycle import is_same_time
from .fields import NOTHING_SAID, Moment, read_time
from .responses import field_errors

_NEEDED = "A new item requires this."
_UNKNOWN = "There is no field with this name."
_READ_ONLY = "This is set by the system, and a save can't change it. Leave it out."


class Line(NamedTuple):
    """One name of a record: the column with its value, and the function that writes it."""

    name: str
    column: str
    show: Any


class Record(serializers.Serializer):
    """Subclasses declare the fields in the order of the answer. `adjust` is for what depends on several of them."""

    timespec = "microseconds"  # the digits of its times, as `datetime.isoformat` names them
    by_name: dict[str, Any]
    lines: tuple[Line, ...]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.by_name = dict(cls().fields)
        cls.lines = tuple(Line(name, field.column, field.show) for name, field in cls.by_name.items())

    @classmethod
    def adjust(cls, shown: dict[str, Any]) -> None:
        """Changes one outgoing record in place."""

    @classmethod
    def serialize(cls, items: Any, beside: Sequence[Any] = ()) -> list[tuple[dict[str, Any], tuple[Any, ...]]]:
        """The records of a queryset, each with the values of the columns `beside` it.

        It makes no model instances, which would take most of the time.
        """
        lines = cls.lines
        columns = [line.column for line in lines]
        found = []
        for values in items.values_list(*columns, *beside):
            record = {
                name: value if show is None else show(value)
                for (name, _column, show), value in zip(lines, values, strict=False)
            }
            cls.adjust(record)
            found.append((record, values[len(columns) :]))
        return found

    @classmethod
    def name_of(cls, column: str) -> str:
        """What this version calls a column."""
        return next((line.name for line in cls.lines if line.column == column), column)

    @classmethod
    def read(cls, data: Any, now: Mapping[str, Any] | None = None, needed: Iterable[str] = ()) -> dict[str, Any]:
        """{column: value} of what a client sent. `now`: the record as it is now, None for a new item.

        Columns that were not sent are left out. Raises Wrong with every invalid field, and with those of `needed` that are
        missing.
        """
        record = cls(data=data, context={"is_new": now is None})
        errors = {} if record.is_valid() else {name: [str(one) for one in told] for name, told in record.errors.items()}
        errors |= {name: [_NEEDED] for name in map(cls.name_of, needed) if data.get(name) in (None, "")}
        errors |= dict(cls.reject_unknown(data, now))
        if errors:
            raise field_errors(422, errors)
        return dict(cls._set(record))

    @classmethod
    def needs_current(cls, data: Mapping[str, Any]) -> bool:
        """Whether `read` needs the record as it is now: if the client sends back values that only the system sets."""
        return any(name in cls.by_name and cls._is_compared(name) for name in data)

    @classmethod
    def reject_unknown(cls, data: Mapping[str, Any], now: Mapping[str, Any] | None) -> Iterable[tuple[str, list[str]]]:
        """Errors for names that a record does not have, and for values that a client must not change."""
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
    def _set(cls, record: "Record") -> Iterable[tuple[str, Any]]:
        for name, value in record.validated_data.items():
            field = record.fields[name]
            if (said := field.said(value)) is not NOTHING_SAID:
                yield field.column, said


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
