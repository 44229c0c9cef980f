"""The three people whom the product is for, each at their job from start to end, in a browser; and the same in Django's admin.

.venv/bin/python bench/jobs.py

On the demo's data, a copy for each site. Counted: what the hands do (clicks, keys, fields filled in), pages loaded, and seconds
of a script that never has to think. A person adds to each page the time to read it.
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
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # the browser's loop lives in this thread

from playwright.sync_api import Locator, Page, sync_playwright  # noqa: E402

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PORTS = {"bench.settings": 8791, "bench.peers.editing_settings": 8792}
NOTE = "Tried again: the store was down."


class Hands:
    """What a person does with a page, counted."""

    def __init__(self, page: Page, url: str):
        self.page, self.url = page, url
        self.acts = self.pages = 0
        page.on("framenavigated", self._navigated)

    def _navigated(self, frame: object) -> None:
        self.pages += frame == self.page.main_frame

    def begin(self, path: str) -> None:
        self.page.goto(self.url + path)

    def click(self, what: str | Locator) -> None:
        self.acts += 1
        (self.page.locator(what).first if isinstance(what, str) else what).click()

    def click_and_wait(self, what: str | Locator) -> None:
        with self.page.expect_navigation():
            self.click(what)

    def press_and_wait(self, key: str) -> None:
        self.acts += 1
        with self.page.expect_navigation():
            self.page.keyboard.press(key)

    def fill(self, what: str, text: str) -> None:
        self.acts += 1
        self.page.locator(what).first.fill(text)

    def choose(self, what: str, value: str) -> None:
        self.acts += 1
        self.page.locator(what).first.select_option(value)


# What happened to my bag, and do I have to act?


def depositor_here(hands: Hands, bag: str) -> str:
    hands.begin("/items/")
    hands.fill("#id_q", bag)
    hands.press_and_wait("Enter")
    hands.click_and_wait("tbody th a")
    return hands.page.locator(".what-now").inner_text()


def depositor_there(hands: Hands, bag: str) -> str:
    hands.begin("/admin/workitems/workitem/")
    hands.fill("#searchbar", bag)
    hands.press_and_wait("Enter")
    hands.click_and_wait("#result_list tbody th a")
    return hands.page.locator("#id_note").input_value()


# Everything that finished, reviewed before lunch: each failure looked at, the rest at once.


def staff_here(hands: Hands) -> str:
    hands.begin("/items/?phase=closed&reviewed=false")
    hands.click_and_wait('[data-facet="status"][data-value="Failed"]')
    hands.click_and_wait('a:has-text("one by one")')
    while hands.page.locator("[data-key=r]").count():
        hands.press_and_wait("r")
    hands.press_and_wait("u") if hands.page.locator(".item-nav").count() else hands.click_and_wait(
        'a:has-text("Back to the list")'
    )
    hands.click_and_wait('.presets a:has-text("Finished, not reviewed")')
    hands.choose("#which", "matching")
    hands.click_and_wait('button:has-text("Mark reviewed")')
    hands.click_and_wait("button[name=confirmed]")
    return hands.page.locator(".outcome").inner_text()


def staff_there(hands: Hands) -> str:
    """What is to be tried again is not finished: its list has to be left out, or the database refuses the whole page."""
    done = 0
    for query in ("status__in=Success,Cancelled", "status__exact=Failed&retry__exact=0"):
        hands.begin(f"/admin/workitems/workitem/?reviewed__exact=0&{query}")
        hands.acts += 3  # the clicks on the filters
        while boxes := hands.page.locator("td.field-reviewed input[type=checkbox]").all():
            for box in boxes:
                hands.click(box)
            done += len(boxes)
            hands.click_and_wait("input[name=_save]")
    return f"{done} ticked, none looked at"


# What is stuck, tried again.


def admin_here(hands: Hands, stuck: list[int]) -> str:
    hands.begin("/")
    hands.click_and_wait('.need a:has-text("Late")')
    hands.choose("#which", "matching")
    hands.click_and_wait('button:has-text("Requeue…")')
    hands.fill("#id_note", NOTE)
    hands.click_and_wait("button[name=confirmed]")
    return hands.page.locator(".outcome").inner_text()


def admin_there(hands: Hands, stuck: list[int]) -> str:
    """Which are late, the admin cannot say: the script is told."""
    for pk in stuck:
        hands.begin(f"/admin/workitems/workitem/{pk}/change/")
        hands.acts += 1  # the click on its row
        hands.choose("#id_status", "Pending")
        hands.fill("#id_note", NOTE)
        hands.fill("#id_node", "")
        hands.fill("#id_pid", "")
        hands.click_and_wait("input[name=_save]")
    return f"{len(stuck)} changed"


@contextmanager
def serving(settings: str, database: Path) -> Iterator[str]:
    """A site on its own copy of the data."""
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


def measure(page: Page, url: str, job: Callable[[Hands], str]) -> tuple[int, int, float, str]:
    """(what the hands did, pages, seconds, what was seen at the end)."""
    hands = Hands(page, url)
    begun = time.perf_counter()
    said = job(hands)
    return hands.acts, hands.pages, time.perf_counter() - begun, " ".join(said.split())[:110]


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="pharos-jobs-"))
    data = folder / "here.sqlite3"
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
    with connection.cursor() as cursor:  # a copy of the file alone would miss what is in its log
        cursor.execute("VACUUM INTO %s", [str(folder / "there.sqlite3")])
    jobs = [
        ("a depositor and a bag", depositor, lambda h: depositor_here(h, bag), lambda h: depositor_there(h, bag)),
        ("staff, all that finished", staff, staff_here, staff_there),
        (f"an admin, {len(stuck)} late items", admin, lambda h: admin_here(h, stuck), lambda h: admin_there(h, stuck)),
    ]
    with (
        serving("bench.settings", data) as here,
        serving("bench.peers.editing_settings", folder / "there.sqlite3") as there,
        sync_playwright() as browsers,
    ):
        browser = browsers.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        time.sleep(4)
        for name, person, ours, theirs in jobs:
            for site, url, job in (("here", here, ours), ("admin site", there, theirs)):
                context = browser.new_context(viewport={"width": 1280, "height": 900})
                context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookies[person], "url": url}])
                acts, pages, seconds, said = measure(context.new_page(), url, job)
                print(f"{name:28} {site:11} {acts:4} acts {pages:4} pages {seconds:7.1f} s   {said}", flush=True)
                context.close()
        browser.close()
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
