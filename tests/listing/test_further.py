"""Lists of which only a part can be scanned, or found by an index."""

import pytest

from workitems.listing import find
from workitems.listing.strategies import bounded_scan

from ..factories import make_item
from ..many_items import make_items
from .test_strategies import listing, on


def test_a_page_with_a_next_one_needs_no_further_scan(ada, virginia, monkeypatch):
    monkeypatch.setattr(bounded_scan, "COUNT_LIMIT", 5)
    monkeypatch.setattr(bounded_scan, "SCAN_LIMIT", 10)
    make_items(40, [virginia])
    asked = listing(ada, {"q": ["e"], "per_page": ["2"], "sort": ["name"]})
    page = find(asked).page()
    assert (bool(page.next), page.further) == (True, None)
    again = find(on(asked, page=2, after=page.next)).page()
    assert (bool(again.next), again.further) == (True, None)


@pytest.mark.parametrize("is_worded", [True, False])
@pytest.mark.parametrize("most", [3, 4, 5, 6])
def test_a_search_by_words_and_names_finds_all_however_many_the_index_gives(
    ada, virginia, monkeypatch, most, is_worded
):
    """A comma can be part of a name, or separate two. Neither way may be cut off where the index has too many."""
    monkeypatch.setattr(bounded_scan, "MATCH_LIMIT", most)
    named = [make_item(virginia, name="Letters.tar", etag=f"e{number}").pk for number in range(5)]
    named += [make_item(virginia, name="Letters, 1890 and later.tar").pk] if is_worded else []
    make_item(virginia, name="1891.tar")
    found = find(listing(ada, {"q": ["Letters, 1890"]}))
    assert {row.pk for row in found.rows_after(None, 10)} == {*named}
    assert found.total == len(named)
