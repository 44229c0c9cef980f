"""Detects the format of a file by its content, and reads its rows one by one, however large it is.

A reader yields a `RawRow` for each row, including unreadable ones, and finally raises `TruncatedFile` if the file ends
too early: the rows before that are valid.
"""

import contextlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .. import exporting
from . import copied_json, csv_dialects, psql_marks
from .csv_cells import BARE, ESCAPED, UNQUOTED, CsvLines, Dialect, split_rows
from .json_documents import LIST_KEYS, JsonDocument
from .json_rows import is_dumped_object, read_dumpdata, read_export, read_lines
from .raw_rows import RawRow, TruncatedFile, UnreadableFile, first_line, quote_value
from .right_commands import AS_CSV
from .sources import DAMAGED, Source

PHAROS_JSON, REGISTRY_CSV, LIST_CSV, PHAROS_EXPORT, DUMPDATA = FORMATS = (
    "pharos-json",
    "registry-csv",
    "list-csv",
    "pharos-export",
    "dumpdata",
)
ITEM_COLUMNS = frozenset({"id", "name", "action", "stage", "status"})
CSV_COLUMNS = ITEM_COLUMNS | {"institution_id"}
_UNDONE = {
    ESCAPED: "has a backslash before quotes and other characters; it was undone",
    UNQUOTED: "has a backslash before quotes and other characters; it was undone",
    BARE: "has no quotes around its cells, so each quote is taken as part of a text; texts of several lines are rejected",
}
# A column of a spreadsheet or of R that only numbers the rows.
_ROW_NAMES = frozenset({"", "unnamed: 0", "rownames", "row.names", "_row"})


@dataclass
class DetectedFile:
    """`rows`: a function that reads them from the start and reports how many bytes it has read. `notices`: what was undone.
    `next_page`: the next page that a list reply names, known once the rows have been read.
    """

    format: str
    rows: Callable[[Callable[[int], object]], Iterator[RawRow]]
    notices: list[str] = field(default_factory=list)
    first: Any = None  # the value of the first row
    is_doubtful: bool = False  # backslashes may be escapes, but are taken as they are
    marks_empty: bool | None = None  # whether it tells empty texts from missing ones; None if its rows show that
    next_page: str = ""

    @property
    def is_dump(self) -> bool:
        """Returns whether it is a table as a database holds it, which names institutions by number, or comes from one."""
        said = self.first if isinstance(self.first, dict) else {}
        return self.format in (REGISTRY_CSV, DUMPDATA) or (
            self.format == PHAROS_JSON and "institution_id" in said and not said.get("institution")
        )


def detect_format(source: Source, *, wanted: str | None = None, backslashes: str | None = None) -> DetectedFile:
    """Detects what the source contains. Raises UnreadableFile if it is no known format, or not the one that is
    `wanted`. `backslashes`: "plain" or "escaped", for files that don't show it.
    """
    is_json = source.head.lstrip()[:1] in (b"[", b"{")
    found = _detect_json(source, backslashes) if is_json else _detect_csv(source, backslashes)
    if wanted and wanted != found.format:
        raise UnreadableFile(
            f"{source.name} looks like {found.format}, not {wanted}. Leave out --format, or use another file."
        )
    return found


def read_table(source: Source) -> Iterator[RawRow]:
    """Yields the rows of a table of any columns, in JSON or CSV."""
    if source.head.lstrip()[:1] in (b"[", b"{"):
        return _detect_json(source, None).rows(lambda size: None)
    dialect = csv_dialects.find_dialect(source.head, frozenset({"id", "identifier", "name"}))
    return _csv_rows(source, csv_dialects.find_style(source, dialect, csv_dialects.AS_PLAIN), lambda size: None)


# --- JSON


def _detect_json(source: Source, backslashes: str | None) -> DetectedFile:
    filters: list[Callable[[Any], Any]] = []
    notices = []
    head = source.head
    if psql_marks.has_marks(head):
        filters.append(psql_marks.without_marks)
        notices.append(f"{source.name} has the plus signs that psql shows at the ends of lines; they were removed.")
        head = psql_marks.without_marks(io.BytesIO(head)).read()
    if not filters and _find_escaping(source, backslashes) == copied_json.DOUBLED:
        filters.append(copied_json.undone)
        notices.append(
            f"{source.name} was written by \\copy, which doubles each backslash; the doubled ones were undone."
        )
        head = copied_json.undo_escapes(head)
    found = DetectedFile(PHAROS_JSON, lambda advance: iter(()), notices)
    form = _json_form(head, source.name)
    plain_rows = found.rows = _json_reader(source, form, filters, found)
    first = _first(plain_rows)
    if first is None or not isinstance(first.value, dict):
        return found
    found.first = first.value
    if first.value.get("format") == exporting.FORMAT:
        _check_version(first.value, source.name)
        found.format, found.rows = PHAROS_EXPORT, lambda advance: read_export(plain_rows(advance))
    elif is_dumped_object(first.value):
        found.format, found.rows = DUMPDATA, lambda advance: read_dumpdata(plain_rows(advance))
    return found


def _first(rows: Callable[[Callable[[int], object]], Iterator[RawRow]]) -> RawRow | None:
    with contextlib.suppress(TruncatedFile, OSError), contextlib.closing(rows(lambda size: None)) as reading:  # type: ignore[type-var]
        return next(reading, None)
    return None


