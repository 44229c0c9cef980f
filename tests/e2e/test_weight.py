"""How much a page loads on the first visit, and that nothing moves while it loads."""

import gzip
from urllib.parse import urlsplit

import pytest

from .conftest import NARROW, WIDE

ONE_DATABASE_IS_ENOUGH = True
FELT = 0.05  # of the screen; as little as a machine under load lets a page shift while it comes in
SHIFTS = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => { for (const one of list.getEntries()) sum += one.value; })
    .observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 300);
})"""


@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_a_cold_list_weighs_less_than_100_kilobytes(who, opened, cast, with_items):
    page = opened(cast[who])
    weights = {}

    def weigh(response):
        if response.status == 200:
            path = urlsplit(response.url).path
            # In production WhiteNoise sends files compressed; pages are sent as they are.
            body = response.body()
            weights[path] = len(gzip.compress(body)) if path.startswith("/static/") else len(body)

    page.on("response", weigh)
    page.goto("/items/")
    page.wait_for_load_state("networkidle")
    assert {"/items/", "/static/pharos.css", "/static/pharos.js"} <= weights.keys()
    assert len(page.locator("tr[data-item-id]").all()) == 25
    assert sum(weights.values()) < 100_000, weights


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
def test_no_layout_shift_while_a_page_loads(who, viewport, opened, cast, with_items):
    page = opened(cast[who])
    page.set_viewport_size(viewport)
    for address in (
        "/",
        "/items/",
        "/items/?status=Failed&q=uva",
        f"/items/{with_items['failed'].pk}",
        "/items/review/queue" if who == "stan" else "/words",
        "/views/",
        "/check-a-file",
        "/account",
        "/api/docs/v2/",
    ):
        page.goto(address)
        assert page.evaluate(SHIFTS) < FELT, address


def test_the_check_detects_a_layout_shift(opened, cast, with_items):
    page = opened(cast["stan"])
    page.goto("/account")
    page.evaluate(
        "document.querySelector('main').prepend(Object.assign(document.createElement('p'), {textContent: 'Late. '.repeat(900)}))"
    )
    assert page.evaluate(SHIFTS) > FELT
