"""The current list as a file, and the whole installation as one."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest

from workitems.exporting import csv_lines, json_lines
from workitems.models import WorkItem

from .factories import make_item

NOON = datetime(2024, 5, 6, 12, 0, 0, 123456, tzinfo=UTC)


def as_csv(user, rows=None):
    text = "".join(csv_lines(WorkItem.objects.order_by("id") if rows is None else rows, user=user))
    return list(csv.DictReader(io.StringIO(text, newline="")))


def as_json(user, rows=None):
    return json.loads("".join(json_lines(WorkItem.objects.order_by("id") if rows is None else rows, user=user)))


def test_a_csv_row_has_the_values_of_the_item(dora, virginia):
    item = make_item(virginia, at=NOON, name='a,b\n"c".tar', note="Wörter", date=NOON)
    [row] = as_csv(dora)
    assert row["id"] == str(item.pk)
    assert row["name"] == 'a,b\n"c".tar'
    assert row["note"] == "Wörter"
    assert row["institution"] == "virginia.edu"
    assert row["date"] == row["created_at"] == "2024-05-06T12:00:00.123456Z"
    assert (row["retry"], row["reviewed"], row["size"], row["user"]) == ("true", "false", "266240", "")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_csv_cell_is_never_a_formula(dora, virginia, start):
    make_item(virginia, name=f"{start}1+1.tar", note=f"{start}cmd")
    [row] = as_csv(dora)
    assert (row["name"], row["note"]) == (f"'{start}1+1.tar", f"'{start}cmd")


@pytest.mark.parametrize("as_file", [as_csv, as_json])
def test_node_and_pid_are_for_those_who_may_see_them(cast, item, as_file):
    for name, person in cast.items():
        [row] = as_file(person)
        assert (("node" in row), ("pid" in row)) == ((name in ("ada", "wally")),) * 2, name


def test_json_says_null_where_a_reply_would(dora, virginia):
    make_item(virginia, etag="", bucket="", at=NOON, size=None)
    [row] = as_json(dora)
    assert (row["etag"], row["bucket"], row["note"]) == ("", "", "")
    assert (row["user"], row["outcome"], row["object_identifier"], row["size"]) == (None, None, None, None)
    assert (row["retry"], row["reviewed"], row["date"]) == (True, False, "2024-05-06T12:00:00.123456Z")


@pytest.mark.parametrize("number", [0, 1, 500, 501])
def test_every_row_in_the_order_asked_for(dora, virginia, number):
    WorkItem.objects.bulk_create(
        WorkItem(institution=virginia, name=f"{n}.tar", action="Ingest", stage="Receive", status="Pending", date=NOON)
        for n in range(number)
    )
    expected = [f"{n}.tar" for n in reversed(range(number))]
    rows = WorkItem.objects.order_by("-id")
    assert [row["name"] for row in as_json(dora, rows)] == expected
    assert [row["name"] for row in as_csv(dora, rows)] == expected


def test_computed_columns_of_the_list_do_not_get_in_the_way(dora, item):
    [row] = as_json(dora, WorkItem.objects.visible_to(dora).with_uploads().select_related("institution"))
    assert row["id"] == item.pk
