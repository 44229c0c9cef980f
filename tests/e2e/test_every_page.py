"""Every page, light and dark, wide and narrow: axe finds no problem, the console is empty, and nothing scrolls sideways."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from pharos.accounts.roles import Role
from workitems import transitions
from workitems.mailing import digests

from .conftest import NARROW, WIDE

ONE_DATABASE_IS_ENOUGH = True
RULES = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}
COLOURS = {"resultTypes": ["violations"], "runOnly": {"type": "rule", "values": ["color-contrast"]}}
TEXT_THAT_STICKS_OUT = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def of_nobody(shown):
    yield "/accounts/login/", 200
    yield "/accounts/login/?next=/items/", 200
    yield "/accounts/password/reset/", 200
    yield "/accounts/password/reset/done/", 200
    yield "/accounts/password/reset/key/0-nothing/", 200
    yield "/accounts/password/reset/key/done/", 200
    yield "/accounts/inactive/", 200
    yield "/api/docs/v2/", 200
    yield "/api/docs/moves/", 200


def of_a_depositor(shown):
    yield "/", 200
    yield "/items/?per_page=10", 200
    yield "/items/?stage=Store&status=Started&q=bag", 200
    yield "/api/docs/", 200
    yield "/api/docs/v1/", 200
    yield "/api/docs/v3/", 200
    yield "/words", 200
    yield "/check-a-file", 200
    yield "/account", 200
    yield "/keys", 200
    for state in ("failed", "superseded", "success"):
        yield f"/items/{shown[state].pk}", 200
    yield f"/items/{shown['failed'].pk}/cancel", 403
    yield f"/items/{shown['theirs'].pk}", 404


def of_staff(shown):
    yield "/", 200
    yield "/items/?per_page=10&page=2&sort=name", 200
    yield "/items/?page=99", 200
    yield "/items/?status=Failed&reviewed=false&phase=closed", 200
    yield "/items/?status=Cancelled&q=nothing+of+this+name&action=DPN", 200
    yield "/items/?status=Lost&size_min=big&colour=red", 400
    for state in ("failed, long note", "cancelled", "reviewed failure", "duplicate", "restored"):
        yield f"/items/{shown[state].pk}?list=status%3DFailed", 200
    yield f"/items/{shown['failed'].pk}/review", 200
    for state in ("failed", "success", "reviewed failure", "running"):
        yield f"/items/review/queue?of=20&behind=1&item={shown[state].pk}", 200
    yield "/items/review/queue?list=status%3DStarted&of=3", 200
    yield "/views/", 200
    yield f"/views/{shown['view'].pk}", 200
    yield f"/views/{shown['view'].pk}/delete", 200
    yield "/account", 200
    yield f"/account/keys/{shown['key'].pk}/revoke", 200
    yield "/accounts/password/change/", 200
    yield "/accounts/logout/", 200


def of_an_admin(shown):
    yield "/", 200
    yield "/acts/", 200
    yield "/items/", 200
    yield f"/items/?late=true&cause={shown['failed'].failure.cause_id}", 200
    yield "/items/?institution=virginia.edu&institution=jhu.edu&received_from=2020-01-01", 200
    for state in ("pending", "running", "retried", "suspended", "gave up"):
        yield f"/items/{shown[state].pk}", 200
    yield f"/items/{shown['pending'].pk}/cancel", 200
    yield f"/items/{shown['failed'].pk}/requeue", 200
    yield f"/items/{shown['running'].pk}/edit", 200


PAGES = {None: of_nobody, "dora": of_a_depositor, "stan": of_staff, "ada": of_an_admin}


def faults(page, options=RULES):
    """Returns what axe finds, one line each."""
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{rule['id']}: {rule['help']} – {node['html'][:160]} – {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]


def looked_at(page):
    """Every fault of the page as it is now, in both themes, wide and narrow; the address and width go with it.

    The themes differ in nothing but colours, so the dark one is asked for contrast only.
    """
    found = []
    for viewport in (WIDE, NARROW):
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme="light")
        found += [(viewport["width"], fault) for fault in faults(page)]
        page.emulate_media(color_scheme="dark")
        found += [(viewport["width"], f"dark: {fault}") for fault in faults(page, COLOURS)]
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 800})
        if sideways := page.evaluate(TEXT_THAT_STICKS_OUT):
            found.append((width, f"scrolls sideways by {sideways} px"))
    return [(page.url, *fault) for fault in found]


@pytest.mark.parametrize("who", PAGES, ids=lambda who: who or "nobody")
def test_no_page_has_problems(who, opened, cast, with_items):
    page = opened(cast.get(who))
    found = []
    for address, status in PAGES[who](with_items):
        page.watch.expected = {status} - {200}
        response = page.goto(address)
        assert (address, response.status) == (address, status)
        found += looked_at(page)
        found += page.watch.complaints()
    assert found == []


def test_confirmation_and_result_pages_have_no_problems(opened, cast, with_items):
    """Pages that only a POST leads to: form errors, and the dry run, result, and refusal of a bulk change."""
    page = opened(cast["ada"])
    found = []

    def look(status=200):
        page.watch.expected = {status} - {200}
        found.extend(looked_at(page))

    page.watch.expect(422)
    page.goto(f"/items/{with_items['pending'].pk}/cancel")
    page.get_by_role("button", name="Cancel 1 item").click()
    expect(page.locator(".error")).to_be_visible()
    look(422)
    page.goto(f"/items/{with_items['running'].pk}/cancel")
    transitions.edit(with_items["running"], by=cast["ada"], pid=4712)
    page.get_by_label("Note", exact=True).fill("Too late.")
    page.watch.expect(409)
    page.get_by_role("button", name="Cancel 1 item").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look(409)
    page.goto("/items/")
    page.set_viewport_size(WIDE)
    page.get_by_label("Items to change").select_option("matching")
    page.get_by_role("button", name="Mark reviewed", exact=True).first.click()
    expect(page.locator(".preview")).to_be_visible()
    look()
    page.get_by_role("button", name="Mark 19 items as reviewed").click()
    expect(page.locator(".outcome")).to_be_visible()
    look()
    page.goto("/acts/")
    look()
    page.goto("/items/?phase=open&phase=held")
    page.set_viewport_size(WIDE)
    page.get_by_label("Items to change").select_option("matching")
    page.get_by_role("button", name="Cancel…").click()
    expect(page.locator(".preview")).to_be_visible()
    look()
    page.watch.expect(422)
    page.locator("button.danger").click()
    expect(page.locator(".error")).to_be_visible()
    look(422)
    page.goto("/account")
    page.get_by_role("button", name="Create a key").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your new API key")
    look()
    page.goto("/api/docs/v2/")
    page.evaluate("document.querySelectorAll('details').forEach(folded => { folded.open = true })")
    look()
    assert found == []


def test_pages_of_reviews_views_and_emails_have_no_problems(opened, cast, with_items):
    page = opened(cast["stan"])
    found = []

    def look(status=200):
        page.watch.expected = {status} - {200}
        found.extend(looked_at(page))

    page.goto("/items/review/queue")
    page.get_by_role("button", name="Mark reviewed and go to next").click()
    expect(page.locator(".marked")).to_be_visible()
    look()
    page.set_viewport_size(WIDE)
    page.locator(".similar button").click()
    expect(page.locator(".preview")).to_be_visible()
    look()
    page.locator("button[name=confirmed]").click()
    expect(page.get_by_role("link", name="Continue reviewing")).to_be_visible()
    look()
    page.set_viewport_size(WIDE)
    page.goto("/items/?status=Failed&sort=name")
    page.locator(".save-view > summary").click()
    look()
    page.set_viewport_size(WIDE)
    page.get_by_label("Name of this list").fill(with_items["view"].name)
    page.locator(".save-view select").select_option(with_items["view"].reach)
    page.watch.expect(422)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".error")).to_be_visible()
    look(422)
    page.goto("/items/?status=Failed&q=nothing+of+this+name")
    page.locator(".save-view > summary").click()
    look()
    digests.subscribe(with_items["view"], cast["stan"], "day", timezone.now())
    [digest] = with_items["view"].digests.all()
    page.goto(f"/digests/stop/{digests.sign_token(digest)}")
    look()
    page.set_viewport_size(WIDE)
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You won't receive any more emails about this view")
    look()
    assert found == []


def test_every_role_that_can_sign_in_is_tested(cast):
    assert {cast[who].role for who in PAGES if who} == set(Role) - {Role.WORKER}


def test_the_checks_detect_problems(opened, cast):
    """An inline style, another host, a script error, a field without a label, and a page that is too wide."""
    page = opened(quiet=False)
    page.goto("/accounts/login/")
    assert (page.watch.complaints(), faults(page)) == ([], [])
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=\"width: 3000px\">wide</p>')")
    assert any("Content Security Policy" in line for line in page.watch.complaints())
    page.evaluate("fetch('https://elsewhere.example.org/').catch(() => null)")
    assert any("elsewhere.example.org" in line for line in page.watch.complaints())
    with page.expect_event("pageerror"):
        page.evaluate("setTimeout(() => { throw new Error('broken') })")
    assert any("broken" in line for line in page.watch.complaints())
    page.evaluate(
        "document.querySelector('[for=id_login]').remove(); document.querySelector('#id_login').placeholder = ''"
    )
    assert [fault for fault in faults(page) if fault.startswith("label:")]
    page.evaluate("document.querySelector('main').style.minWidth = '3000px'")
    assert [fault for fault in looked_at(page) if "sideways" in fault[2]]
