"""The search box: on every page that has one, with the key `/`, and with pasted lists of names."""

import pytest
from playwright.sync_api import expect

from ..factories import make_item
from .test_every_page import faults

ONE_DATABASE_IS_ENOUGH = True
PASTE = """(field, text) => {
    const data = new DataTransfer();
    data.setData("text/plain", text);
    const event = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
    if (field.dispatchEvent(event)) document.execCommand("insertText", false, text);
}"""


def paste(page, text):
    page.locator("#id_q").focus()
    page.keyboard.press("End")
    page.locator("#id_q").evaluate(PASTE, text)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("where", ["/", "/items/{}"])
def test_overview_and_item_search_everything(opened, cast, with_items, where, width):
    page, item = opened(cast["stan"]), with_items["failed"]
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(where.format(item.pk))
    assert faults(page) == []
    page.keyboard.press("/")
    expect(page.locator("#id_q")).to_be_focused()
    page.keyboard.type(item.name)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "/items/?q=" in page.url
    expect(page.locator(f'tr[data-item-id="{item.pk}"]')).to_be_visible()


@pytest.mark.parametrize("where", ["/", "/items/?status=Pending"])
def test_pasted_lines_are_a_list(opened, cast, virginia, where):
    found = [make_item(virginia, name=name) for name in ("one two.tar", "three.tar")]
    page = opened(cast["dora"])
    page.goto(where)
    paste(page, "one two.tar\r\n\n three.tar \nnowhere\n")
    expect(page.locator("#id_q")).to_have_value("one two.tar; three.tar; nowhere")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    for item in found:
        expect(page.locator(f'tr[data-item-id="{item.pk}"]')).to_be_visible()
    expect(page.locator("[data-missing]")).to_contain_text("1 of 3 not found: nowhere")
    assert faults(page) == []


def test_one_pasted_name_goes_where_the_cursor_is(opened, cast, with_items):
    page = opened(cast["dora"])
    page.goto("/items/?q=start")
    paste(page, "middle")
    expect(page.locator("#id_q")).to_have_value("startmiddle")


def test_a_thousand_pasted_names_have_a_page(opened, cast, virginia):
    item = make_item(virginia, name="bag 7.tar")
    page = opened(cast["dora"])
    page.goto("/")
    with page.expect_navigation():
        paste(page, "\n".join(f"bag {n}.tar" for n in range(1000)))
    assert page.url.endswith("/items/find")
    expect(page.locator(f'tr[data-item-id="{item.pk}"]')).to_be_visible()
    expect(page.locator("[data-missing]")).to_contain_text("999 of 1,000 not found: bag 0.tar")
    assert page.locator("#id_names").input_value().count("\n") == 999
    assert faults(page) == []


def test_spaces_show_and_are_copied_as_they_are(opened, cast, virginia):
    item = make_item(virginia, name=" two  spaces\u00a0here.tar")
    page = opened(cast["dora"])
    for address, place in (("/items/", f"#item-{item.pk} .name > a"), (f"/items/{item.pk}", "h1")):
        page.goto(address)
        marked = page.locator(f"{place} .spaces")
        assert marked.all_text_contents() == [" ", "  ", "\u00a0"]
        assert all(one.bounding_box()["width"] > 2 for one in marked.all())
        assert page.locator(place).text_content() == item.name
        copied = "(one) => { getSelection().selectAllChildren(one); return String(getSelection()); }"
        assert page.locator(place).evaluate(copied).strip("\n") == item.name
