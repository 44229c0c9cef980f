"""Open pages say what has changed and don't disturb anyone. The tests control the clock."""

import re

import pytest
from django.conf import settings
from playwright.sync_api import expect

from workitems import transitions

from ..factories import make_item, service
from .test_every_page import faults

ONE_DATABASE_IS_ENOUGH = True
ONCE = 15_000
HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def watching(opened):
    """A function that opens a page whose clock only advances with `page.clock.run_for`."""

    def open_page(user, address, **options):
        page = opened(user, **options)
        page.clock.install()
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url) if is_probe(request) else None)
        page.goto(address)
        return page

    return open_page


def is_probe(request):
    return "/items/changes" in request.url or request.url.endswith("/version")


def ask(page, after=ONCE):
    """Advances the clock until the page polls, and waits for the answer."""
    with page.expect_response(lambda response: is_probe(response.request)) as answer:
        page.clock.run_for(after)
    return answer.value


def asks_nothing(page, during=10 * ONCE):
    before = len(page.asked)
    page.clock.run_for(during)
    page.evaluate("0")  # whatever was asked has been told of by now
    return len(page.asked) == before


def banner(page):
    return page.locator(".live-update.is-on")


def row(page, item):
    return page.locator(f'tr[data-item-id="{item.pk}"]')


# A list


def test_a_list_says_how_many_items_have_changed_and_moves_no_rows(watching, cast, with_items):
    page, item = watching(cast["stan"], "/items/?sort=updated&per_page=10"), with_items["running"]
    assert ask(page).status == 204
    expect(banner(page)).to_have_count(0)
    first, text = page.locator("tbody tr").first, page.locator("table").inner_text()
    place = first.bounding_box()
    transitions.succeed(item, stage="Cleanup", by=service())
    ask(page)
    expect(page.locator(".live-update").get_by_role("status")).to_have_text("1 item changed")
    expect(banner(page)).to_be_in_viewport()
    assert (first.bounding_box(), page.locator("table").inner_text()) == (place, text)
    assert faults(page) == []
    with page.expect_navigation():
        page.get_by_role("link", name="Show").click()
    assert page.url.endswith("/items/?sort=updated&per_page=10")
    expect(page.locator("tbody tr").first).to_have_attribute("data-item-id", str(item.pk))
    expect(banner(page)).to_have_count(0)


def test_the_number_grows_and_the_page_polls_less_often(watching, cast, virginia, with_items):
    page = watching(cast["dora"], "/items/")
    make_item(virginia)
    ask(page)
    make_item(virginia)
    assert asks_nothing(page, ONCE)
    ask(page, 45_000)
    expect(page.locator(".live-update").get_by_role("status")).to_have_text("2 items changed")


def test_a_banner_can_be_dismissed(watching, cast, virginia, with_items):
    page = watching(cast["dora"], "/items/")
    make_item(virginia)
    ask(page)
    page.get_by_role("button", name="Dismiss").click()
    expect(banner(page)).to_have_count(0)
    assert asks_nothing(page)


def tick(page):
    box = page.locator('input[name="ids"]').first
    box.check()
    page.locator("h1").click()
    return box.uncheck


def type_in_the_search(page):
    page.get_by_role("searchbox").fill("a bag")
    page.locator("h1").click()
    return lambda: page.get_by_role("searchbox").fill("") or page.locator("h1").click()


def choose_all_that_match(page):
    which = page.get_by_label("Items to change")
    which.select_option("matching")
    return lambda: which.select_option("ids")


def stand_in_a_field(page):
    page.get_by_role("searchbox").focus()
    return lambda: page.get_by_role("searchbox").blur()


def open_a_meaning(page):
    page.get_by_role("button", name="Status: definitions").click()
    return lambda: page.keyboard.press("Escape")


def open_the_help(page):
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    return lambda: page.keyboard.press("Escape")