def _find_escaping(source: Source, backslashes: str | None) -> str:
    if backslashes:
        return backslashes
    try:
        with source.open() as stream:
            return copied_json.find_escaping(stream, source.name)
    except (*DAMAGED, OSError):
        return copied_json.PLAIN  # reading its rows will say so


def _json_form(head: bytes, name: str) -> str:
    """Returns the name of the method of JsonDocument that reads it; empty for one object per line."""
    if head.lstrip()[:1] == b"[":
        return "elements"
    first = head.lstrip().split(b"\n", 1)[0].strip()
    try:
        keys = [f"{key}[" if isinstance(value, list) else key for key, value in json.loads(first).items()]
        is_line = True
    except (ValueError, RecursionError):
        keys = JsonDocument(io.BufferedReader(io.BytesIO(head))).top_keys()
        is_line = not first.endswith((b"{", b"[", b","))
    if "columns[" in keys or ("id" in keys and _has_columns_for_rows(head)):
        raise UnreadableFile(
            f"{name} holds columns instead of rows, as pandas writes JSON by default. Write it with "
            "to_json(orient='records', date_format='iso', date_unit='us')."
        )
    if any(f"{key}[" in keys for key in LIST_KEYS):
        return "results"
    return "" if is_line else "objects"


def _has_columns_for_rows(head: bytes) -> bool:
    """Returns whether the first values are objects whose keys number the rows."""
    start = b"".join(head[:200].split())
    return start.startswith((b'{"id":{"0":', b'{"id":{"1":', b'{"id":['))


def _json_reader(source: Source, form: str, filters: list[Callable[[Any], Any]], found: DetectedFile) -> Any:
    def rows(advance: Callable[[int], object]) -> Iterator[RawRow]:
        with source.open(advance) as stream:
            undone: Any = stream
            for undo in filters:
                undone = undo(undone)
            if not form:
                yield from read_lines(undone)
                return
            document = JsonDocument(undone)
            try:
                yield from getattr(document, form)()
            finally:
                found.next_page = document.next_page

    return rows


def _check_version(header: dict[str, Any], name: str) -> None:
    if header.get("version") not in range(1, exporting.VERSION + 1):
        raise UnreadableFile(
            f"{name} is an export of version {quote_value(header.get('version'))}; this program reads versions up to "
            f"{exporting.VERSION}. Import it with the version of the program that wrote it, or a later one."
        )


# --- CSV


def _detect_csv(source: Source, backslashes: str | None) -> DetectedFile:
    name = source.name
    if csv_dialects.is_screen_table(source.head):
        raise UnreadableFile(
            f"{name} is a table as a program shows it on a screen, in which cells can be cut. Write a file instead, "
            f"for example: {AS_CSV}."
        )
    dialect = csv_dialects.find_dialect(source.head, CSV_COLUMNS | {"institution"})
    columns = set(dialect.columns)
    if not columns >= ITEM_COLUMNS or not columns & {"institution_id", "institution", "institution_identifier"}:
        raise UnreadableFile(_explain_header(source.head, dialect, name))
    if twice := sorted({one for one in columns - _ROW_NAMES if dialect.columns.count(one) > 1}):
        raise UnreadableFile(f"The header of {name} names {', '.join(twice)} twice. Remove the wrong one.")
    dialect = csv_dialects.find_style(source, dialect, backslashes)
    rows = lambda advance: _csv_rows(source, dialect, advance)  # noqa: E731
    first = _first(rows)
    return DetectedFile(
        REGISTRY_CSV if "institution_id" in columns else LIST_CSV,
        rows,
        [f"{name} {_UNDONE[dialect.style]}."] if dialect.style in _UNDONE else [],
        first.value if first else None,
        dialect.is_doubtful,
        dialect.marks_empty,
    )


def _explain_header(head: bytes, dialect: Dialect, name: str) -> str:
    columns = set(dialect.columns)
    if {"id", "identifier"} <= columns:
        return f"{name} is a table of institutions: use it with --institution-map, together with the items' file."
    if len(columns & CSV_COLUMNS) >= 3:
        return (
            f"{name} looks like a dump of Registry's work_items, but its header lacks "
            f"{', '.join(sorted(CSV_COLUMNS - columns))}. Dump the table again with all its columns."
        )
    if head.split(b"\n", 1)[0].count(b"\t") > 10:
        return f"{name} looks like \\copy in PostgreSQL's text format, which has no header. Write it again: {AS_CSV}."
    return (
        f"{name} is not in a format that can be imported: Pharos' API as JSON (a list reply, an array, or one object a "
        "line), a CSV dump of Registry's work_items with its header line, a list saved as CSV, Django's dumpdata, or a "
        f"file of export_workitems. It starts with {head[:60].decode('utf-8', 'replace')!r}."
    )


def _csv_rows(source: Source, dialect: Dialect, advance: Callable[[int], object]) -> Iterator[RawRow]:
    columns = dialect.columns
    with source.open(advance) as stream:
        lines = CsvLines(stream, dialect.skipped)
        rows = split_rows(lines, dialect)
        try:
            next(rows)
            for number, cells, problem in rows:
                text = "".join(lines.kept)
                if not problem and len(cells) != len(columns):
                    problem = f"the row has {len(cells)} cells, the header {len(columns)}"
                value = None if problem else dict(zip(columns, cells, strict=True))
                for extra in _ROW_NAMES & (value or {}).keys():
                    del value[extra]  # type: ignore[union-attr]
                yield RawRow(number, value, text, problem)
        except DAMAGED as error:
            raise TruncatedFile(
                f"the compressed file is damaged after line {lines.number} ({first_line(error)})"
            ) from error
