"""Which items are late: the badge in the list, the filter, and the item's page."""

from datetime import timedelta

import pytest
from django.utils import timezone

from workitems import durations, transitions
from workitems.durations import typical
from workitems.durations.scale import UNKNOWN, band_of, middle_of
from workitems.models import Typical, WorkItem

from ..api.api_client import Caller
from ..factories import make_item
from ..page_hooks import item_ids
from ..pages.page_elements import late_marks, parse_page

HOUR = 3600.0
SMALL = band_of(266_240)  # as factories make them


def make_usual_time(stage="Store", action="Ingest", band=SMALL, late=5 * HOUR):
    """Makes 2 to 4 hours the usual time there."""
    values = {"low": 2 * HOUR, "median": 3 * HOUR, "high": 4 * HOUR, "late": late, "number": 40}
    Typical.objects.create(action=action, stage=stage, band=band, made_at=timezone.now(), **values)
    typical.clear_cache()


def make_item_at_store(institution, hours, status="Started", **fields):
    """Makes an item that reached Store this many hours ago."""
    item = make_item(institution, stage="Store", status=status, **fields)
    since = timezone.now() - timedelta(hours=hours)
    WorkItem.objects.filter(pk=item.pk).update(stage_entered_at=since, stage_started_at=since)
    return item


def test_the_badge_and_the_filter_agree(signed_in, dora, virginia):
    make_usual_time()
    late = [make_item_at_store(virginia, 6), make_item_at_store(virginia, 31, status="Pending")]
    others = [
        make_item_at_store(virginia, 4.9),
        make_item_at_store(virginia, 31, size=10**12),  # no samples for this size
        make_item_at_store(virginia, 31, size=None),
        make_item(virginia, stage="Store", status="Failed", note="Later."),
        make_item(virginia),
    ]
    client = signed_in(dora)
    shown = client.get("/items/?per_page=50")
    assert late_marks(shown) == {str(item.pk): "Late: usually 2 to 4 h" for item in late}
    assert sorted(item_ids(client.get("/items/?late=true"))) == [item.pk for item in late]
    assert sorted(item_ids(client.get("/items/?late=false"))) == [item.pk for item in others]


def test_no_item_is_late_before_15_minutes(signed_in, dora, virginia):
    make_usual_time(late=30)
    soon, late = make_item_at_store(virginia, 0.2), make_item_at_store(virginia, 0.3)
    client = signed_in(dora)
    assert item_ids(client.get("/items/?late=true")) == [late.pk]
    assert list(late_marks(client.get("/items/"))) == [str(late.pk)]
    assert soon.pk in item_ids(client.get("/items/?late=false"))


def test_replaced_uploads_are_never_late(signed_in, dora, virginia):
    make_usual_time(stage="Validate")
    old = make_item_at_store(virginia, 31, name="bag.tar")
    WorkItem.objects.filter(pk=old.pk).update(stage="Validate")
    make_item(virginia, name="bag.tar", etag="newer")
    client = signed_in(dora)
    assert late_marks(client.get("/items/")) == {}
    assert "usually" not in parse_page(client.get(f"/items/{old.pk}")).one("main").words
    assert item_ids(client.get("/items/?late=true&superseded=false&duplicate=false")) == []


def test_an_upload_that_is_finished_first_can_be_late(signed_in, dora, virginia):
    make_usual_time()
    old = make_item_at_store(virginia, 31, name="bag.tar")
    make_item(virginia, name="bag.tar", etag="newer")
    client = signed_in(dora)
    assert list(late_marks(client.get("/items/"))) == [str(old.pk)]
    assert item_ids(client.get("/items/?late=true&superseded=false&duplicate=false")) == [old.pk]


LARGE = band_of(5 * 10**11)
MIDDLE = middle_of(LARGE)


