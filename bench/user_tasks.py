"""Does the main task of three users in a browser, in Pharos and in Django's admin, and counts what it takes.

    .venv/bin/python bench/user_tasks.py

Both sites have a copy of the demo data. It counts user actions (clicks, keys, fields filled in), pages loaded, and the
seconds of the script. A person also needs time to read each page.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright runs an event loop in this thread

from playwright.sync_api import Locator, Page, sync_playwright  # noqa: E402

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PORTS = {"bench.settings": 8791, "bench.baselines.editable_admin_settings": 8792}
NOTE = "Requeued: the storage was down."


class CountedUser:
    """A user in a browser whose actions and page loads are counted."""

    def __init__(self, page: Page, url: str):
        self.page, self.url = page, url
        self.actions = self.pages = 0
        page.on("framenavigated", self._navigated)

    def _navigated(self, frame: object) -> None:
        self.pages += frame == self.page.main_frame

    def begin(self, path: str) -> None:
        self.page.goto(self.url + path)

    def click(self, what: str | Locator) -> None:
        self.actions += 1
        (self.page.locator(what).first if isinstance(what, str) else what).click()

    def click_and_wait(self, what: str | Locator) -> None:
        with self.page.expect_navigation():
            self.click(what)

    def press_and_wait(self, key: str) -> None:
        self.actions += 1
        with self.page.expect_navigation():
            self.page.keyboard.press(key)

    def fill(self, what: str, text: str) -> None:
        self.actions += 1
        self.page.locator(what).first.fill(text)

    def choose(self, what: str, value: str) -> None:
        self.actions += 1
        self.page.locator(what).first.select_option(value)


# A depositor: what happened to my bag, and do I need to do anything?


def depositor_in_pharos(user: CountedUser, bag: str) -> str:
    user.begin("/items/")
    user.fill("#id_q", bag)
    user.press_and_wait("Enter")
    user.click_and_wait("tbody th a")
    return user.page.locator(".what-now").inner_text()


def depositor_in_admin(user: CountedUser, bag: str) -> str:
    user.begin("/admin/workitems/workitem/")
    user.fill("#searchbar", bag)
    user.press_and_wait("Enter")
    user.click_and_wait("#result_list tbody th a")
    return user.page.locator("#id_note").input_value()


# Staff: review everything that finished, each failure on its own and the rest at once.


def staff_in_pharos(user: CountedUser) -> str:
    user.begin("/items/?phase=closed&reviewed=false")
    user.click_and_wait('[data-facet="status"][data-value="Failed"]')
    user.click_and_wait('a:has-text("one by one")')
    while user.page.locator("[data-key=r]").count():
        user.press_and_wait("r")
    user.press_and_wait("u") if user.page.locator(".item-nav").count() else user.click_and_wait(
        'a:has-text("Back to the list")'
    )
    user.click_and_wait('.presets a:has-text("Finished, not reviewed")')
    user.choose("#which", "matching")
    user.click_and_wait('button:has-text("Mark reviewed")')
    user.click_and_wait("button[name=confirmed]")
    return user.page.locator(".outcome").inner_text()


def staff_in_admin(user: CountedUser) -> str:
    """Failed items that are retried are not finished. They must be filtered out, or a constraint rejects the page's save."""
    done = 0
    for query in ("status__in=Success,Cancelled", "status__exact=Failed&retry__exact=0"):
        user.begin(f"/admin/workitems/workitem/?reviewed__exact=0&{query}")
        user.actions += 3  # the clicks on the filters
        while boxes := user.page.locator("td.field-reviewed input[type=checkbox]").all():
            for box in boxes:
                user.click(box)
            done += len(boxes)
            user.click_and_wait("input[name=_save]")
    return f"{done} selected, none opened"


# An admin: requeue what is stuck.


def admin_in_pharos(user: CountedUser, stuck: list[int]) -> str:
    user.begin("/")
    user.click_and_wait('.need a:has-text("Late")')
    user.choose("#which", "matching")
    user.click_and_wait('button:has-text("Requeue…")')
    user.fill("#id_note", NOTE)
    user.click_and_wait("button[name=confirmed]")
    return user.page.locator(".outcome").inner_text()


