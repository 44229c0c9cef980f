"""How much of a list is visible at once, in both languages, and that nothing is cut off or overlaps."""

import pytest
from playwright.sync_api import expect

from workitems import transitions

from ..factories import make_item
from .conftest import NARROW, WIDE

ONE_DATABASE_IS_ENOUGH = True
VIEWPORTS = pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
LANGUAGES = pytest.mark.parametrize("language", ["en", "es"])

WHOLE_ROWS = """() => [...document.querySelectorAll("tr[data-item-id]")].filter((row) => {
  const { top, bottom } = row.getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight;
}).length"""
HEIGHTS = "(rows) => rows.map((row) => [row.innerText, row.getBoundingClientRect().height])"
# An element is beyond the one around it, but for what a negative margin of its own says is meant.
BEYOND = """() => {
  const found = [];
  for (const one of document.body.querySelectorAll("*")) {
    if (one.closest("svg, [popover], .visually-hidden, .full-text, .live-update") || !one.checkVisibility()) continue;
    const style = getComputedStyle(one), around = getComputedStyle(one.parentElement);
    if (["absolute", "fixed"].includes(style.position) || around.display === "inline") continue;
    if (around.overflowX !== "visible") continue;
    const { left, right, width } = one.getBoundingClientRect();
    const box = one.parentElement.getBoundingClientRect();
    const beyond = Math.max(
      right + Math.min(0, parseFloat(style.marginRight)) - box.right,
      box.left - left + Math.min(0, parseFloat(style.marginLeft)),
    );
    if (width && beyond > 1) found.push(`${one.outerHTML.slice(0, 80)} by ${Math.round(beyond)} px`);
  }
  return found;
}"""
# What is cut: the text, and whether all of it is in the title of what is cut or of what lies in it.
CUT = """(all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 2)
  .map((one) => [one.textContent, [one, one.parentElement, ...one.querySelectorAll("[title]")].map((it) => it.title)])"""


@pytest.fixture
def reading(opened, cast):
    """A function that opens a window for a user with this language."""

    def read(who, language, **options):
        cast[who].language = language
        cast[who].save()
        return opened(cast[who], **options)

    return read


@LANGUAGES
@pytest.mark.parametrize("who", ["dora", "stan", "ada"])
@pytest.mark.parametrize("address", ["/items/", "/items/?institution=virginia.edu&phase=closed"])
def test_at_least_nine_rows_are_visible(who, language, address, reading, with_items):
    page = reading(who, language)
    page.goto(address)
    assert page.evaluate(WHOLE_ROWS) >= 9
    # Two lines, of which the second may be a mark.
    heights = page.locator("tr[data-item-id]").evaluate_all(HEIGHTS)
    assert [(text, height) for text, height in heights if height > 66] == []


def test_an_admins_presets_and_toolbar_take_one_line_each(reading, with_items):
    page = reading("ada", "en")
    page.goto("/items/")
    for tools in (".presets", ".bar", ".headline"):
        inside = page.locator(f"{tools} :is(a, button, select, input:not([type=hidden]), summary):visible")
        boxes = inside.evaluate_all("(all) => all.map((one) => one.getBoundingClientRect())")
        assert max(box["top"] for box in boxes) < min(box["bottom"] for box in boxes), tools


@LANGUAGES
def test_truncated_text_has_a_title(language, reading, with_items):
    page = reading("ada", language)
    page.goto("/items/?per_page=50")
    cut = page.locator(".items td > div, .items .truncated > :first-child").evaluate_all(CUT)
    assert len(cut) > 3
    for text, titles in cut:
        assert any(title and (title in text or text in title) for title in titles), text


def addresses(shown):
    yield "/"
    yield "/items/?per_page=50"
    yield "/items/?status=Failed&status=Success&reviewed=false&institution=virginia.edu&q=virginia"
    yield "/items/?late=true&sort=waiting"
    yield "/items/?status=Lost"
    for state in ("failed, long note", "running", "superseded", "pending", "restored"):
        yield f"/items/{shown[state].pk}"
    yield f"/items/{shown['pending'].pk}/cancel"
    yield f"/items/{shown['failed'].pk}/requeue"
    yield from (
        "/items/review/queue",
        "/views/",
        "/acts/",
        "/words",
        "/check-a-file",
        "/account",
        "/keys",
        "/api/docs/v2/",
    )


@VIEWPORTS
@LANGUAGES
@pytest.mark.parametrize("who", ["stan", "ada"])
def test_nothing_is_wider_than_its_container(who, language, viewport, reading, with_items):
    page = reading(who, language, quiet=False)
    page.set_viewport_size(viewport)
    for address in addresses(with_items):
        page.goto(address)
        assert (address, page.evaluate(BEYOND)) == (address, [])


def test_a_note_without_spaces_fits(reading, virginia, wally):
    item = make_item(virginia)
    transitions.fail(item, stage="Validate", note="w" * 3000, retry=False, by=wally)
    page = reading("ada", "en", quiet=False)
    page.goto(f"/items/{item.pk}")
    assert page.evaluate(BEYOND) == []


def test_the_check_detects_overflow(reading, with_items):
    page = reading("ada", "es")
    page.goto("/")
    page.evaluate("document.querySelector('.number-table td').append('x'.repeat(300))")
    assert page.evaluate(BEYOND) != []


@VIEWPORTS
def test_columns_keep_their_width_while_the_page_loads(viewport, opened, cast, with_items):
    """A page arrives in pieces: what is already shown must not move."""
    page = opened(cast["ada"])
    page.set_viewport_size(viewport)
    page.goto("/")
    for columns in (".two-columns", ".side-by-side:not(.one-column)"):
        first = page.locator(f"{columns} > :first-child").last
        whole = first.bounding_box()["width"]
        page.locator(columns).last.evaluate(
            "(all) => { while (all.children.length > 1) all.lastElementChild.remove(); }"
        )
        assert first.bounding_box()["width"] == whole, columns


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
@pytest.mark.parametrize(
    ("address", "inside"), [("/items/", "[data-facet]"), ("/api/docs/v2/", "a[href='#everywhere']")]
)
def test_on_a_phone_the_filters_are_folded_at_first(scripts, address, inside, opened, cast, with_items):
    page = opened(cast["ada"], java_script_enabled=scripts)
    page.set_viewport_size(NARROW)
    page.goto(address)
    fold, content = page.locator(".disclosure > summary"), page.locator(inside).first
    expect(content).to_be_hidden()
    fold.focus()
    page.keyboard.press("Enter")
    expect(content).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator(".disclosure-content :focus")).to_have_count(1)
    fold.press("Enter")
    expect(content).to_be_hidden()
    page.set_viewport_size(WIDE)
    expect(content).to_be_visible()
    expect(fold).to_be_hidden()


@pytest.mark.parametrize("who", ["dora", "ada"])
def test_the_stages_of_a_running_item_are_in_one_line(who, reading, virginia, wally):
    """Labels are of one or two lines, with or without a time below."""
    item = transitions.progress(make_item(virginia), stage="Copy To Staging", node="w1", by=wally)
    page = reading(who, "en")
    page.goto(f"/items/{item.pk}")
    tops = page.locator(".pipeline .dot").evaluate_all("(dots) => dots.map((dot) => dot.getBoundingClientRect().top)")
    assert len(tops) > 5
    assert len(set(tops)) == 1
