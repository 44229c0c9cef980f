"""The OpenAPI description matches the code: it has every route, parameter, and field, and nothing else."""

import copy
import dataclasses
import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import RequestFactory
from django.urls import get_resolver, path
from drf_spectacular.validation import validate_schema

from pharos.accounts.roles import Permission
from workitems.api import items, v2
from workitems.api.description import docs
from workitems.api.description.guide import operations_of, read_guide
from workitems.api.description.openapi import describe_patterns, describe_version
from workitems.api.middleware import URLCONF
from workitems.listing import Dialect

from .api_client import Caller

PATTERNS = get_resolver(URLCONF).url_patterns
HTTP = ("get", "post", "put", "patch", "delete")


def fresh(version, patterns=PATTERNS):
    return describe_patterns(patterns, version)


def variant(pattern):
    return pattern.callback.view_initkwargs["variant"]


def address(pattern):
    """Returns a route's pattern as in the description."""
    text = str(pattern.pattern).removeprefix("^").removesuffix(r"\Z")
    text = re.sub(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)", r"{\1}", text)
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", text).replace("{pk}", "{id}")


def methods(pattern):
    view = pattern.callback.view_class
    return {name for name in HTTP if name in view.http_method_names and hasattr(view, name)}


def routes(version, patterns=PATTERNS):
    """Returns {(address, method): route} of a version, from the URL configuration."""
    return {
        (address(one), method): one for one in patterns if variant(one).version == version for method in methods(one)
    }


def missing(version, document, patterns=PATTERNS):
    """Returns the differences between document and code: routes, parameters of lists, and fields of records."""
    described = {(where, method): one for where, method, one in operations_of(document)}
    mounted = routes(version, patterns)
    found = sorted(f"{method} {where}" for where, method in described.keys() ^ mounted.keys())
    for (where, method), pattern in mounted.items():
        if (where, method) in described:
            operation = described[where, method]
            found += [f"{method} {where}: {name}" for name in _names_at_odds(operation, method, pattern)]
            found += [f"{method} {where}: {name}" for name in _fields_at_odds(document, operation, pattern)]
    return found


def _names_at_odds(operation, method, pattern):
    told = {one["name"] for one in operation.get("parameters", []) if one["in"] == "query"}
    view = pattern.callback.view_class
    is_list = method == "get" and getattr(view, method).operation.many
    dialect = variant(pattern).dialect
    own = getattr(view, "parameters", None)
    names = {*dialect.names, *dialect.ignored} if own is None else {*own, "page", "per_page"}
    return sorted(told ^ (names if is_list else set()))


def _fields_at_odds(document, operation, pattern):
    """Answers with a record document each of its fields, and so do bodies."""
    record = variant(pattern).record
    fields = set(record.by_name)
    done = next(iter(operation["responses"].values()))["content"]["application/json"]["schema"]
    for schema in (done, *(one["schema"] for one in operation.get("requestBody", {}).get("content", {}).values())):
        resolved = _resolved(document, schema)
        properties = resolved["properties"]
        if "results" in properties:
            properties = _resolved(document, properties["results"]["items"])["properties"]
        if "work_items" in properties:
            properties = properties["work_items"]["properties"]["items"]["items"]["properties"]
        if {"id", "name", "etag", "stage"} <= properties.keys():
            yield from sorted(properties.keys() ^ fields)


def _resolved(document, schema):
    return document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


@pytest.mark.parametrize("version", docs.VERSIONS)
def test_the_description_matches_the_code(version):
    assert missing(version, fresh(version)) == []


@pytest.mark.parametrize("version", docs.VERSIONS)
def test_it_is_valid_openapi_and_the_same_each_time(version, capfd):
    document = fresh(version)
    validate_schema(document)
    assert json.dumps(fresh(version)) == json.dumps(document)
    # The library writes what it could not make out to standard error.
    assert capfd.readouterr() == ("", "")


def test_every_route_belongs_to_a_described_version():
    assert {variant(one).version for one in PATTERNS} == set(docs.VERSIONS)
    assert sum(len(routes(version)) for version in docs.VERSIONS) > 20
    assert ("/api/v2/items/{etag}/{name}/{bag_date}", "put") in routes("v2")


def test_a_missing_route_is_detected():
    document = fresh("v2")
    del document["paths"]["/api/v2/items/"]["put"]
    del document["paths"]["/api/v2/institutions/"]
    assert missing("v2", document) == ["get /api/v2/institutions/", "put /api/v2/items/"]


