"""Who has to act, as pages say it: the hooks of "What now?", reviews of what waits for the consortium, and restored copies."""

from datetime import UTC, datetime, timedelta

import pytest

from workitems import transitions
from workitems.models import WorkItem

from ..factories import make_item
from ..stored_items import as_stored, last_entry
from .page_elements import find_form, parse_page, problems

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def url(item):
    return f"/items/{item.pk}"


def fail(item, wally, stage, note, *, flag=True):
    return transitions.fail(item, stage=stage, note=note, retry=False, needs_admin_review=flag, by=wally)


def hooks(client, item):
    """(who acts, the rule's code) on the item's page."""
    box = parse_page(client.get(url(item))).one("section", aria_labelledby="what-now")
    return box["data-acts"], box["data-why"]


CASES = [
    ("Validate", "The manifest names a file that is missing.", ("institution", "invalid-bag")),
    ("Fetch", "Error 17.", ("institution", "failed-upload")),
    ("Validate", "No space left on the work volume.", ("consortium", "machine-failed")),
    ("Receive", "The bag was deleted from the receiving bucket.", ("institution", "gone-from-bucket")),
    ("Fetch", "A newer version is in the bucket.", ("nobody", "newer-in-bucket")),
    ("Store", "The manifest names a file that is missing.", ("consortium", "valid-bag-failed")),
]


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
@pytest.mark.parametrize("flag", [True, False])
@pytest.mark.parametrize(("stage", "note", "expected"), CASES)
def test_the_hooks_of_a_failed_ingest(cast, signed_in, wally, item, who, flag, stage, note, expected):
    fail(item, wally, stage, note, flag=flag)
    assert hooks(signed_in(cast[who]), item) == expected


@pytest.mark.parametrize("stage", ["Store", "Record"])
@pytest.mark.parametrize("flag", [True, False])
def test_a_review_by_staff_leaves_the_consortiums_part_open(signed_in, stan, ada, wally, item, stage, flag):
    fail(item, wally, stage, "The region answered nothing.", flag=flag)
    signed_in(stan).post(f"{url(item)}/review", {"reviewed": "true"})
    item.refresh_from_db()
    assert (item.reviewed, item.needs_admin_review) == (True, True)
    client = signed_in(ada)
    assert hooks(client, item) == ("consortium", "valid-bag-failed")
    assert str(item.pk) in {
        row["data-item-id"]
        for row in parse_page(client.get("/items/?needs_admin_review=true&status=Failed")).all("tr", data_item_id=True)
    }
    button = parse_page(client.get(url(item))).one("form", action=f"{url(item)}/review")
    assert button.words == "Mark reviewed"
    client.post(f"{url(item)}/review", button.fields())
    item.refresh_from_db()
    assert (item.reviewed, item.needs_admin_review) == (True, False)
    assert (last_entry(item).move, last_entry(item).who) == ("review", ada.email)
    assert hooks(client, item) == ("nobody", "reviewed-upload")


def test_a_review_of_an_invalid_bag_closes_it(signed_in, stan, wally, item):
    fail(item, wally, "Validate", "The manifest names a file that is missing.")
    client = signed_in(stan)
    client.post(f"{url(item)}/review", {"reviewed": "true"})
    assert hooks(client, item) == ("nobody", "reviewed-upload")


@pytest.fixture
def damaged(virginia, wally):
    check = make_item(virginia, action="Fixity Check", object_identifier="virginia.edu/bag")
    return transitions.fail(check, stage="Validate", note="The sha256 digests differ.", retry=False, by=wally)


def test_staff_cannot_review_a_damaged_copy(signed_in, stan, ada, damaged):
    client, before = signed_in(stan), as_stored(damaged)
    assert parse_page(client.get(url(damaged))).all("form", action=f"{url(damaged)}/review") == []
    row = parse_page(client.get("/items/")).one("tr", data_item_id=str(damaged.pk))
    assert row.all("form") == []
    assert "For APTrust" in row.words
    response = client.post(f"{url(damaged)}/review", {"reviewed": "true"})
    assert response.status_code == 409
    assert as_stored(damaged) == before
    assert hooks(signed_in(ada), damaged) == ("consortium", "damaged-copy")


def test_an_admin_says_what_was_done_about_a_damaged_copy(signed_in, ada, damaged):
    client, before, cause = signed_in(ada), as_stored(damaged), damaged.failure.cause
    address = f"{url(damaged)}/review"
    row = parse_page(client.get("/items/")).one("tr", data_item_id=str(damaged.pk))
    assert row.one("a", class_="toggle")["href"].startswith(address)
    response = client.post(address, {"reviewed": "true", "note": " "})
    assert response.status_code == 422
    assert "A note is required" in problems(response)[0]
    assert as_stored(damaged) == before
    form = find_form(client.get(address))
    client.post(address, {**form.fields(), "note": "Replaced from the other region."})
    damaged.refresh_from_db()
    assert (damaged.reviewed, damaged.note) == (True, "The sha256 digests differ.\nReplaced from the other region.")
    assert hooks(client, damaged) == ("nobody", "reviewed-failure")
    assert damaged.failure.cause == cause


