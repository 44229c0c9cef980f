"""Statements that PostgreSQL plans once per connection."""

import pytest
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, transaction

from workitems.database import fetch_prepared

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


def fetch(*values):
    return [fetch_prepared(DEFAULT_DB_ALIAS, SQL, [value]) for value in values]


def test_rows_are_fetched(db):
    assert fetch(1, 41) == [[(2,)], [(42,)]]


def test_a_statement_is_prepared_once_and_reused(postgresql):
    fetch(*range(10))
    assert prepared() == [10]


def test_nothing_is_prepared_behind_pgbouncer(postgresql, monkeypatch):
    connection.close()
    connection.ensure_connection()
    monkeypatch.setattr(connection.connection, "prepare_threshold", None)  # as there
    fetch(*range(10))
    assert prepared() == []


def test_errors_are_django_errors(postgresql):
    with transaction.atomic():
        fetch_prepared(DEFAULT_DB_ALIAS, "SELECT set_config('statement_timeout', '10', true)", [])
        with pytest.raises(OperationalError, match="statement timeout"):
            fetch_prepared(DEFAULT_DB_ALIAS, "SELECT pg_sleep(%s)", [10])


def test_statements_run_in_the_current_transaction(postgresql):
    insert = "INSERT INTO accounts_institution (identifier, name) VALUES (%s, %s) RETURNING id"
    with transaction.atomic():
        fetch_prepared(DEFAULT_DB_ALIAS, insert, ["a.edu", "A"])
        transaction.set_rollback(True)
    assert fetch_prepared(DEFAULT_DB_ALIAS, "SELECT identifier FROM accounts_institution", []) == []
