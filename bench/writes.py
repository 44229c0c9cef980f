"""What maintaining the summary table costs each write: writes with the product's triggers and with the summary's triggers off.

The writers use prepared statements without Django. Each round creates items and moves each of them ten times; every write is
an INSERT or UPDATE of the item and an INSERT of its history entry. Rounds with and without the triggers alternate, and each is
compared with the one next to it. PostgreSQL only, because SQLite can't disable triggers.
"""

import statistics
import time
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

import psycopg

from .bulk_loading import HISTORY, ITEMS, SUMMARY_FUNCTIONS
from .distribution import MEMBERS

PAIRS = 9
_STAGES = ("Receive", "Validate", "Reingest Check", "Copy To Staging", "Format Identification", "Store")
# The changes of each item in order; the last one closes it.
_MOVES = [
    *((stage, "Started") for stage in _STAGES),
    ("Storage Validation", "Started"),
    ("Record", "Pending"),
    ("Record", "Started"),
    ("Cleanup", "Success"),
]
_CREATE = f"""
    INSERT INTO {ITEMS} (created_at, updated_at, name, etag, bucket, "user", note, action, stage, status, outcome, date, retry,
        reviewed, object_identifier, generic_file_identifier, node, needs_admin_review, inst_approver, aptrust_approver,
        version, search_text, institution_id)
    VALUES (now(), now(), %(name)s, %(etag)s, 'aptrust.receiving.bench', '', '', 'Ingest', 'Receive', 'Pending', '', now(), true,
        false, '', '', '', false, '', '', 1, %(text)s, %(institution)s) RETURNING id"""
_CHANGE = f"""
    UPDATE {ITEMS} SET stage = %(stage)s, status = %(status)s, retry = %(retry)s, updated_at = now(),
        version = %(number)s WHERE id = %(pk)s"""
_ENTRY = f"""
    INSERT INTO {HISTORY} (item_id, number, at, who, via, move, stage_before, status_before, stage_after, status_after, note, changes)
    VALUES (%(pk)s, %(number)s, now(), 'bench', 'api', %(move)s, '', '', %(stage)s, %(status)s, '', '{{}}')"""


def measure(writers: tuple[int, ...], seconds: float, say: Callable[[str], None]) -> list[dict[str, Any]]:
    """Returns per number of writers: {"writers", "writes_per_second", "without_summary", "cost", "time_ratio"}.

    `cost` is 0.07 for 7 % fewer writes; `time_ratio` is the time of a write with the summary ÷ without it.
    """
    from django.db import connection

    values = connection.settings_dict
    address = {"host": values["HOST"], "port": values["PORT"], "user": values["USER"], "dbname": values["NAME"]}
    found = []
    with psycopg.connect(**address, autocommit=True) as control:
        triggers = _summary_triggers(control)
        if not triggers:  # otherwise both kinds of rounds would be the same
            raise SystemExit(f"No trigger runs a function whose name begins with {SUMMARY_FUNCTIONS}.")
        try:
            for number in writers:
                say(f"writes, {number} writers")
                found.append(_compare(address, control, triggers, number, seconds))
        finally:
            _switch(control, triggers, on=True)
            _repair_summary()
    return found


def _summary_triggers(control: psycopg.Connection) -> list[tuple[str, str]]:
    """(table, trigger) for every trigger that maintains the summary, found by the name of its function."""
    return control.execute(
        "SELECT tgrelid::regclass::text, tgname FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid"
        " WHERE NOT tgisinternal AND proname LIKE %s || '%%'",
        [SUMMARY_FUNCTIONS],
    ).fetchall()


def _switch(control: psycopg.Connection, triggers: list[tuple[str, str]], *, on: bool) -> None:
    for table, name in triggers:
        control.execute(f'ALTER TABLE {table} {"ENABLE" if on else "DISABLE"} TRIGGER "{name}"')


def _repair_summary() -> None:
    """Repairs the summary after writes without its triggers."""
    from django.core.management import call_command

    from .dataset import DiscardedOutput

    call_command("check_counts", repair=True, verbosity=0, stdout=DiscardedOutput(), stderr=DiscardedOutput())


def _compare(address: dict, control: psycopg.Connection, triggers: list, number: int, seconds: float) -> dict[str, Any]:
    rates: dict[bool, list[float]] = {True: [], False: []}
    with get_context("spawn").Pool(number) as pool:
        for turn in range(2 * PAIRS + 2):  # the first of each is a warm-up
            on = turn % 4 in (1, 2)  # without, with, with, without: any drift affects both equally
            _switch(control, triggers, on=on)
            until = time.time() + seconds
            done = pool.map(write, [(address, writer, until) for writer in range(number)], chunksize=1)
            rates[on].append(sum(done) / seconds)
    pairs = list(zip(rates[True][1:], rates[False][1:], strict=True))
    ratio = statistics.median(without / with_summary for with_summary, without in pairs)
    return {
        "writers": number,
        "writes_per_second": round(statistics.median(rates[True][1:])),
        "without_summary": round(statistics.median(rates[False][1:])),
        "cost": round(1 - 1 / ratio, 4),
        "time_ratio": round(ratio, 4),
    }


def write(task: tuple[dict, int, float]) -> int:
    """Creates and moves items until the given time. Returns the number of writes (creates and changes)."""
    address, writer, until = task
    written = 0
    with psycopg.connect(**address, autocommit=True, prepare_threshold=0, options="-c jit=off") as connection:
        while time.time() < until:
            written += _one_item(connection, writer, written)
    return written


def _one_item(connection: psycopg.Connection, writer: int, written: int) -> int:
    name = f"bench.edu.item_{writer}_{written}.tar"
    values: dict[str, Any] = {"name": name, "text": name, "etag": f"{hash((writer, written)) & (1 << 64) - 1:032x}"}
    values["institution"] = 1 + (writer + written) % len(MEMBERS)
    with connection.transaction():
        [(pk,)] = connection.execute(_CREATE, values).fetchall()
        entry = {"pk": pk, "number": 1, "move": "create", "stage": "Receive", "status": "Pending"}
        connection.execute(_ENTRY, entry)
    for number, (stage, status) in enumerate(_MOVES, 2):
        change = {"pk": pk, "number": number, "stage": stage, "status": status, "retry": status != "Success"}
        with connection.transaction():
            connection.execute(_CHANGE, change)
            connection.execute(_ENTRY, change | {"move": "progress"})
    return 1 + len(_MOVES)
