"""Renders every page from a temporary database with the demo and one item in every state. For a run outside pytest."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

from django.db import transaction
from django.template import engines
from django.test.utils import setup_databases, setup_test_environment, teardown_databases

from ..e2e.gallery import hang
from .crawl import everybody, everything
from .crawler import Seen
from .page_samples import without_a_sample
from .users import demo, people

LANGUAGES = ("en", "es")


def every_page(say: Callable[[str], None]) -> Iterator[Seen]:
    """Yields every page, some of them twice. `say` is called with the progress."""
    logging.disable()
    setup_test_environment(debug=False)
    say("Making a database …")
    databases = setup_databases(verbosity=0, interactive=False)
    try:
        yield from _walked(say)
    finally:
        teardown_databases(databases, verbosity=0)


def _walked(say: Callable[[str], None]) -> Iterator[Seen]:
    if missing := without_a_sample():
        raise SystemExit(f"No sample page of {', '.join(sorted(missing))}: add one to tests/markup/page_samples.py.")
    say("Loading the demo …")
    of_demo = demo()
    cast = people()
    shown = hang(cast["stan"].institution, cast["olga"].institution, staff=cast["stan"], admin=cast["ada"])
    for language in LANGUAGES:
        say(f"Fetching the pages ({language}) …")
        yield from everybody([*cast.values(), *of_demo, None], shown, language)
    for language in LANGUAGES:
        say(f"Sending the forms ({language}) …")
        with transaction.atomic():
            yield from everything(cast, shown, language)
            transaction.set_rollback(True)
    if lacking := _undrawn():
        raise SystemExit(f"No page was drawn from {', '.join(lacking)}: have tests/markup/forms.py go where it is.")


def _undrawn() -> list[str]:
    """Returns the page templates that were never rendered."""
    jinja2: Any = engines["jinja2"]
    environment = jinja2.env
    drawn = {name for _loader, name in environment.cache}
    return [name for name in environment.list_templates(["html"]) if name not in drawn and "admin_site/" not in name]