@pytest.mark.parametrize(
    ("size", "hours", "is_late"),
    [
        (10 * MIDDLE, 49, False),  # ten times the size of the usual ones: late after 50 h and not after 5
        (10 * MIDDLE, 51, True),
        (20 * MIDDLE, 99, False),
        (20 * MIDDLE, 101, True),
        (MIDDLE, 6, True),  # of that size itself
        (None, 500, False),
        (10**6, 500, False),  # nothing is known of smaller items
    ],
)
def test_a_rare_size_is_judged_by_bytes_per_hour(signed_in, dora, virginia, size, hours, is_late):
    make_usual_time(band=LARGE)
    item = make_item_at_store(virginia, hours, size=size)
    client = signed_in(dora)
    assert (list(late_marks(client.get("/items/"))) == [str(item.pk)]) is is_late
    assert (item_ids(client.get("/items/?late=true")) == [item.pk]) is is_late
    assert (item_ids(client.get("/items/?late=false")) == [item.pk]) is not is_late


def test_sizes_that_are_too_different_say_nothing(signed_in, dora, virginia):
    make_usual_time(band=LARGE - 3)
    make_item_at_store(virginia, 9999, size=MIDDLE)
    assert item_ids(signed_in(dora).get("/items/?late=true")) == []


def test_the_item_page_says_what_a_scaled_time_rests_on(signed_in, dora, virginia):
    make_usual_time(band=LARGE)
    item = make_item_at_store(virginia, 51, size=10 * MIDDLE)
    assert read_advice(signed_in(dora).get(f"/items/{item.pk}"))[0] == (
        "Late Store probably takes 20 h to 2 d for items of this size, at as many bytes per hour as for smaller ones; "
        "so far 2 d."
    )


def test_late_items_of_other_institutions_stay_hidden(signed_in, dora, ada, virginia, jhu):
    make_usual_time()
    own, theirs = make_item_at_store(virginia, 31), make_item_at_store(jhu, 31)
    assert item_ids(signed_in(dora).get("/items/?late=true")) == [own.pk]
    assert set(item_ids(signed_in(ada).get("/items/?late=true"))) == {own.pk, theirs.pk}


def test_the_api_filters_late_items(client, wally, virginia):
    make_usual_time()
    late, other = make_item_at_store(virginia, 31), make_item_at_store(virginia, 1)
    caller = Caller(client, wally)
    for value, found in (("true", [late.pk]), ("false", [other.pk])):
        assert [one["id"] for one in caller.get("/api/v2/items/", f"late={value}").body["results"]] == found
    assert caller.get("/api/v2/items/", "late=perhaps").status == 400


def read_advice(response):
    return [line.words for line in parse_page(response).one("ul", class_="typical-times").all("li")]


def test_the_item_page_shows_the_usual_time(signed_in, dora, virginia, jhu):
    make_usual_time()
    make_usual_time(stage="", late=9 * HOUR)
    for hours in (40, 50):
        make_item_at_store(jhu, hours, status="Pending")  # items of others wait in the same queue
    make_item_at_store(virginia, 50)  # it does not wait
    item = make_item_at_store(virginia, 31, status="Pending")
    assert read_advice(signed_in(dora).get(f"/items/{item.pk}")) == [
        "Late Store usually takes 2 to 4 h for items of this size; so far 1 d.",
        "2 items are waiting ahead of it.",
        "From start to finish, Ingest usually takes 2 to 4 h for items of this size.",
    ]


