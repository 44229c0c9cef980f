"""Texts that can be copied: with a button if scripts run, by hand otherwise."""

import pytest
from playwright.sync_api import expect

from .clipboard import pasted

ONE_DATABASE_IS_ENOUGH = True


@pytest.fixture
def at_the_item(opened, cast, with_items):
    item = with_items["restored"]

    def open_item(*permissions, **options):
        page = opened(cast["dora"], **options)
        page.context.grant_permissions(list(permissions))
        page.goto(f"/items/{item.pk}?list=sort%3Ddate")
        return page, item

    return open_item


def test_every_button_copies_what_it_says(at_the_item):
    page, item = at_the_item("clipboard-read", "clipboard-write")
    for name, text in (
        ("Copy: Etag", item.etag),
        ("Copy: Object identifier", item.object_identifier),
        ("Copy: File identifier", item.generic_file_identifier),
        ("Copy", item.note),
        ("Copy link", page.url.partition("?")[0]),
    ):
        button = page.get_by_role("button", name=name, exact=True)
        button.click()
        expect(page.locator(".messages .copied")).to_have_text("Copied.")
        expect(page.locator(".is-copied")).to_have_count(1)
        assert pasted(page) == text


def test_the_support_text_is_copied_while_folded(at_the_item):
    page, item = at_the_item("clipboard-read", "clipboard-write")
    expect(page.locator("#support-text")).to_be_hidden()
    page.get_by_role("button", name="Copy for support").press("Enter")
    expect(page.locator(".messages .copied")).to_have_text("Copied.")
    lines = pasted(page).splitlines()
    assert lines[0] == page.url.partition("?")[0]
    assert lines[1] == f"Item: {item.pk}, {item.name}"
    assert f"Etag: {item.etag}" in lines


def test_without_clipboard_access_the_text_is_selected(at_the_item):
    page, item = at_the_item()
    page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    page.get_by_role("button", name="Copy: Etag").click()
    expect(page.locator(".messages .copied")).to_contain_text("The text is selected")
    assert page.evaluate("getSelection().toString()") == item.etag


def test_without_scripts_the_text_is_visible(at_the_item):
    page, item = at_the_item(java_script_enabled=False)
    for button in page.locator("[data-copy]").all():
        expect(button).to_be_hidden()
    page.get_by_text("Plain-text summary for an email").click()
    expect(page.locator("#support-text")).to_contain_text(f"Etag: {item.etag}")
