"""Describes the parameters: those of a list from its dialect and filters, those of an address from its URL pattern."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

from ...database import MAX_BIGINT
from ...listing import (
    ALIASES,
    MOST_CHARACTERS,
    PRESENTATION_NAMES,
    BooleanField,
    BooleansField,
    DayField,
    Dialect,
    IdentifiersField,
    InstitutionsField,
    ListField,
    ListFilterSet,
    MomentField,
    NumberField,
    NumbersField,
    SearchField,
    SizeField,
    TextField,
    TextsField,
    WordsField,
)
from ..plain_lists import PAGING, Parameter
from . import samples

NUMBER = {"type": "integer", "format": "int64", "minimum": 0, "maximum": MAX_BIGINT}
# A decimal comma before three digits is refused: it may be meant for thousands.
SIZE_PATTERN = r"^[0-9]{1,6}(\.[0-9]{1,3})? ?[kKmMgGtT]?[bB]?$"
_TIME = "A time such as 2021-03-04T05:06:07Z; a date means its start."


def list_parameters(dialect: Dialect) -> list[dict[str, Any]]:
    """Every query parameter of a list, with the names and words of this dialect."""
    found = [_filter_parameter(given, name, dialect) for given, name in dialect.names.items()]
    examples = samples.sample_query(dialect)
    for parameter in found:
        if (example := examples.get(parameter["name"])) is not None:
            parameter["example"] = [example] if parameter["schema"].get("type") == "array" else example
    found += [
        {
            "name": name,
            "in": "query",
            "deprecated": True,
            "description": "Accepted but has no effect.",
            "schema": {"type": "string"},
        }
        for name in sorted(dialect.ignored)
    ]
    return found


def plain_parameters(parameters: Mapping[str, Parameter], per_page: int) -> list[dict[str, Any]]:
    """Every query parameter of a list of anything but items."""
    found = {
        name: (parameter.about, {"type": "string"} | ({"enum": [*parameter.words]} if parameter.words else {}))
        for name, parameter in parameters.items()
    }
    defaults = {"page": 1, "per_page": per_page}
    found |= {name: (about, schema_of(field) | {"default": defaults[name]}) for name, (field, about) in PAGING.items()}
    return [
        {"name": name, "in": "query", "description": about, "allowEmptyValue": True, "schema": schema}
        for name, (about, schema) in found.items()
    ]


def _filter_parameter(given: str, name: str, dialect: Dialect) -> dict[str, Any]:
    field = ListFilterSet.declared_filters[name].field
    schema = schema_of(field)
    if name == "sort":
        schema = {"type": "string", "enum": list(dialect.sorts), "default": dialect.sort}
    elif name == "per_page":
        schema["default"] = dialect.per_page
    elif name == "page":
        schema["default"] = 1
    elif given in dialect.words and isinstance(field, ListField):
        schema["items"]["enum"] = list(dialect.words[given])
    parameter: dict[str, Any] = {
        "name": given,
        "in": "query",
        "description": _description(given, name, field, dialect),
        "allowEmptyValue": True,
        "schema": schema,
    }
    if schema.get("type") == "array":
        parameter |= {"style": "form", "explode": True}
    return parameter


def schema_of(field: forms.Field) -> dict[str, Any]:
    """The JSON Schema of a filter's field."""
    match field:
        case WordsField():
            return _array({"type": "string", "enum": list(field.words)})
        case TextsField():
            return _array({"type": "string", "maxLength": field.one.max_length})
        case TextField():
            return {"type": "string", "maxLength": field.max_length}
        case SearchField():  # only a list of names can be longer
            return {"type": "string", "maxLength": MOST_CHARACTERS}
        case BooleansField():
            return _array({"type": "boolean"})
        case BooleanField():
            return {"type": "boolean"}
        case InstitutionsField():
            return _array({"type": "string"})
        case IdentifiersField():
            return _array({"type": "string", "format": "uuid"})
        case NumbersField():
            return _array(dict(NUMBER))
        case NumberField():
            return {"type": "integer", "minimum": field.min_value, "maximum": field.max_value}
        case SizeField():
            return {"title": "Size", "anyOf": [dict(NUMBER), {"type": "string", "pattern": SIZE_PATTERN}]}
        case MomentField():
            # Generated clients take the name of the type from the title.
            return {"title": "TimeOrDay", "anyOf": [{"type": "string", "format": one} for one in ("date-time", "date")]}
        case DayField():
            return {"type": "string", "format": "date"}
    raise TypeError(f"There is no schema for a {type(field).__name__}. Add a case for it here.")


def _array(one: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": one}


def _description(given: str, name: str, field: forms.Field, dialect: Dialect) -> str:
    if ALIASES.get(given) == name and name in dialect.names:
        return f"Another spelling of `{name}`."
    sentences = [ListFilterSet.declared_filters[name].about]
    if isinstance(field, MomentField):
        sentences.append(_TIME)
    elif isinstance(field, DayField):
        sentences.append("A full day.")
    elif name.endswith("_like"):
        sentences.append("Case-insensitive.")
    if isinstance(field, ListField) and name not in PRESENTATION_NAMES:
        sentences.append("Can be repeated; matches any of the values.")
    return " ".join(sentences)


def path_parameters(path: str, regex: str, words: dict[str, str]) -> list[dict[str, Any]]:
    """The parameters in an address, in order."""
    return [_path_parameter(part, regex, words[part]) for part in _path_names(path)]


def _path_names(path: str) -> Iterable[str]:
    return re.findall(r"{(\w+)}", path)


def _path_parameter(part: str, regex: str, meaning: str) -> dict[str, Any]:
    # Django's `pk` is called `id` in the documentation.
    is_number = re.search(rf"<int:({part}|pk)>", regex) is not None
    schema = dict(NUMBER) if is_number else {"type": "string", "minLength": 1}
    return {
        "name": part,
        "in": "path",
        "required": True,
        "description": meaning,
        "schema": schema,
        "example": samples.sample_path_value(part, meaning),
    }
