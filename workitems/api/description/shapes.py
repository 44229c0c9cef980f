"""The schemas of the documentation: records in responses and requests, lists, and errors."""

from collections.abc import Callable
from typing import Any

from ...lifecycle import IMMUTABLE_FIELDS
from ...models import WorkItem
from ..fields import Flag, Moment, Text, Value, Whole, Word
from ..items import MAX_IN_BATCH, REQUIRED_COLUMNS
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
FIELD_ERRORS: Schema = {
    "type": "object",
    "description": "What is wrong with each field, and all of it in one sentence under `error`.",
    "properties": {"error": {"type": "string"}},
    "required": ["error"],
    "additionalProperties": {"type": "array", "items": {"type": "string"}},
}
RECORD_ERROR: Schema = {
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
_IGNORED = "Read-only: you can send it, but it is ignored."


def response_schema(record: type[Record], base: Callable[[Any], Schema], about: str) -> Schema:
    """The schema of a record in a response; every field is present, but for those that members do not get."""
    properties = {}
    for name, field in record.by_name.items():
        properties[name] = base(field) | ({"nullable": True} if _may_be_null(field) else {})
        if field.read_only:
            properties[name]["readOnly"] = True
    required = [name for name in properties if name not in record.absent_for_members]
    return {"type": "object", "description": about, "properties": properties, "required": required}


def request_schema(record: type[Record], base: Callable[[Any], Schema], needed: tuple[str, ...] = ()) -> Schema:
    """The schema of a record in a request; other names are rejected. `needed`: the columns that are required."""
    properties = {name: _incoming(field, base, is_new=bool(needed)) for name, field in record.by_name.items()}
    required = [record.name_of(column) for column in needed]
    for name in required:
        properties[name] = base(record.by_name[name])
        if "enum" not in properties[name] and properties[name]["type"] == "string":
            properties[name]["minLength"] = 1
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return schema | ({"required": required} if required else {})


def batch_schema(record: type[Record], base: Callable[[Any], Schema]) -> Schema:
    one = request_schema(record, base)
    one["properties"]["id"] = base(record.by_name["id"])
    one["required"] = ["id"]
    items = {"type": "array", "items": one, "minItems": 1, "maxItems": MAX_IN_BATCH}
    inner = {"type": "object", "properties": {"items": items}, "required": ["items"]}
    return {"type": "object", "properties": {"work_items": inner}, "required": ["work_items"]}


def page_schema(one: Schema) -> Schema:
    link = {"type": "string", "format": "uri", "nullable": True}
    properties = {
        "count": NUMBER | {"description": "The total number on all pages."},
        "next": link | {"description": "The address of the next page; null on the last page."},
        "previous": link | {"description": "The address of the previous page; null on the first page."},
        "results": {"type": "array", "items": one},
    }
    return {"type": "object", "properties": properties, "required": list(properties)}


def conflict_schema(one: Schema) -> Schema:
    """The schema of a refusal together with the current item."""
    return {"description": "The reason, and the item as it is now.", "allOf": [one, ERROR]}


def required_columns(given: set[str]) -> tuple[str, ...]:
    """The columns that a new item requires, without those given by the address."""
    return tuple(name for name in REQUIRED_COLUMNS if name not in given)


def field_schema(field: Any, schema: Schema) -> Schema:
    """The library's schema of a field, reduced to what the documentation needs, with the field's meaning."""
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
            return True  # the related row can be missing
        model = step.related_model
    found = next(one for one in model._meta.concrete_fields if name in (one.name, one.attname))
    return found.null


def _incoming(field: Any, base: Callable[[Any], Schema], *, is_new: bool) -> Schema:
    # A save can't remove an item's name or etag.
    takes_null = is_new or not (isinstance(field, Text) and field.column in IMMUTABLE_FIELDS)
    schema = base(field) | ({"nullable": True} if takes_null else {})
    if field.read_only:
        note = _IGNORED if field.ignored else _READ_ONLY
        return schema | {"readOnly": True, "description": f"{schema['description']} {note}"}
    if isinstance(field, Word):
        schema["enum"] = [*schema["enum"], "", None]
    if isinstance(field, Moment):
        schema["description"] += " 0 to 9 digits of a second, any zone; 0001-01-01T00:00:00Z means that it is not set."
    return schema
