"""Finds out how a CSV file is written: what comes before its header, what separates its cells, what a backslash means."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

from .csv_cells import (
    BARE,
    ESCAPED,
    UNQUOTED,
    CsvLines,
    Dialect,
    has_escapes_in_quotes_only,
    has_quotes_in_bare_cells,
    split_rows,
)
from .raw_rows import UnreadableFile
from .right_commands import AS_CSV
from .sources import DAMAGED, Source

AS_PLAIN, AS_ESCAPES = BACKSLASHES = ("plain", "escaped")  # what a user can say of the backslashes in a file
_DELIMITERS = (",", ";", "\t", "|")
# Lines that spreadsheets and PowerShell write before the header.
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_TYPE_LINE = re.compile(r'"?#type .*', re.IGNORECASE)
# How psql, sqlite3 and others show a table on a screen.
_RULER = re.compile(r"\s*[-+|=:─═┌└├┼┬┴┤┐┘╞╪╡│┃━]{3,}[-+|=:─═┌└├┼┬┴┤┐┘╞╪╡│┃━ ]*")


def find_dialect(head: bytes, wanted: frozenset[str]) -> Dialect:
    """Returns the dialect as far as the first lines show it: the delimiter is the one with which the header has most of the
    wanted columns.
    """
    lines = head.decode("utf-8", "replace").splitlines(keepends=True)
    skipped = 0
    delimiters: tuple[str, ...] = _DELIMITERS
    while skipped < len(lines):
        line = lines[skipped]
        if separator := _SEPARATOR_LINE.fullmatch(line):
            delimiters = (separator[1],)
        elif line.strip() and not _TYPE_LINE.fullmatch(line.rstrip("\r\n")):
            break
        skipped += 1
    text = "".join(lines[skipped:])
    found = [Dialect(_header(text, mark), mark, skipped) for mark in delimiters]
    return max(found, key=lambda dialect: (len(wanted & set(dialect.columns)), len(dialect.columns)))


def _header(text: str, delimiter: str) -> tuple[str, ...]:
    try:
        first = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    except csv.Error:
        first = []
    return tuple(column.strip().lower() for column in first)


def is_screen_table(head: bytes) -> bool:
    """Returns whether it is a table as a program shows it on a screen, with a ruler above or below its header."""
    lines = [line for line in head.decode("utf-8", "replace").splitlines() if line.strip()]
    return any(_RULER.fullmatch(line) for line in lines[:3])


@dataclass
class _Evidence:
    """What the backslashes and quotes of a file show."""

    backslashes: bool = False
    singles: bool = False  # a backslash that isn't one of a pair
    letters: bool = False  # one before a character that nobody escapes, so it is part of the text
    nulls: bool = False  # \N as a cell
    quotes: bool = False  # a cell in quotes
    bare_quotes: bool = False  # a quote in a cell without quotes around it, so quotes are part of the text
    empty_texts: bool = False  # an empty cell in quotes, as databases mark a text that is empty but not missing
    doubled_quotes: bool = False  # two quotes for one
    header_in_quotes: bool = False  # as of programs that put every text in quotes, so a missing one has none
    single_quotes: bool = False  # a cell that starts with a single quote
    empty_singles: bool = False  # a cell of two single quotes


_RUN = re.compile(r"(\\+)(.?)", re.DOTALL)
_ESCAPED_CHARS = frozenset("\"'nrtbfv0NZ,;|\t\r\n")
_DOUBLED = re.compile(r'(?<=[^\\",;\t|\r\n])""|""(?=[^",;\t|\r\n])')


def find_style(source: Source, dialect: Dialect, backslashes: str | None) -> Dialect:
    """Returns the dialect with its style, after a look at the whole file. `backslashes`: what the user says of them.

    Raises UnreadableFile if nothing in the file shows what its backslashes mean.
    """
    dialect = _with_row_names(source, dialect)
    evidence = _collect(source, dialect)
    dialect = replace(dialect, marks_empty=evidence.empty_texts and not evidence.header_in_quotes)
    if evidence.single_quotes and (single := _in_single_quotes(source, dialect, evidence)):
        return single
    if evidence.bare_quotes and _has_quotes_in_bare_cells(source, dialect):
        dialect = _bare_or_doubtful(source, dialect)
    has_nulls = evidence.nulls and dialect.delimiter == "\t"
    if backslashes == AS_PLAIN or not (evidence.backslashes or has_nulls):
        return dialect
    bad_rows = _count_bad(source, dialect)
    if dialect.delimiter == "\t" and (tabbed := _tabbed(source, dialect, evidence, backslashes, bad_rows)):
        return tabbed
    if (evidence.nulls or bad_rows) and (unquoted := _in_text_format(source, dialect, evidence)):
        return unquoted
    if backslashes == AS_ESCAPES:
        return _escaped(source, dialect)
    is_plain = evidence.doubled_quotes or evidence.letters
    if is_plain and not bad_rows:
        return dialect
    escaped = _escaped(source, dialect)
    bad_if_escaped = _count_bad(source, escaped)
    if bad_rows and not bad_if_escaped:
        return escaped
    if bad_rows and dialect.delimiter == "\t":
        return replace(dialect, is_doubtful=True)  # quotes may be part of the text
    if is_plain or (bad_if_escaped and not bad_rows):
        return dialect
    if not evidence.singles:
        raise _unclear(source, "come only in pairs")
    return replace(dialect, is_doubtful=True)


def _tabbed(
    source: Source, dialect: Dialect, evidence: _Evidence, backslashes: str | None, bad_rows: int
) -> Dialect | None:
    """Programs that separate by tabs and write no quotes nearly always escape line breaks: the dialect if it is such a
    file, None if it isn't.
    """
    unquoted = replace(dialect, style=UNQUOTED)
    is_quoted = evidence.quotes and not evidence.bare_quotes and not bad_rows and not evidence.nulls
    if is_quoted or _count_bad(source, unquoted) or _are_names_in_quotes(source, unquoted):
        return None
    if backslashes == AS_ESCAPES or evidence.nulls or ((bad_rows or evidence.bare_quotes) and not evidence.letters):
        return unquoted
    if evidence.letters:
        return dialect
    raise _unclear(source, "may stand for line breaks and tabs")


def _in_text_format(source: Source, dialect: Dialect, evidence: _Evidence) -> Dialect | None:
    """The dialect of PostgreSQL's text format with another delimiter than a tab, if nothing else explains the file."""
    unquoted = replace(dialect, style=UNQUOTED)
    is_quoted = evidence.quotes and not evidence.bare_quotes
    if is_quoted or evidence.letters or _count_bad(source, unquoted) or _are_names_in_quotes(source, unquoted):
        return None
    return unquoted


