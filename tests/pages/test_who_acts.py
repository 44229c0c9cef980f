"""Who has to act, as pages say it: the hooks of "What now?", reviews of what waits for the consortium, and restored copies."""

from datetime import UTC, datetime, timedelta

import pytest

from workitems import transitions
from workitems.bulk import run
from workitems.explanations import presets_for
from workitems.models import WorkItem

from ..factories import make_item
from ..page_hooks import item_ids
from ..stored_items import as_stored, last_entry
from .page_elements import find_form, parse_page, problems

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
NOW = datetime.now(UTC)


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


@pytest.mark.parametrize("who", ["stan", "ada"])
def test_what_nobody_has_to_act_on_leaves_an_admins_list(cast, signed_in, ada, wally, item, who):
    fail(item, wally, "Validate", "The manifest names a file that is missing.")
    assert item_ids(signed_in(ada).get(needs_admin_list(ada))) == [item.pk]
    signed_in(cast[who]).post(f"{url(item)}/review", {"reviewed": "true"})
    assert item_ids(signed_in(ada).get(needs_admin_list(ada))) == []


def needs_admin_list(person):
    """The address of the list "Needs admin review"."""
    [query] = [preset.query for preset in presets_for(person.role) if preset.label == "Needs admin review"]
    return f"/items/?{query}"


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


BULK = "/items/review"


def selected(*items, reviewed="true"):
    return {"which": "ids", "ids": [item.pk for item in items], "reviewed": reviewed}


def all_matching(client):
    form = parse_page(client.get("/items/")).one("form", id="bulk").fields()
    return {"which": "matching", "reviewed": "true", "snapshot": form["snapshot"], "list": form["list"]}


def done_in_bulk(client, sent):
    return client.post(BULK, {**sent, "confirmed": "yes"}, follow=True)


def outcome_of(response):
    return parse_page(response).one("p", class_="outcome").words


@pytest.fixture
def done(virginia, wally):
    return [transitions.succeed(make_item(virginia), stage="Record", by=wally) for _ in range(3)]


@pytest.fixture
def half_closed(virginia, wally, stan):
    """A failure at Store and a damaged copy that staff have reviewed, so that only the consortium has to act."""
    failed = transitions.progress(make_item(virginia), stage="Store", node="w1", by=wally)
    transitions.fail(failed, note="boom", retry=False, by=wally)
    damaged = make_item(virginia, action="Fixity Check", object_identifier="virginia.edu/bag")
    transitions.fail(damaged, stage="Validate", note="Digests differ.", retry=False, by=wally)
    transitions.review(failed, by=stan)
    WorkItem.objects.filter(pk=damaged.pk).update(reviewed=True, needs_admin_review=True)
    return failed, damaged


@pytest.mark.parametrize("limit", [10_000, 3])
def test_an_admin_closes_what_staff_have_reviewed(signed_in, ada, half_closed, done, monkeypatch, limit):
    monkeypatch.setattr(run, "COUNT_LIMIT", limit)  # above it, the figures come from the summary table
    (failed, damaged), client = half_closed, signed_in(ada)
    sent = all_matching(client)
    said = parse_page(client.post(BULK, sent)).one("ul", class_="preview").words
    expected = (
        "5 items selected 4 will be marked as reviewed: 3 Success, 1 Failed "
        "1 will be skipped: damaged copies, which an APTrust admin reviews one by one"
    )
    assert said == expected
    response = done_in_bulk(client, sent)
    assert outcome_of(response) == (
        "Marked 4 of 5 as reviewed. 1 skipped: damaged copies, which an APTrust admin reviews one by one."
    )
    failed.refresh_from_db()
    damaged.refresh_from_db()
    assert (failed.reviewed, failed.needs_admin_review) == (True, False)
    assert (damaged.reviewed, damaged.needs_admin_review) == (True, True)
    said = parse_page(client.post(BULK, all_matching(client))).one("ul", class_="preview").words
    assert "0 will be marked as reviewed 4 are already done" in said


def test_a_row_offers_an_admin_the_second_review(signed_in, ada, stan, half_closed):
    failed, broken = half_closed
    page = parse_page(signed_in(ada).get("/items/"))
    row = page.one("tr", data_item_id=str(failed.pk))
    assert row.one("form").fields()["reviewed"] == "true"
    assert row.one("span", class_="status failed")
    assert (
        page.one("tr", data_item_id=str(broken.pk))
        .one("a", class_="toggle")["href"]
        .startswith(f"{url(broken)}/review")
    )
    of_staff = parse_page(signed_in(stan).get("/items/")).one("tr", data_item_id=str(failed.pk))
    assert of_staff.one("form").fields()["reviewed"] == "false"
    signed_in(ada).post(f"{url(failed)}/review", {"reviewed": "true"})
    row = parse_page(signed_in(ada).get("/items/")).one("tr", data_item_id=str(failed.pk))
    assert row.one("form").fields()["reviewed"] == "false"
    assert row.one("span", class_="status quiet")


def test_for_staff_it_is_already_done(signed_in, stan, half_closed):
    client = signed_in(stan)
    said = parse_page(client.post(BULK, selected(*half_closed))).one("ul", class_="preview").words
    assert said == "2 items selected 0 will be marked as reviewed 2 are already done"


@pytest.mark.parametrize(("who", "marked"), [("stan", 0), ("ada", 1)])
def test_only_an_admin_marks_a_damaged_copy_as_not_reviewed(cast, signed_in, half_closed, who, marked):
    _failed, damaged = half_closed
    client, sent = signed_in(cast[who]), selected(damaged, reviewed="false")
    said = parse_page(client.post(BULK, sent)).one("ul", class_="preview").words
    assert f"{marked} will be marked as not reviewed" in said
    response = done_in_bulk(client, sent)
    skipped = "" if marked else " 1 skipped: damaged copies, which an APTrust admin reviews one by one."
    assert outcome_of(response) == f"Marked {marked} of 1 as not reviewed.{skipped}"


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


@pytest.mark.parametrize(("days", "said"), [(3, "Its address is below."), (-3, "which has passed.")])
def test_a_copy_whose_time_is_over_is_not_offered(signed_in, dora, virginia, wally, days, said):
    dora.timezone = "America/New_York"  # where it is still the day before
    dora.save()
    item, day = make_item(virginia, action="Restore", object_identifier="virginia.edu/bag"), NOW + timedelta(days=days)
    note = f"Restored to s3://aptrust.restore.virginia.edu/bag.tar until {day:%Y-%m-%d}."
    transitions.succeed(item, stage="Available in S3", note=note, by=wally)
    box = parse_page(signed_in(dora).get(url(item))).one("section", aria_labelledby="what-now")
    assert said in box.words
    shown = dict(zip([one.words for one in box.all("dt")], [one.words for one in box.all("dd")], strict=True))
    assert shown["Available until" if days > 0 else "Was available until"] == f"{day.day} {day:%b %Y}"


@pytest.mark.parametrize("why", ["invalid", "valid"])
def test_who_made_an_invalid_bag_finds_the_guide(signed_in, dora, wally, item, settings, why):
    settings.HELP_URL = "https://docs.example.org/bags"
    fail(item, wally, "Validate" if why == "invalid" else "Store", "The manifest names a file that is missing.")
    page = parse_page(signed_in(dora).get(url(item)))
    links = [link["href"] for link in page.one("section", aria_labelledby="what-now").all("a")]
    assert (settings.HELP_URL in links) is (why == "invalid")
    assert settings.HELP_URL in [link["href"] for link in page.one("footer").all("a")]
