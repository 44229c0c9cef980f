"""`make check-tools`: 300 hard rows go through real programs, and then into a new installation.

Each value has to be right afterwards, or named: its row was rejected, or the import's output names it. What is neither
was altered in silence, and fails the check. Programs that aren't installed are skipped and named. The files stay in
.cache/tools/ for a look at what is meant.
"""

import csv
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from tests.throwaway_postgres import cluster

from .hard_table import COLUMNS, INSTITUTIONS, YEAR_ONE, expected, rows
from .programs import PROGRAMS, Program, Source

ROOT = Path(__file__).resolve().parent.parent.parent
WORK = ROOT / ".cache" / "tools"
_WORDS = ("na", "null", "nan", "none", r"\n")
_IDS = re.compile(r": ids? ([\d–, ]+)")
_EXAMPLES = re.compile(r"\(id (\d+)\)")


def _is_number(want: Any) -> bool:
    return want is None or (isinstance(want, int) and not isinstance(want, bool))


def _is_near(want: Any, have: Any) -> bool:
    return isinstance(want, datetime) and bool(have) and abs((_as_time(have) - want).total_seconds()) < 1  # type: ignore[operator]


def _is_for_sheets(want: str) -> bool:
    """Whether a spreadsheet calculates it, or takes it for a number, a date, or yes and no."""
    return want[:1] in tuple("=+-@") or re.fullmatch(r"[\d.,e+/-]+|true|false", want, re.IGNORECASE) is not None


def _same_lines(want: Any, have: Any) -> bool:
    return isinstance(want, str) and want.replace("\r\n", "\n") == have


# Which difference (column, as it should be, as it is) a sentence of the import's summary tells of. The first ones are
# about the whole file, the others name ids.
_OF_FILE: tuple[tuple[str, Callable[[str, Any, Any], bool]], ...] = (
    ("seconds. If they had more digits", lambda column, want, have: _is_near(want, have)),
    ("may also have calculated texts", lambda column, want, have: isinstance(want, str) and _is_for_sheets(want)),
    ("emptied texts", lambda column, want, have: str(want).lower() in _WORDS and have == ""),
    ("is not in UTF-8", lambda column, want, have: isinstance(want, str) and not want.isascii()),
)
_OF_ROWS: tuple[tuple[str, Callable[[str, Any, Any], bool]], ...] = (
    ("with an etag damaged", lambda column, want, have: column == "etag"),
    ("in scientific notation", lambda column, want, have: _is_number(want)),
    ("with a number beyond", lambda column, want, have: _is_number(want)),
    ("has Windows line breaks", lambda column, want, have: _same_lines(want, have)),
    ("has Unix line breaks", lambda column, want, have: isinstance(want, str) and "\n" in want),
    ("an apostrophe before", lambda column, want, have: have == f"'{want}"),
    ("an error of a spreadsheet", lambda column, want, have: isinstance(want, str)),
    ("is only a word for a missing", lambda column, want, have: str(have).lower() in _WORDS),
    ("2001-01-01 00:00:00", lambda column, want, have: str(have).startswith("2001-01-01 00:00:00")),
    ("exactly 32,767 characters", lambda column, want, have: len(str(have)) == 32_767),
    ("backslashes or quotes", lambda column, want, have: isinstance(want, str)),
)


@dataclass
class Result:
    """What became of the rows of one program's file."""

    program: str
    right: int = 0
    named: int = 0
    altered: list[str] = field(default_factory=list)
    said: str = ""


def main(wanted: list[str]) -> int:
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    table = rows()
    results, skipped = [], []
    with cluster() as url:
        source = _fill(url, table)
        empty = _empty_installation()
        for program in PROGRAMS:
            if wanted and not any(word.lower() in program.name.lower() for word in wanted):
                continue
            if not program.is_here():
                skipped.append(program)
                continue
            say(f"… {program.name}")
            results.append(_go_through(program, source, empty, table))
    return report(results, skipped)


def say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def report(results: list[Result], skipped: list[Program]) -> int:
    say(f"\n{'program':<46} {'in':>5} {'named':>6} {'altered in silence':>19}")
    for result in results:
        say(f"{result.program:<46} {result.right:>5} {result.named:>6} {len(result.altered):>19}")
    for result in results:
        for line in result.altered[:5]:
            say(f"{result.program}: {line}")
    if skipped:
        say(f"Skipped, because they are not installed: {', '.join(program.name for program in skipped)}.")
    return 1 if any(result.altered for result in results) else 0


# --- the table in databases


def _fill(url: str, table: list[dict[str, Any]]) -> Source:
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    places = ", ".join(["%s"] * len(COLUMNS))
    with psycopg.connect(url) as connection:
        connection.execute("SET TIME ZONE 'UTC'")
        columns = ", ".join(f'"{name}" {kind}' for name, kind in COLUMNS.items())
        connection.execute(f"CREATE TABLE work_items ({columns})")
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO work_items ({names}) VALUES ({places})", [_in_utc(row) for row in table])
    file = WORK / "source.sqlite"
    with sqlite3.connect(file) as lite:
        lite.execute(f"CREATE TABLE work_items ({names})")
        places = ", ".join(["?"] * len(COLUMNS))
        lite.executemany(f"INSERT INTO work_items ({names}) VALUES ({places})", [_as_django(row) for row in table])
    lite.close()
    source = Source(url, file, WORK / "source.csv", [dict(zip(COLUMNS, _as_django(row), strict=True)) for row in table])
    next(program for program in PROGRAMS if program.name == "psql csv header").run(source, source.csv)
    return source


