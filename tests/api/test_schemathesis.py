"""Fuzzes the server from its own OpenAPI description: what it accepts, refuses, and answers."""

from datetime import UTC, datetime, timedelta

import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from pharos.accounts import api_keys
from pharos.accounts.models import Institution
from workitems import transitions
from workitems.api import VERSIONS, v2
from workitems.models import WorkItem

from ..factories import make_item

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = settings(
    max_examples=15,
    deadline=None,
    database=None,
    derandomize=True,  # the same run every time, and for each of those who run it
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
FEWER = settings(EXAMPLES, max_examples=8)
# What only the other institution's items hold, and what only services may see of one's own.
# Of version 2, which members read, too.
FOR_READERS = {"admin_list_items", "admin_show_item", "admin_list_objects", "admin_show_object"}
THEIRS = "Wrangel Archive of Letters"
NODE = "mill-7.internal.example.org"
PID = 918_273_645
OBJECT = "virginia.edu/uva-lib_1"
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _connection_stays_open():
    """Keeps the connection open: all calls of a test use one connection and transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def world(virginia, jhu, wally, stan, settings):
    """Items of both institutions in several states, and their ids for calls about existing items."""
    settings.API_CALLS_PER_MINUTE = settings.API_CALLS_PER_MINUTE_SERVICES = 10**9
    jhu.name = THEIRS
    jhu.save()
    running = make_item(virginia, name="virginia.edu.a_1.tar", etag="a" * 32, at=NOW, bag_date=NOW)
    transitions.progress(running, stage="Store", node=NODE, pid=PID, by=wally)
    transitions.save_worker_state(running, text="{}", action=None, by=wally, now=NOW)
    failed = make_item(virginia, name="übersee & “Küste”.tar")
    transitions.fail(failed, stage="Validate", note="The bag has no manifest.", retry=False, by=wally)
    done = make_item(virginia, object_identifier=OBJECT)
    transitions.succeed(done, stage="Cleanup", by=wally)
    restored = make_item(virginia, action="Restore", object_identifier=OBJECT, user="dora@virginia.edu")
    transitions.succeed(restored, stage="Available in S3", by=wally)
    more = [make_item(virginia, at=NOW + timedelta(minutes=n)) for n in range(8)]
    theirs = [make_item(jhu, name=f"{THEIRS} {n}.tar", note=THEIRS, bucket=THEIRS, at=NOW) for n in range(3)]
    return [one.pk for one in (restored, running, failed, done, more[0], *theirs)]


def described(version):
    return schemathesis.openapi.from_wsgi(f"/api/docs/{version}.json", WSGIHandler())


def operations(version):
    for result in described(version).get_all_operations():
        yield result.ok()


# Bodies that mean something, beside those that are only of the right shape.
MOVES = st.fixed_dictionaries(
    {"status": st.sampled_from(["Pending", "Started", "Success", "Failed", "Suspended", "Cancelled"])},
    optional={
        "stage": st.sampled_from(["Receive", "Fetch", "Store", "Cleanup", "Resolve", "Available in S3"]),
        "note": st.text(max_size=40),
        "retry": st.booleans(),
        "needs_admin_review": st.booleans(),
        "node": st.sampled_from(["", NODE, None]),
        "pid": st.sampled_from([0, PID, None]),
    },
)
UPLOAD = {"etag": "a" * 32, "name": "virginia.edu.a_1.tar", "bag_date": "2026-05-04T14:00:00.5+02:00"}


def cases(operation, ids):
    """Generates calls that the description allows, both arbitrary ones and ones about existing items."""
    name = operation.definition.raw["operationId"]
    # The first is a restoration, the second has a state.
    pool = {"admin_ask_for_spot_test": ids[:1], "admin_show_state": ids[1:2], "admin_save_state": ids[1:2]}
    institutions = list(Institution.objects.values_list("pk", flat=True))
    pool["admin_show_institution"] = institutions
    there = {
        "id": st.sampled_from(pool.get(name, ids)),
        "institution_id": st.sampled_from(institutions),
        "identifier": st.sampled_from([OBJECT, "virginia.edu"]),
        **{name: st.just(value) for name, value in UPLOAD.items()},
    }
    address = st.fixed_dictionaries({one.name: there[one.name] for one in operation.path_parameters})
    ways = [operation.as_strategy(), address.flatmap(lambda known: operation.as_strategy(path_parameters=known))]
    if (body := body_of(name, there)) is not None:
        both = st.tuples(address, body)
        ways.append(both.flatmap(lambda one: operation.as_strategy(path_parameters=one[0], body=one[1])))
    return st.one_of(*ways)


def body_of(name, there):
    """Returns a body that is likely to be accepted, or None if any valid one may be."""
    if name in ("admin_save_item", "admin_save_item_by_upload"):
        return MOVES
    if name == "admin_create_item":
        what = {"name": st.text(min_size=1, max_size=40), "action": st.sampled_from(["Ingest", "Delete", "DPN"])}
        return st.fixed_dictionaries(what | {"institution_id": there["institution_id"]})
    if name == "admin_save_items":
        records = st.lists(st.tuples(there["id"], MOVES), min_size=1, max_size=3)
        # One that nobody else calls for waits still, and can be taken up.
        waiting = WorkItem.objects.open().filter(stage="Receive", status="Pending").last().pk
        return (st.just([(waiting, {"status": "Started"})]) | records).map(
            lambda pairs: {"work_items": {"items": [{"id": pk, **move} for pk, move in pairs]}}
        )
    if name == "admin_create_state":
        return st.fixed_dictionaries({"work_item_id": there["id"], "state": st.text(max_size=40)})
    if name == "admin_save_state":
        return st.fixed_dictionaries({"state": st.text(max_size=40)})
    return None


def headers_of(schema, person):
    """Returns both headers, named as in the description, with a key of this user."""
    schemes = schema["components"]["securitySchemes"]
    _key, secret = api_keys.create_key(person, now=datetime.now(UTC))
    ours = {schemes["userHeader"]["name"]: person.email, schemes["keyHeader"]["name"]: secret}
    return ours | {"Accept-Encoding": "identity"}  # in process, nobody unpacks


def call_each(strategy, headers, checks=CHECKS, *, examples=EXAMPLES, look=lambda case, response: None):
    """Makes the generated calls, and checks every answer against the description. Returns the statuses."""
    statuses = set()

    @examples
    @given(case=strategy)
    def call(case):
        response = case.call(headers=headers)
        case.validate_response(response, checks=checks)
        assert not response.headers.get("set-cookie")
        assert response.status_code < 300 or response.json()["error"]
        look(case, response)
        statuses.add(response.status_code)

    call()
    return statuses


def walked(version, person, ids, *, mode=GenerationMode.POSITIVE, only="", **more):
    """Calls every operation of a version. Returns {operation: statuses}."""
    found = {}
    for operation in operations(version):
        if only not in operation.definition.raw["operationId"]:
            continue
        headers = headers_of(operation.schema.raw_schema, person)
        strategy = cases(operation, ids) if mode is GenerationMode.POSITIVE else operation.as_strategy(mode)
        found[operation.definition.raw["operationId"]] = call_each(strategy, headers, **more)
        person.api_keys.all().delete()
    return found


def refused_for_a_reason(case, response):
    """What fits the description is refused with 400 only where a value must exist, where it cannot be stored, or
    where two spellings of a name meet."""
    if response.status_code == 400 and case.method == "GET" and "bag_date" not in (case.path_parameters or {}):
        told = {name: sentences for name, sentences in response.json().items() if name != "error"}
        assert told
        reasons = (
            "given only once",
            "NUL character",
            "are the same filter",
            "another spelling of",
            "“0001-",
            "“9999-",
        )  # years that have no beginning in every zone
        left = {name: said for name, said in told.items() if not any(one in said[0] for one in reasons)}
        assert left.keys() <= {"institution", "institution_id", "after", "cause", "act"}, told


@pytest.mark.parametrize("version", VERSIONS)
def test_a_service_calls_everything(version, world, wally):
    answered = walked(version, wally, world, look=refused_for_a_reason)
    assert not {name for name, statuses in answered.items() if statuses & {401, 403}} - {"admin_requeue_item"}
    done = {name for name, statuses in answered.items() if statuses & {200, 201}}
    assert answered.keys() - done <= {"admin_requeue_item"}, "what never works is not tested"


@pytest.mark.parametrize("version", ["v2", "v3"])
def test_an_admin_requeues(version, world, ada):
    answered = walked(version, ada, world, only="requeue")
    assert 200 in answered["admin_requeue_item"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_depositor_sees_no_other_institutions_data(version, world, dora):
    """No call reveals items, names, or notes of the other institution, or process fields."""

    def look(case, response):
        text = response.text
        assert not [secret for secret in (THEIRS, NODE, str(PID), "jhu.edu") if secret in text], text
        seen.append(response.status_code)

    seen = []
    answered = walked(version, dora, world, look=look)
    assert seen
    for name, statuses in answered.items():
        # 404: a slash within a domain makes it another address.
        is_open = not name.startswith("admin_") or (version == "v2" and name in FOR_READERS)
        assert (200 in statuses) if is_open else (statuses <= {403, 404}), (name, statuses)


def a_malformed_body_is_refused(case, response):
    body = case.meta.components.get(ParameterLocation.BODY)
    assert body is None or body.mode is not GenerationMode.NEGATIVE or response.status_code >= 400


@pytest.mark.parametrize("version", VERSIONS)
def test_malformed_requests_are_refused(version, world, wally):
    """Calls that violate the description get a documented answer, and their bodies create nothing."""
    look = a_malformed_body_is_refused
    answered = walked(version, wally, world, mode=GenerationMode.NEGATIVE, examples=FEWER, look=look)
    assert 400 in answered["member_list_items"]


def lists(version):
    for operation in operations(version):
        if operation.method == "get" and "list" in operation.definition.raw["operationId"]:
            yield operation, [one.definition for one in operation.query]


@pytest.mark.parametrize("version", VERSIONS)
def test_lists_refuse_values_outside_their_schema(version, world, wally):
    """An invalid value of a parameter is never silently ignored."""
    refused = set()
    for operation, parameters in lists(version):
        headers = headers_of(operation.schema.raw_schema, wally)
        for one in parameters:
            schema = one["schema"].get("items", one["schema"])
            is_text = schema.get("type") == "string" and not schema.keys() & {"enum", "format"}
            value = "x" * (schema.get("maxLength", 60_000) + 1) if is_text else "no such thing"
            if one.get("deprecated") or (is_text and "maxLength" not in schema and one["name"] != "institution"):
                continue
            response = operation.Case(query={one["name"]: value}).call(headers=headers)
            assert (response.status_code, one["name"] in response.json()) == (400, True), one["name"]
            refused.add(one["name"])
        response = operation.Case(query={"nmae": "x"}).call(headers=headers)
        assert response.status_code == 400
        assert response.json().keys() == {"nmae", "error"}
    assert len(refused) >= 10


def test_the_fuzzing_detects_faults(world, wally, monkeypatch):
    """A missing field, an undocumented status, and an HTML answer."""
    operation = next(operations("v2"))
    headers = headers_of(operation.schema.raw_schema, wally)
    strategy = st.just(operation.Case(query={}))
    assert call_each(strategy, headers) == {200}
    shown = v2.MemberItem.serialize

    def without_note(items, beside=()):
        return [({**record, "note": None}, place) for record, place in shown(items, beside)]

    monkeypatch.setattr(v2.MemberItem, "serialize", without_note)
    with pytest.raises(FailureGroup, match="violates schema"):
        call_each(strategy, headers)
    monkeypatch.setattr(v2.MemberItem, "serialize", lambda *_args: 1 / 0)
    with pytest.raises(FailureGroup, match="Server error"):
        call_each(strategy, headers)
