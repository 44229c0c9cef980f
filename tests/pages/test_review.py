"""`/items/ID/review`: from a row of the list, from the item's page, and by a script. test_cancel.py has what all moves have in common."""

import pytest

from workitems import transitions
from workitems.models import WorkItem

from ..factories import make_item
from ..stored_items import as_stored, last_entry
from .page_elements import find_form, parse_page, problems


def url(item):
    return f"/items/{item.pk}/review"


def toggle_of(response, item):
    return parse_page(response).one("form", action=url(item))


@pytest.fixture
def done(item, wally):
    return transitions.succeed(item, stage="Record", by=wally)


@pytest.mark.parametrize("who", ["stan", "ada"])
def test_marking_and_unmarking(cast, signed_in, done, who):
    client = signed_in(cast[who])
    for reviewed, move in (("true", "review"), ("false", "unreview")):
        response = client.post(url(done), {"reviewed": reviewed})
        assert (response.status_code, response["Location"]) == (302, f"/items/{done.pk}")
        assert WorkItem.objects.get(pk=done.pk).reviewed is (reviewed == "true")
        entry = last_entry(done)
        assert (entry.move, entry.who, entry.via) == (move, cast[who].email, "page")
        assert (entry.stage_after, entry.status_after) == ("Record", "Success")


def test_marking_a_marked_item_records_nothing(signed_in, stan, done):
    client = signed_in(stan)
    client.post(url(done), {"reviewed": "true"})
    stored = as_stored(done)
    assert client.post(url(done), {"reviewed": "true"}).status_code == 302
    assert as_stored(done) == stored


def test_the_items_page_shows_who_reviewed_it_and_can_undo_it(signed_in, stan, dora, done):
    client = signed_in(stan)
    before = client.get(f"/items/{done.pk}")
    assert parse_page(before).one("article")["data-reviewed"] == "false"
    assert toggle_of(before, done).words == "Mark reviewed"
    client.post(url(done), toggle_of(before, done).fields())
    after = client.get(f"/items/{done.pk}")
    assert parse_page(after).one("article")["data-reviewed"] == "true"
    assert toggle_of(after, done).words == "Mark not reviewed"
    seen_by_dora = parse_page(signed_in(dora).get(f"/items/{done.pk}"))
    said = seen_by_dora.one("section", aria_labelledby="reviewed").words
    assert "stan@virginia.edu" in said
    assert f"{last_entry(done).at:%Y, %H:%M}" in said
    assert seen_by_dora.all("form", action=url(done)) == []
    client = signed_in(stan)
    client.post(url(done), toggle_of(after, done).fields())
    assert last_entry(done).move == "unreview"


def test_marking_in_a_row_returns_to_the_same_list(signed_in, stan, done):
    query = "status=Success&sort=updated&per_page=10"
    client = signed_in(stan)
    sent = toggle_of(client.get(f"/items/?{query}"), done).fields()
    response = client.post(url(done), sent)
    assert response["Location"] == f"/items/?{query}#item-{done.pk}"
    assert last_entry(done).move == "review"
    row = parse_page(client.get(response["Location"])).one("tr", data_item_id=str(done.pk))
    assert row.one("form").fields()["reviewed"] == "false"


def test_an_outdated_row_is_reported_and_the_list_is_kept(signed_in, stan, ada, done):
    client = signed_in(stan)
    sent = toggle_of(client.get("/items/?status=Success"), done).fields()
    transitions.edit(done, needs_admin_review=True, by=ada)
    stored = as_stored(done)
    response = client.post(url(done), sent)
    assert response.status_code == 409
    assert "has changed since" in problems(response)[0]
    assert as_stored(done) == stored
    again = find_form(response)
    assert again.fields()["version"] == str(done.version)
    assert again.one("a", class_="button")["href"] == "/items/?status=Success"
    response = client.post(url(done), again.fields())
    assert response["Location"] == f"/items/?status=Success#item-{done.pk}"
    assert last_entry(done).move == "review"


@pytest.mark.parametrize("state", ["open", "held", "again"])
def test_open_items_cannot_be_reviewed(signed_in, stan, wally, item, state):
    if state == "held":
        transitions.suspend(item, note="ask", by=wally)
    if state == "again":
        transitions.fail(item, note="S3", retry=True, by=wally)
    before = as_stored(item)
    client = signed_in(stan)
    assert parse_page(client.get(f"/items/{item.pk}")).all("form", action=url(item)) == []
    response = client.post(url(item), {"reviewed": "true"})
    assert response.status_code == 409
    assert "review is only for items that are closed" in problems(response)[0]
    assert as_stored(item) == before


@pytest.mark.parametrize("reviewed", [None, "", "yes", "1", "True", "\x00", "true\x00"])
def test_the_value_is_true_or_false(signed_in, stan, done, reviewed):
    before = as_stored(done)
    response = signed_in(stan).post(url(done), {} if reviewed is None else {"reviewed": reviewed})
    assert response.status_code == 422
    assert problems(response) == ["“reviewed” must be true or false."]
    assert as_stored(done) == before


def test_the_confirmation_page_offers_the_other_value(signed_in, stan, done):
    client = signed_in(stan)
    assert find_form(client.get(url(done))).fields()["reviewed"] == "true"
    client.post(url(done), {"reviewed": "true"})
    asked = client.get(url(done))
    assert find_form(asked).fields()["reviewed"] == "false"
    assert "Mark not reviewed" in find_form(asked).words


def test_when_a_row_leaves_the_list_the_next_one_gets_the_focus(signed_in, stan, wally, virginia):
    items = [make_item(virginia, name=f"{n}.tar") for n in range(3)]
    for item in items:
        transitions.succeed(item, by=wally, stage="Cleanup")
    client = signed_in(stan)
    forms = [
        form
        for form in parse_page(client.get("/items/?reviewed=false&sort=name")).all("form")
        if form["action"].endswith("/review")
    ]
    rows = [form for form in forms if form["action"] != "/items/review"]
    sent = {field["name"]: field["value"] for field in rows[0].all("input")}
    assert client.post(rows[0]["action"], sent)["Location"] == f"/items/?reviewed=false&sort=name#item-{items[1].pk}"
    # Where it stays in the list, so does the eye.
    sent |= {"list": "sort=name", "reviewed": "false", "version": ""}
    assert client.post(rows[0]["action"], sent)["Location"] == f"/items/?sort=name#item-{items[0].pk}"