def _are_names_in_quotes(source: Source, unquoted: Dialect) -> bool:
    """Returns whether quotes are around each name, so that they are part of none."""
    if "name" not in unquoted.columns:
        return False
    place = unquoted.columns.index("name")
    rows = _rows(source, unquoted)
    next(rows, None)
    return all(cells[place][:1] == cells[place][-1:] == '"' for _number, cells, _problem in rows if len(cells) > place)


def _in_single_quotes(source: Source, dialect: Dialect, evidence: _Evidence) -> Dialect | None:
    """The dialect with single quotes, if each row can be read with them, and not without."""
    single = replace(dialect, quote="'", marks_empty=evidence.empty_singles)
    if _count_bad(source, single) or not (evidence.empty_singles or _count_bad(source, dialect)):
        return None
    return single


def _has_quotes_in_bare_cells(source: Source, dialect: Dialect) -> bool:
    with source.open() as stream, suppress(*DAMAGED, OSError):
        return has_quotes_in_bare_cells(CsvLines(stream, dialect.skipped), dialect)
    return False


def _bare_or_doubtful(source: Source, dialect: Dialect) -> Dialect:
    """Quotes are part of the texts, as where psql or sqlite3 write cells without quotes, unless they hold rows together."""
    bare = replace(dialect, style=BARE)
    if _count_good(source, bare) >= _count_good(source, dialect):
        return bare
    return replace(dialect, is_doubtful=True)


