"""Following `next` through a list: no row twice, none missed, and no filter lost, even if items change."""

from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest

from tests.factories import make_item
from tests.many_items import make_items
from workitems.listing import SORTS
from workitems.models import WorkItem

from .api_client import Caller
from .sample_items import AWKWARD, walk_pages, without_holes

ADMIN = "/api/v2/items/"


@pytest.fixture
def wallys(client, wally):
    return Caller(client, wally)


@pytest.mark.parametrize("sort", SORTS)
def test_following_next_returns_each_row_once(wallys, virginia, jhu, sort):
    made = make_items(60, [virginia, jhu], seed=3)
    records = walk_pages(wallys, ADMIN, f"per_page=7&sort={sort}")
    assert without_holes(records, made)
    whole = wallys.get(ADMIN, f"per_page=60&sort={sort}").body["results"]
    assert [one["id"] for one in records] == [one["id"] for one in whole]


@pytest.mark.parametrize("sort", SORTS)
def test_following_next_misses_nothing_while_the_list_shrinks(wallys, virginia, jhu, sort):
    """Like the queue feeder, whose queued items leave the list."""
    made = make_items(60, [virginia, jhu], seed=4)

    def queue(page):
        WorkItem.objects.filter(pk__in=[one["id"] for one in page]).update(queued_at=datetime.now(UTC))

    assert without_holes(walk_pages(wallys, ADMIN, f"queued=false&per_page=7&sort={sort}", at_each_page=queue), made)
    assert wallys.get(ADMIN, "queued=false").body["count"] == 0


def test_the_longest_waiting_items_come_first(wallys, virginia, jhu):
    """Closed items and those without a time come last; a page can start anywhere."""
    made = make_items(60, [virginia, jhu], seed=6)
    records = walk_pages(wallys, ADMIN, "per_page=7&sort=waiting")
    assert without_holes(records, made)
    since = {item.pk: item.stage_entered_at for item in made if item.phase != "closed"}
    known = [since.get(one["id"]) for one in records]
    waits = [one for one in known if one]
    assert 7 < len(waits) < len(made) - 7
    assert known == sorted(waits) + [None] * (len(made) - len(waits))


def test_new_and_changed_items_do_not_disturb_pagination(wallys, virginia):
    made = make_items(40, [virginia], seed=5)

    def disturb(page):
        make_item(virginia)
        WorkItem.objects.filter(pk=page[0]["id"]).update(updated_at=datetime.now(UTC), note="changed")

    seen = [one["id"] for one in walk_pages(wallys, ADMIN, "per_page=7", at_each_page=disturb)]
    assert sorted(seen) == sorted(item.pk for item in made)


def test_next_keeps_every_given_filter(wallys, virginia, jhu):
    for _n in range(3):
        make_item(virginia, name=AWKWARD)
    make_item(jhu, name=AWKWARD)
    make_item(virginia)
    given = {
        "name": AWKWARD,
        "name_contains": "& “q”_100%+=?#;",
        "access": "x&y=z",
        "status": ["Pending", "Started"],
        "institution": "virginia.edu",
        "created_after": "2020-01-01T00:00:00+01:00",
        "bucket": "",
        "per_page": "1",
    }
    answer = wallys.get(ADMIN, given)
    query = parse_qs(answer.body["next"].partition("?")[2], keep_blank_values=True)
    kept = {name: values if isinstance(values, list) else [values] for name, values in given.items()}
    assert {name: query.get(name) for name in kept} == kept
    assert set(query) - set(kept) == {"page", "after"}
    assert len(walk_pages(wallys, ADMIN, answer.body["next"].partition("?")[2].replace("page=2", "page=1"))) == 2


def test_next_names_the_page_size_even_if_it_was_not_given(wallys, virginia):
    make_items(11, [virginia])
    assert parse_qs(wallys.get(ADMIN).body["next"].partition("?")[2])["per_page"] == ["10"]


@pytest.mark.parametrize(
    "name", [AWKWARD, "a~b~1.tar", " ~.tar", "%00%ff.tar", "x" * 1000, "né" * 500, "two\nlines.tar"]
)
def test_cursors_with_any_kind_of_name(wallys, virginia, name):
    made = [make_item(virginia, name=one) for one in (name, name, "~", "a", name[:-1] or "b")]
    assert without_holes(walk_pages(wallys, ADMIN, "sort=name&per_page=1"), made)
    assert without_holes(walk_pages(wallys, ADMIN, "sort=-name&per_page=1"), made)