@pytest.mark.parametrize(
    "occupied",
    [tick, type_in_the_search, choose_all_that_match, stand_in_a_field, open_a_meaning, open_the_help],
)
def test_the_page_does_not_poll_while_the_user_is_busy(occupied, watching, cast, virginia, with_items):
    page = watching(cast["stan"], "/items/")
    leave = occupied(page)
    make_item(virginia)
    assert asks_nothing(page)
    leave()
    ask(page)
    expect(banner(page)).to_be_visible()


@pytest.mark.parametrize("where", ["list", "item"])
def test_a_hidden_page_does_not_poll_until_it_is_visible_again(where, watching, cast, with_items):
    item = with_items["running"]
    page = watching(cast["dora"], "/items/" if where == "list" else f"/items/{item.pk}")
    page.evaluate(HIDE, True)
    assert asks_nothing(page)
    with page.expect_response(lambda response: is_probe(response.request)):
        page.evaluate(HIDE, False)


@pytest.mark.parametrize("where", ["list", "item"])
def test_a_signed_out_user_is_told(where, watching, cast, with_items):
    address = "/items/?status=Failed" if where == "list" else f"/items/{with_items['failed'].pk}?list="
    page = watching(cast["dora"], address, quiet=False)  # the browser calls a redirect that is not followed a failure
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    ask(page)
    expect(page.locator(".live-update").get_by_role("status")).to_have_text("You have been signed out")
    assert asks_nothing(page)
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Email").fill("dora@virginia.edu")
    page.get_by_label("Password").fill("lighthouse-keeper")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(re.escape(address) + "$"))


def test_a_failing_server_is_polled_less_and_less(watching, cast, with_items):
    page = watching(cast["dora"], "/items/")
    page.watch.expect(503)
    page.route("**/items/changes*", lambda route: route.fulfill(status=503))
    assert ask(page).status == 503
    assert asks_nothing(page, ONCE)
    ask(page)
    assert asks_nothing(page, 3 * ONCE)
    page.unroute("**/items/changes*")
    assert ask(page).status == 204
    assert ask(page).status == 204


@pytest.mark.parametrize("status", [400, 403, 404])
def test_polling_stops_after_a_refusal(status, watching, cast, with_items):
    page = watching(cast["dora"], "/items/")
    page.watch.expect(status)
    page.route("**/items/changes*", lambda route: route.fulfill(status=status))
    ask(page)
    assert asks_nothing(page)
    expect(banner(page)).to_have_count(0)


# An item


def refreshed(page):
    with page.expect_response(lambda response: response.request.resource_type == "fetch" and "text/html" in response.headers.get("content-type", "")):  # fmt: skip
        ask(page)


def test_an_items_page_updates_itself(watching, cast, with_items):
    page, item = watching(cast["dora"], f"/items/{with_items['running'].pk}?list=sort%3Ddate"), with_items["running"]
    assert ask(page).status == 304
    page.get_by_text("Plain-text summary for an email").click()
    page.locator("h1").click()
    page.evaluate("document.activeElement.blur()")
    page.evaluate("document.querySelector('.page-footer time').textContent = 'long ago'")
    transitions.fail(item, note="No space left.", retry=False, by=service())
    refreshed(page)
    expect(page.locator("article")).to_have_attribute("data-status", "Failed")
    expect(page.get_by_role("region", name="Note / Error")).to_contain_text("No space left.")
    expect(page.locator('[data-move="fail"]')).to_have_count(1)
    expect(page.locator(".live-update").get_by_role("status")).to_have_text("Updated: Failed at Store")
    expect(banner(page)).to_have_count(0)
    expect(page.locator("#support-text")).to_be_visible()  # what was folded open stays so
    expect(page.get_by_role("button", name="Copy: Etag")).to_be_visible()
    expect(page.locator(".page-footer time")).not_to_have_text("long ago")  # on paper it stands for when this was so
    assert page.url.endswith("?list=sort%3Ddate")
    assert faults(page) == []
    assert ask(page).status == 304


