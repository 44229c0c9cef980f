"""Splits the text of a CSV file into cells, in the four styles that programs write.

`quoted` is RFC 4180, in which a quote is doubled. `escaped` puts a backslash before quotes and backslashes instead.
`unquoted` has no quotes and escapes everything, like PostgreSQL's text format. `bare` has neither quotes nor escapes, so
that a text with a line break or a delimiter breaks its row.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

QUOTED, ESCAPED, UNQUOTED, BARE = "quoted", "escaped", "unquoted", "bare"
LONGEST_CELL = 16 * 1024 * 1024  # a longer cell means an unclosed quote, which would make the rest of the file one cell
NULL = r"\N"
_RUN = re.compile(r"(\\+)(.?)")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_UNESCAPED_QUOTE = re.compile(r'(?<!\\)"')
_MEANT = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "Z": "\x1a"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the cells of a file are written.

    `skipped`: the lines before its header. `escapes_bare`: in the escaped style, cells without quotes have escapes, too.
    `is_doubtful`: backslashes may be escapes, but are taken as they are. `marks_empty`: a text that is empty, but not
    missing, has quotes. `quote`: the quotes of the quoted style.
    """

    columns: tuple[str, ...]
    delimiter: str = ","
    skipped: int = 0
    style: str = QUOTED
    quote: str = '"'
    escapes_bare: bool = True
    is_doubtful: bool = False
    marks_empty: bool = False


class CsvLines:
    """The lines of a file, with the original text of the current row and the number of the last line."""

    def __init__(self, stream: BinaryIO, skipped: int = 0) -> None:
        self.stream = io.TextIOWrapper(stream, encoding="utf-8", errors="workitems-mark", newline="")
        self.kept: list[str] = []
        self.number = 0
        for _line in range(skipped):
            next(self)

    def __iter__(self) -> "CsvLines":
        return self

    def __next__(self) -> str:
        line = self.stream.readline(LONGEST_CELL)
        if not line:
            raise StopIteration
        self.number += 1
        self.kept.append(line)
        return line


def split_rows(lines: CsvLines, dialect: Dialect) -> Iterator[tuple[int, list[str], str]]:
    """Yields (line, cells, what is wrong with the row), from the header on. Empty rows are left out."""
    read = _SPLITTERS[dialect.style](lines, dialect)
    while True:
        lines.kept.clear()
        number = lines.number + 1
        try:
            cells = next(read)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, [], f"the row is not CSV: {error}"
            continue
        if cells:
            yield number, cells, ""


class _Quoted:
    """The csv module's reader, which can hold long notes."""

    def __init__(self, lines: CsvLines, dialect: Dialect) -> None:
        self.reader = csv.reader(lines, strict=True, delimiter=dialect.delimiter, quotechar=dialect.quote)

    def __next__(self) -> list[str]:
        before = csv.field_size_limit(LONGEST_CELL)
        try:
            return next(self.reader)
        finally:
            csv.field_size_limit(before)


class _Escaped:
    """Cells in quotes, in which a backslash comes before quotes and backslashes; a row ends where no quote is open."""

    def __init__(self, lines: CsvLines, dialect: Dialect) -> None:
        mark = re.escape(dialect.delimiter)
        bare = rf"(?:[^{mark}\r\n\\]|\\.)*+" if dialect.escapes_bare else rf"[^{mark}\r\n]*+"
        self.cell = re.compile(rf'(?:"((?:[^"\\]|\\.)*+)"|({bare}))({mark}|\r\n|\n|\r|\Z)', re.DOTALL)
        self.lines = lines
        self.delimiter = dialect.delimiter
        self.escapes_bare = dialect.escapes_bare
        self.has_bare_single = False  # a cell without quotes had a single backslash

    def __next__(self) -> list[str]:
        text = next(self.lines)
        while _has_open_quote(text) and len(text) < LONGEST_CELL:
            try:
                text += next(self.lines)
            except StopIteration:
                break
        return self._cells(text) if text.strip("\r\n") else []

    def _cells(self, text: str) -> list[str]:
        cells, place = [], 0
        while True:
            found = self.cell.match(text, place)
            if found is None:
                raise csv.Error("a quote is where no quote should be")
            quoted, bare, end = found.groups()
            if quoted is None:
                self.has_bare_single |= bare != NULL and self._has_single(bare)
                cells.append(_bare(bare) if self.escapes_bare else bare)
            else:
                cells.append(undo_escapes(quoted))
            place = found.end()
            if end != self.delimiter:
                if place < len(text):
                    raise csv.Error("a line break is where none should be")
                return cells

    def _has_single(self, bare: str) -> bool:
        return "\\" in bare and any(
            len(run) % 2 and after not in ('"', self.delimiter) for run, after in _RUN.findall(bare)
        )


