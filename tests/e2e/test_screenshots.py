"""Screenshots of the main states, for people to look at."""

from playwright.sync_api import Error as NotDrawn
from playwright.sync_api import expect

from .conftest import NARROW, WIDE

ONE_DATABASE_IS_ENOUGH = True
STATES = [
    # picture, who, address, heading
    ("login", None, "/accounts/login/", "Sign in"),
    ("overview", "ada", "/", "Overview"),
    ("overview-depositor", "dora", "/", "Overview"),
    ("list", "ada", "/items/", "Work Items"),
    ("list-filtered", "stan", "/items/?status=Failed&reviewed=false", "Work Items"),
    ("list-nothing-matches", "dora", "/items/?status=Cancelled&q=ledger", "Work Items"),
    ("item-failed", "dora", "/items/{failed}?list=status%3DFailed", "virginia.edu.uva-lib_2278801.tar"),
    ("item-running", "ada", "/items/{running}", None),
    ("item-superseded", "stan", "/items/{superseded}", "virginia.edu.atlas_1890.tar"),
    ("item-done", "stan", "/items/{success}", "virginia.edu.uva-lib_2274642.tar"),
    ("list-late", "ada", "/items/?late=true", "Work Items"),
    ("review-queue", "stan", "/items/review/queue?of=19&behind=1&item={failed}", "virginia.edu.uva-lib_2278801.tar"),
    ("review-end", "stan", "/items/review/queue?list=status%3DStarted", "Nothing left to review"),
    ("saved-views", "stan", "/views/", "Saved views"),
    ("account", "stan", "/account", "My account"),
    ("cancel", "ada", "/items/{pending}/cancel", "Cancel this item?"),
    ("glossary", "dora", "/words", "Definitions"),
    ("check-a-file", "dora", "/check-a-file", "Is this my file?"),
]


ATTEMPTS = 3


def take(page, path):
    """A picture of the whole page. Chromium now and then draws none, in a page that answers all else: then it is asked again."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            page.bring_to_front()
            page.screenshot(path=path, full_page=True, timeout=10_000 * attempt)
        except NotDrawn:
            if attempt == ATTEMPTS:
                raise
            page.reload()
        else:
            return


def test_screenshots_of_the_main_states(opened, cast, with_items, artefacts):
    ids = {state: item.pk for state, item in with_items.items()}
    pages = {who: opened(cast.get(who)) for who in (None, "dora", "stan", "ada")}
    for picture, who, address, heading in STATES:
        page = pages[who]
        for name, size in (("wide", WIDE), ("narrow", NARROW)):
            page.set_viewport_size(size)
            page.goto(address.format(**ids))
            expect(page.get_by_role("heading", level=1)).to_have_text(heading or with_items["running"].name)
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme)
                take(page, artefacts / f"{picture}-{scheme}-{name}.png")
