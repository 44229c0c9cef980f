"""The trigram index: the command that builds it, and the check that reports when it is missing."""

import pytest
from django.core.management import CommandError, call_command
from django.db import DEFAULT_DB_ALIAS, connection

from workitems.search import is_indexed
from workitems.search.index import INDEX_NAME, check_search_index


def warnings():
    return [warning.id for warning in check_search_index(databases=[DEFAULT_DB_ALIAS])]


@pytest.mark.django_db(transaction=True)
def test_the_command_builds_the_index_and_the_check_reports_when_it_is_missing(on_postgresql, capsys):
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX {INDEX_NAME}")
    assert not is_indexed(connection)
    assert warnings() == ["workitems.W001"]

    call_command("index_search")
    assert "ready" in capsys.readouterr().out
    assert is_indexed(connection)
    assert warnings() == []

    call_command("index_search")
    assert is_indexed(connection)


@pytest.mark.django_db(transaction=True)
def test_an_invalid_index_is_rebuilt(on_postgresql):
    """An interrupted build leaves an index that PostgreSQL doesn't use."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(%s)", [INDEX_NAME])
    assert not is_indexed(connection)
    call_command("index_search")
    assert is_indexed(connection)


def test_sqlite_has_no_such_index(on_sqlite, db):
    assert warnings() == []
    with pytest.raises(CommandError, match="PostgreSQL"):
        call_command("index_search")
