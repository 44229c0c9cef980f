"""The plain-text summary on an item's page, and other texts that can be copied."""

import pytest

from workitems import transitions

from ..factories import make_item
from .page_elements import parse_page
from .test_item import SECRETS


def support(response):
    """Returns the lines of the text."""
    return parse_page(response).one("div", id="support-text").one("pre").text.splitlines()


@pytest.fixture
def failed(virginia, wally, ada):
    item = make_item(virginia, name="bag <1>.tar", etag="e-1", object_identifier="virginia.edu/bag")
    transitions.progress(item, stage="Store", node="worker-7", pid=4711, by=wally)
    transitions.fail(item, note="S3 says <no>\nand again", retry=False, by=wally)
    transitions.edit(item, node="worker-8", pid=4712, needs_admin_review=True, by=ada)
    return item


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_the_summary_has_what_support_needs(signed_in, cast, failed, who):
    said = support(signed_in(cast[who]).get(f"/items/{failed.pk}?list=status%3DFailed"))
    assert said[0] == f"http://testserver/items/{failed.pk}"
    assert said[1] == f"Item: {failed.pk}, bag <1>.tar"
    for line in (
        "Etag: e-1",
        "Institution: University of Virginia (virginia.edu)",
        "Action / stage / status: Ingest / Store / Failed",
        "Object identifier: virginia.edu/bag",
        "  S3 says <no>",
        "  and again",
        "History, last 4 of 4 entries:",
    ):
        assert line in said
    assert next(line for line in said if line.startswith("Updated: ")).endswith(" UTC")
    newest = said[said.index("History, last 4 of 4 entries:") + 1]
    assert ", Edited, Store / Failed; ada@aptrust.org, " in newest
    assert "needs_admin_review: no → yes" in newest


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_process_fields_are_only_included_for_those_who_can_see_them(signed_in, cast, failed, who):
    said = "\n".join(support(signed_in(cast[who]).get(f"/items/{failed.pk}")))
    found = [secret for secret in SECRETS if secret in said]
    assert bool(found) is (who == "ada")


def test_times_are_in_the_readers_time_zone(signed_in, dora, failed):
    dora.time_zone = "America/New_York"
    dora.save()
    said = support(signed_in(dora).get(f"/items/{failed.pk}"))
    times = [line for line in said if line.startswith(("Received: ", "Updated: "))]
    assert len(times) == 2
    assert all(line.endswith((" EST", " EDT")) for line in times)


def test_a_long_note_and_a_long_history_are_cut(signed_in, dora, item, wally):
    for _n in range(12):
        transitions.progress(
            item, stage="Receive", status="Pending", note="\n".join(f"line {n}" for n in range(50)), by=wally
        )
        transitions.fail(item, note="\n".join(f"line {n}" for n in range(50)) + "\n", retry=True, by=wally)
    said = support(signed_in(dora).get(f"/items/{item.pk}"))
    assert "  line 19" in said
    assert "  line 20" not in said
    assert "  … 30 more lines" in said
    assert f"History, last 10 of {item.version} entries:" in said
    assert len(said) < 50


def test_an_item_with_few_values(signed_in, dora, virginia):
    item = make_item(virginia, etag="", name="x")
    said = support(signed_in(dora).get(f"/items/{item.pk}"))
    assert not [line for line in said if line.startswith(("Etag", "Note", "File"))]


def test_everything_that_can_be_copied_is_on_the_page(signed_in, dora, failed):
    read = parse_page(signed_in(dora).get(f"/items/{failed.pk}"))
    texts = {}
    for button in read.all("button", data_copy=True):
        assert "hidden" in button.attributes  # until a script shows it
        [source] = [one for one in read.all() if one.attributes.get("id") == button["data-copy"]]
        texts[button.attributes.get("aria-label") or button.words] = source.text
    assert texts["Copy link"] == f"http://testserver/items/{failed.pk}"
    assert texts["Copy: Etag"] == "e-1"
    assert texts["Copy: Object identifier"] == "virginia.edu/bag"
    assert texts["Copy: Name"] == "bag <1>.tar"
    assert texts["Copy"].startswith("S3 says <no>")
    assert texts["Copy for support"].startswith("http://testserver/items/")
