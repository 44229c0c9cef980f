"""What `/healthz?detail` says: the state of everything that this installation depends on."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Count, Min, Q

from pharos.email_queue.models import QueuedEmail
from pharos.replicas import ALIASES, FAILURES, Replica, UnusableReplica, primary_identity

from .health import ERRORS, missing_migrations, own_connection
from .models import CommandRun


def describe(problems: list[str]) -> dict[str, Any]:
    """Returns the JSON. A part that can't be found out is `{"error": why}`."""
    return {
        "ok": not problems,
        "problems": problems,
        "database": _or_error(_database),
        "migrations": _or_error(_migrations),
        "standbys": _or_error(lambda: {alias: _standby(alias) for alias in ALIASES}),
        "mail_queue": _or_error(_mail_queue),
        "commands": _or_error(_commands),
    }


def _or_error(part: Callable[[], Any]) -> Any:
    try:
        return part()
    except (*FAILURES, *ERRORS) as error:
        return {"error": " ".join(str(error).split())}


def _database() -> dict[str, Any]:
    connection = connections[DEFAULT_DB_ALIAS]
    found: dict[str, Any] = {"kind": connection.vendor}
    if connection.vendor == "sqlite":
        folder = Path(connection.settings_dict["NAME"]).resolve().parent
        found["free_bytes"] = shutil.disk_usage(folder).free
    elif pool := getattr(connection, "pool", None):
        found["pool"] = pool.get_stats()
    return found


def _migrations() -> dict[str, Any]:
    with own_connection() as connection:
        return {"missing": missing_migrations(connection)}


def _standby(alias: str) -> dict[str, Any]:
    try:
        position = Replica(alias).check_position(primary_identity())
    except (UnusableReplica, *FAILURES) as failure:
        return {"is_readable": False, "error": " ".join(str(failure).split())}
    finally:
        connections[alias].close()
    return {"is_readable": True, "position": position}


def _mail_queue() -> dict[str, Any]:
    return QueuedEmail.objects.aggregate(
        waiting=Count("pk", filter=Q(given_up_at=None)),
        oldest_waiting=Min("created_at", filter=Q(given_up_at=None)),
        given_up=Count("pk", filter=~Q(given_up_at=None)),
    )


def _commands() -> dict[str, Any]:
    return {
        run.name: {"began_at": run.began_at, "ended_at": run.ended_at, "error": run.error}
        for run in CommandRun.objects.order_by("name")
    }
