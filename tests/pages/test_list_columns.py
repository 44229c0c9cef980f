"""A column of the list is one declaration: its cells, heading, and permission, without a query per row."""

import re

import pytest

from pharos.accounts.roles import Permission
from workitems.durations import typical
from workitems.import_export.exporting import list_columns
from workitems.models import WorkItem
from workitems.pages.list.table import ItemColumn, ItemTable

from ..conftest import CAST
from ..many_items import make_items

READERS = [name for name, (role, *_rest) in CAST.items() if role != "worker"]


@pytest.fixture
def nodes(monkeypatch, virginia, jhu):
    """An additional column for users who see process fields, on a list of twenty items."""
    column = ItemColumn(
        verbose_name="Node",
        fields=("pid", "bucket"),
        permission=Permission.SEE_PROCESS,
        cell_text=lambda row: row.item.bucket,
    )
    monkeypatch.setitem(ItemTable.base_columns, "bucket", column)
    items = make_items(20, [virginia, jhu])
    WorkItem.objects.filter(pk__in=[item.pk for item in items]).update(bucket="<b>")
    WorkItem.objects.filter(pk=items[0].pk).update(bucket="")


@pytest.mark.parametrize("who", READERS)
def test_a_column_is_shown_to_those_with_its_permission(signed_in, cast, nodes, who):
    page = signed_in(cast[who]).get("/items/?per_page=100").content.decode()
    cells = re.findall(r'<td class="bucket" data-label="Node">([^<]*)</td>', page)
    if cast[who].can(Permission.SEE_PROCESS):
        assert sorted(cells) == ["&lt;b&gt;"] * 19 + ["–"]
        heads = re.findall(r'<th scope="col" class="(\w+)', page)
        assert heads[-2:] == ["bucket", "reviewed"]
    else:
        assert cells == []
        assert "Node</th>" not in page


def test_a_column_runs_no_query_per_row(signed_in, ada, nodes, django_assert_num_queries):
    client = signed_in(ada)
    typical.usual_times()
    with django_assert_num_queries(10):
        client.get("/items/?per_page=100")


def test_every_field_of_a_column_is_in_the_exports(ada):
    assert ItemTable.fields_for(ada) <= set(list_columns(ada).values())


@pytest.mark.parametrize("who", READERS)
def test_cells_match_their_headings(signed_in, cast, nodes, who):
    page = signed_in(cast[who]).get("/items/?per_page=100").content.decode()
    table = page.partition('<table class="items"')[2].partition("</table>")[0]
    heads = len(re.findall(r'<th scope="col"', table))
    rows = table.partition("<tbody")[2].split("<tr ")[1:]
    assert {len(re.findall(r"<td[ >]|<th ", row)) for row in rows} == {heads}
