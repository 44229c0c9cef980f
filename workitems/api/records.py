"""An item as one version of the API writes and reads it: the base of the versions' records."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from rest_framework import serializers

from .fields import NOTHING_SAID, Moment, read_time
from .responses import field_errors

# What comes back from clients that send whole records, and is the system's own affair.
IGNORED = frozenset({"updated_at", "work_item_state_id", "inst_approver", "aptrust_approver"})
_NEEDED = "A new item needs this."
_NOT_OURS = "There is no field of this name."
_OURS_ALONE = "This is set by the system and does not change by a save; leave it out."


class Line(NamedTuple):
    """One name of a record: where its value lives, and how it goes out."""

    name: str
    column: str
    show: Any


class Record(serializers.Serializer):
    """Subclasses declare the fields, in the order in which they go out, and `adjust` what depends on several of them."""

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
    def shown(cls, items: Any, beside: Sequence[Any] = ()) -> list[tuple[dict[str, Any], tuple[Any, ...]]]:
        """The records of a queryset, each with the values of the columns `beside` it. No model instance is made: that would
        take most of the time."""
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
        """{column: value} of what a client sent. `now`: the record as it goes out now, None for a new item.

        Names that are not sent are left out, but for the columns `needed`. Raises Wrong with every field that is wrong.
        """
        record = cls(data=data, context={"is_new": now is None})
        errors = {} if record.is_valid() else {name: [str(one) for one in told] for name, told in record.errors.items()}
        errors |= {name: [_NEEDED] for name in map(cls.name_of, needed) if data.get(name) in (None, "")}
        errors |= dict(cls.strays(data, now))
        if errors:
            raise field_errors(422, errors)
        return dict(cls._set(record))

    @classmethod
    def looks_back(cls, data: Mapping[str, Any]) -> bool:
        """Whether `read` will ask what the record is now: where a client sends the system's own values back."""
        return any(name in cls.by_name and cls.by_name[name].read_only and name not in IGNORED for name in data)

    @classmethod
    def strays(cls, data: Mapping[str, Any], now: Mapping[str, Any] | None) -> Iterable[tuple[str, list[str]]]:
        """Names that a record does not have, and values that a client would change and must not."""
        fields = cls.by_name
        for name, value in data.items():
            if name in IGNORED:
                continue
            if name not in fields:
                yield name, [_NOT_OURS]
            elif fields[name].read_only and _plain(fields[name], value) != (
                _plain(fields[name], now[name]) if now else None
            ):
                yield name, [_OURS_ALONE]

    @classmethod
    def _set(cls, record: "Record") -> Iterable[tuple[str, Any]]:
        for name, value in record.validated_data.items():
            field = record.fields[name]
            if (said := field.said(value)) is not NOTHING_SAID:
                yield field.column, said


def _plain(field: Any, value: Any) -> Any:
    """For comparing what the system says with what comes back: clients write the same time in other ways."""
    if isinstance(field, Moment) and isinstance(value, str):
        with suppress(ValueError):
            return read_time(value)
    return value or None
