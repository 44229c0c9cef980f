"""Putting many rows into the product's tables fast: without their indexes and triggers, which are made again afterwards.

What there is of both is read from the database's own catalogue, so that it fits whatever the migrations define.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from multiprocessing import get_context
from typing import Any

from . import rows
from .steps import Step, steps

ITEMS, HISTORY = "workitems_workitem", "workitems_historyentry"
COUNTING = "workitems_count"  # what the functions of the summary's triggers are called
Progress = Callable[[str], None]


def _made(total: int, end: datetime, entries: int) -> Iterator[tuple[bytes, str]]:
    """Every chunk in order, made by a process beside this one while the database takes the one before."""
    asked = ((number, total, end, entries) for number in rows.chunks(total))
    with get_context("fork").Pool(2) as pool:
        yield from pool.imap(_copied, asked)


def _copied(asked: tuple[int, int, datetime, int]) -> tuple[bytes, str]:
    return rows.copied(*asked)


def fill_postgresql(cursor: Any, total: int, end: datetime, entries: int, say: Progress) -> list[str]:
    """Fills the two empty tables; the hash of each chunk. To be called in a transaction, as a superuser."""
    hashes = []
    with _bare(cursor, say):
        # Emptied in this transaction, they need no write-ahead log.
        cursor.execute(f"TRUNCATE {ITEMS} CASCADE")
        columns = ", ".join(f'"{name}"' for name in rows.COLUMNS)
        with cursor.copy(f"COPY {ITEMS} ({columns}) FROM STDIN") as copy:
            for data, digest in _made(total, end, entries):
                copy.write(data)
                hashes.append(digest)
                say(f"items {min(len(hashes) * rows.CHUNK, total):,}")
        _write_steps(cursor, "%s", entries)
        cursor.execute("ANALYZE step")
        say(f"history {total * entries:,}")
        cursor.execute(_history("i.created_at + s.part * (i.updated_at - i.created_at)", entries))
        for table in (ITEMS, HISTORY):
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
    return hashes


def _write_steps(cursor: Any, mark: str, entries: int) -> None:
    """The steps of every kind of item, in a table of this session alone."""
    kinds = dict.fromkeys(("retry", "reviewed"), "boolean") | {"number": "int", "part": "double precision"}
    columns = ", ".join(f"{name} {kinds.get(name, 'text')}" for name in Step._fields)
    cursor.execute(f"CREATE TEMP TABLE step ({columns})")
    cursor.executemany(f"INSERT INTO step VALUES ({', '.join([mark] * len(Step._fields))})", list(steps(entries)))


def _history(moment: str, entries: int) -> str:
    """The histories in one statement: each item with the steps that items of its kind have taken."""
    return f"""
        INSERT INTO {HISTORY} (id, item_id, number, at, who, via, move, stage_before, status_before, stage_after,
            status_after, note, changes, act)
        SELECT (i.id - 1) * {entries} + s.number, i.id, s.number, {moment}, s.who, 'api', s.move, s.stage_before,
            s.status_before, s.stage_after, s.status_after, CASE WHEN s.part >= 1 THEN i.note ELSE '' END, '{{}}', NULL
        FROM {ITEMS} i JOIN step s ON s.action = i.action AND s.stage = i.stage AND s.status = i.status
            AND s.retry = i.retry AND s.reviewed = i.reviewed
    """


@contextmanager
def _bare(cursor: Any, say: Progress) -> Iterator[None]:
    """Inside, the app's tables have no indexes but their primary keys, and of the items and all that leans on them the
    triggers are off that the rows can do without.

    Triggers that keep something beside the items stay on, all but the summary's, which `check_counts` makes right.
    """
    cursor.execute(
        "WITH RECURSIVE leaning (oid) AS (SELECT %s::regclass::oid UNION SELECT conrelid FROM pg_constraint"
        " JOIN leaning ON confrelid = leaning.oid WHERE contype = 'f') SELECT oid::regclass::text FROM leaning",
        [ITEMS],
    )
    tables = [name for (name,) in cursor.fetchall()]
    cursor.execute(
        "SELECT tgrelid::regclass::text, tgname, tgenabled = 'O', proname FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid"
        " WHERE NOT tgisinternal AND tgrelid = ANY(%s::regclass[])",
        [tables],
    )
    triggers = cursor.fetchall()
    for table in tables:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
    for table, name, was_on, function in triggers:
        if table == ITEMS and was_on and not function.startswith(COUNTING):
            cursor.execute(f'ALTER TABLE {table} ENABLE TRIGGER "{name}"')
    again = _drop_indexes(cursor)
    yield
    for table in tables:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER ALL")
    for table, name, was_on, _function in triggers:
        if not was_on:
            cursor.execute(f'ALTER TABLE {table} DISABLE TRIGGER "{name}"')
    for place, statement in enumerate(again, 1):
        say(f"index {place} of {len(again)}")
        cursor.execute(statement)


def _drop_indexes(cursor: Any) -> list[str]:
    """Drops the indexes of the app's tables and the unique constraints that no other table leans on; what makes them again."""
    cursor.execute(
        "SELECT c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid) FROM pg_constraint c"
        " WHERE c.contype = 'u' AND c.conrelid::regclass::text LIKE 'workitems\\_%'"
        " AND NOT EXISTS (SELECT 1 FROM pg_constraint f WHERE f.contype = 'f' AND f.conindid = c.conindid)"
    )
    again = []
    for table, name, definition in cursor.fetchall():
        cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        again.append(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {definition}')
    cursor.execute(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) FROM pg_index i"
        " JOIN pg_class x ON x.oid = i.indexrelid WHERE i.indrelid::regclass::text LIKE 'workitems\\_%'"
        " AND NOT x.relispartition AND NOT EXISTS (SELECT 1 FROM pg_constraint c WHERE c.conindid = i.indexrelid)"
    )
    for name, definition in cursor.fetchall():
        cursor.execute(f"DROP INDEX {name}")
        again.append(definition.replace(" ON ONLY ", " ON "))
    return again


