"""Without a mouse: everything can be reached, the focus is visible, and hidden texts appear on focus."""

import pytest
from playwright.sync_api import expect

from .conftest import NARROW, WIDE
from .gallery import LONG_NAME
from .test_every_page import TEXT_THAT_STICKS_OUT

CONTROLS = 'a[href], button, input:not([type="hidden"]), select, textarea, summary, [tabindex="0"]'
# Each control that can be seen gets a number; the answer is how many there are.
NUMBER_THEM = """(controls) => {
    const seen = [...document.querySelectorAll(controls)].filter((one) => one.checkVisibility() && !one.disabled);
    seen.forEach((one, place) => { one.dataset.stop = place; });
    return seen.length;
}"""
WHERE_IS_THE_FOCUS = """() => {
    const one = document.activeElement;
    if (one === document.body) return null;
    const { outlineStyle, outlineWidth, clipPath } = getComputedStyle(one);
    const { top, bottom, left, right } = one.getBoundingClientRect();
    return {
        stop: Number(one.dataset.stop),
        html: one.outerHTML.slice(0, 120),
        outlined: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && clipPath === "none",
        onScreen: bottom > 0 && right > 0 && top < innerHeight && left < innerWidth,
    };
}"""


def walk(page):
    """Returns what the Tab key reaches, in order."""
    stops = []
    number = page.evaluate(NUMBER_THEM, CONTROLS)
    for _press in range(number + 5):
        page.keyboard.press("Tab")
        if (stop := page.evaluate(WHERE_IS_THE_FOCUS)) is None:
            break
        stops.append(stop)
    return number, stops


@pytest.mark.parametrize("width", [WIDE, NARROW], ids=["wide", "narrow"])
def test_tab_reaches_every_control_with_a_visible_focus(width, opened, cast, with_items):
    page = opened(cast["ada"])
    page.set_viewport_size(width)
    for address in (
        "/items/?per_page=5&status=Failed",
        f"/items/{with_items['failed, long note'].pk}?list=",
        f"/items/review/queue?of=9&behind={with_items['success'].pk}&item={with_items['failed'].pk}",
        "/views/",
    ):
        page.goto(address)
        number, stops = walk(page)
        assert {stop["stop"] for stop in stops} == set(range(number))
        assert [stop["html"] for stop in stops if not (stop["outlined"] and stop["onScreen"])] == []


def skip(page, name, presses=1):
    """Follows a skip link, which are the first things that Tab reaches."""
    for _press in range(presses):
        page.keyboard.press("Tab")
    link = page.get_by_role("link", name=name)
    expect(link).to_be_focused()
    expect(link).to_be_in_viewport()
    page.keyboard.press("Enter")


def test_the_skip_link_comes_first_and_leads_to_the_content(opened, cast, with_items):
    page = opened(cast["dora"])
    for address in (f"/items/{with_items['failed'].pk}", "/words", "/items/?status=Cancelled&q=ledger"):
        page.goto(address)
        skip(page, "Skip to content")
        expect(page.get_by_role("main")).to_be_focused()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
@pytest.mark.parametrize("width", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_first_row_of_a_list_is_two_tabs_after_the_skip_link(width, scripts, opened, cast, with_items):
    page = opened(cast["ada"], java_script_enabled=scripts)
    page.set_viewport_size(width)
    page.goto("/items/")
    skip(page, "Skip to items")
    row = page.locator("tr[data-item-id]").first
    page.keyboard.press("Tab")
    expect(row.get_by_role("checkbox")).to_be_focused()
    page.keyboard.press("Tab")
    expect(row.get_by_role("rowheader").get_by_role("link").first).to_be_focused()
    expect(row.get_by_role("rowheader")).to_be_in_viewport()


def test_a_list_has_a_skip_link_to_each_of_its_parts(opened, cast, with_items):
    page = opened(cast["ada"])
    page.goto("/items/")
    skip(page, "Skip to content", presses=2)
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="one by one")).to_be_focused()
    page.goto("/items/")
    skip(page, "Skip to filters", presses=3)
    expect(page.get_by_role("complementary", name="Filters")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#filters :focus")).to_have_count(1)


def test_shift_tab_leads_back_above_the_items(opened, cast, with_items):
    """The focus order is the visual order."""
    page = opened(cast["ada"])
    page.goto("/items/")
    skip(page, "Skip to items")
    seen = []
    for _press in range(12):
        page.keyboard.press("Shift+Tab")
        seen.append(
            page.evaluate("document.activeElement.closest('thead, .bar, .presets, .headline').className || 'thead'")
        )
    assert list(dict.fromkeys(seen)) == ["thead", "bar"]
    tops = page.locator(".headline, .presets, .bar, .items").evaluate_all(
        "(all) => all.map((one) => one.getBoundingClientRect().top)"
    )
    assert tops == sorted(tops)


@pytest.mark.parametrize("width", [1280, 320])
def test_a_focused_long_name_is_shown_in_full(width, opened, cast, with_items):
    page = opened(cast["dora"])
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/items/?status=Pending")
    link = page.get_by_role("link", name=LONG_NAME)
    short, whole = link.locator(".truncated"), link.locator(".full-text")
    expect(short).to_be_visible()
    assert whole.bounding_box()["width"] <= 1
    page.keyboard.press("Tab")
    link.focus()
    expect(short).to_be_hidden()
    assert whole.bounding_box()["width"] > 200
    assert page.evaluate(TEXT_THAT_STICKS_OUT) == 0


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_explanations_open_by_key_and_close_with_escape(scripts, opened, cast, with_items):
    page = opened(cast["dora"], java_script_enabled=scripts)
    page.goto("/items/")
    for label, word in (("Action", "Glacier Restore"), ("Stage", "Validate"), ("Status", "Cancelled")):
        button = page.get_by_role("button", name=f"{label}: definitions")
        meanings = page.locator(f"#about-{label.lower()}")
        expect(meanings).to_be_hidden()
        button.press("Enter")
        expect(meanings).to_be_visible()
        expect(meanings).to_contain_text(word)
        page.keyboard.press("Escape")
        expect(meanings).to_be_hidden()
        expect(button).to_be_focused()


def test_the_exact_time_is_shown_while_its_row_is_focused(opened, cast, with_items):
    page = opened(cast["dora"])
    page.goto("/items/?status=Failed")
    row = page.locator(f'tr[data-item-id="{with_items["failed"].pk}"]')
    exact = row.locator(".received .exact")
    expect(exact).to_have_count(2)  # received and updated
    for one in exact.all():
        expect(one).to_be_hidden()
    page.keyboard.press("Tab")
    row.get_by_role("link").first.focus()
    for one in exact.all():
        expect(one).to_be_visible()
        expect(one).to_contain_text("UTC")


def test_an_item_is_opened_and_left_with_the_keyboard(opened, cast, with_items):
    page = opened(cast["dora"])
    page.goto("/items/")
    page.locator('[data-facet="status"][data-value="Failed"]').press("Enter")
    expect(page.get_by_role("list", name="Active filters")).to_contain_text("Failed")
    the_list = page.url
    page.locator(f'tr[data-item-id="{with_items["failed"].pk}"]').get_by_role("link").first.press("Enter")
    expect(page.get_by_role("region", name="What now?")).to_be_visible()
    page.get_by_role("link", name="Back to the list").press("Enter")
    expect(page).to_have_url(the_list)
