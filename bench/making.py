"""A database with so many items in it, made once; in a kept one, only what is missing is made, and the schema brought up to date."""

import hashlib
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from . import loading
from .shape import LARGEST, MEMBERS, SMALLEST

Progress = Callable[[str], None]
ADMIN, LARGE, SMALL = "admin@aptrust.org", f"staff@{LARGEST}", f"staff@{SMALLEST}"
WORKER = "system@aptrust.org"


def make(total: int, entries: int, say: Progress) -> dict[str, Any]:
    """Fills the database that Django is set up for; what is in it: items, entries, hash, cells, seconds that the steps took."""
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
    if made := _made():
        return made | {"cells": _cells(), "took": took}  # earlier runs have written items of their own
    hashes = _fill(total, entries, say)
    lap("rows and indexes")
    people()
    call_command("check_counts", repair=True, verbosity=0, stdout=Nowhere(), stderr=Nowhere())
    lap("check_counts --repair")
    call_command("work_out_pace", stdout=Nowhere(), stderr=Nowhere())
    lap("work_out_pace")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    lap("statistics")
    made = {"items": total, "entries": total * entries, "hash": hashlib.sha256("".join(hashes).encode()).hexdigest()}
    made["cells"] = _cells()
    _remember(made)
    lap("cells")
    return made | {"took": took}


class Nowhere:
    """For what a command says of cells that it has made right: after loading that is every one."""

    def write(self, *args: Any, **kwargs: Any) -> None:
        pass

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False


def _fill(total: int, entries: int, say: Progress) -> list[str]:
    from django.core.management.color import no_style
    from django.db import connection, transaction

    from pharos.accounts.models import Institution

    if Institution.objects.exists():
        raise SystemExit("This database was left half made, or is somebody else's. Remove its folder to make it anew.")
    Institution.objects.bulk_create(
        Institution(pk=place, identifier=domain, name=domain) for place, domain in enumerate(MEMBERS, 1)
    )
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if connection.vendor == "sqlite":
        connection.close()
        return loading.fill_sqlite(str(connection.settings_dict["NAME"]), total, end, entries, say)
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [Institution]):
            cursor.execute(statement)
        return loading.fill_postgresql(cursor, total, end, entries, say)


def people() -> None:
    """Who looks: an admin, staff of the largest and of the smallest member, and the account of the workers."""
    from pharos.accounts.models import Institution, User
    from pharos.accounts.roles import Role
    from workitems.demo import create_service

    User.objects.create_superuser(ADMIN)
    for email, domain in ((LARGE, LARGEST), (SMALL, SMALLEST)):
        institution = Institution.objects.get(identifier=domain)
        User.objects.create_user(email, role=Role.STAFF, institution=institution)
    create_service()


def key_of(email: str) -> str:
    """A new API key of this person."""
    from django.utils import timezone

    from pharos.accounts import api_keys
    from pharos.accounts.models import User

    return api_keys.create_key(User.objects.get(email=email), now=timezone.now())[1]


def _cells() -> int:
    """Counts the cells into a table of the bench's own, which is what the floor reads; how many there are.

    A cell, in the brief's sense, does not tell retry apart; the table does, as the product's summary must.
    """
    from django.db import connection

    names = "institution_id, action, stage, status, reviewed, retry"
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_cell")
        cursor.execute(
            f"CREATE TABLE bench_cell AS SELECT {names}, COUNT(*) AS number FROM {loading.ITEMS} GROUP BY {names}"
        )
        cursor.execute(f"CREATE UNIQUE INDEX bench_cell_key ON bench_cell ({names})")
        cursor.execute("VACUUM ANALYZE bench_cell" if connection.vendor == "postgresql" else "ANALYZE")
        cursor.execute(
            "SELECT COUNT(*) FROM (SELECT DISTINCT institution_id, action, stage, status, reviewed FROM bench_cell) c"
        )
        return cursor.fetchone()[0]


def _made() -> dict[str, Any] | None:
    """What `make` has remembered of this database, or None."""
    from django.db import connection

    if "bench_made" not in connection.introspection.table_names():
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT what FROM bench_made")
        return json.loads(cursor.fetchone()[0])


def _remember(made: dict[str, Any]) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_made (what text)")
        cursor.execute("INSERT INTO bench_made VALUES (%s)", [json.dumps(made)])
