"""Skips tests that need PostgreSQL servers of their own."""

import pytest
from django.db import connection

from .throwaway_postgres import server_binaries


def skip_without_servers() -> None:
    """Skips the test on SQLite, and where no server is installed."""
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL has this")
    if server_binaries() is None:
        pytest.skip("servers of our own need PostgreSQL's programs on this machine")
