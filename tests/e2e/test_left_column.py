"""The number next to a value in the left column is the number of items after clicking that value."""

from playwright.sync_api import expect

from workitems.models import WorkItem

LIST = "/items/?status=Failed&status=Success&status=Cancelled&reviewed=false&q=virginia"


def counts(page):
    """Returns {(facet, value): the number next to it}."""
    values = page.locator("[data-facet]").evaluate_all(
        "(values) => values.map(({ dataset }) => [dataset.facet, dataset.value, Number(dataset.count)])"
    )
    return {(facet, value): count for facet, value, count in values}


def test_each_count_matches_the_list_after_a_click(opened, cast, with_items):
    page = opened(cast["ada"])
    page.goto(LIST)
    promised, shown, last = counts(page), {}, None
    assert {facet for facet, _value in promised} == {"action", "stage", "status", "reviewed", "institution"}
    for facet, value in promised:
        if facet != last:
            page.goto(LIST)
        link = page.locator(f'[data-facet="{facet}"][data-value="{value}"]')
        # A choice within a group leaves the numbers of that group as they are, so the next is clicked from there.
        assert int(link.get_attribute("data-count")) == promised[facet, value]
        with page.expect_navigation():
            link.click()
        assert page.locator(f'[data-facet="{facet}"][aria-current]').get_attribute("data-value") == value
        shown[facet, value] = int(page.locator("[data-total]").get_attribute("data-total"))
        last = facet
    assert shown == promised
    found = WorkItem.objects.filter(search_text__contains="virginia", reviewed=False)
    assert sum(count for (facet, _value), count in shown.items() if facet == "status") == found.count()


def test_checkboxes_add_within_a_group_and_narrow_between_groups(opened, cast, with_items):
    page = opened(cast["stan"])
    page.goto("/items/")
    page.get_by_role("link", name="Add Failed to the filter").click()
    page.get_by_role("link", name="Add Cancelled to the filter").click()
    expect(page.locator("[data-total]")).to_have_attribute("data-total", "5")
    page.get_by_role("link", name="Add Resolve to the filter").click()
    expect(page.locator("[data-total]")).to_have_attribute("data-total", "1")
    page.get_by_role("list", name="Active filters").get_by_role("link", name="Resolve").click()
    page.get_by_role("link", name="Remove Failed from the filter").click()
    expect(page.locator("[data-total]")).to_have_attribute("data-total", "1")
    page.get_by_role("link", name="Clear all").click()
    expect(page.get_by_role("list", name="Active filters")).to_have_count(0)
