"""An item by its upload: ETAG/NAME/BAG_DATE."""

from datetime import UTC, datetime
from itertools import product
from urllib.parse import quote

import pytest

from tests.factories import make_item

from .api_client import Caller, Nobody, check_who_reads, for_admins

PATH = "/api/v2/items/"
MADE = datetime(2021, 3, 4, 5, 6, 7, 250_000, tzinfo=UTC)
ETAG = "d18720b9ec3c24e0e6370fb4ff42b132"


def address(etag=ETAG, name="bag.tar", date="2021-03-04T05:06:07Z", safe=""):
    return PATH + "/".join(quote(part, safe=safe) for part in (etag, name, date))


@pytest.fixture
def wallys(client, wally):
    return Caller(client, wally)


@pytest.fixture
def bag(virginia):
    return make_item(virginia, name="bag.tar", etag=ETAG, bag_date=MADE)


SAME_SECOND = [
    *("2021-03-04T05:06:07Z", "2021-03-04T05:06:07.0Z", "2021-03-04T05:06:07.25Z", "2021-03-04T05:06:07.999999999Z"),
    *("2021-03-04T05:06:07.000000000Z", "2021-03-04T00:06:07-05:00", "2021-03-04T06:06:07.1+01:00"),
    "2021-03-04T10:36:07.123456789+05:30",
]


def test_dates_match_to_the_second(wallys, bag):
    shown = wallys.get(f"{PATH}{bag.pk}/").body
    for date, safe, end in product(SAME_SECOND, ("", "+:"), ("", "/")):
        answer = wallys.get(address(date=date, safe=safe) + end)
        assert (answer.status, answer.body) == (200, shown), date


@pytest.mark.parametrize("date", ["2021-03-04T05:06:08Z", "2021-03-04T05:06:06.999999999Z", "0001-01-01T00:00:00Z"])
def test_another_second_is_another_upload(wallys, bag, date):
    assert wallys.get(address(date=date)).status == 404


@pytest.mark.parametrize(
    "date", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000000Z", "0001-01-01T00:00:00+00:00"]
)
def test_the_year_1_means_unset(wallys, bag, virginia, date):
    without = make_item(virginia, name="bag.tar", etag=ETAG)
    assert wallys.get(address(date=date)).body["id"] == without.pk


@pytest.mark.parametrize(
    "name",
    [
        "virginia.edu.uva-lib_2274642.tar",
        "a bag.with.b046.of249.tar",
        " lead & trail; “q” 'x' 100%+=?#.tar ",
        "with/a/slash.tar",
        "Ünïcödé.tar",
        "é" * 1000,
        "two\nlines.tar",
        "..",
        "requeue",
        "%2F.tar",
    ],
)
def test_names_of_any_kind(wallys, virginia, name):
    item = make_item(virginia, name=name, etag=ETAG, bag_date=MADE)
    make_item(virginia, name=f"x{name[1:]}", etag=ETAG, bag_date=MADE)
    assert wallys.get(address(name=name)).body["id"] == item.pk
    assert wallys.get(address(name=name, safe="/")).body["id"] == item.pk


def test_the_latest_of_several_items_is_returned(wallys, bag, virginia):
    newer = make_item(virginia, name="bag.tar", etag=ETAG, bag_date=MADE)
    make_item(virginia, name="bag.tar", etag=ETAG, bag_date=MADE, date=datetime(2021, 3, 5, tzinfo=UTC))
    assert wallys.get(address()).body["id"] == newer.pk


@pytest.mark.parametrize(
    "other", [{"etag": "x"}, {"name": "Bag.tar"}, {"name": "bag"}, {"name": "bag.tar "}, {"etag": ETAG.upper()}]
)
def test_an_unknown_upload_is_404(wallys, bag, other):
    answer = wallys.get(address(**other))
    assert (answer.status, answer.body) == (404, {"error": "There is no such item."})


@pytest.mark.parametrize("etag", ["\0", "e" * 60_000, "\x7f", "ü"])
def test_etags_that_no_item_can_have(wallys, bag, etag):
    assert wallys.get(address(etag=etag)).status == 404
    assert wallys.get(address(name=etag)).status == 404
    assert wallys.get(f"{PATH}%ff/%ff/2021-03-04T05:06:07Z").status == 404


@pytest.mark.parametrize(
    "date",
    [
        *("yesterday", "2021-03-04", "2021-03-04T05:06:07", "2021-02-30T05:06:07Z", "2021-03-04T25:06:07Z", "1"),
        *("2021-03-04T05:06:07.1234567890Z", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-05:00", "9" * 5000, "\0"),
        *("٢٠٢١-03-04T05:06:07Z", "2021-03-04T05:06:07+99:99"),
    ],
)
def test_an_invalid_date_is_reported(wallys, bag, date):
    for method in ("GET", "PUT"):
        answer = wallys.ask(method, address(date=date), json={})
        assert answer.status == 404
        assert "2021-03-04T05:06:07Z" in answer.body["error"]


def test_which_roles_can_read_it(client, cast, bag):
    check_who_reads(client, cast, address(), for_admins)
    assert Nobody(client).get(address()).status == 401


def test_the_state_id_is_included(wallys, bag):
    wallys.post("/api/v2/item_state/", {"work_item_id": bag.pk, "action": "Ingest", "state": "{}"})
    assert wallys.get(address()).body["work_item_state_id"] == bag.pk
