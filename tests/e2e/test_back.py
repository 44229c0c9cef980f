"""After the browser's Back, a list's controls say what the list is, and live updates go on."""

import pytest
from playwright.sync_api import expect

from workitems import transitions

from ..factories import make_item, service
from .test_live import ONCE, ask, banner, watching  # noqa: F401  a fixture

ONE_DATABASE_IS_ENOUGH = True
ADDRESS = "/items/?q=tar&sort=name&per_page=10"
# What browsers send when they show a page that they kept in memory. Playwright switches that memory off.
RESTORED = "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"


@pytest.fixture
def page(opened, cast, with_items):
    page = opened(cast["stan"])
    page.goto(ADDRESS)
    return page


def shows_its_list(page):
    expect(page.locator("#id_q")).to_have_value("tar")
    expect(page.locator("#sort")).to_have_value("name")
    expect(page.locator("#per_page option:checked")).to_have_text("10")
    assert page.url.endswith(ADDRESS)


def boxes(page):
    return page.locator('input[name="ids"]')


@pytest.mark.parametrize(("control", "value"), [("sort", "-name"), ("per_page", "50")])
def test_sort_and_rows(page, control, value):
    with page.expect_navigation():
        page.locator(f"#{control}").select_option(value)
    page.go_back()
    shows_its_list(page)


def test_the_search(page):
    page.locator("#id_q").fill("nothing of this name")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.go_back()
    shows_its_list(page)


def test_the_selection_stays_with_its_items(page, virginia):
    chosen = boxes(page).nth(1).get_attribute("value")
    boxes(page).nth(1).check()
    with page.expect_navigation():
        page.locator(".items .name > a").first.click()
    make_item(virginia, name=" 0 first by name.tar")  # moves all rows down
    page.go_back()
    shows_its_list(page)
    assert [box.get_attribute("value") for box in page.locator('input[name="ids"]:checked').all()] == [chosen]
    expect(page.locator("#which option").first).to_have_text("Selected items (1)")
    page.reload()
    assert [box.get_attribute("value") for box in page.locator('input[name="ids"]:checked').all()] == [chosen]


def test_another_list_starts_without_a_selection(page):
    boxes(page).nth(0).check()
    with page.expect_navigation():
        page.locator("#sort").select_option("-name")
    expect(page.locator('input[name="ids"]:checked')).to_have_count(0)
    expect(page.locator("#which option").first).to_have_text("Selected items")


def test_a_page_from_memory_shows_its_list(page):
    boxes(page).nth(0).check()
    page.locator("#id_q").fill("nothing of this name")
    page.locator("#per_page").evaluate("(one) => { one.value = '50'; }")
    page.evaluate(RESTORED)
    shows_its_list(page)
    expect(page.locator("#id_q")).not_to_be_focused()
    expect(boxes(page).nth(0)).to_be_checked()
    expect(page.locator("#which option").first).to_have_text("Selected items (1)")


def test_live_updates_go_on_after_back(watching, cast, with_items):  # noqa: F811
    page = watching(cast["stan"], "/items/?sort=updated&per_page=10")
    page.locator("#id_q").fill("tar")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    page.go_back()
    transitions.succeed(with_items["running"], stage="Cleanup", by=service())
    ask(page)
    expect(banner(page)).to_have_count(1)


def test_live_updates_go_on_when_a_page_comes_from_memory(watching, cast, with_items):  # noqa: F811
    page = watching(cast["stan"], "/items/?sort=updated&per_page=10")
    # The page is left while a field is in use and an answer is on its way, which then never comes.
    page.evaluate("() => { window.askServer = window.fetch; window.fetch = () => new Promise(() => {}); }")
    page.clock.run_for(ONCE)
    page.locator("#id_q").fill("tar")
    page.evaluate("() => { window.fetch = window.askServer; }")
    transitions.succeed(with_items["running"], stage="Cleanup", by=service())
    page.evaluate(RESTORED)
    ask(page, 1)
    expect(banner(page)).to_have_count(1)
