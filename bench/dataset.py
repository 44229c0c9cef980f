"""Creates the benchmark data: institutions, items with histories, users, and what the product derives from them.

In a database that was kept from an earlier run, it only applies new migrations.
"""

import hashlib
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from . import bulk_loading
from .distribution import LARGEST, MEMBERS, SMALLEST

Progress = Callable[[str], None]
ADMIN, LARGE, SMALL = "admin@aptrust.org", f"staff@{LARGEST}", f"staff@{SMALLEST}"
WORKER = "system@aptrust.org"


def create_dataset(total: int, entries: int, say: Progress) -> dict[str, Any]:
    """Fills the configured database. Returns {"items", "entries", "hash", "cells", "took": {step: seconds}}."""
    from django.core.management import call_command
    from django.db import connection

    took, began = {}, time.perf_counter()

    def lap(name: str) -> None:
        nonlocal began
        took[name], began = round(time.perf_counter() - began, 1), time.perf_counter()
        say(f"{name}: {took[name]} s")

    say("migrations")
    call_command("migrate", verbosity=0)
    call_command("createcachetable", verbosity=0)
    lap("migrations")
    if facts := _existing_dataset():
        return facts | {"cells": _count_cells(), "took": took}  # earlier runs have added items, so count again
    hashes = _fill_tables(total, entries, say)
    lap("rows and indexes")
    create_users()
    call_command("check_counts", repair=True, verbosity=0, stdout=DiscardedOutput(), stderr=DiscardedOutput())
    lap("check_counts --repair")
    call_command("work_out_pace", stdout=DiscardedOutput(), stderr=DiscardedOutput())
    lap("work_out_pace")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    lap("statistics")
    facts = {"items": total, "entries": total * entries, "hash": hashlib.sha256("".join(hashes).encode()).hexdigest()}
    facts["cells"] = _count_cells()
    _store_facts(facts)
    lap("cells")
    return facts | {"took": took}


class DiscardedOutput:
    """Discards what `check_counts --repair` prints: after bulk loading, it would list every summary row."""

    def write(self, *args: Any, **kwargs: Any) -> None:
        pass

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


def _fill_tables(total: int, entries: int, say: Progress) -> list[str]:
    from django.core.management.color import no_style
    from django.db import connection, transaction

    from pharos.accounts.models import Institution

    if Institution.objects.exists():
        raise SystemExit(
            "This database is incomplete or was not created by the benchmarks. Remove its folder to create it again."
        )
    Institution.objects.bulk_create(
        Institution(pk=number, identifier=domain, name=domain) for number, domain in enumerate(MEMBERS, 1)
    )
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if connection.vendor == "sqlite":
        connection.close()
        return bulk_loading.fill_sqlite(str(connection.settings_dict["NAME"]), total, end, entries, say)
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [Institution]):
            cursor.execute(statement)
        return bulk_loading.fill_postgresql(cursor, total, end, entries, say)


def create_users() -> None:
    """Creates an admin, staff of the largest and the smallest member, and the service account of the workers."""
    from pharos.accounts.models import Institution, User
    from pharos.accounts.roles import Role
    from workitems.demo import create_service

    User.objects.create_superuser(ADMIN)
    for email, domain in ((LARGE, LARGEST), (SMALL, SMALLEST)):
        institution = Institution.objects.get(identifier=domain)
        User.objects.create_user(email, role=Role.STAFF, institution=institution)
    create_service()


def create_api_key(email: str) -> str:
    """Creates an API key for this user and returns it."""
    from django.utils import timezone

    from pharos.accounts import api_keys
    from pharos.accounts.models import User

    return api_keys.create_key(User.objects.get(email=email), now=timezone.now())[1]


def _count_cells() -> int:
    """Builds the summary table `bench_cell`, which the floor reads, and returns the number of non-empty cells.

    A cell is a combination of institution, action, stage, status, and reviewed. The table also has `retry`, which the
    product's summary needs.
    """
    from django.db import connection

    names = "institution_id, action, stage, status, reviewed, retry"
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_cell")
        cursor.execute(
            f"CREATE TABLE bench_cell AS SELECT {names}, COUNT(*) AS number FROM {bulk_loading.ITEMS} GROUP BY {names}"
        )
        cursor.execute(f"CREATE UNIQUE INDEX bench_cell_key ON bench_cell ({names})")
        cursor.execute("VACUUM ANALYZE bench_cell" if connection.vendor == "postgresql" else "ANALYZE")
        cursor.execute(
            "SELECT COUNT(*) FROM (SELECT DISTINCT institution_id, action, stage, status, reviewed FROM bench_cell) c"
        )
        return cursor.fetchone()[0]


def _existing_dataset() -> dict[str, Any] | None:
    """What `create_dataset` stored about this database, or None if it has not filled it."""
    from django.db import connection

    if "bench_made" not in connection.introspection.table_names():
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT what FROM bench_made")
        return json.loads(cursor.fetchone()[0])


def _store_facts(facts: dict[str, Any]) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_made (what text)")
        cursor.execute("INSERT INTO bench_made VALUES (%s)", [json.dumps(facts)])