def test_a_route_without_a_description_is_an_error():
    class Silent(items.ListItems):
        def get(self, request):
            return super().get(request)

    with pytest.raises(AttributeError):
        fresh("v2", [path("api/v2/silent/", Silent.as_view(variant=v2.ADMIN))])


@pytest.mark.parametrize("name", ["node_empty", "after", "access"])
def test_a_missing_parameter_is_detected(name):
    document = fresh("v2")
    parameters = document["paths"]["/api/v2/items/"]["get"]["parameters"]
    parameters[:] = [one for one in parameters if one["name"] != name]
    assert missing("v2", document) == [f"get /api/v2/items/: {name}"]


def test_a_surplus_parameter_is_detected():
    fewer = {name: means for name, means in v2.PARAMETERS.items() if name != "bucket"}
    edition_now = dataclasses.replace(v2.ADMIN, dialect=Dialect(fewer, per_page=10))
    patterns = [path("api/v2/items/", items.ListItems.as_view(variant=edition_now))]
    document = fresh("v2", [path("api/v2/items/", items.ListItems.as_view(variant=v2.ADMIN))])
    assert missing("v2", document, patterns) == ["get /api/v2/items/: access", "get /api/v2/items/: bucket"]


def test_a_missing_field_is_detected():
    document = copy.deepcopy(fresh("v2"))
    del document["components"]["schemas"]["Item"]["properties"]["pid"]
    del document["components"]["schemas"]["ItemToSave"]["properties"]["note"]
    found = missing("v2", document)
    assert "get /api/v2/items/: pid" in found
    assert "put /api/v2/items/{id}/: note" in found


@pytest.mark.parametrize("version", docs.VERSIONS)
def test_the_member_api_description_has_no_process_fields(version):
    """Neither in parameters nor in fields."""
    document = fresh(version)
    of_process = {"node", "pid", "work_item_state_id"}
    for where, _method, operation in operations_of(document):
        if where.startswith("/member-api/"):
            assert not {
                one["name"] for one in operation.get("parameters", []) if re.match("(?!node__)(node|pid)", one["name"])
            }
            done = operation["responses"]["200"]["content"]["application/json"]["schema"]
            properties = _resolved(document, done)["properties"]
            one = _resolved(document, properties["results"]["items"])["properties"] if "results" in properties else {}
            assert not (properties.keys() | one.keys()) & of_process


@pytest.mark.parametrize("version", docs.VERSIONS)
def test_each_operation_needs_both_headers_of_its_version(version):
    document = fresh(version)
    schemes = document["components"]["securitySchemes"]
    headers = {variant(one).headers for one in PATTERNS if variant(one).version == version}
    assert {(schemes["userHeader"]["name"], schemes["keyHeader"]["name"])} == {tuple(one) for one in headers}
    for where, method, operation in operations_of(document):
        assert operation["security"] == [{"userHeader": [], "keyHeader": []}], (where, method)


@pytest.mark.parametrize("version", docs.VERSIONS)
def test_operations_have_their_own_names_descriptions_and_errors(version):
    document = fresh(version)
    operations = list(operations_of(document))
    names = [one["operationId"] for _where, _method, one in operations]
    assert len(names) == len(set(names))
    for where, method, one in operations:
        told = json.dumps(one)
        assert one["summary"], (where, method)
        assert {"401", "403", "429"} <= one["responses"].keys(), told
        assert ("requestBody" in one) is (method in ("put", "post")), told
        assert all(parameter["description"] for parameter in one.get("parameters", [])), told
        for status, answer in one["responses"].items():
            schema = answer["content"]["application/json"]["schema"]
            assert status < "400" or _says_error(document, schema), (where, method, status)


def _says_error(document, schema):
    schema = _resolved(document, schema)
    return "error" in schema.get("required", []) or any(_says_error(document, one) for one in schema.get("allOf", []))


def test_an_error_without_a_description_is_detected():
    document = fresh("v2")
    document["components"]["schemas"]["ApiError"]["required"] = []
    assert not _says_error(document, {"$ref": "#/components/schemas/ApiError"})


def parameter(version, where, name):
    [found] = [one for one in fresh(version)["paths"][where]["get"]["parameters"] if one["name"] == name]
    return found


def test_parameters_have_types_and_descriptions():
    assert parameter("v1", "/member-api/v1/items/", "status")["schema"] == {
        "type": "array",
        "items": {"type": "string", "enum": ["pend", "start", "success", "fail", "cancel"]},
    }
    page_size = {"type": "integer", "minimum": 1, "maximum": 1000}
    assert parameter("v2", "/api/v2/items/", "per_page")["schema"] == page_size | {"default": 10}
    assert parameter("v3", "/member-api/v3/items", "per_page")["schema"] == page_size | {"default": 20}
    assert parameter("v2", "/api/v2/items/", "name")["schema"]["items"] == {"type": "string", "maxLength": 1000}
    assert parameter("v2", "/api/v2/items/", "access")["deprecated"] is True
    sorts = parameter("v3", "/admin-api/v3/items", "sort")["schema"]
    assert {"name__desc", "date_processed__asc"} <= set(sorts["enum"])
    assert sorts["default"] == "date_processed__desc"