def test_row_badge_and_item_page_show_the_same_time(signed_in, dora, wally, virginia):
    """The time since the item reached its stage, whichever worker has it."""
    make_usual_time()
    now = timezone.now()
    item = make_item(virginia, stage="Validate", at=now - timedelta(hours=30))
    transitions.progress(item, stage="Store", by=wally, at=now - timedelta(hours=6, minutes=8, seconds=30))
    transitions.progress(item, status="Pending", by=wally, at=now - timedelta(hours=2))
    transitions.progress(item, by=wally, at=now - timedelta(minutes=6))
    client = signed_in(dora)
    row = parse_page(client.get("/items/")).one("tr", data_item_id=str(item.pk))
    assert row.one("span", class_="status running").words == "Running: Store, 6 h 08 min"
    assert row.one("span", class_="mark late").words == "Late: usually 2 to 4 h"
    answer = client.get(f"/items/{item.pk}")
    assert (
        parse_page(answer).one("header", class_="item-head").one("span", class_="status running").words
        == "Running: Store, 6 h 08 min"
    )
    assert read_advice(answer)[0] == "Late Store usually takes 2 to 4 h for items of this size; so far 6 h 08 min."
    assert parse_page(answer).one("li", aria_current="step").one("span", class_="elapsed").words == "6 h 08 min"
    oldest = parse_page(client.get("/")).one("tr", data_action="Ingest", data_stage="Store").all("td")[4]
    assert oldest.words == "6 h 08 min"


@pytest.mark.parametrize(
    ("waiting", "sentence"),
    [
        (0, "This item is next in line."),
        (1, "One item is waiting ahead of it."),
        (3, "More than 1,000 items are waiting ahead of it."),
    ],
)
def test_the_item_page_counts_the_items_ahead(signed_in, dora, virginia, monkeypatch, waiting, sentence):
    for _ in range(waiting):
        make_item_at_store(virginia, 2, status="Pending")
    item = make_item_at_store(virginia, 1, status="Pending")
    if waiting == 3:
        monkeypatch.setattr(durations, "count_ahead", lambda item: typical.MAX_AHEAD + 1)
    assert read_advice(signed_in(dora).get(f"/items/{item.pk}")) == [sentence]


def test_items_waiting_for_an_admin_are_not_ahead(signed_in, dora, virginia):
    held = make_item_at_store(virginia, 3, status="Pending")
    WorkItem.objects.filter(pk=held.pk).update(needs_admin_review=True)
    item = make_item_at_store(virginia, 1, status="Pending")
    client = signed_in(dora)
    assert read_advice(client.get(f"/items/{item.pk}")) == ["This item is next in line."]
    assert parse_page(client.get(f"/items/{held.pk}")).all("ul", class_="typical-times") == []


def test_an_item_of_unknown_size_is_not_compared_by_size(signed_in, dora, virginia):
    make_usual_time(band=UNKNOWN)
    item = make_item_at_store(virginia, 31)
    WorkItem.objects.filter(pk=item.pk).update(size=None)
    [sentence] = read_advice(signed_in(dora).get(f"/items/{item.pk}"))
    assert "Store usually takes 2 to 4 h for items of unknown size" in sentence


@pytest.mark.parametrize("status", ["Started", "Success", "Failed", "Cancelled"])
def test_without_samples_no_usual_time_is_shown(signed_in, dora, virginia, status):
    made = {
        "Success": {"stage": "Record"},
        "Failed": {"note": "No.", "retry": False},
        "Cancelled": {"stage": "Resolve", "note": "No."},
    }
    item = make_item(virginia, status=status, **{"stage": "Store", **made.get(status, {})})
    assert not parse_page(signed_in(dora).get(f"/items/{item.pk}")).all("ul", class_="typical-times")


def test_usual_times_are_cached_for_a_minute(signed_in, dora, virginia, monkeypatch):
    clock = iter([0.0, 30.0, 61.0])
    monkeypatch.setattr(typical, "monotonic", lambda: next(clock))
    item = make_item_at_store(virginia, 31)
    assert typical.find_lateness(WorkItem.objects.get(pk=item.pk), timezone.now()) is None
    Typical.objects.create(
        action="Ingest",
        stage="Store",
        band=band_of(item.size),
        made_at=timezone.now(),
        low=1,
        median=2,
        high=3,
        late=4,
        number=40,
    )
    assert typical.find_lateness(WorkItem.objects.get(pk=item.pk), timezone.now()) is None
    assert typical.find_lateness(WorkItem.objects.get(pk=item.pk), timezone.now()).now > timedelta(hours=30)
