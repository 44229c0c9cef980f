"""Started items without a sign of life: the mark in the list, the filter, the item's page, and the setting."""

from datetime import timedelta

import pytest
from django.utils import timezone

from workitems import transitions
from workitems.durations import format_silence
from workitems.lifecycle import read_silent_hours
from workitems.models import WorkItem

from ..factories import make_item
from ..page_hooks import item_ids
from ..pages.page_elements import late_marks, parse_page


def silent_for(institution, hours, stage="Store", status="Started", **fields):
    """Makes an item that was last changed this many hours ago."""
    item = make_item(institution, stage=stage, status=status, **fields)
    WorkItem.objects.filter(pk=item.pk).update(updated_at=timezone.now() - timedelta(hours=hours))
    return item


def test_the_mark_and_the_filter_agree(signed_in, dora, virginia):
    silent = silent_for(virginia, 63.5, node="w1")
    others = [
        silent_for(virginia, 23.9),
        silent_for(virginia, 63, status="Pending"),
        silent_for(virginia, 63, status="Failed", note="Later."),
        silent_for(virginia, 63, status="Success", stage="Record", retry=False),
        silent_for(virginia, 63, needs_admin_review=True),
    ]
    client = signed_in(dora)
    assert late_marks(client.get("/items/")) == {str(silent.pk): "No sign of life for 2 d 15 h"}
    assert item_ids(client.get("/items/?silent=true")) == [silent.pk]
    assert sorted(item_ids(client.get("/items/?silent=false"))) == [item.pk for item in others]


def test_stages_have_their_own_limit(signed_in, dora, virginia, settings):
    settings.WORKITEM_SILENT_HOURS = read_silent_hours(["2", "Store=72"])
    at_store, at_fetch = silent_for(virginia, 63), silent_for(virginia, 3, stage="Fetch")
    client = signed_in(dora)
    assert late_marks(client.get("/items/")) == {str(at_fetch.pk): "No sign of life for 3 h"}
    assert item_ids(client.get("/items/?silent=true")) == [at_fetch.pk]
    assert item_ids(client.get("/items/?silent=false")) == [at_store.pk]


def test_the_next_save_is_a_sign_of_life(signed_in, dora, wally, virginia):
    item = silent_for(virginia, 63, node="w1")
    item.refresh_from_db()
    transitions.progress(item, note="Still storing.", by=wally)
    assert item_ids(signed_in(dora).get("/items/?silent=true")) == []


@pytest.mark.parametrize(("who", "words"), [("dora", "APTrust can see this too."), ("ada", "Check whether its worker")])
def test_the_items_page(cast, signed_in, virginia, who, words):
    item = silent_for(virginia, 63)
    box = parse_page(signed_in(cast[who]).get(f"/items/{item.pk}")).one("section", aria_labelledby="what-now")
    assert (box["data-acts"], box["data-why"]) == ("consortium", "no-sign-of-life")
    assert "No sign of life for 2 d 15 h" in box.words
    assert words in box.words
    assert "No action needed" not in box.words


def test_who_has_to_act_agrees_with_the_pages(signed_in, ada, dora, virginia):
    items = [
        silent_for(virginia, 63, node="w1"),
        silent_for(virginia, 63, action="Restore", stage="Requested"),
        silent_for(virginia, 63, stage="Fetch", name="bag.tar"),  # replaced by the next one
        make_item(virginia, name="bag.tar", etag="newer"),
        silent_for(virginia, 63, stage="Store", name="twice.tar", etag="e"),
        silent_for(virginia, 63, stage="Fetch", name="twice.tar", etag="e"),  # a duplicate
        silent_for(virginia, 1, node="w1"),
    ]
    for person in (ada, dora):
        client = signed_in(person)
        acts = {
            item.pk: parse_page(client.get(f"/items/{item.pk}")).one("section", aria_labelledby="what-now")["data-acts"]
            for item in items
        }
        waiting = [pk for pk, party in acts.items() if party == "consortium"]
        assert waiting == [items[0].pk, items[1].pk, items[4].pk]
        assert sorted(item_ids(client.get("/items/?acts=consortium"))) == waiting


def test_a_replaced_upload_is_not_marked(signed_in, dora, virginia):
    silent_for(virginia, 63, stage="Fetch", name="bag.tar")
    make_item(virginia, name="bag.tar", etag="newer")
    client = signed_in(dora)
    assert late_marks(client.get("/items/")) == {}
    assert item_ids(client.get("/items/?silent=true&superseded=false&duplicate=false")) == []


def test_an_admin_has_a_card(signed_in, ada, dora, virginia):
    silent_for(virginia, 63)
    address = "/items/?silent=true&superseded=false&duplicate=false"
    for person, is_shown in ((ada, True), (dora, False)):
        links = [link["href"] for link in parse_page(signed_in(person).get("/")).all("a")]
        assert (address in links) is is_shown


@pytest.mark.parametrize(
    ("hours", "words"), [(0.5, "0 h"), (26, "26 h"), (47.9, "47 h"), (48, "2 d"), (63.5, "2 d 15 h"), (240, "10 d")]
)
def test_silence_in_words(hours, words):
    assert format_silence(timedelta(hours=hours)).replace("\xa0", " ") == words


@pytest.mark.parametrize(
    ("parts", "hours"),
    [
        ([], {"": 24}),
        (["36"], {"": 36}),
        (["Store=72", " Fetch = 1.5 "], {"": 24, "Store": 72, "Fetch": 1.5}),
    ],
)
def test_the_setting(parts, hours):
    assert read_silent_hours(parts) == hours


@pytest.mark.parametrize("part", ["", "soon", "0", "-1", "nan", "inf", "9999999", "Nowhere=3", "Store=", "=3x"])
def test_a_wrong_setting_is_named(part):
    with pytest.raises(ValueError, match="is not a"):
        read_silent_hours([part])
