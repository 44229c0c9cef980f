"""Invalid bodies, for every address that takes one: they are refused and change nothing."""

import gzip
import json

import pytest

from tests.factories import make_item
from tests.stored_items import as_stored
from workitems import transitions
from workitems.api import v2, v3
from workitems.api.fields import Flag, Note
from workitems.models import WorkItem, WorkItemState

from .api_client import Caller

BAG = "/api/v2/items/e7a9/bag.tar/0001-01-01T00:00:00Z"
PUTS = ["/api/v2/items/{}/", BAG, "/admin-api/v3/items/update/{}"]
POSTS = ["/api/v2/items/", "/admin-api/v3/items/create/{institution}"]
STATES = ["/api/v2/item_state/{}/"]
REQUEUES = ["/api/v2/items/{}/requeue/", "/admin-api/v3/items/requeue/{}"]
BATCH = "/api/v2/items/"
WRITES = [
    *(("PUT", path) for path in (*PUTS, *STATES, *REQUEUES, BATCH)),
    *(("POST", path) for path in (*POSTS, "/api/v2/item_state/")),
]
DEEP = 100_000


@pytest.fixture
def adas(client, ada):
    return Caller(client, ada)


@pytest.fixture
def bag(adas, virginia, wally):
    item = make_item(virginia, name="bag.tar", etag="e7a9", size=5)
    transitions.progress(item, by=wally, stage="Fetch", node="worker-7", pid=4711)
    adas.post("/api/v2/item_state/", {"work_item_id": item.pk, "action": "Ingest", "state": "{}"})
    return item


def everything():
    items = [as_stored(one) for one in WorkItem.objects.order_by("pk")]
    return items, list(WorkItemState.objects.values())


def row(item):
    """Returns what can be compared quickly after each of many calls."""
    return WorkItem.objects.values().get(pk=item.pk)


def address(path, item):
    return path.format(item.pk, institution=item.institution_id)


BROKEN = {
    "an opened brace": b"{",
    "an opened bracket": b"[",
    "two objects": b"{}{}",
    "a comma too many": b'{"note": "x",}',
    "single quotes": b"{'note': 'x'}",
    "a comment": b'{"note": "x"} // x',
    "deep brackets": b"[" * DEEP,
    "deep and closed": b"[" * DEEP + b"]" * DEEP,
    "deep braces": b'{"a":' * DEEP,
    "deep inside": b'{"note": ' + b"[" * DEEP + b"]" * DEEP + b"}",
    "no number": b'{"size": NaN}',
    "infinite": b'{"size": Infinity}',
    "less than that": b'{"size": -Infinity}',
    "a number of 5,000 digits": b'{"size": ' + b"9" * 5_000 + b"}",
    "not UTF-8": b'{"note": "\xff"}',
    "half a UTF-16": b"\xff\xfe{",
    "NUL": b"\0",
    "NUL after it": b'{"note": "x"}\0',
    "a line inside a text": b'{"note": "a\nb"}',
    "a form": b"note=x&stage=Receive",
    "XML": b"<note>x</note>",
    "packed": gzip.compress(b'{"note": "x"}'),
    "a list": b"[]",
    "a list of objects": b'[{"note": "x"}]',
    "a text": b'"note"',
    "a number": b"1",
    "true": b"true",
    "null": b"null",
    "blank": b"  \n",
    "too large a number": b"1e999",
}


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_bodies_that_are_not_json_objects(adas, bag, method, path):
    before = everything()
    for kind, body in BROKEN.items():
        answer = adas.ask(method, address(path, bag), body=body)
        # A state is refused at its first value that is no text, however deep that goes.
        expected = (400, 422) if "item_state" in path and kind in ("deep braces", "deep inside") else (400,)
        assert answer.status in expected, (kind, answer)
        assert len(answer.body["error"]) < 1_000, kind
    assert everything() == before


