"""Depositors' tools read the workers' addresses with a member's key: the own institution's items, without their processes."""

import pytest

from tests.factories import make_item
from tests.http_clients import GoClient
from tests.stored_items import as_stored
from workitems import transitions

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def member(real_server, dora):
    return GoClient(real_server, dora)


@pytest.fixture
def items(virginia, jhu, wally):
    own = make_item(virginia, name="bag.tar", etag="9c5a3e2b7d1f4860a1b2c3d4e5f60718")
    transitions.progress(own, stage="Fetch", node="SECRET-NODE", pid=471_147, by=wally)
    return own, make_item(jhu, name="bag.tar")


def test_what_the_check_asks(member, items):
    own, others = items
    found = member.get("/api/v2/items/?item_action=Ingest&name=bag.tar&sort=date&action=ingest")
    assert [one["id"] for one in found["results"]] == [own.pk]
    assert found["results"][0] == member.get(f"/api/v2/items/{own.pk}/") == member.get(f"/member-api/v2/items/{own.pk}")
    assert not {"node", "pid", "work_item_state_id"} & found["results"][0].keys()
    assert "SECRET-NODE" not in str(found)
    member.get(f"/api/v2/items/{others.pk}/", status=404)
    member.get("/api/v2/objects/virginia.edu%2Fbag", status=404)
    done = make_item(own.institution, name="done.tar", stage="Record", status="Success")
    assert member.get("/api/v2/objects/virginia.edu%2Fdone")["id"] == done.pk


@pytest.mark.parametrize("query", ["node=SECRET-NODE", "node_empty=false", "pid=471147", "pid_not_empty=true"])
def test_the_processes_are_no_filter_for_members(member, items, query):
    member.get(f"/api/v2/items/?{query}", status=400)


def test_writing_stays_closed(member, items):
    own, _others = items
    before = as_stored(own)
    member.put(f"/api/v2/items/{own.pk}/", {"note": "Mine."}, status=403)
    member.put("/api/v2/items/", {"work_items": {"items": [{"id": own.pk, "note": "Mine."}]}}, status=403)
    member.post(
        "/api/v2/items/", {"name": "n.tar", "action": "Ingest", "institution_id": own.institution_id}, status=403
    )
    member.put(f"/api/v2/items/{own.pk}/requeue/", {}, status=403)
    member.get("/api/v2/institutions/", status=403)
    member.get(f"/api/v2/item_state/{own.pk}/", status=403)
    assert as_stored(own) == before
