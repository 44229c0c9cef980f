"""An item by etag, name, and bag date: `/api/v2/items/ETAG/NAME/BAG_DATE`, as older workers request it."""

from datetime import UTC, datetime

import pytest

from tests.factories import make_item
from tests.http_clients import GoClient, escaped, whole_record

pytestmark = pytest.mark.django_db(transaction=True)
MADE = datetime(2021, 3, 4, 5, 6, 7, 123456, tzinfo=UTC)
SAME_SECOND = [
    "2021-03-04T05:06:07Z",
    "2021-03-04T05:06:07.123456Z",
    "2021-03-04T05:06:07.999999999Z",
    "2021-03-04T05%3A06%3A07Z",
    "2021-03-04T07:06:07%2B02:00",
]
NAMES = [
    "virginia.edu.uva-lib_2274642.tar",
    "two words & a half.v1.2.tar",
    "a/b.tar",
    '100%25 "it\'s".tar',
    "päck 楽.tar",
    f"{'long & wide. ' * 77}.tar"[-1000:],
    "items.tar",
    "..tar",
]


@pytest.fixture
def worker(real_server, wally):
    return GoClient(real_server, wally)


@pytest.mark.parametrize("name", NAMES)
def test_reading_and_saving_with_any_name(worker, virginia, name):
    item = make_item(virginia, name=name, bag_date=MADE)
    make_item(virginia, name=name)
    make_item(virginia, name=f"x{name}"[:1000], etag=item.etag, bag_date=MADE)
    for end in ("", "/", "?"):
        path = f"/api/v2/items/{item.etag}/{escaped(name)}/2021-03-04T05:06:07Z{end}"
        read = worker.get(path)
        assert (read["id"], read["name"], read["etag"]) == (item.pk, name, item.etag)
        assert read["bag_date"] == "2021-03-04T05:06:07.123456Z"
        note = f"Written to {end or 'the bare address'}."
        worker.put(path, whole_record(read, note=note, status="Started", node="10.0.0.7", pid=7))
        item.refresh_from_db()
        assert (item.note, item.status, item.node, item.pid) == (note, "Started", "10.0.0.7", 7)


def test_an_unescaped_name_from_an_older_client(worker, virginia):
    """Their library only escaped spaces in addresses."""
    name = 'it\'s "A&B" (v1.2);x=1,~@!$*+<c>.tar'
    item = make_item(virginia, name=name, bag_date=MADE)
    assert worker.get(f"/api/v2/items/{item.etag}/{name.replace(' ', '%20')}/2021-03-04T05:06:07Z")["id"] == item.pk


def test_dates_match_to_the_second(worker, virginia):
    item = make_item(virginia, name="bag.tar", bag_date=MADE)
    for moment in SAME_SECOND:
        assert worker.get(f"/api/v2/items/{item.etag}/bag.tar/{moment}")["id"] == item.pk
    for moment in ("2021-03-04T05:06:06.999999999Z", "2021-03-04T05:06:08Z", "0001-01-01T00:00:00Z"):
        worker.get(f"/api/v2/items/{item.etag}/bag.tar/{moment}", status=404)


def test_an_etag_of_a_multipart_upload(worker, virginia):
    item = make_item(virginia, name="bag.tar", etag="d18720b9ec3c24e0e6370fb4ff42b132-1423", bag_date=MADE)
    assert worker.get(f"/api/v2/items/{item.etag}/bag.tar/2021-03-04T05:06:07Z")["id"] == item.pk


def test_an_unknown_upload_is_404(worker, virginia):
    item = make_item(virginia, name="bag.tar", bag_date=MADE)
    body = whole_record(worker.get(f"/api/v2/items/{item.pk}/"), note="Lost.")
    for path in (f"{item.etag}/other.tar/2021-03-04T05:06:07Z", "0/bag.tar/2021-03-04T05:06:07Z"):
        worker.get(f"/api/v2/items/{path}", status=404)
        worker.put(f"/api/v2/items/{path}", body, status=404)
    item.refresh_from_db()
    assert item.note == ""


def test_a_depositor_is_refused(real_server, dora, virginia):
    make_item(virginia, name="bag.tar", etag="e", bag_date=MADE)
    GoClient(real_server, dora).get("/api/v2/items/e/bag.tar/2021-03-04T05:06:07Z", status=403)
