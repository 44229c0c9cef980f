"""Which items are late: the mark in the list, the filter, and what the item's page says of it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from workitems import durations, transitions
from workitems.durations import typical
from workitems.durations.scale import UNKNOWN, band_of
from workitems.models import Typical, WorkItem

from ..api.api_client import Caller
from ..factories import make_item
from ..page_hooks import item_ids
from ..pages.page_elements import parse_page

HOUR = 3600.0
SMALL = band_of(266_240)  # as factories make them


def usual(stage="Store", action="Ingest", band=SMALL, late=5 * HOUR):
    """What is usual there: 2 to 4 hours."""
    values = {"low": 2 * HOUR, "median": 3 * HOUR, "high": 4 * HOUR, "late": late, "number": 40}
    Typical.objects.create(action=action, stage=stage, band=band, made_at=timezone.now(), **values)
    typical.forget()


def at_store(institution, hours, status="Started", **fields):
    """An item that has been at Store for so many hours."""
    item = make_item(institution, stage="Store", status=status, **fields)
    since = timezone.now() - timedelta(hours=hours)
    WorkItem.objects.filter(pk=item.pk).update(stage_entered_at=since, stage_started_at=since)
    return item


def marks(response):
    return {
        row["data-item-id"]: row.one("span", class_="mark late").words
        for row in parse_page(response).all("tr", data_item_id=True)
        if row.all("span", class_="mark late")
    }


def test_the_mark_and_the_filter_agree(signed_in, dora, virginia):
    usual()
    late = [at_store(virginia, 6), at_store(virginia, 31, status="Pending")]
    others = [
        at_store(virginia, 4.9),
        at_store(virginia, 31, size=10**12),  # of this size, nothing is known
        at_store(virginia, 31, size=None),
        make_item(virginia, stage="Store", status="Failed", note="Later."),
        make_item(virginia),
    ]
    client = signed_in(dora)
    shown = client.get("/items/?per_page=50")
    assert marks(shown) == {str(item.pk): "Late: usually 2 to 4 h" for item in late}
    assert sorted(item_ids(client.get("/items/?late=true"))) == [item.pk for item in late]
    assert sorted(item_ids(client.get("/items/?late=false"))) == [item.pk for item in others]


def test_nobody_is_late_by_less_than_a_quarter_of_an_hour(signed_in, dora, virginia):
    usual(late=30)
    soon, late = at_store(virginia, 0.2), at_store(virginia, 0.3)
    client = signed_in(dora)
    assert item_ids(client.get("/items/?late=true")) == [late.pk]
    assert list(marks(client.get("/items/"))) == [str(late.pk)]
    assert soon.pk in item_ids(client.get("/items/?late=false"))


def test_what_another_upload_stands_in_for_waits_for_nothing(signed_in, dora, virginia):
    usual()
    old = at_store(virginia, 31, name="bag.tar")
    make_item(virginia, name="bag.tar", etag="newer")
    client = signed_in(dora)
    assert marks(client.get("/items/")) == {}
    assert "usually" not in parse_page(client.get(f"/items/{old.pk}")).one("main").words
    assert item_ids(client.get("/items/?late=true&superseded=false&duplicate=false")) == []


def test_the_other_institutions_are_not_seen(signed_in, dora, ada, virginia, jhu):
    usual()
    own, theirs = at_store(virginia, 31), at_store(jhu, 31)
    assert item_ids(signed_in(dora).get("/items/?late=true")) == [own.pk]
    assert set(item_ids(signed_in(ada).get("/items/?late=true"))) == {own.pk, theirs.pk}


def test_by_the_api(client, wally, virginia):
    usual()
    late, other = at_store(virginia, 31), at_store(virginia, 1)
    caller = Caller(client, wally)
    for value, found in (("true", [late.pk]), ("false", [other.pk])):
        assert [one["id"] for one in caller.get("/api/v2/items/", f"late={value}").body["results"]] == found
    assert caller.get("/api/v2/items/", "late=perhaps").status == 400


def said(response):
    return [line.words for line in parse_page(response).one("ul", class_="pace").all("li")]


def test_the_items_page_says_what_is_usual(signed_in, dora, virginia, jhu):
    usual()
    usual(stage="", late=9 * HOUR)
    for hours in (40, 50):
        at_store(jhu, hours, status="Pending")  # others' wait in the same line
    at_store(virginia, 50)  # it does not wait
    item = at_store(virginia, 31, status="Pending")
    assert said(signed_in(dora).get(f"/items/{item.pk}")) == [
        "Late Store usually takes 2 to 4 h for items of this size; now 1 d.",
        "2 items wait before it.",
        "From receipt to the end, Ingest usually takes 2 to 4 h for items of this size.",
    ]


def test_row_mark_and_item_count_the_same_time(signed_in, dora, wally, virginia):
    """The time at the stage: not that of the last worker who has taken it up, and not of the one before."""
    usual()
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
    assert said(answer)[0] == "Late Store usually takes 2 to 4 h for items of this size; now 6 h 08 min."
    assert parse_page(answer).one("li", aria_current="step").one("span", class_="took").words == "6 h 08 min"
    oldest = parse_page(client.get("/")).one("tr", data_action="Ingest", data_stage="Store").all("td")[4]
    assert oldest.words == "6 h 08 min"


@pytest.mark.parametrize(
    ("waiting", "sentence"),
    [
        (0, "It is the next one to be taken up."),
        (1, "One item waits before it."),
        (3, "More than 1,000 items wait before it."),
    ],
)
def test_how_many_wait_before_it(signed_in, dora, virginia, monkeypatch, waiting, sentence):
    for _ in range(waiting):
        at_store(virginia, 2, status="Pending")
    item = at_store(virginia, 1, status="Pending")
    if waiting == 3:
        monkeypatch.setattr(durations, "before", lambda item: typical.MOST_BEFORE + 1)
    assert said(signed_in(dora).get(f"/items/{item.pk}")) == [sentence]


def test_who_waits_for_an_admin_is_not_in_the_line(signed_in, dora, virginia):
    held = at_store(virginia, 3, status="Pending")
    WorkItem.objects.filter(pk=held.pk).update(needs_admin_review=True)
    item = at_store(virginia, 1, status="Pending")
    client = signed_in(dora)
    assert said(client.get(f"/items/{item.pk}")) == ["It is the next one to be taken up."]
    assert parse_page(client.get(f"/items/{held.pk}")).all("ul", class_="pace") == []


def test_of_an_unknown_size_it_does_not_say_this_size(signed_in, dora, virginia):
    usual(band=UNKNOWN)
    item = at_store(virginia, 31)
    WorkItem.objects.filter(pk=item.pk).update(size=None)
    [sentence] = said(signed_in(dora).get(f"/items/{item.pk}"))
    assert "Store usually takes 2 to 4 h where the size is not known" in sentence


@pytest.mark.parametrize("status", ["Started", "Success", "Failed", "Cancelled"])
def test_where_nothing_is_known_nothing_is_said(signed_in, dora, virginia, status):
    made = {
        "Success": {"stage": "Record"},
        "Failed": {"note": "No.", "retry": False},
        "Cancelled": {"stage": "Resolve", "note": "No."},
    }
    item = make_item(virginia, status=status, **{"stage": "Store", **made.get(status, {})})
    assert not parse_page(signed_in(dora).get(f"/items/{item.pk}")).all("ul", class_="pace")


def test_a_process_goes_by_what_it_read_for_a_minute(signed_in, dora, virginia, monkeypatch):
    clock = iter([0.0, 30.0, 61.0])
    monkeypatch.setattr(typical, "monotonic", lambda: next(clock))
    item = at_store(virginia, 31)
    assert typical.lateness(WorkItem.objects.get(pk=item.pk), timezone.now()) is None
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
    assert typical.lateness(WorkItem.objects.get(pk=item.pk), timezone.now()) is None
    assert typical.lateness(WorkItem.objects.get(pk=item.pk), timezone.now()).now > timedelta(hours=30)
