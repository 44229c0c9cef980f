"""The number beside a value of the left column is what one sees after clicking the value."""

import pytest
from playwright.sync_api import expect

from workitems.models import WorkItem


@pytest.mark.parametrize(
    "query", ["", "?status=Failed&status=Success&reviewed=false&q=virginia"], ids=["all", "filtered"]
)
def test_each_count_is_what_a_click_shows(query, opened, cast, with_items):
    page = opened(cast["ada"])
    page.goto(f"/items/{query}")
    values = page.locator("[data-facet]")
    promised = values.evaluate_all(
        "(values) => values.map(({ dataset }) => [dataset.facet, dataset.value, Number(dataset.count)])"
    )
    assert {facet for facet, _value, _count in promised} == {"action", "stage", "status", "reviewed", "institution"}
    shown = []
    for facet, value, _count in promised:
        link = page.locator(f'[data-facet="{facet}"][data-value="{value}"]')
        with page.expect_navigation():
            link.click()
        expect(page.locator(f'[data-facet="{facet}"][aria-current]')).to_have_attribute("data-value", value)
        shown.append((facet, value, int(page.locator("[data-total]").get_attribute("data-total"))))
        page.goto(f"/items/{query}")
    assert shown == [tuple(line) for line in promised]
    if not query:
        assert sum(count for facet, _value, count in shown if facet == "status") == WorkItem.objects.count()


def test_boxes_add_up_within_a_group_and_narrow_down_between_groups(opened, cast, with_items):
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
