"""Detects the format of a file by its content, and reads its rows one by one, however large it is.

Readers yield a `RawRow` for each row, including unreadable ones. If the file ends too early, they raise `TruncatedFile`
after the last row. `json_documents` reads JSON documents, and this module all other formats.
"""

import codecs
import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from .. import exporting
from .json_documents import DAMAGED, JsonDocument
from .raw_rows import LONGEST_ROW, RawRow, TruncatedFile, UnreadableFile, describe_limit, first_line, quote_value

PHAROS_JSON, REGISTRY_CSV, PHAROS_EXPORT = FORMATS = ("pharos-json", "registry-csv", "pharos-export")
HEAD_SIZE = 65_536  # bytes examined to detect the format
LONGEST_CELL = 16 * 1024 * 1024  # a longer cell means an unclosed quote, which would make the rest of the file one cell
OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}
CSV_COLUMNS = frozenset({"id", "name", "action", "stage", "status", "institution_id"})


@dataclass
class DetectedFile:
    format: str
    rows: Callable[[], Iterator[RawRow]]
    document: JsonDocument | None = None

    @property
    def next_page(self) -> str:
        """The next page that a list reply names, known once the file has been read. Then the file is only one page of several."""
        return self.document.next_page if self.document else ""


class _PeekedStream(io.RawIOBase):
    """A stream whose beginning has already been read. `advance` is called with the number of bytes read."""

    def __init__(self, head: bytes, rest: BinaryIO, advance: Callable[[int], object]) -> None:
        self.head = memoryview(head)
        self.rest = rest
        self.advance = advance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        room = len(buffer)
        piece = self.head[:room] if self.head else self.rest.read(room)
        if self.head:
            self.head = self.head[room:]
        buffer[: len(piece)] = piece
        self.advance(len(piece))
        return len(piece)


def detect_format(
    stream: BinaryIO, name: str, *, wanted: str | None = None, advance: Callable[[int], object] = lambda size: None
) -> DetectedFile:
    """Detects the format of the stream. Raises UnreadableFile if it is unknown or not the `wanted` one."""
    head, whole = _peek(stream, name, advance)
    if head.startswith(b"\x1f\x8b"):
        head, whole = _peek(gzip.GzipFile(fileobj=whole), name, lambda size: None)  # type: ignore[arg-type]
    if head.startswith(codecs.BOM_UTF8):
        whole.read(len(codecs.BOM_UTF8))
        head = head.removeprefix(codecs.BOM_UTF8)
    if not head.strip():
        raise UnreadableFile(f"{name} is empty.")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UnreadableFile(f"{name} is text in UTF-16. Save it as UTF-8 and import the new file.")
    found = _detect_text_format(head, whole, name)
    if wanted and wanted != found.format:
        raise UnreadableFile(
            f"{name} looks like {found.format}, not {wanted}. Leave out --format, or use another file."
        )
    return found


def _peek(stream: BinaryIO, name: str, advance: Callable[[int], object]) -> tuple[bytes, io.BufferedReader]:
    head = b""
    try:
        # A read from a pipe returns what is available, which can be little.
        while len(head) < HEAD_SIZE and (piece := stream.read(HEAD_SIZE - len(head))):
            head += piece
    except DAMAGED as error:
        raise UnreadableFile(f"The compressed file {name} is damaged: {first_line(error)}.") from error
    return head, io.BufferedReader(_PeekedStream(head, stream, advance), 1 << 18)


def _detect_text_format(head: bytes, whole: io.BufferedReader, name: str) -> DetectedFile:
    start = head.lstrip()[:1]
    if start == b"[":
        return _json_document(whole, JsonDocument.elements)
    if start != b"{":
        return _detect_csv_format(head, whole, name)
    first = head.lstrip().split(b"\n", 1)[0].strip()
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        if JsonDocument(io.BufferedReader(io.BytesIO(head))).has_results():
            return _json_document(whole, JsonDocument.results)
        if first.endswith((b"{", b"[", b",")):
            return _json_document(whole, JsonDocument.objects)
        return DetectedFile(PHAROS_JSON, lambda: _json_lines(whole))
    if value.get("format") == exporting.FORMAT:
        if value.get("version") != exporting.VERSION:
            raise UnreadableFile(
                f"{name} is an export of version {quote_value(value.get('version'))}; this program reads version {exporting.VERSION}. "
                "Import it with the version of the program that wrote it, or a later one."
            )
        return DetectedFile(PHAROS_EXPORT, lambda: _export(whole))
    if isinstance(value.get("results"), list):
        return _json_document(whole, JsonDocument.results)
    return DetectedFile(PHAROS_JSON, lambda: _json_lines(whole))


def _json_document(whole: io.BufferedReader, rows: Callable[[JsonDocument], Iterator[RawRow]]) -> DetectedFile:
    document = JsonDocument(whole)
    return DetectedFile(PHAROS_JSON, lambda: rows(document), document)


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes, str]]:
    """Yields (number, bytes, what is wrong with the line or "")."""
    number = 0
    try:
        while line := stream.readline(LONGEST_ROW):
            number += 1
            problem = ""
            if len(line) == LONGEST_ROW and not line.endswith(b"\n"):
                problem = f"the line is longer than {LONGEST_ROW} bytes"
                while (rest := stream.readline(LONGEST_ROW)) and not rest.endswith(b"\n"):
                    pass
                line = line[:1000]
            if line.strip():
                yield number, line, problem
    except DAMAGED as error:
        raise TruncatedFile(f"the compressed file is damaged after line {number} ({first_line(error)})") from error


