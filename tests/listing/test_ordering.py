"""Orders and cursors: what a cursor's text means, which texts are none, and which rows come up to a cursor."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError

from workitems.listing.ordering import (
    SORTS,
    format_cursor,
    from_database,
    order_by_sql,
    parse_cursor,
    reversed_columns,
    up_to_cursor,
)
from workitems.models import WorkItem

from ..factories import make_item

THEN = datetime(2026, 3, 8, 4, 30, tzinfo=UTC)
DAY = timedelta(days=1)
BY_DATE, BY_NAME, BY_WAITING, BY_ID = (SORTS[name].columns for name in ("date", "name", "waiting", "id"))


@pytest.mark.parametrize(
    ("columns", "values", "text"),
    [
        (BY_DATE, [THEN, 17], "2026-03-08T04:30:00+00:00~17"),
        (BY_NAME, ["a~b ünï.tar", 17], "a~b ünï.tar~17"),
        (BY_NAME, ["", 17], "~17"),
        (BY_WAITING, [None, 17], "~17"),
        (BY_WAITING, [THEN, 17], "2026-03-08T04:30:00+00:00~17"),
        (BY_ID, [2**63 - 1], str(2**63 - 1)),
    ],
)
def test_a_cursor_is_read_as_it_was_written(columns, values, text):
    assert format_cursor(values) == text
    assert parse_cursor(columns, text) == values


@pytest.mark.parametrize("text", ["2026-03-08T04:30:00Z~17", "2026-03-08 05:30:00+01:00~17"])
def test_a_cursors_time_is_in_utc(text):
    [moment, number] = parse_cursor(BY_DATE, text)
    assert (moment, moment.tzinfo, number) == (THEN, UTC, 17)


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        (BY_DATE, "2026-03-08T04:30:00~17"),  # in which zone?
        (BY_DATE, "2026-13-08T04:30:00Z~17"),
        (BY_DATE, "0001-01-01T00:00:00+01:00~17"),  # before the calendar begins
        (BY_DATE, "2026-03-08T04:30:00Z"),
        (BY_DATE, "~17"),
        (BY_DATE, "xZ~17"),
        (BY_NAME, "bag.tar"),
        (BY_NAME, "bag\0.tar~17"),
        (BY_WAITING, "x~17"),
        (BY_ID, ""),
        (BY_ID, "-1"),
        (BY_ID, "x"),
        (BY_ID, "²"),
        (BY_ID, "٣"),
        (BY_ID, str(2**63)),
        (BY_ID, "1~17"),
    ],
)
def test_what_is_no_cursor_of_this_order_is_refused(columns, text):
    with pytest.raises(ValidationError, match="This isn't a position"):
        parse_cursor(columns, text)


def test_the_opposite_of_an_order():
    assert reversed_columns(("-date", "id")) == ("date", "-id")
    assert reversed_columns(reversed_columns(BY_DATE)) == BY_DATE


def test_unset_values_come_last_in_either_direction():
    assert [order_by_sql(column, "key0") for column in ("-date", "date")] == [
        "key0 DESC NULLS LAST",
        "key0 ASC NULLS LAST",
    ]


@pytest.mark.parametrize(
    ("column", "value", "read"),
    [
        ("-date", "2026-03-08 04:30:00", THEN),  # as SQLite stores it
        ("-date", THEN, THEN),
        ("at_stage_since", None, None),
        ("name", "2026-03-08", "2026-03-08"),
        ("id", 17, 17),
    ],
)
def test_values_of_our_own_sql(column, value, read):
    assert from_database(column, value) == read


@pytest.mark.django_db
def test_rows_up_to_a_cursor_end_within_ties(virginia):
    """Of rows with the same date as the cursor, those after it are left out."""
    rows = [make_item(virginia, at=THEN) for _ in range(4)]
    later, earlier = make_item(virginia, at=THEN + DAY), make_item(virginia, at=THEN - DAY)
    newest_first = ("-date", "-id")
    found = WorkItem.objects.filter(up_to_cursor(newest_first, (THEN, rows[1].pk)))
    assert set(found) == {later, *rows[1:]}
    found = WorkItem.objects.filter(up_to_cursor(("date", "id"), (THEN, rows[1].pk)))
    assert set(found) == {earlier, *rows[:2]}
