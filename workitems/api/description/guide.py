"""Turns an OpenAPI document into the content of a page: operations with their tables, and examples to copy."""

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from django.utils.translation import gettext as _

Schema = dict[str, Any]
# Responses that every operation can have are explained once per page.
COMMON_STATUSES = ("401", "403", "429", "503")
_LONG_LIST = 12  # longer tables are folded


@dataclass(frozen=True)
class TableRow:
    """A parameter, or a field of a record."""

    name: str
    kind: str
    about: str
    words: tuple[str, ...] = ()
    is_needed: bool = False


@dataclass(frozen=True)
class Table:
    title: str
    rows: tuple[TableRow, ...]

    @property
    def is_long(self) -> bool:
        return len(self.rows) > _LONG_LIST


@dataclass(frozen=True)
class OperationGuide:
    """An operation on the page. `takes`: the content types of the body. `answer`: an example of the response."""

    id: str
    method: str
    path: str
    summary: str
    about: str
    tables: tuple[Table, ...]
    takes: tuple[str, ...]
    answers: tuple[tuple[str, str], ...]  # (status, meaning)
    answer: str
    curl: str
    placeholders: tuple[tuple[str, str], ...]  # (value in the example, what to replace it with)


@dataclass(frozen=True)
class OperationGroup:
    name: str
    about: str
    operations: tuple[OperationGuide, ...]


@dataclass(frozen=True)
class VersionGuide:
    """The page of one version. `records`: the records that responses contain, each with a table of its fields."""

    version: str
    headers: tuple[str, str]
    groups: tuple[OperationGroup, ...]
    records: tuple[tuple[str, str, Table], ...]  # name, description, fields
    errors: tuple[tuple[str, str], ...]

    @property
    def number(self) -> str:
        return self.version.removeprefix("v")

    @property
    def first(self) -> OperationGuide:
        return self.groups[0].operations[0]


def read_guide(document: Schema, root: str) -> VersionGuide:
    """Builds the page. `root`: the base address of this installation, such as https://pharos.example.org."""
    reader = _Reader(document, root.rstrip("/"))
    user, key = (reader.schemes[name]["name"] for name in ("userHeader", "keyHeader"))
    return VersionGuide(document["info"]["version"], (user, key), reader.groups(), reader.records(), reader.errors())


class _Reader:
    def __init__(self, document: Schema, root: str):
        self.document = document
        self.root = root
        self.schemes = document["components"]["securitySchemes"]

    def groups(self) -> tuple[OperationGroup, ...]:
        return tuple(
            OperationGroup(tag["name"], tag["description"], tuple(self._operations(tag["name"])))
            for tag in self.document["tags"]
        )

    def _operations(self, tag: str) -> Iterable[OperationGuide]:
        for path, method, operation in operations_of(self.document):
            if tag in operation["tags"]:
                yield self._operation(path, method, operation)

    def _operation(self, path: str, method: str, operation: Schema) -> OperationGuide:
        _status, done = next(iter(operation["responses"].items()))
        responses = operation["responses"].items()
        return OperationGuide(
            id=operation["operationId"],
            method=method.upper(),
            path=path,
            summary=operation["summary"],
            about=_quote_names(operation.get("description", "")),
            tables=tuple(self._tables(operation)),
            takes=tuple(operation.get("requestBody", {}).get("content", {})),
            answers=tuple((code, one["description"]) for code, one in responses if code not in COMMON_STATUSES),
            answer=_json(done["content"]["application/json"]["example"]),
            curl=curl_command(self.document, self.root, path, method, operation),
            placeholders=tuple(dict.fromkeys(_placeholders(operation))),
        )

    def _tables(self, operation: Schema) -> Iterable[Table]:
        parameters = operation.get("parameters", [])
        for title, place in ((_("In the address"), "path"), (_("Parameters"), "query")):
            if rows := tuple(_parameter(one) for one in parameters if one["in"] == place):
                yield Table(title, rows)
        if body := operation.get("requestBody"):
            schema = self._resolved(next(iter(body["content"].values()))["schema"])
            batch = schema["properties"].get("work_items")
            if batch is None:
                yield Table(_("Fields of the body"), _fields(schema))
            else:
                items = batch["properties"]["items"]
                title = _("Fields of each record in “work_items”, “items”: %(least)d to %(most)d of them")
                yield Table(title % {"least": items["minItems"], "most": items["maxItems"]}, _fields(items["items"]))

    def records(self) -> tuple[tuple[str, str, Table], ...]:
        """Every record that a response can contain, except lists and errors, which the text of the page explains."""
        found = {}
        for _path, _method, operation in operations_of(self.document):
            done = next(iter(operation["responses"].values()))["content"]["application/json"]["schema"]
            properties = self._resolved(done)["properties"]
            reference = properties["results"]["items"] if "results" in properties else done
            name, schema = reference["$ref"].rsplit("/", 1)[1], self._resolved(reference)
            found[name] = name, schema["description"], Table(name, _fields(schema, required=False))
        return tuple(found.values())

    def errors(self) -> tuple[tuple[str, str], ...]:
        responses = next(operations_of(self.document))[2]["responses"]
        return tuple((code, responses[code]["description"]) for code in COMMON_STATUSES)

    def _resolved(self, schema: Schema) -> Schema:
        if "$ref" in schema:
            return self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return schema


