"""Searches against real items, for every role: spellings, words in any order, and lists of names."""

import unicodedata

import pytest
from django.http import QueryDict

from workitems.listing import ItemList, find, missing_names
from workitems.listing.strategies import bounded_scan, keyset_walk

from ..factories import make_item

ETAG = "d18720b9ec3c24e0e6370fb4ff42b132"
COMPOSED = unicodedata.normalize("NFC", "Ärger für alle.tar")
DECOMPOSED = unicodedata.normalize("NFD", "Bücher Öl.tar")
SPACED = " my  big\u00a0bag\t.tar"
JOINED = "zero\u200bwidth.tar"


@pytest.fixture
def bags(virginia, jhu):
    for name in (COMPOSED, DECOMPOSED, SPACED, JOINED, "Letters, 1890.tar", "100%_a\\b.tar", "plain.tar", "no-suffix"):
        make_item(virginia, name=name)
    make_item(virginia, name="tagged.tar", etag=ETAG, object_identifier="virginia.edu/tagged")
    make_item(jhu, name="theirs.tar", object_identifier="jhu.edu/theirs")
    make_item(jhu, name="plain.tar")


def listing(user, text, **others):
    data = QueryDict(mutable=True)
    data["q"] = text
    data.update(others)
    found = ItemList(data, user)
    assert found.is_valid(), found.errors
    return found


def found(user, text, **others):
    """Returns the names that a search finds, by its plain condition and by its strategy, which have to agree."""
    asked = listing(user, text, **others)
    rows, result = asked.rows(), find(asked)
    assert [row.pk for row in result.rows_after(None, 1000)] == list(rows.values_list("pk", flat=True))
    assert result.total == rows.count()
    return sorted(rows.values_list("name", flat=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (unicodedata.normalize("NFD", "ÄRGER"), COMPOSED),
        (unicodedata.normalize("NFC", "bücher"), DECOMPOSED),
        (unicodedata.normalize("NFC", "öl bücher"), DECOMPOSED),
        (COMPOSED, COMPOSED),
        (DECOMPOSED, DECOMPOSED),
        ("bag my big", SPACED),
        (SPACED, SPACED),
        ("my big bag", SPACED),
        ("\ufeffmy\u2003big", SPACED),
        ('"my  big"', SPACED),
        ('"my big bag"', SPACED),
        ("zerowidth", JOINED),
        ("zerowidth.tar", JOINED),
        (JOINED, JOINED),
        ("pl\u200bain.tar", "plain.tar"),
        ("  plain.tar\n", "plain.tar"),
        (f'"{ETAG}"', "tagged.tar"),
        (f'W/"{ETAG}"', "tagged.tar"),
        (f"tagged {ETAG[:6]}", "tagged.tar"),
        ("s3://aptrust.receiving.virginia.edu/tagged.tar", "tagged.tar"),
        ("https://s3.example/b/B%C3%BCcher%20%C3%96l.tar?X-Amz-Expires=60", DECOMPOSED),
        ("Letters, 1890", "Letters, 1890.tar"),
        ("1890 letters", "Letters, 1890.tar"),
        ("%_", "100%_a\\b.tar"),
        ("a\\b", "100%_a\\b.tar"),
    ],
)
def test_what_a_search_finds(bags, dora, text, expected):
    assert found(dora, text) == [expected]


@pytest.mark.parametrize("text", ['"big my"', "plain my", "??", "%%", "plain_tar", "theirs", "jhu.edu"])
def test_what_a_search_does_not_find(bags, dora, text):
    assert found(dora, text) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tagged.tar\nno-suffix\nnowhere.tar", ["no-suffix", "tagged.tar"]),
        ("tagged\nno-suffix.tar", ["no-suffix", "tagged.tar"]),
        (f"{ETAG.upper()} plain.tar", ["plain.tar", "tagged.tar"]),
        ("virginia.edu/tagged; nowhere.tar", ["tagged.tar"]),
        ("virginia.edu/tagged.tar, nowhere.tar", ["tagged.tar"]),
        (f"{unicodedata.normalize('NFC', DECOMPOSED)}\nÄrger für alle", sorted([COMPOSED, DECOMPOSED])),
        ("theirs.tar plain.tar", ["plain.tar"]),
        ("jhu.edu/theirs virginia.edu/theirs", []),
        ("plain\ntagged\nlain.tar", ["plain.tar", "tagged.tar"]),
    ],
)
def test_what_a_list_of_names_finds(bags, dora, text, expected):
    assert found(dora, text) == expected


def test_every_role_searches_only_its_own_items(bags, cast):
    for user in cast.values():
        sees_all = user.scope is None
        of_virginia = sees_all or user.institution.identifier == "virginia.edu"
        of_jhu = sees_all or user.institution.identifier == "jhu.edu"
        text = "tagged.tar jhu.edu/theirs"
        assert found(user, text) == ["tagged.tar"] * of_virginia + ["theirs.tar"] * of_jhu, user.email
        missing = missing_names(listing(user, text).search.names, user)
        assert missing == ["tagged.tar"] * (not of_virginia) + ["jhu.edu/theirs"] * (not of_jhu), user.email


def test_filters_narrow_a_search(bags, dora):
    assert found(dora, "plain.tar tagged.tar", status="Pending", name="plain.tar") == ["plain.tar"]
    assert found(dora, "plain.tar tagged.tar", status="Failed") == []


def test_missing_names_are_told_as_they_were_given(bags, dora):
    text = f"tagged\nNowhere.tar\n{ETAG}\n {'0' * 32} \nvirginia.edu/tagged\ntheirs.tar"
    assert missing_names(listing(dora, text).search.names, dora) == ["Nowhere.tar", "0" * 32, "theirs.tar"]


def test_a_thousand_names_are_found_at_once(virginia, dora):
    make_item(virginia, name="bag-7.tar")
    make_item(virginia, name="x" * 990 + "é.tar")
    text = "\n".join([*(f"bag-{n}.tar" for n in range(999)), "x" * 990 + "e\u0301.tar"])
    assert found(dora, text) == ["bag-7.tar", "x" * 990 + "é.tar"]
    assert len(missing_names(listing(dora, text).search.names, dora)) == 998


@pytest.mark.parametrize("text", ["plain, tagged", "tar plain", "Ärger für"])
def test_long_results_are_walked(bags, ada, monkeypatch, text):
    whole = list(listing(ada, text).rows().values_list("pk", flat=True))
    for strategy in (bounded_scan, keyset_walk):
        monkeypatch.setattr(strategy, "COUNT_LIMIT", 1)
    result = find(listing(ada, text))
    assert [row.pk for row in result.rows_after(None, 100)] == whole
    assert len(whole) == {"Ärger für": 1}.get(text, 2 if text == "tar plain" else 3)
