"""The programs that a table goes through, each as its user would run it: one function per way out of a database."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PYTHON_TOOLS = ROOT / ".cache" / "table-tools" / "bin"


@dataclass(frozen=True)
class Source:
    """Where the table is: a database of PostgreSQL (a URL), one of SQLite, and psql's CSV of it."""

    url: str
    sqlite: Path
    csv: Path
    rows: list[dict[str, object]]


@dataclass(frozen=True)
class Program:
    """`needs`: an executable, or a module of the Python tools (“python:pandas”). `run` writes the file."""

    name: str
    needs: str
    run: Callable[[Source, Path], None]
    ending: str = "csv"

    def is_here(self) -> bool:
        kind, _, module = self.needs.partition(":")
        if kind != "python":
            return shutil.which(self.needs) is not None or (PYTHON_TOOLS / self.needs).exists()
        python = PYTHON_TOOLS / "python"
        return (
            python.exists() and subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0
        )


def shell(*command: str | Path, into: Path | None = None, env: Mapping[str, str] = {}, stdin: str = "") -> None:
    path = f"{PYTHON_TOOLS}:{os.environ['PATH']}"
    done = subprocess.run(
        command, input=stdin.encode(), capture_output=True, env={**os.environ, "PATH": path, "LC_ALL": "C.UTF-8", **env}
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr.decode()[-500:]}")
    if into:
        into.write_bytes(done.stdout)


def psql(query: str, *options: str, zone: str = "UTC") -> Callable[[Source, Path], None]:
    def run(source: Source, file: Path) -> None:
        command = query.replace("FILE", str(file))
        into = None if "FILE" in query else file
        shell("psql", "-X", *options, "-c", command, source.url, into=into, env={"PGTZ": zone})

    return run


def sqlite3(*options: str) -> Callable[[Source, Path], None]:
    return lambda source, file: shell("sqlite3", *options, source.sqlite, "select * from work_items", into=file)


def python(code: str) -> Callable[[Source, Path], None]:
    """Code that reads IN and writes OUT."""

    def run(source: Source, file: Path) -> None:
        shell(PYTHON_TOOLS / "python", "-c", f"IN, OUT = {str(source.csv)!r}, {str(file)!r}\n{code}")

    return run


def filtered(*command: str, env: Mapping[str, str] = {}) -> Callable[[Source, Path], None]:
    """A program that reads psql's CSV and writes to standard output."""
    return lambda source, file: shell(*[part.replace("IN", str(source.csv)) for part in command], into=file, env=env)


def r_language(code: str) -> Callable[[Source, Path], None]:
    return lambda source, file: shell("Rscript", "-e", code.replace("IN", str(source.csv)).replace("OUT", str(file)))


def libreoffice(language: str, separator: str, *, quoted_as_text: str = "false") -> Callable[[Source, Path], None]:
    """Opens psql's CSV in the language given, and saves it as CSV again."""

    def run(source: Source, file: Path) -> None:
        profile = file.with_suffix(".profile")
        settings = profile / "user" / "registrymodifications.xcu"
        settings.parent.mkdir(parents=True)
        settings.write_text(_SETTINGS.replace("LANGUAGE", language))
        token = {"en-US": "1033", "de-DE": "1031"}[language]
        folder = file.with_suffix(".out")
        shell(
            *("soffice", f"-env:UserInstallation=file://{profile}", "--headless"),
            f"--infilter=CSV:44,34,76,1,,{token},{quoted_as_text},true",
            *("--convert-to", f"csv:Text - txt - csv (StarCalc):{ord(separator)},34,76,1,,{token},false,true"),
            *("--outdir", folder, source.csv),
        )
        shutil.move(next(folder.glob("*.csv")), file)

    return run


_SETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse"><value>LANGUAGE</value></prop></item>
</oor:items>
"""


def dumped(source: Source, file: Path) -> None:
    """Django's dumpdata, with institutions that items point to by number."""
    from .hard_table import INSTITUTIONS

    objects = [
        {"model": "x.institution", "pk": pk, "fields": {"identifier": name, "name": name}}
        for pk, name in INSTITUTIONS.items()
    ]
    for row in source.rows:
        fields = {name: value for name, value in row.items() if name not in ("id", "institution_id")}
        objects.append(
            {"model": "x.workitem", "pk": row["id"], "fields": {**fields, "institution": row["institution_id"]}}
        )
    file.write_text(json.dumps(objects, default=str))


