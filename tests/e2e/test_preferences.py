"""Browser preferences: reduced motion, forced colors, large type, and print."""

import re

import pytest
from playwright.sync_api import expect

from .test_every_page import TEXT_THAT_STICKS_OUT, faults

ONE_DATABASE_IS_ENOUGH = True
FULL_TIME = re.compile(r"\d{1,2} \w{3} \d{4}, \d\d:\d\d:\d\d UTC")
STYLE = "(one, name) => getComputedStyle(one)[name]"
ZOOMED = {"width": 320, "height": 256}  # what is left of 1280 × 1024 at 400 %


@pytest.mark.parametrize(("wish", "animation"), [("reduce", "none"), ("no-preference", "turn")])
def test_reduced_motion_is_respected(wish, animation, opened, cast, with_items):
    page = opened(cast["ada"])
    page.emulate_media(reduced_motion=wish)
    page.goto(f"/items/{with_items['running'].pk}")
    assert page.locator(".item-head .status .icon").evaluate(STYLE, "animationName") == animation


def test_selections_are_visible_with_forced_colors(opened, cast, with_items, artefacts):
    page = opened(cast["stan"], forced_colors="active")
    page.goto("/items/?status=Failed")
    box = page.get_by_role("link", name="Remove Failed from the filter").locator(".icon")
    assert box.locator("use").evaluate(STYLE, "visibility") == "visible"
    assert box.evaluate(STYLE, "color") != box.evaluate(STYLE, "backgroundColor")
    current = page.get_by_role("navigation", name="Main").get_by_role("link", name="Work Items")
    assert current.evaluate(STYLE, "outlineStyle") == "solid"
    page.keyboard.press("Tab")
    assert page.locator(":focus").evaluate(STYLE, "outlineStyle") == "solid"
    assert faults(page) == []
    page.screenshot(path=artefacts / "forced-colours-list.png")
    page.goto(f"/items/{with_items['failed'].pk}")
    page.keyboard.press("Tab")
    assert faults(page) == []
    page.screenshot(path=artefacts / "forced-colours-item.png")
    for name, address in (("overview", "/"), ("review-queue", "/items/review/queue"), ("saved-views", "/views/")):
        page.goto(address)
        assert (name, faults(page)) == (name, [])
        page.screenshot(path=artefacts / f"forced-colours-{name}.png", full_page=True)


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_an_item_can_be_found_and_cancelled_at_400_percent_zoom(scripts, opened, cast, with_items):
    page, item = opened(cast["ada"], java_script_enabled=scripts), with_items["suspended"]
    page.set_viewport_size(ZOOMED)
    page.goto("/items/")
    suspended = page.locator('[data-facet="status"][data-value="Suspended"]')
    expect(suspended).to_be_hidden()
    page.locator("summary", has_text="Filters").first.click()
    suspended.click()
    expect(page.locator("[data-total]")).to_have_attribute("data-total", "1")
    page.wait_for_load_state()
    assert page.evaluate(TEXT_THAT_STICKS_OUT) == 0
    page.locator("tbody").get_by_role("link", name=item.name).click()
    page.get_by_role("link", name="Cancel…").click()
    page.get_by_label("Note", exact=True).fill("Cancelled at four times the size.")
    page.get_by_role("button", name="Cancel 1 item").click()
    expect(page.locator("article")).to_have_attribute("data-status", "Cancelled")
    page.wait_for_load_state()  # the markup is there before the style is
    assert page.evaluate(TEXT_THAT_STICKS_OUT) == 0


@pytest.mark.parametrize("width", [701, 901, 1024, 1200, 1280, 1440])
def test_no_width_makes_a_page_scroll_sideways(width, opened, cast, with_items):
    page = opened(cast["ada"])
    page.set_viewport_size({"width": width, "height": 800})
    for address in (
        "/items/?sort=-date",
        f"/items/{with_items['restored'].pk}",
        f"/items/{with_items['failed'].pk}/requeue",
    ):
        page.goto(address)
        assert (address, page.evaluate(TEXT_THAT_STICKS_OUT)) == (address, 0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_print_has_content_but_no_controls(scheme, opened, cast, with_items, artefacts):
    page = opened(cast["stan"], color_scheme=scheme)
    page.set_viewport_size({"width": 794, "height": 1123})
    page.emulate_media(media="print")
    for name, address, read in (
        ("list", "/items/?status=Failed", "table.items"),
        ("item", f"/items/{with_items['failed'].pk}", ".note pre"),
    ):
        page.goto(address)
        expect(page.locator(read)).to_be_visible()
        for clicked in page.locator(
            ".page-header, .sidebar, .page-footer a, .search, .bulk, .item-nav, .review form"
        ).all():
            expect(clicked).to_be_hidden()
        foot = page.locator(".page-footer").inner_text().split("\n")
        assert foot[:2] == [page.title(), page.url]
        assert FULL_TIME.fullmatch(foot[2])
        assert all(FULL_TIME.fullmatch(shown.inner_text()) for shown in page.locator("main time").all())
        assert page.evaluate(TEXT_THAT_STICKS_OUT) == 0
        for strip in page.locator(".pipeline").all():
            assert strip.evaluate("(one) => one.scrollWidth - one.clientWidth") == 0
        assert page.locator("body").evaluate(STYLE, "backgroundColor") == "rgb(255, 255, 255)"
        page.screenshot(path=artefacts / f"print-{name}-{scheme}.png", full_page=True)


def test_print_unfolds_content_and_uses_shapes_instead_of_colors(opened, cast, with_items):
    page = opened(cast["stan"])
    page.goto(f"/items/{with_items['failed, long note'].pk}")
    folded, named = (
        page.locator(".note details pre, .history details pre"),
        page.locator(".note summary, .history summary"),
    )
    shapes = page.locator(".done > .dot, .stopped > .dot")
    assert (folded.count(), named.count(), shapes.count()) == (2, 2, 2)
    for media, is_on_paper in (("screen", False), ("print", True)):
        page.emulate_media(media=media)
        for one in folded.all():
            expect(one).to_be_visible(visible=is_on_paper)
        for one in named.all():
            expect(one).to_be_visible(visible=not is_on_paper)
        for one in shapes.all():
            assert (one.evaluate(STYLE, "backgroundColor") == "rgba(0, 0, 0, 0)") is is_on_paper
            assert (one.evaluate(STYLE, "color") == one.evaluate(STYLE, "borderTopColor")) is is_on_paper
    page.goto("/")
    expect(page.locator(".axis-ends")).not_to_contain_text("today", use_inner_text=True)


@pytest.mark.parametrize("width", [320, 701, 1024, 1280, 1600])
def test_longer_words_of_other_languages_fit(width, opened, cast, with_items):
    cast["stan"].language = "es"
    cast["stan"].save()
    page = opened(cast["stan"])
    page.set_viewport_size({"width": width, "height": 800})
    for address in ("/", "/items/", f"/items/{with_items['running'].pk}", "/items/review/queue", "/views/", "/account"):
        page.goto(address)
        assert page.locator("html").get_attribute("lang") == "es"
        assert (address, page.evaluate(TEXT_THAT_STICKS_OUT)) == (address, 0)
