"""The queue feeder: pages through waiting items and marks each as queued, so the list shrinks in the meantime."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from tests.factories import make_item
from tests.http_clients import GoClient, whole_record
from workitems import transitions
from workitems.models import WorkItem

pytestmark = pytest.mark.django_db(transaction=True)
WAITING = "/api/v2/items/?node_empty=true&page=1&per_page={}&queued=false&retry=true&status=Pending"


@pytest.fixture
def feeder(real_server, wally):
    return GoClient(real_server, wally)


@pytest.fixture
def waiting(virginia, jhu):
    """Items that wait to be queued, many of them received at the same moment."""
    return {
        make_item(virginia if number % 3 else jhu, date=datetime(2026, 1, 1 + number // 5, tzinfo=UTC)).pk
        for number in range(17)
    }


@pytest.fixture
def others(virginia):
    """Items that differ from them in one respect."""
    return [
        make_item(virginia, node="10.0.0.7", pid=7),
        make_item(virginia, queued_at=timezone.now()),
        make_item(virginia, retry=False),
        make_item(virginia, status="Started"),
    ]


def queue(feeder, item, slash="/"):
    """PUTs the item as it was read, with the queuing time in nanoseconds."""
    return feeder.put(
        f"/api/v2/items/{item['id']}{slash}", whole_record(item, queued_at="2026-05-04T12:00:00.123456789Z")
    )


@pytest.mark.parametrize(("per_page", "pages"), [(100, 1), (17, 1), (5, 4), (1, 17)])
def test_every_waiting_item_is_queued_once_while_the_list_shrinks(feeder, waiting, others, per_page, pages):
    seen = []
    read = 0
    for page in feeder.walk(WAITING.format(per_page)):
        read += 1
        assert len(page["results"]) <= per_page
        for item in page["results"]:
            seen.append(item["id"])
            assert queue(feeder, item)["queued_at"] == "2026-05-04T12:00:00.123456Z"
    assert sorted(seen) == sorted(waiting)
    assert read == pages
    for item in WorkItem.objects.filter(pk__in=waiting):
        assert item.queued_at == datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
        assert (item.stage, item.status, item.node, item.pid) == ("Receive", "Pending", "", None)
    assert feeder.get(WAITING.format(per_page)) == {"count": 0, "next": None, "previous": None, "results": []}


def test_nothing_is_repeated_or_missed_while_items_arrive_and_leave(feeder, waiting, virginia):
    seen = []
    for page in feeder.walk(WAITING.format(4)):
        seen += [item["id"] for item in page["results"]]
        queue(feeder, page["results"][0])
        make_item(virginia, date=timezone.now())  # newer than all: before the place that the walk has come to
    assert sorted(seen) == sorted(waiting)


def test_next_contains_every_filter_and_the_page_size(feeder, waiting, others):
    page = feeder.get(WAITING.format(5))
    assert page["count"] == 17
    assert page["previous"] is None
    _way, query = page["next"].split("?")
    names = {part.split("=")[0] for part in query.split("&")}
    assert {"node_empty", "per_page", "queued", "retry", "status"} <= names
    second = feeder.get(f"/api/v2/items/?{query}")
    assert len(second["results"]) == 5
    assert not {item["id"] for item in page["results"]} & {item["id"] for item in second["results"]}
    assert not {item["id"] for item in second["results"]} & {item.pk for item in others}


def test_the_next_page_works_without_a_trailing_slash(feeder, waiting):
    _way, query = feeder.get(WAITING.format(10))["next"].split("?")
    bare, slashed = (feeder.get(f"/api/v2/items{slash}?{query}") for slash in ("", "/"))
    assert len(bare["results"]) == 7
    assert bare["results"] == slashed["results"]


@pytest.mark.parametrize("slash", ["", "/", "?", "/?"])
def test_queuing_works_with_and_without_a_slash_and_repeating_it_changes_nothing(feeder, item, slash):
    read = feeder.get(f"/api/v2/items/{item.pk}{slash}")
    for _try in range(3):
        assert queue(feeder, read, slash)["id"] == item.pk
    item.refresh_from_db()
    assert item.queued_at == datetime(2026, 5, 4, 12, 0, 0, 123456, tzinfo=UTC)
    assert item.history.count() == 2


def test_a_queued_time_in_the_year_1_means_unset(feeder, virginia):
    item = make_item(virginia, queued_at=timezone.now())
    read = feeder.get(f"/api/v2/items/{item.pk}/")
    feeder.put(f"/api/v2/items/{item.pk}/", whole_record(read, queued_at="0001-01-01T00:00:00Z"))
    item.refresh_from_db()
    assert item.queued_at is None


def test_an_item_cancelled_in_the_meantime_is_not_queued(feeder, item, ada):
    [read] = feeder.get(WAITING.format(100))["results"]
    transitions.cancel(item, by=ada, note="Uploaded by mistake.")
    said = feeder.put(f"/api/v2/items/{item.pk}/", whole_record(read, queued_at="2026-05-04T12:00:00Z"), status=409)
    assert (said["id"], said["stage"], said["status"]) == (item.pk, "Resolve", "Cancelled")
    assert (said["note"], said["queued_at"]) == ("Uploaded by mistake.", None)
    item.refresh_from_db()
    assert (item.status, item.queued_at, item.history.count()) == ("Cancelled", None, 2)


def test_an_invalid_page_size_is_reported(feeder, item):
    for per_page in ("0", "-1", "1001", "1000000000", "abc", "1.5"):
        assert "per_page" in feeder.get(WAITING.format(per_page), status=400)["error"]
    assert feeder.get(WAITING.format(1000))["count"] == 1
