"""Where a page says until where its list was scanned."""

from workitems.listing import find
from workitems.listing.strategies import bounded_scan

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