COPY = r"\copy ({}) to 'FILE'"
ROWS = "select row_to_json(w) from work_items w order by id"
PANDAS = "import pandas as pd; d = pd.read_csv(IN{}); d.to_{}"
PROGRAMS = (
    Program("psql csv header", "psql", psql(COPY.format("select * from work_items") + " with (format csv, header)")),
    Program(
        "psql csv header, New York",
        "psql",
        psql(COPY.format("select * from work_items") + " with (format csv, header)", zone="America/New_York"),
    ),
    Program("psql csv escape \\", "psql", psql(COPY.format("select * from work_items") + r" with (format csv, header, escape '\')")),
    Program("psql csv ;", "psql", psql(COPY.format("select * from work_items") + " with (format csv, header, delimiter ';')")),
    Program("psql text with header", "psql", psql(COPY.format("select * from work_items") + " with (header)"), "txt"),
    Program("psql csv quote '", "psql", psql(COPY.format("select * from work_items") + " with (format csv, header, quote '''')")),
    Program("psql text with header, ,", "psql", psql(COPY.format("select * from work_items") + " with (header, delimiter ',')"), "txt"),
    Program("psql text with header, |, no \\N", "psql", psql(COPY.format("select * from work_items") + " with (header, delimiter '|', null '')"), "txt"),
    Program("psql -A", "psql", psql("select * from work_items", "-A"), "txt"),
    Program("psql text", "psql", psql(COPY.format("select * from work_items")), "txt"),
    Program("psql copy row_to_json", "psql", psql(COPY.format(ROWS)), "jsonl"),
    Program("psql copy json_agg", "psql", psql(COPY.format("select json_agg(w) from work_items w")), "json"),
    Program("psql -At row_to_json", "psql", psql(ROWS, "-At"), "jsonl"),
    Program("psql -At json_agg", "psql", psql("select json_agg(w) from work_items w", "-At"), "json"),
    Program("psql -t json_agg (plus signs)", "psql", psql("select json_agg(w) from work_items w", "-t"), "json"),
    Program("psql aligned", "psql", psql("select * from work_items"), "txt"),
    Program("psql --csv", "psql", psql("select * from work_items", "--csv")),
    Program("sqlite3 csv", "sqlite3", sqlite3("-csv", "-header")),
    Program("sqlite3 json", "sqlite3", sqlite3("-json"), "json"),
    Program("sqlite3 tabs", "sqlite3", sqlite3("-tabs", "-header"), "tsv"),
    Program("sqlite3 list", "sqlite3", sqlite3("-list", "-header"), "txt"),
    Program("pandas csv", "python:pandas", python(PANDAS.format("", "csv(OUT, index=False)"))),
    Program("pandas csv with index", "python:pandas", python(PANDAS.format("", "csv(OUT)"))),
    Program("pandas csv, dtype=str", "python:pandas", python(PANDAS.format(", dtype=str", "csv(OUT, index=False)"))),
    Program(
        "pandas csv, dtype=str, keep_default_na=False",
        "python:pandas",
        python(PANDAS.format(", dtype=str, keep_default_na=False", "csv(OUT, index=False)")),
    ),
    Program(
        "pandas csv, escapechar",
        "python:pandas",
        python(
            PANDAS.format(
                ", dtype=str, keep_default_na=False", "csv(OUT, index=False, escapechar='\\\\', doublequote=False)"
            )
        ),
    ),
    Program("pandas json records", "python:pandas", python(PANDAS.format("", "json(OUT, orient='records')")), "json"),
    Program(
        "pandas json records, dtype=str",
        "python:pandas",
        python(PANDAS.format(", dtype=str", "json(OUT, orient='records', lines=True)")),
        "jsonl",
    ),
    Program(
        "pandas json, dates parsed",
        "python:pandas",
        python(PANDAS.format(", parse_dates=['created_at', 'updated_at']", "json(OUT, orient='records')")),
        "json",
    ),
    Program("pandas json, default", "python:pandas", python(PANDAS.format("", "json(OUT)")), "json"),
    Program("polars csv", "python:polars", python("import polars as p; p.read_csv(IN, infer_schema_length=None).write_csv(OUT)")),
    Program("polars csv without quotes", "python:polars", python("import polars as p; p.read_csv(IN, infer_schema=False).write_csv(OUT, quote_style='never')")),
    Program("polars ndjson", "python:polars", python("import polars as p; p.read_csv(IN, infer_schema=False).write_ndjson(OUT)"), "jsonl"),
    Program(
        "polars parquet", "python:polars", python("import polars as p; p.read_csv(IN, infer_schema=False).write_parquet(OUT)"), "parquet"
    ),
    Program("duckdb csv", "python:duckdb", python("import duckdb as d; d.sql(f\"copy (from read_csv('{IN}')) to '{OUT}' (header)\")")),
    Program(
        "duckdb json",
        "python:duckdb",
        python("import duckdb as d; d.sql(f\"copy (from read_csv('{IN}', all_varchar=true)) to '{OUT}' (format json)\")"),
        "json",
    ),
    Program("csvkit csvsort", "csvsort", filtered("csvsort", "-z", "1000000", "-c", "id", "IN")),
    Program("csvkit csvcut", "csvcut", filtered("csvcut", "-z", "1000000", "-C", "inst_approver", "IN")),
    Program("csvkit csvjson", "csvjson", filtered("csvjson", "-z", "1000000", "IN"), "json"),
    Program("R write.csv", "Rscript", r_language('write.csv(read.csv("IN"), "OUT")')),
    Program("R write.csv, NA as nothing", "Rscript", r_language('write.csv(read.csv("IN"), "OUT", na="", row.names=FALSE)')),
    Program("R write.csv, text", "Rscript", r_language('write.csv(read.csv("IN", colClasses="character"), "OUT", row.names=FALSE)')),
    Program("R write.table", "Rscript", r_language('write.table(read.csv("IN"), "OUT", sep=",")')),
    Program("R write.csv2", "Rscript", r_language('write.csv2(read.csv("IN"), "OUT", row.names=FALSE)')),
    Program("LibreOffice, English", "soffice", libreoffice("en-US", ",")),
    Program("LibreOffice, German", "soffice", libreoffice("de-DE", ";")),
    Program("Windows-1252", "python3", filtered("python3", "-c", "import sys; sys.stdout.buffer.write(open('IN', encoding='utf-8', newline='').read().encode('cp1252', 'replace'))")),
    Program("Windows line breaks", "sed", filtered("sed", "s/$/\\r/", "IN")),
    Program("Miller csv", "mlr", filtered("mlr", "--icsv", "--ocsv", "cat", "IN")),
    Program("Miller csvlite", "mlr", filtered("mlr", "--icsv", "--ocsvlite", "cat", "IN")),
    Program("Miller json", "mlr", filtered("mlr", "--icsv", "--ojson", "cat", "IN"), "json"),
    Program("Miller tsv", "mlr", filtered("mlr", "--icsv", "--otsv", "cat", "IN"), "tsv"),
    Program("Django dumpdata", "python3", dumped, "json"),
)  # fmt: skip