def _unclear(source: Source, what: str) -> UnreadableFile:
    return UnreadableFile(
        f"The backslashes in {source.name} {what}, so they may be escapes or part of the text, and nothing in the file "
        f"shows which. Write it again: {AS_CSV}. "
        "If you know how it was written, add --backslashes escaped (they are escapes) or --backslashes plain (they are "
        "part of the text)."
    )


def _escaped(source: Source, dialect: Dialect) -> Dialect:
    with source.open() as stream, suppress(*DAMAGED, OSError, StopIteration):
        if has_escapes_in_quotes_only(CsvLines(stream, dialect.skipped), dialect):
            return replace(dialect, style=ESCAPED, escapes_bare=False)
    return replace(dialect, style=ESCAPED)


def _collect(source: Source, dialect: Dialect) -> _Evidence:
    evidence = _Evidence()
    mark = re.escape(dialect.delimiter)
    null = re.compile(rf"(?:^|{mark})\\N(?=[{mark}\r\n]|$)")
    quote = re.compile(rf'(?:^|{mark})"')
    bare_quote = re.compile(rf'(?:^|{mark})[^"{mark}\r\n][^{mark}\r\n]*"')
    empty = re.compile(rf'{mark}""(?=[{mark}\r\n])')
    single = re.compile(rf"(?:^|{mark})'")
    empty_single = re.compile(rf"{mark}''(?=[{mark}\r\n])")
    with source.open() as stream, suppress(*DAMAGED, OSError, StopIteration):
        for number, line in enumerate(CsvLines(stream, dialect.skipped)):
            if number > 0 and '"' in line:
                evidence.quotes |= quote.search(line) is not None
                evidence.bare_quotes |= bare_quote.search(line) is not None
                evidence.empty_texts |= empty.search(line) is not None
            evidence.header_in_quotes |= number == 0 and line.startswith('"')
            if number > 0 and "'" in line:
                evidence.single_quotes |= single.search(line) is not None
                evidence.empty_singles |= empty_single.search(line) is not None
            evidence.doubled_quotes |= '""' in line and _DOUBLED.search(line) is not None
            if "\\" not in line:
                continue
            rest = null.sub("", line)
            evidence.nulls |= rest != line
            evidence.backslashes |= "\\" in rest
            for run, following in _RUN.findall(rest):
                if len(run) % 2:
                    evidence.singles = True
                    evidence.letters |= following not in _ESCAPED_CHARS
    return evidence


def _rows(source: Source, dialect: Dialect) -> Iterator[tuple[int, list[str], str]]:
    with source.open() as stream, suppress(*DAMAGED, OSError, StopIteration):
        yield from split_rows(CsvLines(stream, dialect.skipped), dialect)


def _count_bad(source: Source, dialect: Dialect) -> int:
    width = len(dialect.columns)
    return sum(1 for _number, cells, problem in _rows(source, dialect) if problem or len(cells) != width)


def _count_good(source: Source, dialect: Dialect) -> int:
    width = len(dialect.columns)
    return sum(1 for _number, cells, problem in _rows(source, dialect) if not problem and len(cells) == width)


def _with_row_names(source: Source, dialect: Dialect) -> Dialect:
    """R's write.table has no header above the row names, so each row has one cell more."""
    rows = _rows(source, dialect)
    first = [next(rows, (0, [], ""))[1] for _row in range(3)][1:]
    rows.close()  # type: ignore[attr-defined]
    longer = [cells for cells in first if len(cells) == len(dialect.columns) + 1]
    is_numbered = [cells[0] for cells in longer] == ["1", "2"][: len(longer)]
    if longer and is_numbered and len(longer) == len([cells for cells in first if cells]):
        return replace(dialect, columns=("", *dialect.columns))
    return dialect
