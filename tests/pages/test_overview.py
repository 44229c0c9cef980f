"""The overview: each number is that of the list it links to, for each role, without other institutions' items."""

import re
from collections import Counter
from datetime import timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from workitems import transitions
from workitems.durations import recorder, typical
from workitems.explanations.presets import NEEDS
from workitems.models import HistoryEntry, WorkItem

from ..durations.test_late import make_item_at_store, make_usual_time
from ..factories import make_item, service
from ..many_items import make_items
from ..page_hooks import data_hooks, item_ids
from .page_elements import parse_page

PEOPLE = ["dora", "stan", "ada", "olga"]


@pytest.fixture
def world(virginia, jhu, ada):
    """Items of every kind, of both institutions."""
    make_items(150, [virginia, jhu])
    make_usual_time()
    now = timezone.now()
    for institution in (virginia, jhu):
        for n in range(3):
            make_item_at_store(institution, 6 + n)
            item = make_item(institution, stage="Validate", at=now - timedelta(days=n))
            transitions.fail(item, note=f"Disk {n} is full.", retry=n == 2, by=service(), at=now - timedelta(days=n))
        transitions.suspend(make_item(institution, stage="Fetch"), note="Look.", by=service())
        transitions.succeed(make_item(institution), stage="Record", by=service())
        transitions.cancel(make_item(institution), note="No.", by=ada)
    typical.clear_cache()


def number(text):
    return int(text.replace(",", ""))


def links(response):
    """Returns {address: number} of every number on the page that links to a list."""
    found = {}
    for link in parse_page(response).all("a", href=True):
        if link["href"].startswith("/items/?") and (told := re.match(r"[\d,]+", link.words)):
            found[link["href"]] = number(told[0])
    return found


