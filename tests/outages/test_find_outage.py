"""Which errors of a database are outages, with real errors where they can be provoked."""

import sqlite3

import psycopg
import pytest
from django.db import DataError, IntegrityError, InterfaceError, InternalError, OperationalError, ProgrammingError

from pharos.outages import find_outage

POSTGRESQL = [
    ("25006", InternalError, "read-only"),
    ("53100", OperationalError, "full"),
    ("53200", OperationalError, "busy"),
    ("53300", OperationalError, "away"),
    ("55P03", OperationalError, "busy"),
    ("57014", OperationalError, "busy"),
    ("57P01", OperationalError, "away"),
    ("57P03", OperationalError, "away"),
    ("58030", OperationalError, "away"),
    ("08006", OperationalError, "away"),
    ("40001", OperationalError, "busy"),
    ("40P01", OperationalError, "busy"),
    ("25P02", InternalError, None),  # a statement after a failed one
    ("42P01", ProgrammingError, None),
    ("23505", IntegrityError, None),
    ("22001", DataError, None),
]


@pytest.mark.parametrize(("state", "kind", "name"), POSTGRESQL)
def test_postgresql_by_its_code(state, kind, name):
    error = kind("what the server said")
    error.__cause__ = psycopg.errors.lookup(state)("what the server said")
    outage = find_outage(error)
    assert (outage and outage.name) == name


@pytest.mark.parametrize("cause", [psycopg.OperationalError("connection refused"), psycopg.OperationalError()])
def test_a_connection_that_cannot_be_made_has_no_code(cause):
    error = OperationalError(str(cause))
    error.__cause__ = cause
    assert find_outage(error).name == "away"
    assert find_outage(InterfaceError("connection already closed")).name == "away"


def sqlite_error(*statements, uri=":memory:"):
    """Returns the error of the last statement, as Django raises it."""
    try:
        connection = sqlite3.connect(uri, uri=True, timeout=0)
        for statement in statements:
            connection.execute(statement)
    except sqlite3.Error as cause:
        error = OperationalError(str(cause))
        error.__cause__ = cause
        return error
    raise AssertionError("nothing failed")


def test_sqlite_by_its_errors(tmp_path):
    many = "INSERT INTO t SELECT randomblob(100000)"
    assert find_outage(sqlite_error("CREATE TABLE t (x)", "PRAGMA max_page_count = 3", many)).name == "full"
    assert find_outage(sqlite_error("CREATE TABLE t (x)", "PRAGMA query_only = on", many)).name == "read-only"
    assert find_outage(sqlite_error(uri=f"file:{tmp_path}/none/db?mode=rw")).name == "away"
    file = tmp_path / "busy.sqlite3"
    writing = sqlite3.connect(file, isolation_level=None)
    writing.execute("BEGIN IMMEDIATE")
    assert find_outage(sqlite_error("BEGIN IMMEDIATE", uri=f"file:{file}")).name == "busy"
    writing.close()
    assert find_outage(sqlite_error("SELECT * FROM nothing")) is None


def test_other_errors_are_none():
    assert find_outage(None) is None
    assert find_outage(ValueError("x")) is None
    assert find_outage(ProgrammingError("no such table")) is None
