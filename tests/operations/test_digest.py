"""`manage.py digest`: equal for equal rows, in whatever order they are stored, and different for every other."""

import pytest
from django.core.management import call_command
from django.db import connection

from pharos.accounts.models import Institution
from pharos.operations.digest import digest_of_all, digest_tables
from workitems.models import WorkItem

pytestmark = pytest.mark.django_db(transaction=True)


def digests():
    return {one.table: one for one in digest_tables()}


def test_every_table_is_in_it(item):
    found = digests()
    assert {*found} == {*connection.introspection.table_names()}
    assert found[WorkItem._meta.db_table].rows == 1
    assert found[Institution._meta.db_table].rows == Institution.objects.count()


def test_it_is_the_same_as_long_as_nothing_changes(item):
    assert [*digest_tables()] == [*digest_tables()]


def test_a_changed_value_changes_one_table(item):
    before = digests()
    WorkItem.objects.filter(pk=item.pk).update(note="another")
    after = digests()
    assert WorkItem._meta.db_table in {table for table in before if before[table] != after[table]}
    assert before[Institution._meta.db_table] == after[Institution._meta.db_table]
    assert digest_of_all([*before.values()]) != digest_of_all([*after.values()])


def test_the_order_of_rows_does_not_matter(virginia, jhu):
    before = digests()[Institution._meta.db_table]
    values = Institution.objects.order_by("pk").values()
    rows = [*values]
    Institution.objects.all().delete()
    Institution.objects.bulk_create(Institution(**row) for row in reversed(rows))
    assert digests()[Institution._meta.db_table] == before


def test_two_equal_rows_are_not_one(virginia):
    """Sums, not exclusive ors: those of a row twice would be zero."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE sample (name TEXT)")
        try:
            found = []
            for _row in range(3):
                cursor.execute("INSERT INTO sample VALUES ('a')")
                found.append(digests()["sample"])
        finally:
            cursor.execute("DROP TABLE sample")
    assert [one.rows for one in found] == [1, 2, 3]
    assert len({one.digest for one in found}) == 3


def test_the_command_prints_a_line_for_each_table_and_one_for_all(item, capsys):
    call_command("digest")
    lines = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    assert [name for _digest, _rows, name in lines] == [*sorted(connection.introspection.table_names()), "all tables"]
    assert lines[-1][0] == digest_of_all([*digest_tables()])
    assert int(lines[-1][1].replace(",", "")) == sum(int(rows.replace(",", "")) for _digest, rows, _name in lines[:-1])
