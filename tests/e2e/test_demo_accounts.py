"""The sign-in page with the demo's accounts: accessible, and usable without scripts."""

import pytest
from playwright.sync_api import expect

from workitems.demo.cast import create_cast

from .test_every_page import looked_at

ONE_DATABASE_IS_ENOUGH = True
SIGN_IN = "/accounts/login/?next=/account"


@pytest.fixture
def demo(transactional_db, settings):
    """The demo's users, with DEBUG on."""
    settings.DEBUG = True
    create_cast()


def test_the_accounts_are_accessible(demo, opened):
    page = opened()
    page.goto(SIGN_IN)
    expect(page.get_by_role("heading", name="Demo accounts")).to_be_visible()
    assert looked_at(page) == []


def test_an_account_is_chosen_without_a_script(demo, opened):
    page = opened(java_script_enabled=False)
    page.goto(SIGN_IN)
    page.get_by_role("button", name="staff@institution2.edu").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My account")
    expect(page.locator(".user-menu .email")).to_have_text("staff@institution2.edu")
