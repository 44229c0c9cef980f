"""How the tests save an item through the API, and the check that a refusal left it alone."""

from tests.stored import as_stored
from tests.wire import whole_record


def address(item):
    return f"/api/v2/items/{item.pk}/"


def read(caller, item, **changes):
    """The 23 keys as a client would send them back, with what is new."""
    return whole_record(caller.get(address(item)).body, **changes)


def untouched(item, answer, status, *fields, before):
    """The answer refuses, names these fields, and the item is as it was before."""
    assert answer.status == status, answer.body
    assert as_stored(item) == before
    if status == 422:
        assert set(answer.body) == {*fields, "error"}
        assert all(isinstance(answer.body[field], list) for field in fields)
    return answer.body


FETCHING = {"stage": "Fetch", "status": "Started", "node": "w1", "pid": 7}
