"""The shapes of the description: an edition's record as it goes out and as it may come in, lists, and errors."""

from collections.abc import Callable
from typing import Any

from ...models import WorkItem
from ..fields import Flag, Moment, Text, Value, Whole, Word
from ..items import MOST_IN_BATCH, NEEDED
from ..records import Record
from .meanings import meaning_of
from .parameters import NUMBER

Schema = dict[str, Any]
ERROR: Schema = {
    "type": "object",
    "description": "What is wrong and what to do.",
    "properties": {"error": {"type": "string", "description": "A sentence in plain text."}},
    "required": ["error"],
}
WRONG_FIELDS: Schema = {
    "type": "object",
    "description": "What is wrong with each field, and all of it in one sentence under `error`.",
    "properties": {"error": {"type": "string"}},
    "required": ["error"],
    "additionalProperties": {"type": "array", "items": {"type": "string"}},
}
WRONG_RECORD: Schema = {
    "type": "object",
    "description": "What is wrong, and with which record of the batch. Nothing was saved.",
    "properties": {
        "error": {"type": "string"},
        "id": {"type": "integer", "format": "int64", "description": "The item's number."},
        "index": {"type": "integer", "description": "The record's position in the batch, from 0."},
    },
    "required": ["error"],
    "additionalProperties": True,
}
_READ_ONLY = "Read-only: you can send it unchanged; a changed value is refused."
_NOT_LOOKED_AT = "Read-only: you can send it, but it is ignored."


def outgoing(record: type[Record], base: Callable[[Any], Schema], about: str) -> Schema:
    """A record as it is answered: every field is there, always."""
    properties = {}
    for name, field in record.by_name.items():
        properties[name] = base(field) | ({"nullable": True} if _may_be_null(field) else {})
        if field.read_only:
            properties[name]["readOnly"] = True
    return {"type": "object", "description": about, "properties": properties, "required": list(properties)}


def incoming(record: type[Record], base: Callable[[Any], Schema], needed: tuple[str, ...] = ()) -> Schema:
    """A record as it may be sent: nothing else is taken. `needed`: the columns without which there is no item."""
    properties = {name: _incoming(field, base) for name, field in record.by_name.items()}
    required = [record.name_of(column) for column in needed]
    for name in required:
        properties[name] = base(record.by_name[name])
        if "enum" not in properties[name] and properties[name]["type"] == "string":
            properties[name]["minLength"] = 1
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})


def of_batch(record: type[Record], base: Callable[[Any], Schema]) -> Schema:
    one = incoming(record, base)
    one["properties"]["id"] = base(record.by_name["id"])
    one["required"] = ["id"]
    items = {"type": "array", "items": one, "minItems": 1, "maxItems": MOST_IN_BATCH}
    inner = {"type": "object", "properties": {"items": items}, "required": ["items"]}
    return {"type": "object", "properties": {"work_items": inner}, "required": ["work_items"]}


def page_of(one: Schema) -> Schema:
    """One page of a list."""
    link = {"type": "string", "format": "uri", "nullable": True}
    properties = {
        "count": NUMBER | {"description": "The total number on all pages."},
        "next": link | {"description": "The address of the next page; null on the last page."},
        "previous": link | {"description": "The address of the previous page; null on the first page."},
        "results": {"type": "array", "items": one},
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def at_odds(one: Schema) -> Schema:
    """A refusal with the item as it is now."""
    return {"description": "The reason, and the item as it is now.", "allOf": [one, ERROR]}


def needed_with(given: set[str]) -> tuple[str, ...]:
    """The columns that a new item needs besides what its address gives."""
    return tuple(name for name in NEEDED if name not in given)


def plain(field: Any, schema: Schema) -> Schema:
    """The schema of a record's field, from what the library made of it."""
    schema = {name: value for name, value in schema.items() if name in ("type", "format", "enum", "maxLength")}
    if isinstance(field, Word):
        schema["enum"] = list(field.words)
    if isinstance(field, Whole):
        schema |= NUMBER
    return schema | {"description": meaning_of(field)}


def _may_be_null(field: Value) -> bool:
    if isinstance(field, Text):
        return field.nullable
    if isinstance(field, Flag | Word):
        return False
    return _column_may_be_null(field.column)


def _column_may_be_null(column: str) -> bool:
    model: Any = WorkItem
    *relations, name = column.split("__")
    for relation in relations:
        step = model._meta.get_field(relation)
        if step.auto_created or step.null:
            return True  # there may be nothing at its end
        model = step.related_model
    found = next(one for one in model._meta.concrete_fields if name in (one.name, one.attname))
    return found.null


def _incoming(field: Any, base: Callable[[Any], Schema]) -> Schema:
    schema = base(field) | {"nullable": True}
    if field.read_only:
        told = _NOT_LOOKED_AT if field.ignored else _READ_ONLY
        return schema | {"readOnly": True, "description": f"{schema['description']} {told}"}
    if isinstance(field, Word):
        schema["enum"] = [*schema["enum"], "", None]
    if isinstance(field, Moment):
        schema["description"] += " 0 to 9 digits of a second, any zone; 0001-01-01T00:00:00Z means that it is not set."
    return schema