@pytest.mark.parametrize(("method", "path"), [call for call in WRITES if call[1] not in REQUEUES])
def test_an_empty_body(adas, bag, method, path):
    before = everything()
    assert adas.ask(method, address(path, bag)).status == 400
    assert everything() == before


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_other_content_types(adas, bag, method, path):
    before = everything()
    body = b'{"note": "x", "name": "n.tar"}'
    for kind in ("text/plain", "application/xml", "multipart/form-data; boundary=x", "x", "", "application/jsonx"):
        assert adas.ask(method, address(path, bag), body=body, content_type=kind).status == 415, kind
    assert everything() == before


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "application/json;x=y"]
)
def test_spellings_of_the_right_type(adas, bag, content_type):
    answer = adas.put(f"/api/v2/items/{bag.pk}/", body=b'{"note": "\xc3\xbc"}', content_type=content_type)
    assert (answer.status, answer.body["note"]) == (200, "ü")


ODD = [
    *(
        [],
        {},
        [1],
        {"a": 1},
        1.5,
        1e300,
        -1,
        0,
        2**63,
        10**30,
        True,
        False,
        "",
        "1",
        "true",
        "\0",
        "\ud800",
        "x" * 60_000,
    ),
    *("2021-02-30T00:00:00Z", "9999-12-31T23:59:59-14:00", None),
]
# An admin's save may say these of an item that is Started at Fetch.
FINE = {
    "note": str,
    "outcome": str,
    "node": str,
    "user": str,
    "bucket": str,
    "generic_file_identifier": str,
    "object_identifier": str,
    "storage_option": str,
    "intellectual_object_id": int,
    "generic_file_id": int,
    "deletion_request_id": int,
    "size": int,
    "pid": int,
}


def is_fine(field, value):
    """Returns whether a save can change something with this value."""
    if isinstance(field, Flag):
        return type(value) is bool
    wanted = FINE.get(field.field_name)
    return wanted is not None and type(value) is wanted


@pytest.mark.parametrize(("path", "record"), [(PUTS[0], v2.Item), (PUTS[2], v3.Item)], ids=["v2", "v3"])
def test_invalid_values_of_every_field(adas, bag, path, record):
    """An invalid value is 422 with the field's name; an accepted one changes nothing unless it is allowed to."""
    after = row(bag)
    alike = set(v2.Item.by_name) - {"action"} if record is v3.Item else set()
    for name, field in record.by_name.items():
        if name in alike:  # the same field, asked already
            continue
        for value in ODD:
            before = after
            answer = adas.put(address(path, bag), body=json.dumps({name: value}).encode())
            case = (name, value if len(str(value)) < 99 else "long", answer.status, str(answer.body)[:300])
            assert answer.status in (200, 409, 422), case
            if answer.status == 422:
                assert set(answer.body) == {name, "error"}, case
            if answer.status == 200 and not field.ignored and isinstance(value, list | dict) and value:
                raise AssertionError(case)
            after = row(bag)
            if not (answer.status == 200 and is_fine(field, value)):
                assert after == before or (answer.status == 200 and value in (None, "", 0)), case


@pytest.mark.parametrize(("path", "record"), [(POSTS[0], v2.Item), (POSTS[1], v3.Item)], ids=["v2", "v3"])
def test_invalid_values_of_a_new_item(adas, bag, path, record):
    for name, field in record.by_name.items():
        if field.ignored or isinstance(field, Flag):
            continue
        # A note is kept in any case: test_write_notes.py.
        for value in ([1], {"a": 1}, 1.5, 10**30, -1, True, *(() if isinstance(field, Note) else ("\0", "\ud800"))):
            new = {"name": "new.tar", "action": "Ingest", "institution_id": bag.institution_id, name: value}
            answer = adas.post(address(path, bag), body=json.dumps(new).encode())
            assert answer.status == 422, (name, value, answer)
            assert set(answer.body) == {name, "error"}, (name, value, answer)
    assert WorkItem.objects.count() == 1


@pytest.mark.parametrize("number", [0, -1, 987_654_321, 2**63 - 1, 2**63, 10**30, "1", 1.0, True, [1], {"id": 1}])
def test_unknown_institution_ids(adas, bag, number):
    new = {"name": "new.tar", "action": "Ingest", "institution_id": number}
    answer = adas.post(POSTS[0], new)
    assert (answer.status, set(answer.body)) == (422, {"institution_id", "error"})
    assert WorkItem.objects.count() == 1