ZONES = ["UTC", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati"]


def in_zone(person, zone):
    person.time_zone = zone
    person.save()
    return person


@pytest.mark.parametrize(("name", "zone"), [*product(PEOPLE, ["UTC"]), *product(["ada"], ZONES[1:])])
def test_each_number_matches_its_list(cast, signed_in, world, name, zone):
    client = signed_in(in_zone(cast[name], zone))
    asked = 0
    for address, told in links(client.get("/")).items():
        if "sort=" in address:
            continue  # how long, not how many
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert data_hooks(answer, "total") == [str(told)], address
        asked += 1
    assert asked > 8


@pytest.mark.parametrize("name", PEOPLE)
def test_needs_match_their_lists(cast, signed_in, world, name):
    client = signed_in(cast[name])
    shown = {link["data-need"] for link in parse_page(client.get("/")).all("a", data_need=True)}
    for need in NEEDS[cast[name].role]:
        total = data_hooks(client.get(f"/items/?{need.query}"), "total")
        assert (need.query in shown) == (total != ["0"]), need.query


def test_a_user_without_needs_is_told_so(signed_in, dora):
    answer = signed_in(dora).get("/")
    assert "Nothing needs you right now." in answer.content.decode()
    assert "Nothing is in progress." in answer.content.decode()
    assert "No items failed." in answer.content.decode()


def test_services_and_signed_out_visitors_have_no_overview(client, signed_in, wally):
    assert client.get("/").status_code == 302
    assert "/accounts/login/" in client.get("/")["Location"]
    assert signed_in(wally).get("/").status_code in (302, 403)


def test_days_are_shown_as_a_chart_and_a_table(signed_in, dora, virginia, jhu):
    now = timezone.now()
    for days in (0, 0, 3):
        transitions.succeed(make_item(virginia), stage="Record", by=service(), at=now - timedelta(days=days))
    transitions.succeed(make_item(jhu), stage="Record", by=service(), at=now)
    answer = parse_page(signed_in(dora).get("/"))
    told = {row["data-day"]: [cell.words for cell in row.all("td")] for row in answer.all("tr", data_day=True)}
    assert len(told) == 90
    assert told[f"{now.date()}"] == ["2", "0", "0"]
    assert told[f"{now.date() - timedelta(days=3)}"] == ["1", "0", "0"]
    assert sum(number(cells[0]) for cells in told.values()) == 3
    assert "3 done, 0 failed permanently, 0 cancelled." in answer.one("p", class_="totals").words
    assert len(answer.one("figure", class_="days done").all("rect")) == 2


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("name", ["dora", "ada"])
def test_days_are_in_the_readers_time_zone(cast, signed_in, virginia, jhu, name, zone):
    """As the footer says. Each day has the items that were closed between its midnights."""
    now, reader = timezone.now(), in_zone(cast[name], zone)
    begun = timezone.localtime(now, ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    for owner, ago in product((virginia, jhu), (0, 1, 40, 88, 90)):
        for minutes in (-1, 0, 16):
            at = min(begun - timedelta(days=ago) + timedelta(minutes=minutes), now)
            transitions.succeed(make_item(owner, at=at), stage="Record", by=service(), at=at)
    answer = parse_page(signed_in(reader).get("/"))
    told = {row["data-day"]: int(row.all("td")[0].words) for row in answer.all("tr", data_day=True)}
    ends = HistoryEntry.objects.filter(move="succeed")
    ends = ends if name == "ada" else ends.filter(item__institution=virginia)
    right = Counter(f"{at.astimezone(ZoneInfo(zone)).date()}" for at in ends.values_list("at", flat=True))
    assert list(told) == [f"{begun.date() - timedelta(days=ago)}" for ago in range(90)]
    assert told == {day: right[day] for day in told}
    assert 0 < sum(told.values()) < sum(right.values())
    assert zone in answer.one("footer").words


@pytest.mark.parametrize("zone", ZONES)
def test_causes_are_counted_from_the_readers_midnight(signed_in, dora, virginia, zone):
    """So is the list that each number links to."""
    client = signed_in(in_zone(dora, zone))
    begun = timezone.localtime(timezone.now(), ZoneInfo(zone)).replace(hour=0, minute=0, second=0, microsecond=0)
    for minutes in (-1, 0, 1):
        at = begun - timedelta(days=30) + timedelta(minutes=minutes)
        transitions.fail(
            make_item(virginia, stage="Validate", at=at), note="Disk 7 is full.", retry=False, by=service(), at=at
        )
    row = parse_page(client.get("/")).one("tr", data_cause=True)
    assert [cell.words for cell in row.all("td")] == ["2", "2"]
    for link in row.all("a"):
        assert data_hooks(client.get(link["href"]), "total") == ["2"]


def test_durations_are_shown_as_a_chart_and_a_table(signed_in, dora, virginia):
    now = timezone.now()
    for n in range(40):
        item = make_item(virginia, at=now - timedelta(hours=5), date=now - timedelta(hours=5))
        transitions.progress(item, stage="Fetch", by=service(), at=now - timedelta(hours=4))
        transitions.succeed(item, stage="Record", by=service(), at=now - timedelta(minutes=n))
    recorder.refresh_typical(now)
    typical.clear_cache()
    rows = {
        row["data-stage"]: [cell.words for cell in row.all("td")][1:]
        for row in parse_page(signed_in(dora).get("/")).all("tr", data_stage=True)
        if row.all("circle")
    }
    assert rows["Fetch"][2] == "40"
    assert rows["Fetch"][:2] == ["4 h", "4 h"]
    assert set(rows) == {"", "Receive", "Fetch"}


def test_the_oldest_item_at_a_stage(signed_in, dora, ada, virginia, jhu):
    make_usual_time()
    make_usual_time(band=-1)
    oldest, other = make_item_at_store(virginia, 30), make_item_at_store(virginia, 3)
    make_item_at_store(jhu, 900)
    transitions.edit(oldest, note="Its worker has saved it since.", by=ada)
    client = signed_in(dora)
    row = parse_page(client.get("/")).one("tr", data_action="Ingest", data_stage="Store")
    assert [cell.words for cell in row.all("td")] == ["–", "2", "–", "–", "1 d", "2 to 4 h"]
    assert item_ids(client.get(row.all("td")[4].one("a")["href"])) == [oldest.pk, other.pk]


def test_no_institution_sees_anothers_numbers(signed_in, dora, jhu):
    transitions.fail(make_item(jhu, stage="Validate"), note="Disk 9 is full.", retry=False, by=service())
    transitions.succeed(make_item(jhu), stage="Record", by=service())
    make_item(jhu, stage="Store")
    text = signed_in(dora).get("/").content.decode()
    assert "Disk" not in text
    assert "0 done, 0 failed permanently, 0 cancelled." in text
    assert 'data-stage="Store"' not in text


@pytest.mark.parametrize("name", ["dora", "ada"])
def test_the_number_of_statements_does_not_grow(cast, signed_in, world, virginia, jhu, name):
    client = signed_in(cast[name])

    def asked():
        with CaptureQueriesContext(connection) as found:
            assert client.get("/").status_code == 200
        return len(found)

    asked()  # the usual times are read once a minute
    few = asked()
    make_items(300, [virginia, jhu])
    assert asked() == few
    assert few <= 12


def test_odd_stages_of_old_data_are_listed_last(signed_in, dora, virginia):
    item = make_item(virginia)
    WorkItem.objects.filter(pk=item.pk).update(stage="Package")
    make_item(virginia, stage="Store")
    stages = [row["data-stage"] for row in parse_page(signed_in(dora).get("/")).all("tr", data_stage=True)]
    assert stages == ["Store", "Package"]
