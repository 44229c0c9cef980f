"""Every page passes the quick HTML checker. `make check-pages` runs the complete ones."""

import pytest
from django.urls import resolve

from ..accounts.test_authorization import ALL
from ..e2e import gallery
from . import page_samples
from .crawl import everything
from .rules import faults

ONE_DATABASE_IS_ENOUGH = True


@pytest.fixture
def shown(cast, virginia, jhu):
    """Items in every state: {what it shows: item}."""
    return gallery.hang(virginia, jhu, staff=cast["stan"], admin=cast["ada"])


def test_every_page_passes_the_quick_checker(cast, shown, mailoutbox):
    seen = list(everything(cast, shown))
    unseen = {*page_samples.ADDRESSES, *page_samples.BY_A_FORM} - {one.kind for one in seen}
    assert unseen == {"not_found"}  # which is seen as the page of that error
    assert [(str(one), fault) for one in seen for fault in faults(one.html)] == []


def test_every_url_has_a_sample_page_or_a_reason_for_none():
    assert page_samples.without_a_sample() == set()
    assert {*page_samples.ADDRESSES, *page_samples.BY_A_FORM, *page_samples.NO_PAGE} - set(
        page_samples.names_of_urls()
    ) == set()


def test_urls_listed_without_a_page_return_none(signed_in, ada, item):
    client = signed_in(ada)
    without = [url for url in ALL if resolve(url).view_name in page_samples.NO_PAGE]
    assert len(without) == len(page_samples.NO_PAGE)
    for url in without:
        response = client.get(url)
        assert response.status_code != 200 or "html" not in response["Content-Type"], url


# Each with what is wrong with it; the same page without it has no fault.
WRONG = [
    ('<time datetime="2021-03-04T05:06:07.123456+00:00">then</time>', "more than thousandths"),
    ('<p id="a"></p><p id="a"></p>', "two elements have the id a"),
    ('<label for="nothing">Name</label>', "label for: no element has the id nothing"),
    ('<section aria-labelledby="here nothing"></section>', "aria-labelledby: no element has the id nothing"),
    ('<a href="#nothing">There</a>', "a href: no element has the id nothing"),
    ("<button>Save</button>", "a button has no type"),
    ('<table><tr><th scope="col"> </th></tr></table>', "a th is empty"),
    ('<pre aria-labelledby="here">x</pre>', "pre has a name"),
    ("<svg hidden></svg>", "svg knows no attribute hidden"),
    ('</main><a href="/">Home</a><main>', "a is reached by key, and in no landmark"),
    ('<form action="/x"><input name="q"></form>', "a form is a landmark without a name: /x"),
    ('<form aria-label="x"><input name="q"><select name="q"></select></form>', "two fields of a form have the name q"),
    ('<input type="hidden" name="q" autocomplete="off">', "a hidden field has autocomplete"),
]
RIGHT = """
<time datetime="2021-03-04T05:06:07.123Z">then</time><label for="a">Name</label><a href="#a">There</a>
<button type="submit">Save</button><table><tr><th scope="col"><span>Name</span></th></tr>
<tr><td><form role="none"><select name="every"></select></form></td></tr></table><pre role="group" aria-labelledby="here">x</pre>
<svg><use href="#a"/></svg><form role="none"><input type="hidden" name="s" value="1"><input type="hidden" name="s" value="2">
<button type="submit">Go</button></form><search><form role="none"><input type="search" name="q" id="a"></form></search>
<form aria-label="x"><input type="radio" name="r"><input type="radio" name="r"></form>
"""


@pytest.mark.parametrize(("html", "fault"), [*WRONG, (RIGHT, None)])
def test_the_checker_detects_faults_and_accepts_valid_html(html, fault):
    found = faults(f'<body><header></header><main id="here">{html}</main></body>')
    assert len(found) == (fault is not None), found
    assert all(fault in one for one in found)
