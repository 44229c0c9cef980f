"""Copies a SQLite database while it is in use, with SQLite's backup interface."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

_PAGES = 2048  # per step, 8 MB
Progress = Callable[[int, int], None]


class BackupFailed(Exception):
    """There is no backup; the message says why."""


def back_up_sqlite(source: Path, target: Path, progress: Progress) -> None:
    """Writes a copy of the database to `target`, readable by its owner only.

    The copy shows one moment: the one at which it begins. Readers and writers go on. Until it is complete, it has another
    name; an existing file is never replaced. `progress` is called with the pages copied and the total. Raises BackupFailed.
    """
    unfinished = target.with_name(f".{target.name}.unfinished")
    for path in (target, unfinished):
        if path.exists():
            raise BackupFailed(f"{path} already exists. Choose another name, or move that file away.")
    try:
        os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        _copy(source, unfinished, progress)
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.rename(target)
    except (OSError, sqlite3.Error) as error:
        raise BackupFailed(f"{target} could not be written: {error}") from error
    finally:
        with suppress(FileNotFoundError):
            unfinished.unlink()


def _copy(source: Path, target: Path, progress: Progress) -> None:
    with closing(sqlite3.connect(source, isolation_level=None)) as reading, closing(sqlite3.connect(target)) as writing:
        # Within one transaction, because otherwise the copy would start over whenever somebody writes.
        reading.execute("BEGIN")
        reading.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        reading.backup(writing, pages=_PAGES, progress=lambda _status, left, total: progress(total - left, total))
        [mode] = writing.execute("PRAGMA journal_mode=DELETE").fetchone()  # a single file, without a -wal beside it
        [result] = writing.execute("PRAGMA quick_check(1)").fetchone()
        if mode != "delete" or result != "ok":
            raise sqlite3.DatabaseError(f"the copy is damaged: {result}")
