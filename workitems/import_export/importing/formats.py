"""Which format a file has, told by its content, and its rows one after the other, however large it is.

A reader yields a `Raw` for each row, also for one that cannot be read, and raises `CutShort` in the end if the file stops
before it should: what came before is good. Documents of JSON are read by `documents`, the rest here.
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
from .documents import DAMAGED, Document
from .raw import LONGEST_ROW, CutShort, Raw, Unreadable, first_line, shown, too_much

PHAROS_JSON, REGISTRY_CSV, PHAROS_EXPORT = FORMATS = ("pharos-json", "registry-csv", "pharos-export")
HEAD = 65_536  # as much as is looked at to tell the format
LONGEST_CELL = 16 * 1024 * 1024  # beyond this a quote was left open, and the rest of the file would become one cell
OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}
CSV_COLUMNS = frozenset({"id", "name", "action", "stage", "status", "institution_id"})


@dataclass
class Recognised:
    format: str
    rows: Callable[[], Iterator[Raw]]
    document: Document | None = None

    @property
    def next_page(self) -> str:
        """What a list reply, once it is read, says comes after it: then it is one page of several."""
        return self.document.next_page if self.document else ""


class _Rejoined(io.RawIOBase):
    """A stream of which the beginning was read already. `advance` hears how many bytes were taken."""

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


def recognise(
    stream: BinaryIO, name: str, *, wanted: str | None = None, advance: Callable[[int], object] = lambda size: None
) -> Recognised:
    """What the stream holds. Raises Unreadable where that is nothing that we read, or not the format that is wanted."""
    head, whole = _peek(stream, name, advance)
    if head.startswith(b"\x1f\x8b"):
        head, whole = _peek(gzip.GzipFile(fileobj=whole), name, lambda size: None)  # type: ignore[arg-type]
    if head.startswith(codecs.BOM_UTF8):
        whole.read(len(codecs.BOM_UTF8))
        head = head.removeprefix(codecs.BOM_UTF8)
    if not head.strip():
        raise Unreadable(f"{name} is empty.")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Unreadable(f"{name} is text in UTF-16. Save it as UTF-8 and import the new file.")
    found = _recognise_text(head, whole, name)
    if wanted and wanted != found.format:
        raise Unreadable(f"{name} looks like {found.format}, not {wanted}. Leave out --format, or use another file.")
    return found


def _peek(stream: BinaryIO, name: str, advance: Callable[[int], object]) -> tuple[bytes, io.BufferedReader]:
    head = b""
    try:
        # A pipe gives what there is, and that may be little.
        while len(head) < HEAD and (piece := stream.read(HEAD - len(head))):
            head += piece
    except DAMAGED as error:
        raise Unreadable(f"The compressed file {name} is damaged: {first_line(error)}.") from error
    return head, io.BufferedReader(_Rejoined(head, stream, advance), 1 << 18)


def _recognise_text(head: bytes, whole: io.BufferedReader, name: str) -> Recognised:
    start = head.lstrip()[:1]
    if start == b"[":
        return _document(whole, Document.elements)
    if start != b"{":
        return _recognise_csv(head, whole, name)
    first = head.lstrip().split(b"\n", 1)[0].strip()
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        if Document(io.BufferedReader(io.BytesIO(head))).has_results():
            return _document(whole, Document.results)
        if first.endswith((b"{", b"[", b",")):
            return _document(whole, Document.objects)
        return Recognised(PHAROS_JSON, lambda: _json_lines(whole))
    if value.get("format") == exporting.FORMAT:
        if value.get("version") != exporting.VERSION:
            raise Unreadable(
                f"{name} is an export of version {shown(value.get('version'))}; this program reads version {exporting.VERSION}. "
                "Import it with the version of the program that wrote it, or a later one."
            )
        return Recognised(PHAROS_EXPORT, lambda: _export(whole))
    if isinstance(value.get("results"), list):
        return _document(whole, Document.results)
    return Recognised(PHAROS_JSON, lambda: _json_lines(whole))


def _document(whole: io.BufferedReader, rows: Callable[[Document], Iterator[Raw]]) -> Recognised:
    document = Document(whole)
    return Recognised(PHAROS_JSON, lambda: rows(document), document)


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes, str]]:
    """Number, bytes, and what is wrong with the line as such."""
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
        raise CutShort(f"the compressed file is damaged after line {number} ({first_line(error)})") from error


def _json_lines(stream: BinaryIO) -> Iterator[Raw]:
    for number, line, problem in _lines(stream):
        try:
            yield Raw(number, None if problem else json.loads(line), line, problem)
        except UnicodeDecodeError:
            yield Raw(number, None, line, "the line is not UTF-8")
        except json.JSONDecodeError as error:
            yield Raw(number, None, line, f"the line is not JSON: {error.msg} at character {error.pos + 1}")
        except (ValueError, RecursionError) as error:
            yield Raw(number, None, line, f"the line cannot be read: {too_much(error)}")


def _export(stream: BinaryIO) -> Iterator[Raw]:
    """What `export_workitems` wrote: a header, institutions, items, and in the end how many those are."""
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
        raise CutShort(f"its last line is missing, so the export is incomplete; it had {items} items")
    if end != items:
        raise CutShort(f"it should have {end} items, but has {items}")


def _recognise_csv(head: bytes, whole: io.BufferedReader, name: str) -> Recognised:
    try:
        first = next(csv.reader(io.StringIO(head.decode("utf-8", "replace"), newline="")), [])
    except csv.Error:
        first = []
    columns = [column.strip() for column in first]
    if set(columns) >= CSV_COLUMNS:
        if twice := sorted({column for column in columns if column and columns.count(column) > 1}):
            raise Unreadable(f"The header of {name} names {', '.join(twice)} twice. Remove the wrong one.")
        return Recognised(REGISTRY_CSV, lambda: _csv_rows(whole))
    if {"id", "name", "action", "institution"} <= set(columns):
        raise Unreadable(
            f"{name} is a list that was saved for a spreadsheet, which can't be read back reliably. "
            "Save the list as JSON, or use a file of export_workitems."
        )
    if {"id", "identifier"} <= set(columns):
        raise Unreadable(
            f"{name} is a table of institutions: use it with --institution-map, together with the items' file."
        )
    if delimiter := next((mark for mark in OTHER_DELIMITERS if len(_dump_columns(head, mark)) >= 3), ""):
        raise Unreadable(
            f"{name} looks like a dump of Registry's work_items, but with {OTHER_DELIMITERS[delimiter]} between its cells. "
            "Save it with commas and import the new file."
        )
    if len(found := _dump_columns(head, ",")) >= 3:
        raise Unreadable(
            f"{name} looks like a dump of Registry's work_items, but its header lacks {', '.join(sorted(CSV_COLUMNS - found))}. "
            "Dump the table again with all its columns."
        )
    raise Unreadable(
        f"{name} is not in a format that can be imported: Pharos' API as JSON (a list reply, an array, or one object a "
        "line), a CSV dump of Registry's work_items with its header line, or a file of export_workitems. "
        f"It starts with {head[:60].decode('utf-8', 'replace')!r}."
    )


def _dump_columns(head: bytes, delimiter: str) -> frozenset[str]:
    """The columns of a dump that the first line names, where this is between them."""
    first = head.decode("utf-8", "replace").lstrip().split("\n", 1)[0]
    return CSV_COLUMNS & {cell.strip(' "\r') for cell in first.split(delimiter)}


class _Recorded:
    """Lines for the csv module, of which those that made up the present row are kept as they were read."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = io.TextIOWrapper(stream, encoding="utf-8", errors="workitems-mark", newline="")
        self.kept: list[str] = []
        self.number = 0

    def __iter__(self) -> "_Recorded":
        return self

    def __next__(self) -> str:
        line = self.stream.readline(LONGEST_CELL)
        if not line:
            raise StopIteration
        self.number += 1
        self.kept.append(line)
        return line


def _csv_rows(stream: BinaryIO) -> Iterator[Raw]:
    lines = _Recorded(stream)
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
                yield Raw(number, None, "".join(lines.kept), f"the row is not CSV: {error}")
                continue
            if not cells:
                continue
            text = "".join(lines.kept)
            if len(cells) != len(columns):
                problem = f"the row has {len(cells)} cells, the header {len(columns)}"
                yield Raw(number, None, text, problem)
            else:
                yield Raw(number, dict(zip(columns, cells, strict=True)), text)
    except DAMAGED as error:
        raise CutShort(f"the compressed file is damaged after line {lines.number} ({first_line(error)})") from error
    finally:
        csv.field_size_limit(before)
