"""How times and sizes are written: one style everywhere, and never a number on one line and its unit on the next."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from workitems.durations import format_axis_label, format_roughly
from workitems.models import WorkItem
from workitems.pages import template_helpers as templating

from ..durations.test_late import make_item_at_store, make_usual_time
from ..factories import make_item
from .elements import page

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
def test_no_page_writes_another_unit_or_breaks_one(signed_in, dora, virginia, address):
    make_usual_time()
    make_usual_time(band=-1)
    late = make_item_at_store(virginia, 31, name="late.tar")
    make_item_at_store(virginia, 0.1)
    make_item_at_store(virginia, 3, status="Pending")
    large = make_item(virginia, at=timezone.now() - timedelta(hours=5), name="large.tar", size=21_200_000_001)
    WorkItem.objects.filter(pk=large.pk).update(note="", etag="")
    answer = signed_in(dora).get(address.format(late=late.pk, large=large.pk))
    text = page(answer).one("main").text
    assert BREAKS.findall(text) == []
    assert OTHER_STYLES.findall(text) == []
    if address != "/words":
        assert re.search(rf"[0-9]\N{{NO-BREAK SPACE}}(?:{UNITS})\b", text)