def _in_utc(row: dict[str, Any]) -> list[Any]:
    """As PostgreSQL takes it: a timestamp without a zone is UTC; a text for year 1, which Python can't move to a zone."""
    return [
        (value.replace(tzinfo=None).isoformat() + ("+00" if COLUMNS[name] == "timestamptz" else ""))
        if isinstance(value, datetime)
        else value
        for name, value in row.items()
    ]


def _as_django(row: dict[str, Any]) -> list[Any]:
    """As Django stores it in SQLite."""
    return [
        value.replace(tzinfo=None).isoformat(" ") if isinstance(value, datetime) else value for value in row.values()
    ]


# --- the import


def _manage(database: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "DEBUG": "true", "DATABASE_URL": f"sqlite:///{database}"}
    command = [sys.executable, ROOT / "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)


def _empty_installation() -> Path:
    database = WORK / "empty.sqlite"
    done = _manage(database, "migrate", "-v0")
    if done.returncode:
        raise RuntimeError(done.stderr)
    with (WORK / "institutions.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [("id", "identifier", "name"), *((pk, one, one) for pk, one in INSTITUTIONS.items())]
        )
    return database


def _go_through(program: Program, source: Source, empty: Path, table: list[dict[str, Any]]) -> Result:
    stem = re.sub(r"\W+", "-", program.name).strip("-")
    file, database = WORK / f"{stem}.{program.ending}", WORK / f"{stem}.sqlite"
    program.run(source, file)
    for ending in ("", "-wal"):
        if (there := empty.with_name(empty.name + ending)).exists():
            shutil.copy(there, database.with_name(database.name + ending))
    options: list[str | Path] = (
        [] if program.name == "Django dumpdata" else ["--institution-map", WORK / "institutions.csv"]
    )
    done = _manage(database, "import_workitems", file, *options)
    said = done.stdout + done.stderr
    (WORK / f"{stem}.said.txt").write_text(said)
    if "Traceback" in said:
        return Result(program.name, altered=[f"it failed: {said[-300:]}"], said=said)
    return _compare(program.name, table, dict(_stored(database)), said)


def _stored(database: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with sqlite3.connect(database) as lite:
        lite.row_factory = sqlite3.Row
        query = (
            "SELECT w.*, i.identifier AS institution FROM workitems_workitem w "
            "JOIN accounts_institution i ON i.id = w.institution_id"
        )
        for row in lite.execute(query):
            yield row["id"], {name: row[name] for name in row.keys()}  # noqa: SIM118
    lite.close()


def _compare(name: str, table: list[dict[str, Any]], stored: dict[int, dict[str, Any]], said: str) -> Result:
    result = Result(name, said=said)
    for row in table:
        want = expected(row)
        have = stored.get(row["id"])
        if have is None:
            _missing(row, want, stored, result)
            continue
        different = [column for column in want if not _is_equal(want[column], have[column])]
        quiet = [column for column in different if not _is_told(row["id"], column, want[column], have[column], said)]
        if not different:
            result.right += 1
        elif not quiet:
            result.named += 1
        else:
            shown = {column: (str(want[column])[:40], str(have[column])[:40]) for column in quiet}
            result.altered.append(f"id {row['id']}: {json.dumps(shown, default=str, ensure_ascii=False)}")
    strangers = stored.keys() - {row["id"] for row in table}
    result.altered += [f"id {number} is in no row of the table" for number in sorted(strangers)]
    return result


def _missing(row: dict[str, Any], want: dict[str, Any], stored: dict[int, Any], result: Result) -> None:
    """A row that isn't there was rejected, or its file was refused: the exit status and the output say so."""
    if "rejected" in result.said or "CommandError" in result.said or "Error" in result.said:
        result.named += 1
    else:
        result.altered.append(f"id {row['id']} is missing")


def _named_ids(sentence: str) -> set[int]:
    found = {int(number) for number in _EXAMPLES.findall(sentence)}
    for ids in _IDS.findall(sentence):
        for part in ids.split(","):
            first, _, last = part.strip().partition("–")
            if first:
                found.update(range(int(first), int(last or first) + 1))
    return found


def _as_time(value: Any) -> datetime | None:
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if value else None


def _is_equal(want: Any, have: Any) -> bool:
    if isinstance(want, datetime):
        return have is not None and _as_time(have) == want
    if isinstance(want, bool):
        return bool(have) == want
    return have in (want, None) if want in (None, YEAR_ONE) else have == want


def _is_told(number: int, column: str, want: Any, have: Any, said: str) -> bool:
    """Whether the summary tells of this difference."""
    for sentence in said.splitlines():
        if any(words in sentence and covers(column, want, have) for words, covers in _OF_FILE):
            return True
        for words, covers in _OF_ROWS:
            if words in sentence and covers(column, want, have) and number in _named_ids(sentence):
                return True
    return False


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
