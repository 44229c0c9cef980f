"""A time of receipt more than a day ahead is refused: the upload would replace every true one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from workitems.models import WorkItem

from ..factories import make_item
from ..stored_items import as_stored
from .api_client import Caller


def ahead(**time):
    return (timezone.now() + timedelta(**time)).isoformat()


@pytest.mark.parametrize("address", ["/api/v2/items/", "/admin-api/v3/items/create/{}"])
@pytest.mark.parametrize(("time", "status"), [({"hours": 23}, 201), ({"hours": 25}, 422), ({"days": 4000}, 422)])
def test_creating(client, wally, virginia, address, time, status):
    field = "date" if "v2" in address else "date_processed"
    sent = {"name": "a.tar", "etag": "a" * 32, "action": "Ingest", "institution_id": virginia.pk, field: ahead(**time)}
    answer = Caller(client, wally).post(address.format(virginia.pk), sent)
    assert answer.status == status
    assert WorkItem.objects.exists() is (status == 201)
    if status == 422:
        assert "more than a day from now" in str(answer.body)


@pytest.mark.parametrize(("time", "status"), [({"hours": 23}, 200), ({"hours": 25}, 422)])
def test_saving(client, wally, virginia, time, status):
    item = make_item(virginia)
    before = as_stored(item)
    answer = Caller(client, wally).put(f"/api/v2/items/{item.pk}/", {"status": "Started", "date": ahead(**time)})
    assert answer.status == status
    assert (as_stored(item) == before) is (status == 422)


def test_what_was_imported_can_be_saved_back(client, wally, virginia):
    item = make_item(virginia)
    WorkItem.objects.filter(pk=item.pk).update(date=timezone.now() + timedelta(days=900))
    caller = Caller(client, wally)
    record = caller.get(f"/api/v2/items/{item.pk}/").body
    assert caller.put(f"/api/v2/items/{item.pk}/", {**record, "status": "Started"}).status == 200
