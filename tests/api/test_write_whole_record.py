"""Clients read a record once and send it repeatedly: no field may make the next save fail."""

from datetime import UTC, datetime

import pytest

from tests.factories import make_item
from workitems import transitions
from workitems.api import v2, v3

from .api_client import Caller

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
# {version: (its record for admins, where it is read, where it is saved)}
VERSIONS = {
    "v2": (v2.ADMIN.record, "/api/v2/items/{}/", "/api/v2/items/{}/"),
    "v3": (v3.ADMIN.record, "/admin-api/v3/items/show/{}", "/admin-api/v3/items/update/{}"),
}
FILLED = {
    "inst_approver": "stan@virginia.edu",
    "aptrust_approver": "ada@aptrust.org",
    "object_identifier": "virginia.edu/bag",
    "size": 4096,
    "bag_date": NOON,
    "queued_at": NOON,
}


@pytest.fixture
def working_on(virginia, wally):
    """A started item with a value in every field."""
    item = make_item(virginia, name="bag.tar", etag="1", bucket="in", note="Waiting.", **FILLED)
    transitions.progress(item, stage="Fetch", note="Copying.", node="w1", pid=7, by=wally)
    transitions.save_worker_state(item, text='{"files": 12}', action="Ingest", by=wally, now=NOON)
    return item


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("who", ["wally", "ada"])
def test_a_record_read_once_can_be_saved_repeatedly(client, cast, working_on, version, who):
    record, shown_at, saved_at = VERSIONS[version]
    caller = Caller(client, cast[who])
    first = caller.get(shown_at.format(working_on.pk)).body
    assert set(first) == set(record.by_name)
    for note in ("A third of it.", "Half of it.", "All of it."):
        answer = caller.put(saved_at.format(working_on.pk), first | {"note": note})
        assert answer.status == 200, answer.body
        assert answer.body["note"] == note


@pytest.mark.parametrize("version", VERSIONS)
def test_every_single_field_can_be_sent_back_after_a_save(client, wally, working_on, version):
    record, shown_at, saved_at = VERSIONS[version]
    caller = Caller(client, wally)
    first = caller.get(shown_at.format(working_on.pk)).body
    assert caller.put(saved_at.format(working_on.pk), {"note": "Half of it."}).status == 200
    refused = {
        name: answer.body for name in record.by_name if (answer := send(caller, saved_at, working_on, first, name))
    }
    assert refused == {}, "say `ignored=True` where these are declared"


def send(caller, saved_at, item, first, name):
    """Returns the answer if this field alone is refused, otherwise None."""
    answer = caller.put(saved_at.format(item.pk), {name: first[name]})
    return answer if answer.status != 200 else None
