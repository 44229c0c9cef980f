"""Saves an item through the API, and checks that a refused save changed nothing."""

from tests.http_clients import whole_record
from tests.stored_items import as_stored


def item_address(item):
    return f"/api/v2/items/{item.pk}/"


def read_item(caller, item, **changes):
    """Returns the 23 keys as a client would send them back, with these changes."""
    return whole_record(caller.get(item_address(item)).body, **changes)


def assert_untouched(item, answer, status, *fields, before):
    """Checks that the answer is a refusal that names these fields, and that the item hasn't changed."""
    assert answer.status == status, answer.body
    assert as_stored(item) == before
    if status == 422:
        assert set(answer.body) == {*fields, "error"}
        assert all(isinstance(answer.body[field], list) for field in fields)
    return answer.body


FETCHING = {"stage": "Fetch", "status": "Started", "node": "w1", "pid": 7}