class _Unquoted:
    """PostgreSQL's text format: a line is a row; line breaks and delimiters are escaped; \\N is NULL."""

    def __init__(self, lines: CsvLines, dialect: Dialect) -> None:
        self.lines = lines
        self.delimiter = dialect.delimiter
        self.token = re.compile(rf"\\.|{re.escape(self.delimiter)}", re.DOTALL)

    def __next__(self) -> list[str]:
        line = next(self.lines).rstrip("\r\n")
        if line in ("", r"\."):
            return []
        return [_bare(cell) for cell in self._split(line)]

    def _split(self, line: str) -> list[str]:
        """Splits at the delimiters that have no backslash before them. (PostgreSQL writes a tab as \\t, but a comma as \\,.)"""
        if f"\\{self.delimiter}" not in line:
            return line.split(self.delimiter)
        cells, start = [], 0
        for found in self.token.finditer(line):
            if found[0] == self.delimiter:
                cells.append(line[start : found.start()])
                start = found.end()
        return [*cells, line[start:]]


class _Bare:
    """A line is a row, and its cells are what is between the delimiters."""

    def __init__(self, lines: CsvLines, dialect: Dialect) -> None:
        self.lines = lines
        self.delimiter = dialect.delimiter

    def __next__(self) -> list[str]:
        line = next(self.lines).rstrip("\r\n")
        return line.split(self.delimiter) if line else []


_SPLITTERS: dict[str, Any] = {QUOTED: _Quoted, ESCAPED: _Escaped, UNQUOTED: _Unquoted, BARE: _Bare}


def _bare(text: str) -> str:
    return "" if text == NULL else undo_escapes(text)


def undo_escapes(text: str) -> str:
    return _ESCAPE.sub(lambda found: _MEANT.get(found[1], found[1]), text) if "\\" in text else text


def has_escapes_in_quotes_only(lines: CsvLines, dialect: Dialect) -> bool:
    """Returns whether a cell without quotes has a single backslash, as PostgreSQL's `escape '\\'` leaves it."""
    reader = _Escaped(lines, replace(dialect, style=ESCAPED, escapes_bare=False))
    while not reader.has_bare_single:
        try:
            next(reader)
        except StopIteration:
            break
        except csv.Error:
            continue
    return reader.has_bare_single


def has_quotes_in_bare_cells(lines: CsvLines, dialect: Dialect) -> bool:
    """Returns whether a cell without quotes around it has a quote inside, which no program writes that uses quotes."""
    mark = re.escape(dialect.delimiter)
    cell = re.compile(rf'(?:"(?:[^"]|"")*+"|([^"{mark}\r\n][^{mark}\r\n]*+)?)({mark}|\r\n|\n|\r|\Z)')
    for row in split_rows(lines, dialect):
        text = "".join(lines.kept)
        if row[2] or '"' not in text:
            continue
        place = 0
        while found := cell.match(text, place):
            if _UNESCAPED_QUOTE.search(found[1] or ""):
                return True
            if found.end() == place or found.end() == len(text):
                break
            place = found.end()
    return False


def _has_open_quote(text: str) -> bool:
    return _ESCAPE.sub("", text).count('"') % 2 == 1