@pytest.mark.parametrize(
    "batch",
    [
        *(None, [], {}, "x", 1, {"items": None}, {"items": {}}, {"items": []}, {"items": "x"}, {"items": [None]}),
        *({"items": [1]}, {"items": [[]]}, {"items": [{}]}, {"items": [{"id": "1"}]}, {"items": [{"id": True}]}),
        *({"items": [{"id": 0}]}, {"items": [{"id": -1}]}, {"items": [{"id": 2**63}]}, {"items": [{"id": 10**30}]}),
        *({"items": [{"id": 1.0}]}, {"items": [{"id": [1]}]}, {"items": [{"id": 987_654_321, "note": "x"}] * 1_001}),
    ],
)
def test_invalid_batches(adas, bag, batch):
    before = everything()
    answer = adas.put(BATCH, {"work_items": batch})
    assert answer.status in (404, 422), answer
    assert everything() == before
    mixed = [
        {"id": bag.pk, "note": "Changed."},
        *(batch["items"] if isinstance(batch, dict) and isinstance(batch.get("items"), list) else []),
    ]
    if len(mixed) > 1:
        assert adas.put(BATCH, {"work_items": {"items": mixed}}).status in (404, 422)
        assert everything() == before


@pytest.mark.parametrize("name", ["work_item_id", "id", "state", "action"])
def test_invalid_values_of_a_state(adas, bag, name):
    before = everything()
    for value in (
        [1],
        {"a": 1},
        1.5,
        10**30,
        2**63,
        -1,
        True,
        "\0",
        "\ud800",
        "x" * 60_000 if name == "action" else "a\0b",
    ):
        sent = {"work_item_id": bag.pk, "action": "Ingest", "state": "{}", name: value}
        for method, path in (("POST", "/api/v2/item_state/"), ("PUT", f"/api/v2/item_state/{bag.pk}/")):
            if name == "id" and method == "POST" and type(value) is int and value > 0:
                continue  # a new state's number is its item's, whatever is sent
            answer = adas.ask(method, path, body=json.dumps(sent).encode())
            assert answer.status == 422, (method, value, answer)
            assert set(answer.body) == {name, "error"}, (method, value, answer)
    assert everything() == before


@pytest.mark.parametrize("path", REQUEUES)
def test_invalid_requeue_stages(adas, bag, path):
    name = "stage" if "v3" in path else "item_stage"
    before = everything()
    for value in ([], {}, [1], 1, True, "Bogus", "resolve", "Resolve", "\0", "\ud800", "x" * 60_000):
        answer = adas.put(address(path, bag), body=json.dumps({name: value}).encode())
        assert answer.status == 422, (value, answer)
        assert set(answer.body) == {name, "error"}, (value, answer)
    for form in ("x=1", f"{name}=Bogus", f"{name}=%ff", f"{name}=%00", f"{name}=Receive&status=Success"):
        answer = adas.put(address(path, bag), body=form.encode(), content_type="application/x-www-form-urlencoded")
        assert answer.status == 422, (form, answer)
    assert everything() == before


def test_the_last_of_two_equal_keys_counts(adas, bag):
    answer = adas.put(f"/api/v2/items/{bag.pk}/", body=b'{"note": "first", "note": "last"}')
    assert (answer.status, answer.body["note"]) == (200, "last")


def test_unknown_fields_of_a_record(adas, bag):
    before = everything()
    for name in (
        "bogus",
        "version",
        "search_text",
        "institution__name",
        "__class__",
        "pk",
        "history",
        "error",
        "",
        "\0",
        "\ud800",
    ):
        answer = adas.put(f"/api/v2/items/{bag.pk}/", body=json.dumps({"note": "x", name: 1}).encode())
        assert answer.status == 422, name
    assert everything() == before


def test_a_body_with_get_is_not_read(adas, bag):
    for body in BROKEN.values():
        assert adas.get(f"/api/v2/items/{bag.pk}/", body=body).status == 200