def fill_sqlite(path: str, total: int, end: datetime, entries: int, say: Progress) -> list[str]:
    """The same for an SQLite file that nobody else has open; the hash of each chunk."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-400000", "temp_store=MEMORY"):
        connection.execute(f"PRAGMA {pragma}")
    kept = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"
        " AND tbl_name IN (?, ?) ORDER BY type",
        [ITEMS, HISTORY],
    ).fetchall()
    for kind, name, _sql in kept:
        connection.execute(f'DROP {kind} "{name}"')
    connection.execute("BEGIN")
    hashes = []
    insert = f"INSERT INTO {ITEMS} ({', '.join(map(json.dumps, rows.COLUMNS))}) VALUES ({', '.join('?' * len(rows.COLUMNS))})"
    for data, digest in _made(total, end, entries):
        connection.executemany(insert, map(_of_sqlite, data.decode().splitlines()))
        hashes.append(digest)
        say(f"items {min(len(hashes) * rows.CHUNK, total):,}")
    _write_steps(connection, "?", entries)
    connection.execute("CREATE INDEX temp.step_of ON step (action, stage, status, retry, reviewed)")
    say(f"history {total * entries:,}")
    first, last = (f"CAST(strftime('%s', i.{name}) AS int)" for name in ("created_at", "updated_at"))
    connection.execute(_history(f"datetime({first} + CAST(s.part * ({last} - {first}) AS int), 'unixepoch')", entries))
    connection.execute("COMMIT")
    for place, (_kind, _name, sql) in enumerate(kept, 1):
        say(f"index {place} of {len(kept)}")
        connection.execute(sql)
    connection.close()
    return hashes


_FLAGS = {rows.TRUE: 1, rows.FALSE: 0}
_FLAG_AT = [rows.COLUMNS.index(name) for name in ("retry", "reviewed", "needs_admin_review")]
_TEXT_AT = [rows.COLUMNS.index(name) for name in ("note", "search_text")]
_WHOLE_AT = [rows.COLUMNS.index(name) for name in ("id", "institution_id", "size", "pid", "version")]
_TIMES_FROM = rows.COLUMNS.index("created_at")


def _of_sqlite(line: str) -> list[Any]:
    """The values of one line of COPY as SQLite keeps them."""
    values: list[Any] = line.split("\t")
    for place in _FLAG_AT:
        values[place] = _FLAGS[values[place]]
    for place in _TEXT_AT:
        values[place] = values[place].replace(r"\n", "\n")
    for place in _WHOLE_AT:
        values[place] = None if values[place] == rows.NULL else int(values[place])
    for place in range(_TIMES_FROM, len(values)):
        values[place] = values[place][:19]
    return values