def curl_command(document: Schema, root: str, path: str, method: str, operation: Schema) -> str:
    """The call with example values. The key is read from the environment, to keep it out of the shell's history."""
    query = {}
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", _quoted_example(parameter))
        elif "example" in parameter:
            query[parameter["name"]] = parameter["example"]
    url = root + path + (f"?{urlencode(query, doseq=True)}" if query else "")
    user, key = (document["components"]["securitySchemes"][name]["name"] for name in ("userHeader", "keyHeader"))
    lines = [f'curl -H "{user}: $PHAROS_USER"', f'-H "{key}: $PHAROS_KEY"']
    if body := operation.get("requestBody"):
        kind, media = next(iter(body["content"].items()))
        lines += [f"-X {method.upper()} -H 'Content-Type: {kind}'", f"-d {shlex.quote(_json(media['example']))}"]
    return " \\\n  ".join([*lines, f'"{url}"'])  # double quotes, because the root can be a variable of the shell


def _quoted_example(parameter: Schema) -> str:
    return quote(str(parameter["example"]), safe="")


def _placeholders(operation: Schema) -> Iterable[tuple[str, str]]:
    """Yields each value of the example that readers must replace, and what to replace it with."""
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "path":
            yield _quoted_example(parameter), _replacement(parameter["name"], operation)
    for media in list(operation.get("requestBody", {}).get("content", {}).values())[:1]:
        sent = media["example"]
        for record in sent.get("work_items", {"items": [sent]})["items"]:
            for name in ("id", "work_item_id", "institution_id", "bucket"):
                if name in record:
                    yield str(record[name]), _replacement(name, operation)


def _replacement(name: str, operation: Schema) -> str:
    is_institution = "institution" in operation["operationId"]
    return {
        "id": _("an id from the list of items"),
        "work_item_id": _("an id from the list of items"),
        "institution_id": _("the number of the institution that owns the item"),
        "bucket": _("the receiving bucket of that institution"),
        "identifier": _("the domain of an institution from the list")
        if is_institution
        else _("the object_identifier of an item, with each slash written as %2F"),
    }.get(name, _("the item's own “%(name)s”") % {"name": name})


def operations_of(document: Schema) -> Iterator[tuple[str, str, Schema]]:
    """(path, method, operation) of each operation, in the document's order."""
    return ((path, method, one) for path, methods in document["paths"].items() for method, one in methods.items())


def _json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False)


def _parameter(parameter: Schema) -> TableRow:
    return _row(parameter["name"], parameter["schema"], parameter.get("description", ""), is_needed=False)


def _fields(schema: Schema, *, required: bool = True) -> tuple[TableRow, ...]:
    needed = set(schema.get("required", [])) if required else set()
    return tuple(
        _row(name, one, one.get("description", ""), is_needed=name in needed)
        for name, one in schema["properties"].items()
    )


def _row(name: str, schema: Schema, about: str, *, is_needed: bool) -> TableRow:
    one = schema.get("items", schema)
    words = tuple(str(word) for word in one.get("enum", ()) if word not in ("", None))
    kind = _kind(one)
    if "default" in schema:
        kind = _("%(kind)s; default: %(value)s") % {"kind": kind, "value": schema["default"]}
    if schema.get("nullable"):
        kind = _("%(kind)s, or null") % {"kind": kind}
    return TableRow(name, kind, _quote_names(about), words, is_needed)


def _quote_names(text: str) -> str:
    """Replaces the description's backticks around names with quotation marks."""
    return re.sub("`([^`]*)`", r"“\1”", text)


def _kind(schema: Schema) -> str:
    """The type of a value in words."""
    if "enum" in schema:
        return _("one of these words")
    if schema["type"] == "string":
        kinds = {"date-time": _("a time"), "date": _("a date"), "uri": _("an address")}
        if "maxLength" in schema:
            return _("text, at most %(most)d characters") % {"most": schema["maxLength"]}
        return kinds.get(schema.get("format", ""), _("text"))
    if schema["type"] == "integer":
        least, most = schema.get("minimum"), schema.get("maximum")
        if schema.get("format") == "int64" or least is None or most is None:
            return _("a whole number")
        return _("a whole number, %(least)s to %(most)s") % {"least": f"{least:,}", "most": f"{most:,}"}
    return _("true or false") if schema["type"] == "boolean" else str(schema["type"])
