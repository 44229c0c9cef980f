"""A real browser and a real server. One browser per run; users are signed in with a session cookie."""

import os
from pathlib import Path

import pytest
from django.conf import settings
from django.test import Client

from . import gallery
from .watch import Watch

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 390, "height": 844}


def pytest_collection_modifyitems(config, items):
    """Skips these tests on PostgreSQL, because pages look the same on both databases."""
    if not settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
        return
    left_out = [item for item in items if getattr(item.module, "ONE_DATABASE_IS_ENOUGH", False)]
    if left_out:
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def browser_type_launch_args():
    if not os.access(CHROMIUM, os.X_OK):
        pytest.fail(
            f"There is no Chromium at {CHROMIUM}. Install it (Debian: apt-get install chromium), or name another one in the "
            "environment variable CHROMIUM. None is downloaded.",
            pytrace=False,
        )
    return {"executable_path": CHROMIUM, "args": FLAGS}


@pytest.fixture(scope="session")
def base_url(live_server):
    """pytest-playwright's own fixture of this name does not run on this pytest with warnings as errors."""
    return live_server.url


@pytest.fixture(scope="session")
def artefacts():
    """The folder for screenshots."""
    folder = Path(os.environ.get("ARTEFACTS") or settings.BASE_DIR / "artefacts")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture
def opened(new_context, live_server):
    """A function that opens a browser window, signed in as a user or signed out, and watches it for problems.

    The window's `watch` is asked at the end: whatever the page complained of fails the test.
    """
    watches = []

    def open_window(user=None, *, quiet=True, **options):
        context = new_context(viewport=WIDE, reduced_motion="reduce", **options)
        context.set_default_timeout(10_000)
        if user is not None:
            context.add_cookies([session_of(user, live_server.url)])
        page = context.new_page()
        page.watch = Watch(page, live_server.url)
        if quiet:
            watches.append(page.watch)
        return page

    yield open_window
    for watch in watches:
        assert watch.complaints() == []


def session_of(user, url):
    """Returns the cookie of a session of this user."""
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "url": url}


@pytest.fixture
def with_items(cast, virginia, jhu):
    """Items in every state: {what it shows: item}."""
    return gallery.hang(virginia, jhu, staff=cast["stan"], admin=cast["ada"])
