"""`/workers/`: what each node holds, since when, and its last sign of life."""

from datetime import timedelta

import pytest
from django.utils import timezone

from workitems.models import WorkItem

from ..factories import make_item
from ..page_hooks import item_ids
from .page_elements import parse_page


def held(institution, node, pid, hours, *, last=0.0, status="Started", **fields):
    """Makes an item that this process has had at its stage for this long and last changed `last` hours ago."""
    item = make_item(institution, stage="Cleanup", status=status, node=node, pid=pid, **fields)
    now = timezone.now()
    times = {"stage_entered_at": now - timedelta(hours=hours), "updated_at": now - timedelta(hours=last)}
    WorkItem.objects.filter(pk=item.pk).update(**times)
    return item


def rows(response):
    return {
        row["data-node"]: [cell.words for cell in row.all("td")]
        for row in parse_page(response).all("tr", data_node=True)
    }


def test_each_node_with_what_it_holds(signed_in, ada, virginia, jhu):
    mine = [held(virginia, "w 1&2", 1, 5), held(jhu, "w 1&2", 2, 60, last=1.5), held(jhu, "w 1&2", 2, 1)]
    silent = held(virginia, "w2", 9, 70, last=63)
    held(virginia, "w3", 1, 70, status="Pending")
    held(virginia, "w4", 1, 70, status="Success", retry=False)
    make_item(virginia)
    client = signed_in(ada)
    response = client.get("/workers/")
    assert rows(response) == {
        "w2": ["1", "1", "2 d", "2 d ago", "1"],
        "w 1&2": ["3", "2", "2 d", "0 s ago", "0"],
    }
    assert list(rows(response)) == ["w2", "w 1&2"]  # the one that has been silent for longest comes first
    page = parse_page(response)
    lists = {row["data-node"]: [link["href"] for link in row.all("a")] for row in page.all("tr", data_node=True)}
    assert sorted(item_ids(client.get(lists["w 1&2"][0]))) == [item.pk for item in mine]
    assert item_ids(client.get(lists["w2"][0])) == item_ids(client.get(lists["w2"][1])) == [silent.pk]


def test_nobody_holds_anything(signed_in, ada, virginia):
    make_item(virginia)
    response = signed_in(ada).get("/workers/")
    assert rows(response) == {}
    assert "No worker holds an item" in parse_page(response).one("main").words


@pytest.mark.parametrize(("who", "status"), [("dora", 403), ("stan", 403), ("ada", 200)])
def test_only_admins_see_nodes(cast, signed_in, who, status):
    assert signed_in(cast[who]).get("/workers/").status_code == status


def test_who_is_not_signed_in_is_asked_to(client, db):
    assert client.get("/workers/")["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize(("who", "is_shown"), [("dora", False), ("stan", False), ("ada", True)])
def test_the_field_for_nodes_is_an_admins(cast, signed_in, virginia, who, is_shown):
    item = held(virginia, "w1", 1, 1)
    client = signed_in(cast[who])
    page = parse_page(client.get("/items/"))
    assert bool(page.all("input", id="id_node")) is is_shown
    response = client.get("/items/?node=w1")
    assert (response.status_code == 200) is is_shown
    if is_shown:
        assert item_ids(response) == [item.pk]
        assert parse_page(response).one("input", id="id_node")["value"] == "w1"
