"""What a browser still shows and keeps after signing out or after a time without activity."""

import pytest
from django.contrib.sessions.models import Session
from playwright.sync_api import expect

from pharos.accounts.idle import BACKGROUND_HEADER, SESSION_KEY

from .conftest import session_of

ONE_DATABASE_IS_ENOUGH = True
LIST = "/items/?q=tar&sort=name&per_page=10"


@pytest.fixture
def remembering(browser_type, browser_type_launch_args, live_server):
    """A page of a browser that keeps left pages in memory for Back, as people's do. Playwright switches that off."""
    browser = browser_type.launch(
        **browser_type_launch_args, ignore_default_args=["--disable-back-forward-cache", "--mute-audio"]
    )
    page = browser.new_context(base_url=live_server.url).new_page()
    page.set_default_timeout(10_000)
    yield page
    browser.close()


def test_back_after_signing_out_shows_no_private_page(remembering, cast, with_items, live_server):
    page = remembering
    page.context.add_cookies([session_of(cast["stan"], live_server.url)])
    addresses = [LIST, f"/items/{with_items['pending'].pk}", "/accounts/logout/"]
    for address in addresses:
        page.goto(address, wait_until="networkidle")
    page.locator("main").get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    for _address in addresses:
        page.go_back(wait_until="networkidle")
        expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
        assert with_items["pending"].name not in page.content()
        assert cast["stan"].email not in page.content()


def test_back_to_a_list_asks_the_server_again(remembering, cast, with_items, live_server):
    page = remembering
    page.context.add_cookies([session_of(cast["stan"], live_server.url)])
    page.goto(LIST, wait_until="networkidle")
    page.evaluate("window.isTheSamePage = true")
    page.locator(".items .name > a").first.click()
    page.wait_for_load_state("networkidle")
    page.go_back(wait_until="networkidle")
    assert page.evaluate("window.isTheSamePage") is None
    expect(page.locator("#id_q")).to_have_value("tar")
    expect(page.locator("#sort")).to_have_value("name")
    expect(page.locator("#per_page option:checked")).to_have_text("10")


def test_a_note_survives_the_end_of_an_idle_session(opened, cast, with_items, live_server, settings):
    settings.SESSION_IDLE_MINUTES = 10
    page, item = opened(cast["ada"]), with_items["pending"]
    page.goto(f"/items/{item.pk}/cancel")
    page.get_by_label("Note").fill("The bucket was moved.")
    idle_for_an_hour()
    page.get_by_role("button", name="Cancel", exact=False).last.click()
    expect(page.locator(".message")).to_contain_text("You were signed out after 10 minutes without activity.")
    page.context.add_cookies([session_of(cast["ada"], live_server.url)])
    page.wait_for_load_state()
    page.goto(f"/items/{item.pk}/cancel")
    expect(page.get_by_label("Note")).to_have_value("The bucket was moved.")


def idle_for_an_hour():
    for stored in Session.objects.all():
        values = stored.get_decoded()
        values[SESSION_KEY] -= 3600
        stored.session_data = Session.objects.encode(values)
        stored.save()


def test_polling_says_that_it_is_no_activity(opened, cast, with_items):
    for address, polled in (("/items/", "/items/changes"), (f"/items/{with_items['running'].pk}", "/version")):
        page = opened(cast["stan"])
        page.clock.install()
        page.goto(address)
        with page.expect_request(lambda request, polled=polled: polled in request.url) as asked:
            page.clock.run_for(20_000)
        assert asked.value.headers[BACKGROUND_HEADER.lower()] == "1"
