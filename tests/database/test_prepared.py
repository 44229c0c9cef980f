"""Statements that PostgreSQL plans once per connection."""

import pytest
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, transaction

from workitems.database import fetched

SQL = "SELECT CAST(%s AS integer) + 1"


def prepared():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT generic_plans + custom_plans FROM pg_prepared_statements WHERE statement LIKE 'SELECT CAST(%'"
        )
        return [number for [number] in cursor.fetchall()]


@pytest.fixture
def postgresql(transactional_db):
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL prepares statements")


def ask(*values):
    return [fetched(DEFAULT_DB_ALIAS, SQL, [value]) for value in values]


def test_the_rows(db):
    assert ask(1, 41) == [[(2,)], [(42,)]]


def test_it_is_prepared_and_used_again(postgresql):
    ask(*range(10))
    assert prepared() == [10]


def test_not_behind_pgbouncer_where_the_next_statement_meets_another_connection(postgresql, monkeypatch):
    connection.close()
    connection.ensure_connection()
    monkeypatch.setattr(connection.connection, "prepare_threshold", None)  # as there
    ask(*range(10))
    assert prepared() == []


def test_errors_are_djangos(postgresql):
    with transaction.atomic():
        fetched(DEFAULT_DB_ALIAS, "SELECT set_config('statement_timeout', '10', true)", [])
        with pytest.raises(OperationalError, match="statement timeout"):
            fetched(DEFAULT_DB_ALIAS, "SELECT pg_sleep(%s)", [10])


def test_it_is_part_of_the_transaction(postgresql):
    insert = "INSERT INTO accounts_institution (identifier, name) VALUES (%s, %s) RETURNING id"
    with transaction.atomic():
        fetched(DEFAULT_DB_ALIAS, insert, ["a.edu", "A"])
        transaction.set_rollback(True)
    assert fetched(DEFAULT_DB_ALIAS, "SELECT identifier FROM accounts_institution", []) == []
