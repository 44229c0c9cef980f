"""Builds the OpenAPI documents with drf-spectacular from the routes, their variants, and the `operation` of each
handler.

There is one document per version, with the routes for members and those for services and admins.
"""

import re
from functools import cache
from typing import Any

from django.conf import settings
from django.urls import get_resolver
from django.utils import translation
from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, normalize_result_object, sanitize_result_object

from ..middleware import URLCONF
from ..operations import BodyShape, Operation
from ..variants import ApiVariant
from . import samples, shapes
from .guide import curl_command, operations_of
from .parameters import list_parameters, path_parameters, plain_parameters
from .shapes import Schema

MEMBERS, SERVICES = "Members", "Services and admins"
_ABOUT = (
    "Every request needs two headers: your email and an API key, which you create under “My account”. Responses "
    "are JSON; every error has a plain-text `error`. Blank parameters are ignored; unknown ones are errors. Times "
    "are RFC 3339. Every address works with and without a trailing slash, and never redirects."
)
# An introduction for tools that don't show code samples next to the operations.
_BEGIN = """

To start, tell your shell where the server is and who you are, and request a list. The examples read these three
variables:

```sh
export PHAROS_URL=https://pharos.example.org PHAROS_USER=you@example.edu PHAROS_KEY
printf 'API key: '; stty -echo; read -r PHAROS_KEY; stty echo; echo
```

Then:

```sh
%(curl)s
```

The server's page `/api/docs/moves/` explains how an item moves and what a save means."""
_TAGS = [
    {"name": MEMBERS, "description": "For everyone with a key: your institution's items, read-only."},
    {"name": SERVICES, "description": "For the consortium's services and admins: all institutions' items."},
]
_SENTENCES = {
    401: "A header is missing, the email or key is incorrect, or the key has expired.",
    403: "Your role doesn't allow this, or your key can only read.",
    404: "Not found, or it belongs to another institution.",
    409: "The item's current state doesn't allow this.",
    411: "The body was sent without its length.",
    413: "The body is too large.",
    415: "The body has an unsupported content type.",
    422: "A value is wrong or can't be changed.",
    429: "Too many requests in a minute. Retry-After gives the number of seconds to wait.",
    503: "The server is busy, or a service it needs doesn't respond. If Retry-After is present, it says when to "
    "try again.",
}
_ALWAYS = {401, 403, 429, 503}
_WITH_BODY = {400, 411, 413, 415, 422}


@cache
def describe_version(version: str) -> Schema:
    """The OpenAPI document of one version. It can't change while a process runs, so it is built once."""
    return describe_patterns(get_resolver(URLCONF).url_patterns, version)


def describe_patterns(patterns: Any, version: str) -> Schema:
    """The OpenAPI document of the routes that belong to this version."""
    own = [one for one in patterns if _variant_of(one).version == version]
    with translation.override("en"):
        return _Generator(version, own).get_schema(public=True)


def _variant_of(pattern: Any) -> ApiVariant:
    return pattern.callback.view_initkwargs["variant"]


class _Routes(EndpointEnumerator):
    """Lists the routes in the order of the URL patterns, including those that end like a file name."""

    def get_api_endpoints(self, patterns=None, prefix=""):
        return self._get_api_endpoints(patterns, prefix)

    def should_include_endpoint(self, path, callback):
        return True


class _Generator(SchemaGenerator):
    endpoint_inspector_cls = _Routes

    def __init__(self, version: str, patterns: Any):
        super().__init__(patterns=patterns)
        self.version = version

    def create_view(self, callback, method, request=None):
        view = super().create_view(callback, method, request)
        # Set here rather than on the views, so that a server loads the library only when the documentation is
        # requested.
        self._set_schema_to_view(view, _ViewSchema())
        return view

    def get_schema(self, request=None, public=False):
        # The document is built here, because the library would read its root from settings, the same for all versions.
        paths = self.parse(None, public)
        named = {tag for path in paths.values() for operation in path.values() for tag in operation["tags"]}
        document = {
            "openapi": "3.0.3",
            "info": {
                "title": f"Pharos Work Items, {self.version}",
                "version": self.version,
                "description": _ABOUT,
                "contact": {"name": "Support", "email": settings.SUPPORT_EMAIL},
                "license": {"name": "MIT"},
            },
            "servers": [{"url": "/"}],
            "tags": [tag for tag in _TAGS if tag["name"] in named],
            "paths": paths,
            "components": self.registry.build({}),
        }
        document = sanitize_result_object(normalize_result_object(document))
        for path, method, operation in operations_of(document):
            source = curl_command(document, "$PHAROS_URL", path, method, operation)
            operation["x-codeSamples"] = [{"lang": "Shell", "label": "curl", "source": source}]
        _path, _method, first = next(operations_of(document))
        document["info"]["description"] += _BEGIN % {"curl": first["x-codeSamples"][0]["source"]}
        return document


