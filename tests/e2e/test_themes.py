"""The chosen color theme, whatever the system's setting."""

import pytest
from playwright.sync_api import expect

from .test_every_page import COLOURS, faults

ONE_DATABASE_IS_ENOUGH = True
GROUND = "getComputedStyle(document.body).backgroundColor"
LIGHT, DARK, PAPER = "rgb(244, 246, 246)", "rgb(16, 24, 29)", "rgb(255, 255, 255)"


@pytest.mark.parametrize(
    ("theme", "system", "ground"),
    [
        ("system", "light", LIGHT),
        ("system", "dark", DARK),
        ("light", "dark", LIGHT),
        ("dark", "light", DARK),
        ("dark", "dark", DARK),
    ],
)
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_the_chosen_theme_is_used(theme, system, ground, scripts, opened, cast, with_items):
    cast["dora"].theme = theme
    cast["dora"].save()
    page = opened(cast["dora"], color_scheme=system, java_script_enabled=scripts)
    for address in ("/items/", f"/items/{with_items['failed'].pk}", "/account"):
        page.goto(address)
        assert page.evaluate(GROUND) == ground
        scheme = {LIGHT: "light", DARK: "dark"}[ground]
        assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") in (scheme, "light dark")
        if scripts:
            assert faults(page, COLOURS) == []


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_print_has_a_white_background(theme, opened, cast, with_items):
    cast["dora"].theme = theme
    cast["dora"].save()
    page = opened(cast["dora"], color_scheme="dark")
    page.goto("/items/")
    expect(page.locator("table.items")).to_be_visible()
    page.emulate_media(media="print")
    assert page.evaluate(GROUND) == PAPER
    assert page.locator("table.items").evaluate("(one) => getComputedStyle(one).backgroundColor") == PAPER
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "light"
