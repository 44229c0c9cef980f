"""The parts of a split bag: on each part's page, in rows, as a list, and what to do when one never came."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from workitems import transitions
from workitems.listing import ItemList

from ..factories import make_item
from ..page_hooks import item_ids, links
from .page_elements import parse_page

LAST_WEEK = timezone.now() - timedelta(days=7)


def make_part(institution, wally, name, what="done", at=LAST_WEEK):
    item = make_item(institution, name=name, at=at)
    if what == "done":
        return transitions.succeed(item, by=wally, stage="Cleanup", at=at)
    if what == "failed":
        return transitions.fail(
            item, stage="Validate", note="A file named in the manifest is missing.", retry=False, by=wally, at=at
        )
    return item


@pytest.fixture
def parts(virginia, jhu, wally):
    """Part 4 has failed and part 5 has never come. The other institution has a part 5 of a bag with the same name."""
    make_part(jhu, wally, "maps & plans.b05.of05.tar")
    made = [make_part(virginia, wally, f"maps & plans.b0{number}.of05.tar") for number in (1, 2, 3)]
    return [*made, make_part(virginia, wally, "maps & plans.b04.of05.tar", "failed")]


def panel(client, item):
    return parse_page(client.get(f"/items/{item.pk}")).one("section", aria_labelledby="parts")


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_each_page_has_all_parts(cast, signed_in, parts, who):
    client = signed_in(cast[who])
    for number, item in enumerate(parts, 1):
        found = panel(client, item)
        assert f"Part {number} of 5" in found.words
        assert "3 done, 1 failed, 1 never came. Never came: 5." in found.words
        others = [f"/items/{other.pk}" for other in parts if other != item]
        assert [a["href"] for a in found.all("a")][:-1] == others
        assert found.all("a")[-1]["href"] == f"/items/?bag_group={quote('virginia.edu/maps & plans', safe='')}"


def test_other_institutions_have_their_own_bags(signed_in, olga, jhu, parts):
    theirs = jhu.work_items.get()
    words = panel(signed_in(olga), theirs).words
    assert "1 done, 4 never came. Never came: 1, 2, 3, 4." in words
    assert signed_in(olga).get(f"/items/{parts[0].pk}").status_code == 404


def test_other_items_have_no_parts(signed_in, dora, item, virginia):
    restored = make_item(virginia, action="Restore", name="x.b1.of2.tar", stage="Requested")
    for one in (item, restored):
        assert not parse_page(signed_in(dora).get(f"/items/{one.pk}")).all("section", aria_labelledby="parts")


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_rows_have_a_mark(cast, signed_in, parts, who):
    response = signed_in(cast[who]).get("/items/?institution=virginia.edu")
    marks = [
        a.words
        for a in parse_page(response).one("tbody", id="items").all("a", class_="mark")
        if "bag_group=" in a["href"]
    ]
    assert sorted(marks) == [f"{number} of 5: 3 done, 1 failed, 1 missing" for number in (1, 2, 3, 4)]
    address = links(response, r"/items/\?bag_group=[^\"]*")[0]
    assert sorted(item_ids(signed_in(cast[who]).get(address))) == [part.pk for part in parts]


def test_marks_take_one_statement(signed_in, dora, virginia, parts, wally):
    def statements():
        with CaptureQueriesContext(connection) as caught:
            signed_in(dora).get("/items/")
        return len([one for one in caught if "i.date > " in one["sql"]])

    assert statements() == 1
    for number in range(9):
        make_part(virginia, wally, f"another {number}.b1.of2.tar")
    assert statements() == 1


def test_lists_without_parts_take_no_statement(signed_in, dora, item):
    with CaptureQueriesContext(connection) as caught:
        signed_in(dora).get("/items/")
    assert not [one for one in caught if "item_part" in one["sql"] or "i.date > " in one["sql"]]


@pytest.mark.parametrize(
    ("value", "ours", "theirs"),
    [
        ("maps & plans", True, True),
        ("virginia.edu/maps & plans", True, False),
        ("jhu.edu/maps & plans", False, True),
        ("maps & plans.b09.of05.tar", True, True),
        ("maps & plans.tar", True, True),
        ("maps", False, False),
        ("maps & plans.b0", False, False),
        ("MAPS & PLANS", False, False),
        ("/", False, False),
        ("%", False, False),
    ],
)
def test_the_filter(ada, dora, olga, parts, jhu, value, ours, theirs):
    def listed(user):
        query = QueryDict(mutable=True)
        query["bag_group"] = value
        return set(ItemList(query, user).items().values_list("pk", flat=True))

    mine = {part.pk for part in parts} if ours else set()
    of_jhu = {jhu.work_items.get().pk} if theirs else set()
    assert (listed(dora), listed(olga), listed(ada)) == (mine, of_jhu, mine | of_jhu)


def test_the_filter_takes_several_bags(dora, virginia, wally, parts):
    other = make_part(virginia, wally, "a/b.b1.of2.tar")
    make_item(virginia, name="a/b.tar")
    items = ItemList(QueryDict("bag_group=a/b&bag_group=virginia.edu/maps+%26+plans"), dora).items()
    assert set(items.values_list("pk", flat=True)) == {other.pk, *(part.pk for part in parts)}


def test_the_filter_uses_the_index(dora, ada, parts):
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")  # which is faster in such a small table
    for user in (dora, ada):
        assert "item_part" in ItemList(QueryDict("bag_group=maps"), user).items().explain()


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_what_to_do_about_a_missing_part(cast, signed_in, parts, who):
    client = signed_in(cast[who])
    box = parse_page(client.get(f"/items/{parts[2].pk}")).one("section", aria_labelledby="what-now")
    assert (box["data-acts"], box["data-why"]) == ("institution", "part-missing")
    assert "of its 5 parts, this one never came: 5." in box.words
    assert ("mark this item as reviewed" in box.words) == (who != "dora")
    for part in parts[:2]:
        box = parse_page(client.get(f"/items/{part.pk}")).one("section", aria_labelledby="what-now")
        assert (box["data-acts"], box["data-why"]) == ("nobody", "done")


def test_a_review_settles_a_missing_part(signed_in, stan, parts):
    client = signed_in(stan)
    client.post(f"/items/{parts[2].pk}/review", {"reviewed": "true"})
    box = parse_page(client.get(f"/items/{parts[2].pk}")).one("section", aria_labelledby="what-now")
    assert (box["data-acts"], box["data-why"]) == ("nobody", "done")
    assert item_ids(client.get("/items/?acts=institution")) == [parts[3].pk]


ODD = [
    (
        ["x.b06.of05.tar"],
        "There can't be such a part, so its name may be wrong. 5 never came. Never came: 1, 2, 3, 4, 5.",
    ),
    (["x.b00.of05.tar"], "There can't be such a part"),
    (["x.b1.of0.tar"], "Part 1 of 0 There can't be such a part"),
    (["x.b01.of02.tar", "x.b1.of2.tar"], "1 done, 1 never came."),
    (["x.b1.of2.tar", "x.b2.of3.tar"], "Other parts of this bag name another total: 3."),
    (["x.b1.of99999.tar"], "Never came: 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 … and 99,988 more."),
    ([f"x.b1.of{'9' * 700}.tar"], "1 done"),
]


@pytest.mark.parametrize(("names", "expected"), ODD)
def test_odd_names(signed_in, dora, virginia, wally, names, expected):
    made = [make_part(virginia, wally, name) for name in names]
    assert expected in panel(signed_in(dora), made[0]).words
    for address in ("/", "/items/", "/items/?acts=institution", "/items/?bag_group=x"):
        assert signed_in(dora).get(address, follow=True).status_code == 200


def test_many_parts_show_those_around(signed_in, dora, virginia, wally):
    made = [make_part(virginia, wally, f"x.b{number}.of60.tar", "open") for number in range(1, 61)]
    found = panel(signed_in(dora), made[-1])
    assert "Part 60 (this item)" in found.words
    assert [a["href"] for a in found.all("a")][:-1] == [f"/items/{part.pk}" for part in made[10:59]]
