"""Keyboard shortcuts: what they do, and when they do nothing."""

import re

import pytest
from playwright.sync_api import expect

from workitems.models import WorkItem

from .test_every_page import TEXT_THAT_STICKS_OUT, faults

ONE_DATABASE_IS_ENOUGH = True


@pytest.fixture
def at_the_list(opened, cast, with_items):
    def open_list(who="stan", address="/items/?status=Failed&sort=name", **options):
        page = opened(cast[who], **options)
        page.goto(address)
        return page

    return open_list


def rows(page):
    return page.locator("tbody tr")


def name_in(row):
    return row.locator(".name > a").first


def test_j_and_k_move_between_rows_and_enter_opens(at_the_list):
    page = at_the_list()
    for key, place in (("j", 0), ("j", 1), ("j", 2), ("k", 1), ("k", 0), ("k", 0)):
        page.keyboard.press(key)
        expect(name_in(rows(page).nth(place))).to_be_focused()
    assert name_in(rows(page).nth(0)).evaluate("(one) => getComputedStyle(one).outlineStyle") == "solid"
    assert rows(page).nth(0).evaluate("(one) => getComputedStyle(one).boxShadow") != "none"
    assert faults(page) == []
    page.keyboard.press("j")
    opened = rows(page).nth(1).get_attribute("data-item-id")
    page.keyboard.press("Enter")
    expect(page.locator("article")).to_have_attribute("data-item-id", opened)


def test_k_starts_at_the_last_row(at_the_list):
    page = at_the_list()
    page.keyboard.press("k")
    expect(name_in(rows(page).last)).to_be_focused()
    page.keyboard.press("j")
    expect(name_in(rows(page).last)).to_be_focused()


def test_x_selects_a_row_and_moves_on(at_the_list):
    page = at_the_list()
    for key in "jxjx":
        page.keyboard.press(key)
    boxes = page.locator('input[name="ids"]')
    expect(boxes.nth(0)).to_be_checked()
    expect(boxes.nth(1)).to_be_checked()
    expect(page.locator("#which option").first).to_have_text("Selected items (2)")
    page.keyboard.press("x")
    expect(boxes.nth(1)).not_to_be_checked()
    boxes.nth(0).focus()
    page.keyboard.press("j")
    expect(name_in(rows(page).nth(1))).to_be_focused()


def test_r_marks_a_row_reviewed_and_moves_on(at_the_list):
    page = at_the_list(address="/items/?phase=closed&reviewed=false&sort=name")
    listed = [int(row.get_attribute("data-item-id")) for row in rows(page).all()]
    page.keyboard.press("j")
    for n in range(2):
        with page.expect_navigation():
            page.keyboard.press("r")
        expect(page.locator(".message")).to_contain_text("reviewed")
        assert page.url.endswith(f"#item-{listed[n + 1]}")
    reviewed = WorkItem.objects.filter(pk__in=listed, reviewed=True).values_list("pk", flat=True)
    assert set(reviewed) == set(listed[:2])


def test_r_does_not_unmark_and_does_nothing_for_depositors(at_the_list, with_items):
    before = list(WorkItem.objects.order_by("pk").values_list("pk", "version"))
    for who, query in (("stan", "reviewed=true"), ("dora", "status=Failed"), ("stan", "status=Pending")):
        page = at_the_list(who, f"/items/?{query}")
        for key in "jrx":
            page.keyboard.press(key)
        assert page.url.endswith(query)
    assert list(WorkItem.objects.order_by("pk").values_list("pk", "version")) == before


def test_slash_focuses_the_search_without_typing(at_the_list):
    page = at_the_list(address="/items/?q=virginia")
    page.keyboard.press("/")
    field = page.get_by_role("searchbox")
    expect(field).to_be_focused()
    page.keyboard.type("jkx?/")
    expect(field).to_have_value("jkx?/")
    expect(page.locator("dialog")).to_have_count(0)


def test_from_item_to_item_and_back_to_the_list(at_the_list):
    page = at_the_list()
    the_list = page.url
    listed = [row.get_attribute("data-item-id") for row in rows(page).all()]
    for key in ("j", "Enter"):
        page.keyboard.press(key)
    article = page.locator("article")
    expect(article).to_have_attribute("data-item-id", listed[0])
    for key, place in (("n", 1), ("n", 2), ("p", 1)):
        with page.expect_navigation():
            page.keyboard.press(key)
        expect(article).to_have_attribute("data-item-id", listed[place])
    page.keyboard.press("u")
    expect(page).to_have_url(the_list)


def test_n_and_p_turn_the_pages_of_a_list(at_the_list):
    page = at_the_list(address="/items/?per_page=5")
    page.keyboard.press("n")
    page.wait_for_url("**page=2**")
    page.keyboard.press("p")
    expect(page.locator(".pages")).to_contain_text("Page 1")


