"""The parameters in the description: those of a list from its dialect and the filters, those of an address from its
pattern.
"""

import re
from collections.abc import Iterable
from typing import Any

from django import forms

from ...database import LARGEST
from ...listing import (
    ALIASES,
    SHOWN_AS,
    BooleanField,
    BooleansField,
    DayField,
    Dialect,
    InstitutionsField,
    ListField,
    ListFilterSet,
    MomentField,
    NumberField,
    NumbersField,
    SizeField,
    TextField,
    TextsField,
    WordsField,
)
from . import samples

NUMBER = {"type": "integer", "format": "int64", "minimum": 0, "maximum": LARGEST}
_TIME = "A time like 2021-03-04T05:06:07Z; a day means its beginning."
_ABOUT = {
    "sort": "The order of the rows. Those that are equal in it stand by their number.",
    "page": "The page, counted from 1.",
    "per_page": "How many on a page.",
    "after": "Where the page begins, as `next` carries it: nothing is missed or seen twice while items change. Take it from there "
    "together with `page`; it is not made by hand.",
    "institution": "Its domain, or its number.",
    "q": "Anywhere in name, etag, object or file identifier.",
    "bag_date": "When the bag was made, to the whole second.",
    "item_action": "What is done: only items with this action.",
    "registry_action": "What is done: only items with this action.",
    "stage": "How far it has come: only items at this stage.",
    "status": "How it goes there: only items with this status.",
    "reviewed": "Whether the institution's staff have looked at how it ended.",
    "institution_id": "The number of the institution that owns it.",
    "name": "The whole name of the uploaded file, or of what is restored or deleted.",
    "name_like": "A part of the name.",
    "etag": "The whole etag of the uploaded file.",
    "etag_like": "A part of the etag.",
    "object_identifier": "The whole identifier of the object that it made, restores or deletes.",
    "object_identifier_like": "A part of the object's identifier.",
    "file_identifier": "The whole identifier of the file, of items that are about one file.",
    "file_identifier_like": "A part of the file's identifier.",
    "bucket": "The whole name of the receiving bucket.",
    "user": "Who asked for it: the whole e-mail.",
    "received_from": "Received, or asked for, on this day or later.",
    "received_to": "Received, or asked for, on this day or earlier.",
    "created_after": "Came into this system at this time or later.",
    "created_before": "Came into this system before this time.",
    "updated_after": "Changed at this time or later; for programs that fetch what is new since they last asked.",
    "updated_before": "Changed for the last time before this time.",
    "size_min": "At least this many bytes.",
    "size_max": "At most this many bytes.",
    "bag_date_from": "The bag was made at this time or later.",
    "bag_date_to": "The bag was made at this time or earlier.",
    "date_from": "Received, or asked for, at this time or later.",
    "date_to": "Received, or asked for, at this time or earlier.",
    "retry": "Whether it will be tried again, should it fail or have failed.",
    "needs_admin_review": "Whether an admin of the consortium has to look at it.",
    "queued": "Whether it was given to the services' queue: true where queued_at is set.",
    "not_queued": "Whether it still waits for the services' queue: true where queued_at is null.",
    "phase": "Whether it is open (it can still move), held (Suspended), or closed.",
    "late": "True: waiting or running for longer at their stage than 95 of 100 items of their action and size did. False: all others.",
    "cause": "The number of a cause that the item failed for the last time, as the overview's links have it.",
    "failed_after": "Failed for the last time at this time or later.",
    "superseded": "True: open uploads in whose place another upload of the same bag counts. False: all others.",
    "duplicate": "True: open uploads of a bag that is being, or has been, ingested from another upload. False: all others.",
    "other_upload": "True: ingests that came to a bad end, and whose bag has another upload to look at instead. False: all others.",
    "node": "The machine that works on it: its whole name.",
    "node_empty": "True: no machine has it. False: one has.",
    "node_not_empty": "True: a machine has it. False: none has.",
    "pid": "The number of the process that works on it.",
    "pid_empty": "True: no process has it. False: one has.",
    "pid_not_empty": "True: a process has it. False: none has.",
}


def list_parameters(dialect: Dialect) -> list[dict[str, Any]]:
    """Every query parameter of a list, in the words of this dialect."""
    found = [_filter_parameter(given, name, dialect) for given, name in dialect.names.items()]
    examples = samples.sample_query(dialect)
    for parameter in found:
        if (example := examples.get(parameter["name"])) is not None:
            parameter["example"] = [example] if parameter["schema"]["type"] == "array" else example
    found += [
        {
            "name": name,
            "in": "query",
            "deprecated": True,
            "description": "Taken, and without effect.",
            "schema": {"type": "string"},
        }
        for name in sorted(dialect.ignored)
    ]
    return found


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
    if schema["type"] == "array":
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
        case BooleansField():
            return _array({"type": "boolean"})
        case BooleanField():
            return {"type": "boolean"}
        case InstitutionsField():
            return _array({"type": "string"})
        case NumbersField():
            return _array(dict(NUMBER))
        case NumberField():
            return {"type": "integer", "minimum": field.min_value, "maximum": field.max_value}
        case SizeField():
            return dict(NUMBER)
        case MomentField():
            return {"type": "string", "format": "date-time"}
        case DayField():
            return {"type": "string", "format": "date"}
    raise TypeError(f"The description has no words for a {type(field).__name__}.")


def _array(one: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": one}


def _description(given: str, name: str, field: forms.Field, dialect: Dialect) -> str:
    if ALIASES.get(given) == name and name in dialect.names:
        return f"Another spelling of `{name}`."
    told = [_ABOUT[name]]
    if isinstance(field, MomentField):
        told.append(_TIME)
    elif isinstance(field, DayField):
        told.append("A whole day.")
    elif name.endswith("_like"):
        told.append("Upper and lower case are alike.")
    if isinstance(field, ListField) and name not in SHOWN_AS:
        told.append("Given several times: any of them.")
    return " ".join(told)


def path_parameters(path: str, regex: str, words: dict[str, str]) -> list[dict[str, Any]]:
    """The parameters in an address, in order."""
    return [_path_parameter(part, regex, words[part]) for part in _path_names(path)]


def _path_names(path: str) -> Iterable[str]:
    return re.findall(r"{(\w+)}", path)


def _path_parameter(part: str, regex: str, meaning: str) -> dict[str, Any]:
    # The framework's `pk` is the description's `id`.
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
