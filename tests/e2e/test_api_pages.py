"""The API documentation in a browser: what scripts add."""

from playwright.sync_api import expect

from .clipboard import pasted


def test_screen_readers_are_told_that_text_was_copied(opened):
    page = opened()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/api/docs/")
    button = page.get_by_role("button", name="Copy v2")
    expect(page.get_by_role("status")).to_have_text("")
    button.click()
    expect(page.get_by_role("status")).to_have_text("Copied.")
    assert "$PHAROS_KEY" in pasted(page)
    expect(page.locator(".is-copied")).to_have_text("Copy v2")
    assert page.locator(".is-copied").evaluate("(one) => getComputedStyle(one, '::after').content") == '"✓"'


def test_on_a_phone_the_index_is_folded_at_first(opened):
    page = opened()
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto("/api/docs/v2/")
    link = page.get_by_role("link", name="Requeue an item")
    expect(link).to_be_hidden()
    page.get_by_text("On this page", exact=True).click()
    expect(link).to_be_visible()


def test_on_a_wide_screen_the_index_is_open(opened):
    page = opened()
    page.goto("/api/docs/v2/")
    expect(page.get_by_role("link", name="Requeue an item")).to_be_visible()
    expect(page.get_by_text("On this page", exact=True)).to_be_hidden()