def test_g_and_l_go_to_the_list_and_g_and_o_to_the_overview(at_the_list):
    page = at_the_list(address="/words")
    page.keyboard.press("l")
    page.keyboard.press("g")
    page.keyboard.press("x")
    page.keyboard.press("l")
    assert page.url.endswith("/words")
    page.keyboard.press("g")
    page.keyboard.press("l")
    page.wait_for_url("**/items/")
    page.keyboard.press("g")
    page.keyboard.press("o")
    expect(page).to_have_url(re.compile(r"\d/$"))


@pytest.mark.parametrize("width", [1280, 390, 320])
def test_the_help_is_a_dialog(width, at_the_list):
    page = at_the_list()
    page.set_viewport_size({"width": width, "height": 640})
    page.keyboard.press("j")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard")
    expect(sheet).to_be_visible()
    expect(sheet).to_contain_text("Next row")
    assert faults(page) == []
    assert page.evaluate(TEXT_THAT_STICKS_OUT) == 0
    page.keyboard.press("j")  # means nothing here
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    expect(name_in(rows(page).first)).to_be_focused()
    page.get_by_role("link", name="Keyboard").click()
    expect(sheet).to_be_visible()
    sheet.get_by_role("button", name="Close").click()
    expect(sheet).to_be_hidden()
    expect(page.locator("dialog")).to_have_count(1)


def test_the_help_is_a_page_without_scripts(opened, cast):
    page = opened(cast["dora"], java_script_enabled=False)
    page.goto("/items/")
    page.get_by_role("link", name="Keyboard").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Keyboard shortcuts")
    expect(page.get_by_role("main")).to_contain_text("Next row")


@pytest.mark.parametrize("held", ["Control", "Alt", "Meta", "Shift"])
def test_shortcuts_do_nothing_with_modifier_keys(held, at_the_list):
    page = at_the_list()
    for key in "jxu":
        page.keyboard.press(f"{held}+{key.upper()}")
    expect(page.locator("tbody :focus")).to_have_count(0)
    expect(page.locator("tbody :checked")).to_have_count(0)


def test_shortcuts_do_nothing_when_turned_off(at_the_list, cast):
    cast["stan"].keyboard_shortcuts = False
    cast["stan"].save()
    page = at_the_list()
    for key in "jx?":
        page.keyboard.press(key)
    expect(page.locator("tbody :focus")).to_have_count(0)
    expect(page.locator("dialog")).to_have_count(0)
    page.get_by_role("link", name="Keyboard").click()
    expect(page.get_by_role("main")).to_contain_text("You have turned these off.")


def test_shortcuts_are_turned_off_in_the_settings(at_the_list, cast):
    page = at_the_list("dora", "/account")
    page.get_by_label("Keyboard shortcuts").uncheck()
    page.get_by_label("Rows per page").select_option("10")
    page.get_by_label("Dark").check()
    page.get_by_role("form", name="My account").get_by_role("button", name="Save").click()
    expect(page.locator(".message")).to_have_text("Your settings have been saved.")
    page.goto("/items/")
    expect(rows(page)).to_have_count(10)
    page.keyboard.press("j")
    expect(page.locator("tbody :focus")).to_have_count(0)


def test_a_review_with_the_keyboard_only(at_the_list):
    page = at_the_list(address="/items/review/queue")
    names = page.get_by_role("heading", level=1)
    left = page.locator(".progress")
    first, number = names.inner_text(), int(left.inner_text().split()[0])
    page.keyboard.press("r")
    expect(left).to_have_text(f"{number - 1} of {number} left")
    second = names.inner_text()
    page.keyboard.press("n")
    expect(names).not_to_have_text(second)
    page.keyboard.press("p")
    expect(names).to_have_text(second)
    page.keyboard.press("p")
    expect(names).to_have_text(first)
    expect(page.locator(".review-bar")).to_contain_text("Reviewed by")
    page.keyboard.press("n")
    expect(names).to_have_text(second)
    page.keyboard.press("r")
    expect(left).to_have_text(f"{number - 2} of {number} left")
    page.keyboard.press("z")
    expect(names).to_have_text(second)
    expect(left).to_have_text(f"{number - 1} of {number} left")
    page.keyboard.press("a")
    expect(page.locator(".preview")).to_be_visible()
    page.go_back()
    page.keyboard.press("u")
    expect(names).to_have_text("Work Items")


def test_a_review_with_the_mouse_only(at_the_list, cast):
    cast["stan"].keyboard_shortcuts = False
    cast["stan"].save()
    page = at_the_list(address="/items/review/queue")
    name = page.get_by_role("heading", level=1).inner_text()
    page.keyboard.press("r")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    assert not WorkItem.objects.closed().filter(name=name, reviewed=True).exists()