def _json_lines(stream: BinaryIO) -> Iterator[RawRow]:
    for number, line, problem in _lines(stream):
        try:
            yield RawRow(number, None if problem else json.loads(line), line, problem)
        except UnicodeDecodeError:
            yield RawRow(number, None, line, "the line is not UTF-8")
        except json.JSONDecodeError as error:
            yield RawRow(number, None, line, f"the line is not JSON: {error.msg} at character {error.pos + 1}")
        except (ValueError, RecursionError) as error:
            yield RawRow(number, None, line, f"the line cannot be read: {describe_limit(error)}")


def _export(stream: BinaryIO) -> Iterator[RawRow]:
    """Yields the rows of a file of `export_workitems`: a header, institutions, items, and finally the number of items."""
    lines = _json_lines(stream)
    next(lines)
    items, end = 0, None
    for raw in lines:
        value = raw.value
        if isinstance(value, dict) and isinstance(value.get("end"), dict):
            end = value["end"].get("items")
            continue
        if isinstance(value, dict) and isinstance(value.get("institution"), dict):
            raw.kind = "institution"
        elif not raw.problem and not (isinstance(value, dict) and isinstance(value.get("item"), dict)):
            raw.problem = "the line is neither an item, an institution nor the end of an export"
        items += raw.kind == "item"
        yield raw
    if end is None:
        raise TruncatedFile(f"its last line is missing, so the export is incomplete; it had {items} items")
    if end != items:
        raise TruncatedFile(f"it should have {end} items, but has {items}")


def _detect_csv_format(head: bytes, whole: io.BufferedReader, name: str) -> DetectedFile:
    try:
        first = next(csv.reader(io.StringIO(head.decode("utf-8", "replace"), newline="")), [])
    except csv.Error:
        first = []
    columns = [column.strip() for column in first]
    if set(columns) >= CSV_COLUMNS:
        if twice := sorted({column for column in columns if column and columns.count(column) > 1}):
            raise UnreadableFile(f"The header of {name} names {', '.join(twice)} twice. Remove the wrong one.")
        return DetectedFile(REGISTRY_CSV, lambda: _csv_rows(whole))
    if {"id", "name", "action", "institution"} <= set(columns):
        raise UnreadableFile(
            f"{name} is a list that was saved for a spreadsheet, which can't be read back reliably. "
            "Save the list as JSON, or use a file of export_workitems."
        )
    if {"id", "identifier"} <= set(columns):
        raise UnreadableFile(
            f"{name} is a table of institutions: use it with --institution-map, together with the items' file."
        )
    if delimiter := next((mark for mark in OTHER_DELIMITERS if len(_dump_columns(head, mark)) >= 3), ""):
        raise UnreadableFile(
            f"{name} looks like a dump of Registry's work_items, but with {OTHER_DELIMITERS[delimiter]} between its cells. "
            "Save it with commas and import the new file."
        )
    if len(found := _dump_columns(head, ",")) >= 3:
        raise UnreadableFile(
            f"{name} looks like a dump of Registry's work_items, but its header lacks {', '.join(sorted(CSV_COLUMNS - found))}. "
            "Dump the table again with all its columns."
        )
    raise UnreadableFile(
        f"{name} is not in a format that can be imported: Pharos' API as JSON (a list reply, an array, or one object a "
        "line), a CSV dump of Registry's work_items with its header line, or a file of export_workitems. "
        f"It starts with {head[:60].decode('utf-8', 'replace')!r}."
    )


def _dump_columns(head: bytes, delimiter: str) -> frozenset[str]:
    """Returns the required columns that the first line names when it is split by this delimiter."""
    first = head.decode("utf-8", "replace").lstrip().split("\n", 1)[0]
    return CSV_COLUMNS & {cell.strip(' "\r') for cell in first.split(delimiter)}


class _RecordedLines:
    """Lines for the csv module. `kept` has the original text of the current row."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = io.TextIOWrapper(stream, encoding="utf-8", errors="workitems-mark", newline="")
        self.kept: list[str] = []
        self.number = 0

    def __iter__(self) -> "_RecordedLines":
        return self

    def __next__(self) -> str:
        line = self.stream.readline(LONGEST_CELL)
        if not line:
            raise StopIteration
        self.number += 1
        self.kept.append(line)
        return line


def _csv_rows(stream: BinaryIO) -> Iterator[RawRow]:
    lines = _RecordedLines(stream)
    before = csv.field_size_limit(LONGEST_CELL)
    try:
        reader = csv.reader(lines, strict=True)
        columns = [column.strip() for column in next(reader)]
        while True:
            lines.kept.clear()
            number = lines.number + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield RawRow(number, None, "".join(lines.kept), f"the row is not CSV: {error}")
                continue
            if not cells:
                continue
            text = "".join(lines.kept)
            if len(cells) != len(columns):
                problem = f"the row has {len(cells)} cells, the header {len(columns)}"
                yield RawRow(number, None, text, problem)
            else:
                yield RawRow(number, dict(zip(columns, cells, strict=True)), text)
    except DAMAGED as error:
        raise TruncatedFile(
            f"the compressed file is damaged after line {lines.number} ({first_line(error)})"
        ) from error
    finally:
        csv.field_size_limit(before)