def test_fields_have_types_and_descriptions():
    schemas = fresh("v2")["components"]["schemas"]
    item = schemas["Item"]["properties"]
    assert item["id"]["format"] == "int64"
    assert item["updated_at"]["format"] == "date-time"
    assert item["reviewed"]["readOnly"] is True
    assert "nullable" not in item["note"], "a null note breaks the desktop app"
    assert item["pid"]["nullable"] is True
    # Members who read at the workers' address do not get these.
    assert schemas["Item"]["required"] == [name for name in item if name not in ("node", "pid", "work_item_state_id")]
    assert schemas["MemberItem"]["required"] == list(schemas["MemberItem"]["properties"])
    # A save can't remove these.
    for name in ("name", "etag"):
        assert "nullable" not in schemas["ItemToSave"]["properties"][name]
    new = schemas["NewItem"]
    assert new["properties"]["etag"]["nullable"] is True
    assert sorted(new["required"]) == ["action", "institution_id", "name"]
    assert new["additionalProperties"] is False
    v3_new = fresh("v3")["components"]["schemas"]["NewItem"]
    assert sorted(v3_new["required"]) == ["action", "name"], "the address names the institution"


def test_the_requeue_stage_has_the_name_of_its_version():
    for version, where, name in (
        ("v2", "/api/v2/items/{id}/requeue/", "item_stage"),
        ("v3", "/admin-api/v3/items/requeue/{id}", "stage"),
    ):
        content = fresh(version)["paths"][where]["put"]["requestBody"]["content"]
        assert set(content) == {"application/json", "application/x-www-form-urlencoded"}
        assert all(list(one["schema"]["properties"]) == [name] for one in content.values())


def test_operations_are_grouped_by_who_can_use_them():
    groups = {
        operation["operationId"]: operation["tags"]
        for version in docs.VERSIONS
        for _where, _method, operation in operations_of(fresh(version))
    }
    for version in docs.VERSIONS:
        for key, pattern in routes(version).items():
            operation = fresh(version)["paths"][key[0]][key[1]]
            is_members = variant(pattern).permission is Permission.BROWSE
            assert operation["tags"] == (["Members"] if is_members else ["Services and admins"]), key
            assert operation["operationId"].startswith("member_" if is_members else "admin_")
    assert groups


def test_the_description_is_built_once():
    assert describe_version("v2") is describe_version("v2")


def test_every_operation_can_be_rendered():
    for version in docs.VERSIONS:
        guide = read_guide(describe_version(version), "https://pharos.example.org/")
        shown = [one.id for group in guide.groups for one in group.operations]
        assert sorted(shown) == sorted(one["operationId"] for *_where, one in operations_of(describe_version(version)))


@pytest.mark.parametrize("version", docs.VERSIONS)
def test_the_document_says_whom_to_ask_and_holds_nothing_of_the_library(version, settings):
    document = fresh(version)
    assert document["info"]["contact"]["email"] == settings.SUPPORT_EMAIL
    assert document["info"]["license"] == {"name": "MIT"}
    assert "x-spec" not in json.dumps(document)


def test_sizes_and_days_are_described_as_the_server_takes_them(client, ada):
    found = {
        one["name"]: one["schema"]
        for _path, _method, operation in operations_of(fresh("v2"))
        for one in operation.get("parameters", [])
    }
    assert [one.get("type") for one in found["size_min"]["anyOf"]] == ["integer", "string"]
    assert [one["format"] for one in found["created_after"]["anyOf"]] == ["date-time", "date"]
    for size in ("1.4 GB", "1.4GB", "5k"):
        assert re.fullmatch(found["size_min"]["anyOf"][1]["pattern"], size)
        assert Caller(client, ada).get("/api/v2/items/", {"size_min": size}).status == 200


def test_first_requests_that_come_at_once_are_all_answered(client):
    describe_version.cache_clear()
    docs._document.cache_clear()
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _n: RequestFactory().get("/api/docs/v2.json"), range(12)))
        documents = list(pool.map(docs.OpenApiDocument.as_view(version="v2"), answers))
    assert [one.status_code for one in documents] == [200] * 12
    assert len({one.content for one in documents}) == 1