def admin_in_admin(user: CountedUser, stuck: list[int]) -> str:
    """Django's admin can't show which items are late, so the script gets their ids."""
    for pk in stuck:
        user.begin(f"/admin/workitems/workitem/{pk}/change/")
        user.actions += 1  # the click on its row
        user.choose("#id_status", "Pending")
        user.fill("#id_note", NOTE)
        user.fill("#id_node", "")
        user.fill("#id_pid", "")
        user.click_and_wait("input[name=_save]")
    return f"{len(stuck)} changed"


@contextmanager
def serving(settings: str, database: Path) -> Iterator[str]:
    """A server for one site on its own copy of the data."""
    port = PORTS[settings]
    command = [sys.executable, "-m", "gunicorn", "pharos.wsgi", "--worker-class", "gthread", "--workers", "1"]
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{database}", "DJANGO_SETTINGS_MODULE": settings}
    process = subprocess.Popen(
        [*command, "--threads", "4", "--bind", f"127.0.0.1:{port}", "--no-control-socket"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


def measure(page: Page, url: str, task: Callable[[CountedUser], str]) -> tuple[int, int, float, str]:
    """Returns (actions, pages, seconds, the text shown at the end)."""
    user = CountedUser(page, url)
    begun = time.perf_counter()
    result = task(user)
    return user.actions, user.pages, time.perf_counter() - begun, " ".join(result.split())[:110]


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="pharos-tasks-"))
    data = folder / "pharos.sqlite3"
    os.environ["DATABASE_URL"] = f"sqlite:///{data}"
    for step in (["migrate", "-v", "0"], ["load_demo"]):
        subprocess.run([sys.executable, "manage.py", *step], cwd=ROOT, check=True, env={**os.environ, "DEBUG": "true"})
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection
    from django.http import QueryDict
    from django.test import Client

    from pharos.accounts.models import User
    from workitems.demo import admin_email
    from workitems.listing import ItemList

    people = {
        who: User.objects.get(email=who)
        for who in ("depositor@institution1.edu", "staff@institution1.edu", admin_email())
    }
    depositor, staff, admin = people.values()
    cookies = {}
    for person in people.values():
        client = Client()
        client.force_login(person)
        cookies[person] = client.cookies[settings.SESSION_COOKIE_NAME].value
    failed = ItemList(QueryDict("item_action=Ingest&status=Failed&phase=closed&other_upload=false"), depositor)
    bag = failed.items()[0].name
    stuck = [item.pk for item in ItemList(QueryDict("late=true&superseded=false&duplicate=false"), admin).items()]
    with connection.cursor() as cursor:  # copying only the file would miss what is in its write-ahead log
        cursor.execute("VACUUM INTO %s", [str(folder / "admin.sqlite3")])
    tasks = [
        (
            "a depositor and a bag",
            depositor,
            lambda h: depositor_in_pharos(h, bag),
            lambda h: depositor_in_admin(h, bag),
        ),
        ("staff, all that finished", staff, staff_in_pharos, staff_in_admin),
        (
            f"an admin, {len(stuck)} late items",
            admin,
            lambda h: admin_in_pharos(h, stuck),
            lambda h: admin_in_admin(h, stuck),
        ),
    ]
    with (
        serving("bench.settings", data) as pharos_url,
        serving("bench.baselines.editable_admin_settings", folder / "admin.sqlite3") as admin_url,
        sync_playwright() as browsers,
    ):
        browser = browsers.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        time.sleep(4)
        for name, person, in_pharos, in_admin in tasks:
            for site, url, task in (("Pharos", pharos_url, in_pharos), ("admin site", admin_url, in_admin)):
                context = browser.new_context(viewport={"width": 1280, "height": 900})
                context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookies[person], "url": url}])
                actions, pages, seconds, result = measure(context.new_page(), url, task)
                print(
                    f"{name:28} {site:11} {actions:4} actions {pages:4} pages {seconds:7.1f} s   {result}", flush=True
                )
                context.close()
        browser.close()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