def test_a_new_section_appears(watching, cast, virginia, with_items):
    item = with_items["pending"]
    page = watching(cast["dora"], f"/items/{item.pk}")
    expect(page.get_by_role("region", name="Uploads of this bag")).to_have_count(0)
    make_item(virginia, name=item.name, etag="f" * 32)
    transitions.progress(item, stage="Fetch", by=service())
    refreshed(page)
    expect(page.get_by_role("region", name="Uploads of this bag")).to_be_visible()


def focus_a_link(page):
    page.locator(".item-nav a").first.focus()
    return lambda: page.evaluate("document.activeElement.blur()")


def select_text(page):
    page.evaluate("getSelection().selectAllChildren(document.querySelector('h1'))")
    return lambda: page.evaluate("getSelection().removeAllRanges()")


@pytest.mark.parametrize("occupied", [focus_a_link, select_text])
def test_focused_and_selected_parts_are_not_replaced(occupied, watching, cast, with_items):
    item = with_items["running"]
    page = watching(cast["dora"], f"/items/{item.pk}?list=")
    leave = occupied(page)
    transitions.fail(item, note="No space left.", retry=False, by=service())
    ask(page)
    expect(page.locator(".live-update").get_by_role("status")).to_have_text("This item has changed")
    expect(page.get_by_role("link", name="Show")).to_have_attribute("href", f"/items/{item.pk}?list=")
    expect(page.locator("article")).to_have_attribute("data-status", "Started")
    leave()
    refreshed(page)
    expect(page.locator("article")).to_have_attribute("data-status", "Failed")
    expect(banner(page)).to_have_count(0)


def test_confirmation_pages_are_not_updated(watching, cast, with_items):
    item = with_items["running"]
    page = watching(cast["ada"], f"/items/{item.pk}/cancel")
    page.get_by_label("Note", exact=True).fill("Half a sentence")
    transitions.edit(item, pid=7, by=cast["ada"])
    assert asks_nothing(page)
    expect(page.get_by_label("Note", exact=True)).to_have_value("Half a sentence")


def test_without_scripts_nothing_polls_or_gets_in_the_way(opened, cast, with_items):
    page = opened(cast["stan"], java_script_enabled=False)
    for address in ("/items/", f"/items/{with_items['running'].pk}"):
        page.goto(address)
        expect(page.locator(".live-update")).to_have_count(1)
        for control in page.locator(".live-update a, .live-update button").all():
            expect(control).to_be_hidden()


def test_updates_can_be_turned_off(watching, cast, virginia, with_items):
    cast["dora"].live_updates = False
    cast["dora"].save()
    page = watching(cast["dora"], "/items/")
    make_item(virginia)
    assert asks_nothing(page)


def test_a_banner_dismissed_during_a_request_stays_dismissed(watching, cast, virginia, with_items):
    page = watching(cast["dora"], "/items/")
    make_item(virginia)
    ask(page)
    expect(banner(page)).to_be_visible()
    make_item(virginia)
    held = []
    page.route("**/items/changes*", lambda route: held.append(route))  # a bound method of a list will not do
    with page.expect_request(is_probe):
        page.clock.run_for(4 * ONCE)
    page.get_by_role("button", name="Dismiss").click()
    with page.expect_response(lambda response: is_probe(response.request)):
        held[0].continue_()
    assert asks_nothing(page)
    expect(banner(page)).to_have_count(0)


def test_turning_updates_off_in_another_window_stops_them(watching, cast, with_items):
    item = with_items["running"]
    page = watching(cast["dora"], f"/items/{item.pk}")
    before = page.locator("article").inner_text()
    cast["dora"].live_updates = False
    cast["dora"].save()
    transitions.fail(item, note="No space left.", retry=False, by=service())
    ask(page)
    assert asks_nothing(page)
    assert page.locator("article").inner_text() == before
