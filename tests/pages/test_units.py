"""Times, numbers, and sizes: one style everywhere, and never a line break between a number and its unit."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone, translation

from workitems.durations import format_axis_label, format_roughly
from workitems.models import WorkItem
from workitems.pages import template_helpers as templating

from ..durations.test_late import make_item_at_store, make_usual_time
from ..factories import make_item
from ..many_items import make_items
from .page_elements import parse_page

NO_BREAK = "\N{NO-BREAK SPACE}"
UNITS = "s|min|h|d|B|kB|MB|GB|TB|PB|EB|bytes"
BREAKS = re.compile(rf"[0-9] (?:{UNITS})\b")
OTHER_STYLES = re.compile(r"[0-9]\s?(?:m|hr|hrs|hours|mins|sec|secs|seconds|minutes)\b")


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1500, "1.5 kB"),
        (266_240, "266 kB"),
        (1_500_000_000, "1.5 GB"),
        (5 * 10**12, "5.0 TB"),
    ],
)
def test_sizes(number, said):
    assert templating.size(number) == said.replace(" ", "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize(
    ("language", "size", "bytes", "moment"),
    [
        ("en", "1.5 GB", "1,500,000,000 bytes (1.5 GB)", "4 Jan 2021, 05:06"),
        ("es", "1,5 GB", "1 500 000 000 bytes (1,5 GB)", "4 ene 2021, 05:06"),
        ("es-mx", "1.5 GB", "1,500,000,000 bytes (1.5 GB)", "4 ene 2021, 05:06"),
    ],
)
def test_numbers_and_dates_use_the_readers_language(language, size, bytes, moment):
    """Spanish with the number formats of Spain and of Mexico; months are lowercase."""
    with translation.override(language):
        assert templating.size(1_500_000_000) == size.replace(" ", NO_BREAK)
        assert templating.exact_size(1_500_000_000) == bytes.replace(" ", NO_BREAK).replace(
            f"bytes{NO_BREAK}", "bytes "
        )
        assert templating.minute(datetime(2021, 1, 4, 5, 6, tzinfo=UTC)) == moment


def test_a_browser_from_mexico_gets_spanish_words_and_its_own_numbers(signed_in, dora, virginia):
    make_item(virginia, size=1_500_000_000)
    make_items(1_100, [virginia])
    client = signed_in(dora)
    for language, count, size in (
        ("es-ES", "1 101", "1,5 GB"),
        ("es-MX", "1,101", "1.5 GB"),
        ("en-US", "1,101", "1.5 GB"),
    ):
        shown = parse_page(client.get("/items/", headers={"accept-language": language})).one("main").text
        assert count.replace(" ", NO_BREAK) in shown
        assert size.replace(" ", NO_BREAK) in shown
        assert ("Institución" in shown) == language.startswith("es")


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (timedelta(seconds=45), "45 s"),
        (timedelta(minutes=6), "6 min"),
        (timedelta(hours=5), "5 h"),
        (timedelta(days=3), "3 d"),
    ],
)
def test_times_in_one_unit(time, said):
    unbroken = said.replace(" ", "\N{NO-BREAK SPACE}")
    assert format_roughly(time) == format_axis_label(int(time.total_seconds())) == unbroken
    now = timezone.now()
    if time >= timedelta(minutes=1):
        assert templating.relative(now - time, now) == f"{unbroken} ago"


@pytest.mark.parametrize("address", ["/", "/items/", "/items/{late}", "/items/{large}", "/words"])
def test_no_page_uses_another_unit_style_or_breaks_a_unit(signed_in, dora, virginia, address):
    make_usual_time()
    make_usual_time(band=-1)
    late = make_item_at_store(virginia, 31, name="late.tar")
    make_item_at_store(virginia, 0.1)
    make_item_at_store(virginia, 3, status="Pending")
    large = make_item(virginia, at=timezone.now() - timedelta(hours=5), name="large.tar", size=21_200_000_001)
    WorkItem.objects.filter(pk=large.pk).update(note="", etag="")
    answer = signed_in(dora).get(address.format(late=late.pk, large=large.pk))
    text = parse_page(answer).one("main").text
    assert BREAKS.findall(text) == []
    assert OTHER_STYLES.findall(text) == []
    if address != "/words":
        assert re.search(rf"[0-9]\N{{NO-BREAK SPACE}}(?:{UNITS})\b", text)
