"""`manage.py backup`: a copy of SQLite that shows one moment, and is complete or not there."""

import sqlite3
import stat
import threading
from contextlib import closing

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from pharos.operations import backup
from pharos.operations.backup import BackupFailed, back_up_sqlite

ROWS = 20_000


@pytest.fixture
def source(tmp_path):
    """A database in WAL mode, larger than what is copied in one step."""
    path = tmp_path / "source.sqlite3"
    with closing(sqlite3.connect(path)) as making:
        making.execute("PRAGMA journal_mode=WAL")
        making.execute("CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT)")
        making.executemany("INSERT INTO item (name) VALUES (?)", [("x" * 1000,)] * ROWS)
        making.commit()
    return path


def count(path):
    with closing(sqlite3.connect(path)) as reading:
        return reading.execute("SELECT COUNT(*) FROM item").fetchone()[0]


def add(path):
    with closing(sqlite3.connect(path)) as writing:
        writing.execute("INSERT INTO item (name) VALUES ('during')")
        writing.commit()


def test_the_copy_shows_the_moment_at_which_it_began(source, tmp_path):
    steps = []

    def write(done, total):
        """Every step meets a writer. Without a transaction, each would make the copy start over."""
        add(source)
        steps.append((done, total))

    back_up_sqlite(source, tmp_path / "copy.sqlite3", write)
    assert count(tmp_path / "copy.sqlite3") == ROWS
    assert count(source) == ROWS + len(steps)
    done, totals = zip(*steps, strict=True)
    assert len(steps) > 1
    assert [*done] == sorted({*done})
    assert done[-1] == totals[-1]
    assert len({*totals}) == 1


def test_writers_in_other_threads_go_on(source, tmp_path):
    threads = []

    def write(done, total):
        threads.append(threading.Thread(target=add, args=[source]))
        threads[-1].start()
        threads[-1].join(timeout=30)
        assert not threads[-1].is_alive()

    back_up_sqlite(source, tmp_path / "copy.sqlite3", write)
    assert count(source) == ROWS + len(threads)


def test_the_copy_is_one_file_for_its_owner_only(source, tmp_path):
    (folder := tmp_path / "backups").mkdir()
    back_up_sqlite(source, folder / "copy.sqlite3", lambda done, total: None)
    [copy] = folder.iterdir()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["copy.sqlite3", ".copy.sqlite3.unfinished"])
def test_an_existing_file_is_never_replaced(source, tmp_path, name):
    (tmp_path / name).write_text("precious")
    with pytest.raises(BackupFailed, match="already exists"):
        back_up_sqlite(source, tmp_path / "copy.sqlite3", lambda done, total: None)
    assert (tmp_path / name).read_text() == "precious"


def test_a_copy_that_fails_leaves_nothing(source, tmp_path):
    (folder := tmp_path / "backups").mkdir()

    def fail(done, total):
        raise OSError(28, "No space left on device")

    with pytest.raises(BackupFailed, match="No space left"):
        back_up_sqlite(source, folder / "copy.sqlite3", fail)
    assert [*folder.iterdir()] == []


def test_a_damaged_database_is_no_backup(source, tmp_path):
    data = bytearray(source.read_bytes())
    data[4096 * 500 : 4096 * 501] = b"\xff" * 4096
    source.write_bytes(data)
    with pytest.raises(BackupFailed, match="damaged"):
        back_up_sqlite(source, tmp_path / "copy.sqlite3", lambda done, total: None)
    assert not (tmp_path / "copy.sqlite3").exists()


def test_a_folder_that_is_missing_is_named(source, tmp_path):
    with pytest.raises(BackupFailed, match="No such file or directory"):
        back_up_sqlite(source, tmp_path / "missing" / "copy.sqlite3", lambda done, total: None)


@pytest.mark.django_db(transaction=True)
def test_the_command_copies_the_installation(on_sqlite, item, tmp_path, capsys):
    call_command("backup", str(tmp_path / "copy.sqlite3"))
    assert f"{tmp_path / 'copy.sqlite3'}: " in capsys.readouterr().out
    with closing(sqlite3.connect(tmp_path / "copy.sqlite3")) as reading:
        assert reading.execute("SELECT name FROM workitems_workitem").fetchall() == [(item.name,)]
    with pytest.raises(CommandError, match="already exists"):
        call_command("backup", str(tmp_path / "copy.sqlite3"))


def test_postgresql_has_its_own_tools(monkeypatch, tmp_path):
    monkeypatch.setattr(connection, "vendor", "postgresql")
    with pytest.raises(CommandError, match="pg_dump"):
        call_command("backup", str(tmp_path / "copy"))


def test_a_step_is_smaller_than_a_large_database():
    assert backup._PAGES * 4096 < 32 << 20
