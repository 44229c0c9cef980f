"""The description of the API, made by drf-spectacular from the routes, their editions, and what their handlers tell.

One document per version, with the routes of members and those of services and admins.
"""

import re
from functools import cache
from typing import Any

from django.urls import get_resolver
from django.utils import translation
from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent, normalize_result_object, sanitize_result_object

from ..editions import Edition
from ..entry import URLS
from ..telling import Shape, Told
from . import samples, shapes
from .guide import curl, operations_of
from .parameters import of_address, of_list
from .shapes import Schema

MEMBERS, SERVICES = "Members", "Services and admins"
_ABOUT = (
    "Every request needs two headers: your email and an API key, which you create under “My account”. Responses "
    "are JSON; every error has a plain-text `error`. Blank parameters are ignored; unknown ones are errors. Times "
    "are RFC 3339. Every address works with and without a trailing slash, and never redirects."
)
# For tools that show no samples beside the operations.
_BEGIN = """

To start, tell your shell where the server is and who you are, and request a list. The examples read these three variables:

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
    401: "A header is missing, or the email or key is incorrect.",
    403: "Your role doesn't allow this.",
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
def description(version: str) -> Schema:
    """The description of one version. It cannot change while a process runs, so that it is made once."""
    return describe(get_resolver(URLS).url_patterns, version)


def describe(patterns: Any, version: str) -> Schema:
    """The OpenAPI document of those of the routes that belong to the version."""
    mounted = [one for one in patterns if _edition(one).version == version]
    with translation.override("en"):
        return _Generator(version, mounted).get_schema(public=True)


def _edition(pattern: Any) -> Edition:
    return pattern.callback.view_initkwargs["edition"]


class _Routes(EndpointEnumerator):
    """The routes in the order in which they are mounted, also those that end like a file."""

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
        # Set here and not on the views, so that a server which nobody asks for the description never loads the library.
        self._set_schema_to_view(view, _OfView())
        return view

    def get_schema(self, request=None, public=False):
        # The root is our own: the library takes it from settings, of which there would be one for all versions.
        paths = self.parse(None, public)
        named = {tag for path in paths.values() for operation in path.values() for tag in operation["tags"]}
        document = {
            "openapi": "3.0.3",
            "info": {"title": f"Pharos Work Items, {self.version}", "version": self.version, "description": _ABOUT},
            "servers": [{"url": "/"}],
            "tags": [tag for tag in _TAGS if tag["name"] in named],
            "paths": paths,
            "components": self.registry.build({}),
        }
        document = sanitize_result_object(normalize_result_object(document))
        for path, method, operation in operations_of(document):
            source = curl(document, "$PHAROS_URL", path, method, operation)
            operation["x-codeSamples"] = [{"lang": "Shell", "label": "curl", "source": source}]
        _path, _method, first = next(operations_of(document))
        document["info"]["description"] += _BEGIN % {"curl": first["x-codeSamples"][0]["source"]}
        return document


class _OfView(AutoSchema):
    """One operation: `view.edition` says who asks and how an item is spelt, the handler's `told` what it does."""

    @property
    def edition(self) -> Edition:
        return self.view.edition

    @property
    def told(self) -> Told:
        return getattr(self.view, self.method.lower()).told

    def get_operation_id(self):
        return f"{'member' if self.edition.is_for_members else 'admin'}_{self.told.name}"

    def get_summary(self):
        return self.told.summary

    def get_description(self):
        return self.told.more

    def get_tags(self):
        return [MEMBERS if self.edition.is_for_members else SERVICES]

    def get_auth(self):
        """Both headers at once."""
        named = {}
        for what, header in self.edition.headers._asdict().items():
            about = {"user": "Your email.", "key": "Your API key."}[what]
            name = f"{what}Header"
            scheme = {"type": "apiKey", "in": "header", "name": header, "description": about}
            self.registry.register_on_missing(
                ResolvedComponent(name=name, type=ResolvedComponent.SECURITY_SCHEMA, object=name, schema=scheme)
            )
            named[name] = []
        return [named]

    def _get_parameters(self):
        in_address = of_address(self.path, self.path_regex, self.view.in_address)
        if not (self.told.many and self.method == "GET"):
            return in_address
        return [*in_address, *of_list(getattr(self.view, "dialect", self.edition.dialect))]

    # What is sent

    def _get_request_body(self, direction="request"):
        if self.told.takes is None:
            return None
        schema, example = self._taken()
        content = {kind: {"schema": schema, "example": example} for kind in self.map_parsers()}
        return {"content": content, "required": self.told.takes is not Shape.STAGE}

    def _taken(self) -> tuple[Schema, Any]:
        record, takes = self.edition.record, self.told.takes
        match takes:
            case Shape.RECORD:
                return self._named("ItemToSave", shapes.incoming(record, self._field)), samples.saved(record)
            case Shape.NEW:
                given = set(re.findall(r"{(\w+)}", self.path))
                schema = shapes.incoming(record, self._field, shapes.needed_with(given))
                return self._named("NewItem", schema), samples.new(record, given)
            case Shape.BATCH:
                schema = shapes.of_batch(record, self._field)
                return self._named("ItemsToSave", schema), samples.batch(record)
            case Shape.STAGE:
                stages = [*record.by_name["stage"].words, ""]
                name = self.view.stage_name
                stage = {
                    "type": "string",
                    "enum": stages,
                    "description": "If blank or omitted: where the item stopped.",
                }
                schema = {"type": "object", "properties": {name: stage}, "additionalProperties": False}
                return schema, {name: samples.STAGE}
        schema = self._of_serializer(takes, "request")
        return schema, samples.OF_SHAPES[takes.Meta.ref_name]

    # What is answered

    def _get_response_bodies(self, direction="response"):
        told = self.told
        if told.answers is Shape.RECORD:
            one, example = self._record(), samples.record(self.edition.record)
        else:
            one, example = self._of_serializer(told.answers, "response"), samples.OF_SHAPES[told.answers.Meta.ref_name]
        schema, words = one, "Done; this is the current record." if told.takes else "Found."
        if told.many:
            name = one["$ref"].rsplit("/", 1)[1]
            schema = self._named(f"PageOf{name}s", shapes.page_of(one))
            example = {"count": 1, "next": None, "previous": None, "results": [example]}
            words = "One page." if self.method == "GET" else "All of the records, as they are now."
        answers = {str(told.status): _response(words if told.status != 201 else "Made.", schema, example)}
        return answers | {
            str(status): _response(self._sentence(status), self._error(status)) for status in self._refusals()
        }

    def _refusals(self) -> list[int]:
        told = self.told
        found = _ALWAYS | set(told.refuses)
        if told.takes is not None:
            found |= _WITH_BODY
        if told.takes in (Shape.RECORD, Shape.NEW, Shape.BATCH, Shape.STAGE):
            found.add(409)
        if told.takes is Shape.BATCH or "{" in self.path:
            found.add(404)
        if (told.many and self.method == "GET") or "{bag_date}" in self.path:
            found.add(400)
        return sorted(found)

    def _sentence(self, status: int) -> str:
        if status != 400:
            return _SENTENCES[status]
        if self.told.takes is not None:
            return "The body is not JSON, or the address is malformed."
        return "A parameter is unknown or malformed." if self.told.many else "The address is malformed."

    def _error(self, status: int) -> Schema:
        plain = self._named("Error", shapes.ERROR)
        if status in (404, 409, 422) and self.told.takes is Shape.BATCH:
            return self._named("WrongRecord", shapes.WRONG_RECORD)
        if status == 409 and self.told.takes is not Shape.NEW:
            return self._named("AtOdds", shapes.at_odds(self._record()))
        return self._named("WrongFields", shapes.WRONG_FIELDS) if status in (400, 422) else plain

    # Components

    def _record(self) -> Schema:
        record = self.edition.record
        who = "members" if self.edition.is_for_members else "services and admins"
        return self._named(record.__name__, shapes.outgoing(record, self._field, f"An item as {who} see it."))

    def _of_serializer(self, serializer: Any, direction: Any) -> Schema:
        component = self.resolve_serializer(serializer, direction)
        if direction == "request":
            component.schema["additionalProperties"] = False
        for name, field in serializer().fields.items():
            if "enum" in component.schema["properties"][name]:
                # The library adds a list of the words to it, which stand beside it anyway.
                component.schema["properties"][name]["description"] = field.help_text
        return component.ref

    def _field(self, field: Any) -> Schema:
        schema = self._map_serializer_field(field, "response")
        self._insert_field_validators(field, schema)
        return shapes.plain(field, schema)

    def _named(self, name: str, schema: Schema) -> Schema:
        component = ResolvedComponent(name=name, type=ResolvedComponent.SCHEMA, object=name, schema=schema)
        self.registry.register_on_missing(component)
        return component.ref


def _response(words: str, schema: Schema, example: Any = None) -> Schema:
    media = {"schema": schema} | ({"example": example} if example is not None else {})
    return {"description": words, "content": {"application/json": media}}
