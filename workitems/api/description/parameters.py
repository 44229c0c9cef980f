"""The parameters of the description: those of a list from its dialect and the filters, those of an address from its pattern."""

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
_TIME = "A time such as 2021-03-04T05:06:07Z; a date means its start."
_ABOUT = {
    "sort": "The sort order. Ties are sorted by number.",
    "page": "The page, counted from 1.",
    "per_page": "How many items per page.",
    "after": "Where the page starts, as given in `next`, so that no item is missed or repeated while items change. "
    "Copy it from there together with `page`; don't construct it yourself.",
    "institution": "Its domain, or its number.",
    "q": "Text anywhere in the name, etag, object identifier, or file identifier.",
    "bag_date": "When the bag was created, to the second.",
    "item_action": "Only items with this action (what is being done).",
    "registry_action": "Only items with this action (what is being done).",
    "stage": "Only items at this stage (how far they have progressed).",
    "status": "Only items with this status (how the stage is going).",
    "reviewed": "Whether the institution's staff have reviewed the result.",
    "institution_id": "The number of the institution that owns it.",
    "name": "The full name of the uploaded file, or of what is restored or deleted.",
    "name_like": "Part of the name.",
    "etag": "The full etag of the uploaded file.",
    "etag_like": "Part of the etag.",
    "object_identifier": "The full identifier of the object that the item created, restores, or deletes.",
    "object_identifier_like": "Part of the object identifier.",
    "file_identifier": "The full identifier of the file, for items about a single file.",
    "file_identifier_like": "Part of the file identifier.",
    "bucket": "The full name of the receiving bucket.",
    "user": "The full email of the person who requested it.",
    "received_from": "Received or requested on or after this date.",
    "received_to": "Received or requested on or before this date.",
    "created_after": "Created in this system at or after this time.",
    "created_before": "Created in this system before this time.",
    "updated_after": "Updated at or after this time; for programs that fetch what has changed since their last "
    "request.",
    "updated_before": "Last updated before this time.",
    "size_min": "At least this many bytes.",
    "size_max": "At most this many bytes.",
    "bag_date_from": "The bag was created at or after this time.",
    "bag_date_to": "The bag was created at or before this time.",
    "date_from": "Received or requested at or after this time.",
    "date_to": "Received or requested at or before this time.",
    "retry": "Whether it will be retried if it fails or has failed.",
    "needs_admin_review": "Whether a consortium admin needs to look at it.",
    "queued": "Whether it was added to the services' queue: true if queued_at is set.",
    "not_queued": "Whether it is still waiting to be queued: true if queued_at is null.",
    "phase": "Whether it is open (it can still move), held (Suspended), or closed.",
    "late": "True: waiting or running at their stage longer than 95 % of items with the same action and a similar "
    "size. False: all others.",
    "cause": "The number of the cause of the item's last failure, as in the overview's links.",
    "failed_after": "Last failed at or after this time.",
    "superseded": "True: open uploads that another upload of the same bag has replaced. False: all others.",
    "duplicate": "True: open uploads of a bag that is being or has been ingested from another upload. False: all "
    "others.",
    "other_upload": "True: failed or cancelled ingests of a bag that has another upload to look at instead. False: "
    "all others.",
    "node": "The full name of the machine that is working on it.",
    "node_empty": "True: not held by a machine. False: held by a machine.",
    "node_not_empty": "True: held by a machine. False: not held by a machine.",
    "pid": "The number of the process that is working on it.",
    "pid_empty": "True: not held by a process. False: held by a process.",
    "pid_not_empty": "True: held by a process. False: not held by a process.",
}


def of_list(dialect: Dialect) -> list[dict[str, Any]]:
    """Every parameter that a list takes, in this dialect's words."""
    found = [_of_filter(given, name, dialect) for given, name in dialect.names.items()]
    examples = samples.of_list(dialect)
    for parameter in found:
        if (example := examples.get(parameter["name"])) is not None:
            parameter["example"] = [example] if parameter["schema"]["type"] == "array" else example
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


def _of_filter(given: str, name: str, dialect: Dialect) -> dict[str, Any]:
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
    """What a field of the filter takes, as JSON Schema says it."""
    match field:
        case WordsField():
            return _many({"type": "string", "enum": list(field.words)})
        case TextsField():
            return _many({"type": "string", "maxLength": field.one.max_length})
        case TextField():
            return {"type": "string", "maxLength": field.max_length}
        case BooleansField():
            return _many({"type": "boolean"})
        case BooleanField():
            return {"type": "boolean"}
        case InstitutionsField():
            return _many({"type": "string"})
        case NumbersField():
            return _many(dict(NUMBER))
        case NumberField():
            return {"type": "integer", "minimum": field.min_value, "maximum": field.max_value}
        case SizeField():
            return dict(NUMBER)
        case MomentField():
            return {"type": "string", "format": "date-time"}
        case DayField():
            return {"type": "string", "format": "date"}
    raise TypeError(f"The description has no words for a {type(field).__name__}.")


def _many(one: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": one}


def _description(given: str, name: str, field: forms.Field, dialect: Dialect) -> str:
    if ALIASES.get(given) == name and name in dialect.names:
        return f"Another spelling of `{name}`."
    told = [_ABOUT[name]]
    if isinstance(field, MomentField):
        told.append(_TIME)
    elif isinstance(field, DayField):
        told.append("A full day.")
    elif name.endswith("_like"):
        told.append("Case-insensitive.")
    if isinstance(field, ListField) and name not in SHOWN_AS:
        told.append("Can be repeated; matches any of the values.")
    return " ".join(told)


def of_address(path: str, regex: str, words: dict[str, str]) -> list[dict[str, Any]]:
    """The parts of an address, in their order."""
    return [_of_part(part, regex, words[part]) for part in _parts(path)]


def _parts(path: str) -> Iterable[str]:
    return re.findall(r"{(\w+)}", path)


def _of_part(part: str, regex: str, meaning: str) -> dict[str, Any]:
    # The framework calls `pk` what the description calls `id`.
    is_number = re.search(rf"<int:({part}|pk)>", regex) is not None
    schema = dict(NUMBER) if is_number else {"type": "string", "minLength": 1}
    return {
        "name": part,
        "in": "path",
        "required": True,
        "description": meaning,
        "schema": schema,
        "example": samples.of_address(part, meaning),
    }