@pytest.mark.parametrize("who", ["stan", "ada"])
def test_damaged_copies_are_left_alone_by_bulk_reviews(cast, signed_in, damaged, wally, item, who):
    transitions.succeed(item, stage="Record", by=wally)
    client = signed_in(cast[who])
    response = client.post("/items/review", {"which": "ids", "ids": [item.pk, damaged.pk], "reviewed": "true"})
    page = parse_page(response)
    assert "damaged copies, which an APTrust admin reviews one by one" in page.words
    response = client.post(
        "/items/review",
        {"which": "ids", "ids": [item.pk, damaged.pk], "reviewed": "true", "confirmed": "yes"},
        follow=True,
    )
    said = parse_page(response).one("p", class_="outcome").words
    assert said == "Marked 1 of 2 as reviewed. 1 skipped: damaged copies, which an APTrust admin reviews one by one."
    assert not WorkItem.objects.get(pk=damaged.pk).reviewed


def test_an_upload_that_has_reached_store_is_finished_first(signed_in, dora, virginia, wally):
    first = make_item(virginia, name="bag.tar", etag="a", at=NOON)
    transitions.progress(first, stage="Store", node="w1", by=wally)
    second = make_item(virginia, name="bag.tar", etag="b", at=NOON + timedelta(hours=1))
    client = signed_in(dora)
    assert hooks(client, first) == ("nobody", "running")
    assert hooks(client, second) == ("nobody", "awaits-upload")
    box = parse_page(client.get(url(second))).one("section", aria_labelledby="what-now")
    assert url(first) in [link["href"] for link in box.all("a")]
    row = parse_page(client.get("/items/")).one("tr", data_item_id=str(second.pk))
    assert f"Waits for {first.pk}" in row.words
    assert parse_page(client.get("/items/?superseded=true")).all("tr", data_item_id=True) == []


def test_nobody_is_notified_of_what_never_ends(signed_in, dora, virginia):
    first = make_item(virginia, name="bag.tar", etag="a", at=NOON)
    second = make_item(virginia, name="bag.tar", etag="b", at=NOON + timedelta(hours=1))
    client = signed_in(dora)
    assert parse_page(client.get(url(first))).all("form", class_="watch") == []
    assert parse_page(client.get(url(second))).one("form", class_="watch")
    client.post(f"{url(first)}/watch", {"wanted": "true"})
    assert not first.watches.exists()


@pytest.mark.parametrize(("second", "is_told"), [("b" * 32, False), ("b" * 32 + "-7", True)])
def test_another_etag_may_be_the_same_file_in_other_parts(signed_in, dora, virginia, second, is_told):
    first = make_item(virginia, name="bag.tar", etag="a" * 32, at=NOON)
    make_item(virginia, name="bag.tar", etag=second, at=NOON + timedelta(hours=1))
    said = parse_page(signed_in(dora).get(url(first))).one("section", aria_labelledby="what-now").words
    assert "with another etag" in said
    assert ("sent in other parts" in said) is is_told


def test_a_finished_restoration_says_where_the_copy_is(signed_in, dora, virginia, wally, settings):
    settings.HELP_URL = "https://docs.example.org/restoring"
    item = make_item(virginia, action="Restore", object_identifier="virginia.edu/bag")
    note = "Restored to https://s3.example.org/aptrust.restore.virginia.edu/bag.tar until 2026-06-01."
    transitions.succeed(item, stage="Available in S3", note=note, by=wally)
    box = parse_page(signed_in(dora).get(url(item))).one("section", aria_labelledby="what-now")
    assert box.one("a", id="copy-address")["href"] == "https://s3.example.org/aptrust.restore.virginia.edu/bag.tar"
    assert box.one("button", data_copy="copy-address")
    assert "1 Jun 2026" in box.words
    assert settings.HELP_URL in [link["href"] for link in box.all("a")]


@pytest.mark.parametrize("why", ["invalid", "valid"])
def test_who_made_an_invalid_bag_finds_the_guide(signed_in, dora, wally, item, settings, why):
    settings.HELP_URL = "https://docs.example.org/bags"
    fail(item, wally, "Validate" if why == "invalid" else "Store", "The manifest names a file that is missing.")
    page = parse_page(signed_in(dora).get(url(item)))
    links = [link["href"] for link in page.one("section", aria_labelledby="what-now").all("a")]
    assert (settings.HELP_URL in links) is (why == "invalid")
    assert settings.HELP_URL in [link["href"] for link in page.one("footer").all("a")]
