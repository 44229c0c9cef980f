"""A search by a file's name that finds nothing: when buckets are looked at, what waits, where it belongs, and what is near."""

from datetime import timedelta

import pytest
from django.utils import timezone

from ..factories import make_item
from .page_elements import parse_page


def answer(client, query):
    """The text of the answer, or None."""
    found = parse_page(client.get(f"/items/?{query}")).all("section", aria_labelledby="never-arrived")
    return found[0] if found else None


@pytest.fixture
def others(virginia, jhu):
    made = make_item(virginia, name="virginia.edu.maps_1.tar", at=timezone.now() - timedelta(hours=3))
    make_item(virginia, name="virginia.edu.plans.tar", at=timezone.now() - timedelta(hours=4))
    make_item(jhu, name="virginia.edu.maps_secret.tar", at=timezone.now() - timedelta(hours=1))
    return made


@pytest.mark.parametrize("who", ["dora", "stan"])
@pytest.mark.parametrize("name", ["q", "name"])
def test_what_a_member_reads(cast, signed_in, others, who, name):
    found = answer(signed_in(cast[who]), f"{name}=virginia.edu.maps_2.tar")
    assert "Buckets are checked every hour" in found.words
    assert "The last upload that you can see was received 3 h ago" in found.words
    assert "Waiting at Receive now: 2 items." in found.words
    assert found.one("code").words == "aptrust.receiving.virginia.edu"
    assert [a["href"] for a in found.all("a")] == [f"/items/{others.pk}", "mailto:help@aptrust.org"]
    assert "secret" not in found.words


def test_an_upload_ahead_of_our_clock_is_not_the_last_one(signed_in, dora, virginia, others):
    make_item(virginia, name="ahead.tar", at=timezone.now() + timedelta(hours=5))
    found = answer(signed_in(dora), "q=virginia.edu.maps_2.tar")
    assert "was received 3 h ago" in found.words


def test_what_an_admin_reads(signed_in, ada, others):
    found = answer(signed_in(ada), "q=virginia.edu.maps_2.tar")
    assert "was received 1 h ago" in found.words
    assert "Waiting at Receive now: 3 items." in found.words
    assert found.one("code").words == "aptrust.receiving.virginia.edu"
    assert "the receiving bucket of its institution" in answer(signed_in(ada), "q=maps.tar").words


@pytest.mark.parametrize(
    ("name", "sentences"),
    [
        ("maps.tar", ()),
        ("maps.zip", ("end in .tar",)),
        ("maps.tar.gz", ("end in .tar",)),
        ("maps.b01.of05.tar", ()),
        ("maps.b06.of05.tar", ("named like",)),
        ("maps.b06.of05.zip", ("end in .tar", "named like")),
        ("maps.b01.of05.zip", ("end in .tar",)),
        ("maps.b01.tar", ("named like",)),
        ("maps.b01-of05.tar", ("named like",)),
        ("maps.part1.tar", ("named like",)),
    ],
)
def test_the_rules_of_names(signed_in, dora, others, name, sentences):
    found = answer(signed_in(dora), f"q={name}")
    for sentence in ("end in .tar", "named like"):
        assert (sentence in found.words) == (sentence in sentences)


@pytest.mark.parametrize(
    "query", ["q=maps_9", "q=.tar", "etag=abc", "q=virginia.edu.maps_1.tar", "stage=Store", "x=y.tar"]
)
def test_other_lists_have_no_answer(signed_in, dora, others, query):
    assert answer(signed_in(dora), query) is None


def test_a_file_that_has_arrived_is_only_filtered_out(signed_in, dora, others):
    assert answer(signed_in(dora), "q=virginia.edu.maps_1.tar&status=Success") is None
    assert answer(signed_in(dora), "q=virginia.edu.maps_3.tar&status=Success") is not None


def test_without_any_item(signed_in, dora):
    found = answer(signed_in(dora), "q=maps.tar")
    assert "The last upload" not in found.words
    assert found["data-near"] == "0"


@pytest.mark.parametrize(
    "name", ["%25%25%25.tar", "a.tar", "%C3%9C.tar", "%3Cb%3E.tar", "x" * 900 + ".tar", "b01.of05.tar"]
)
def test_odd_names(signed_in, dora, others, name):
    assert answer(signed_in(dora), f"q={name}") is not None


def test_the_links_of_the_installation(signed_in, dora, settings):
    settings.HELP_URL, settings.SUPPORT_EMAIL = "https://help.example.org/bags", "desk@example.org"
    links = [a["href"] for a in answer(signed_in(dora), "q=maps.tar").all("a")]
    assert links == ["mailto:desk@example.org", "https://help.example.org/bags"]