class _ViewSchema(AutoSchema):
    """Describes one operation, based on the view's variant and the handler's `operation`."""

    @property
    def variant(self) -> ApiVariant:
        return self.view.variant

    @property
    def operation(self) -> Operation:
        return getattr(self.view, self.method.lower()).operation

    def get_operation_id(self):
        return f"{'member' if self.variant.is_for_members else 'admin'}_{self.operation.name}"

    def get_summary(self):
        return self.operation.summary

    def get_description(self):
        return self.operation.more

    def get_tags(self):
        return [MEMBERS if self.variant.is_for_members else SERVICES]

    def get_auth(self):
        named = {}
        for what, header in self.variant.headers._asdict().items():
            about = {"user": "Your email.", "key": "Your API key."}[what]
            name = f"{what}Header"
            scheme = {"type": "apiKey", "in": "header", "name": header, "description": about}
            self.registry.register_on_missing(
                ResolvedComponent(name=name, type=ResolvedComponent.SECURITY_SCHEMA, object=name, schema=scheme)
            )
            named[name] = []
        return [named]

    def _get_parameters(self):
        parameters = path_parameters(self.path, self.path_regex, self.view.path_help)
        if not (self.operation.many and self.method == "GET"):
            return parameters
        own = getattr(self.view, "parameters", None)
        if own is not None:
            return [*parameters, *plain_parameters(own, self.view.per_page)]
        return [*parameters, *list_parameters(self.variant.dialect)]

    # Requests

    def _get_request_body(self, direction="request"):
        if self.operation.takes is None:
            return None
        schema, example = self._request_schema()
        content = {kind: {"schema": schema, "example": example} for kind in self.map_parsers()}
        return {"content": content, "required": self.operation.takes is not BodyShape.STAGE}

    def _request_schema(self) -> tuple[Schema, Any]:
        record, takes = self.variant.record, self.operation.takes
        match takes:
            case BodyShape.RECORD:
                return self._component("ItemToSave", shapes.request_schema(record, self._field)), samples.sample_save(
                    record
                )
            case BodyShape.NEW:
                given = set(re.findall(r"{(\w+)}", self.path))
                schema = shapes.request_schema(record, self._field, shapes.required_columns(given))
                return self._component("NewItem", schema), samples.sample_new(record, given)
            case BodyShape.BATCH:
                schema = shapes.batch_schema(record, self._field)
                return self._component("ItemsToSave", schema), samples.sample_batch(record)
            case BodyShape.STAGE:
                stages = [*record.by_name["stage"].words, ""]
                name = self.view.stage_name
                stage = {
                    "type": "string",
                    "enum": stages,
                    "description": "If blank or omitted: where the item stopped.",
                }
                schema = {"type": "object", "properties": {name: stage}, "additionalProperties": False}
                return schema, {name: samples.STAGE}
        schema = self._serializer_component(takes, "request")
        return schema, samples.BY_SERIALIZER[takes.Meta.ref_name]

    # Responses

    def _get_response_bodies(self, direction="response"):
        operation = self.operation
        if operation.answers is BodyShape.RECORD:
            one, example = self._record_component(), samples.sample_record(self.variant.record)
        else:
            one, example = (
                self._serializer_component(operation.answers, "response"),
                samples.BY_SERIALIZER[operation.answers.Meta.ref_name],
            )
        schema, words = one, "Done; this is the current record." if operation.takes else "Found."
        if operation.many:
            name = one["$ref"].rsplit("/", 1)[1]
            schema = self._component(f"PageOf{name}s", shapes.page_schema(one))
            example = {"count": 1, "next": None, "previous": None, "results": [example]}
            words = "One page." if self.method == "GET" else "All of the records, as they are now."
        answers = {str(operation.status): _response(words if operation.status != 201 else "Made.", schema, example)}
        return answers | {
            str(status): _response(self._sentence(status), self._error_component(status))
            for status in self._error_statuses()
        }

    def _error_statuses(self) -> list[int]:
        operation = self.operation
        found = _ALWAYS | set(operation.refuses)
        if operation.takes is not None:
            found |= _WITH_BODY
        if operation.takes in (BodyShape.RECORD, BodyShape.NEW, BodyShape.BATCH, BodyShape.STAGE):
            found.add(409)
        if operation.takes is BodyShape.BATCH or "{" in self.path:
            found.add(404)
        if (operation.many and self.method == "GET") or "{bag_date}" in self.path:
            found.add(400)
        return sorted(found)

    def _sentence(self, status: int) -> str:
        if status != 400:
            return _SENTENCES[status]
        if self.operation.takes is not None:
            return "The body is not JSON, or the address is malformed."
        return "A parameter is unknown or malformed." if self.operation.many else "The address is malformed."

    def _error_component(self, status: int) -> Schema:
        plain = self._component("ApiError", shapes.ERROR)
        if status in (404, 409, 422) and self.operation.takes is BodyShape.BATCH:
            return self._component("WrongRecord", shapes.RECORD_ERROR)
        if status == 409 and self.operation.takes is not BodyShape.NEW:
            return self._component("AtOdds", shapes.conflict_schema(self._record_component()))
        return self._component("WrongFields", shapes.FIELD_ERRORS) if status in (400, 422) else plain

    # Components

    def _record_component(self) -> Schema:
        record = self.variant.record
        who = "members" if self.variant.is_for_members else "services and admins"
        return self._component(
            record.__name__, shapes.response_schema(record, self._field, f"An item as {who} see it.")
        )

    def _serializer_component(self, serializer: Any, direction: Any) -> Schema:
        component = self.resolve_serializer(serializer, direction)
        if direction == "request":
            component.schema["additionalProperties"] = False
        for name, field in serializer().fields.items():
            if "enum" in component.schema["properties"][name]:
                # The library adds a list of the words to the description, but they are shown next to it anyway.
                component.schema["properties"][name]["description"] = field.help_text
                component.schema["properties"][name].pop("x-spec-enum-id", None)
        return component.ref

    def _field(self, field: Any) -> Schema:
        schema = self._map_serializer_field(field, "response")
        self._insert_field_validators(field, schema)
        return shapes.field_schema(field, schema)

    def _component(self, name: str, schema: Schema) -> Schema:
        component = ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, object=name, schema=schema)
        self.registry.register_on_missing(component)
        return component.ref


def _response(words: str, schema: Schema, example: Any = None) -> Schema:
    media = {"schema": schema} | ({"example": example} if example is not None else {})
    return {"description": words, "content": {"application/json": media}}
