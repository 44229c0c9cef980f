"""Which format a file has, told by its content, and its rows one after the other, however large it is.

A reader yields a `Raw` for each row, also for one that cannot be read, and raises `CutShort` in the end if the file stops
before it should: what came before is good.
"""

import codecs
import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import ijson

from .. import exporting

PHAROS_JSON, REGISTRY_CSV, PHAROS_EXPORT = FORMATS = ("pharos-json", "registry-csv", "pharos-export")
HEAD = 65_536  # as much as is looked at to tell the format
LONGEST_ROW = 64 * 1024 * 1024
LONGEST_CELL = 16 * 1024 * 1024  # beyond this a quote was left open, and the rest of the file would become one cell
NOT_UTF8 = (
    "\ufdd0not UTF-8\ufdd0"  # stands where a byte was no UTF-8; no text has these words between two non-characters
)
CSV_COLUMNS = frozenset({"id", "name", "action", "stage", "status", "institution_id"})

codecs.register_error("workitems-mark", lambda error: (NOT_UTF8, error.end))  # type: ignore[attr-defined]


class Unreadable(Exception):
    """A file that cannot be imported at all: the sentence says which, why, and what to do."""


class Stopped(Exception):
    """The run cannot go on. What was stored before stays, as the summary says; running it again goes on from there."""

    summary: Any = None


class CutShort(Exception):
    """The file ends, or stops making sense, before it is whole."""


@dataclass(slots=True)
class Raw:
    """One row as it stands in the file: its value, or what is wrong with it, and its text for the rejects file."""

    number: int
    value: Any
    source: Any = None
    problem: str = ""
    kind: str = "item"  # an export has institutions too

    def text(self) -> str:
        source = self.value if self.source is None else self.source
        if isinstance(source, bytes):
            return source.decode("utf-8", "backslashreplace").rstrip("\r\n")
        return source.rstrip("\r\n") if isinstance(source, str) else shown(source)


def shown(value: Any) -> str:
    """A value as JSON, for a person. The parser gives numbers with a point as Decimal."""
    return json.dumps(value, default=float, ensure_ascii=False)


@dataclass
class Recognised:
    format: str
    rows: Callable[[], Iterator[Raw]]


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
    head, whole = _peek(stream, advance)
    if head.startswith(b"\x1f\x8b"):
        head, whole = _peek(gzip.GzipFile(fileobj=whole), lambda size: None)  # type: ignore[arg-type]
    if head.startswith(codecs.BOM_UTF8):
        whole.read(len(codecs.BOM_UTF8))
        head = head.removeprefix(codecs.BOM_UTF8)
    if not head.strip():
        raise Unreadable(f"{name} is empty.")
    found = _recognise_text(head, whole, name)
    if wanted and wanted != found.format:
        raise Unreadable(
            f"{name} looks like {found.format}, not like {wanted}. Leave --format out, or give another file."
        )
    return found


def _peek(stream: BinaryIO, advance: Callable[[int], object]) -> tuple[bytes, io.BufferedReader]:
    head = b""
    try:
        # A pipe gives what there is, and that may be little.
        while len(head) < HEAD and (piece := stream.read(HEAD - len(head))):
            head += piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Unreadable(f"The compressed file is damaged: {error}.") from error
    return head, io.BufferedReader(_Rejoined(head, stream, advance), 1 << 18)


def _recognise_text(head: bytes, whole: io.BufferedReader, name: str) -> Recognised:
    start = head.lstrip()[:1]
    if start == b"[":
        return Recognised(PHAROS_JSON, lambda: _parsed(whole, "item"))
    if start != b"{":
        return _recognise_csv(head, whole, name)
    first = head.lstrip().split(b"\n", 1)[0].strip()
    try:
        value = json.loads(first)
    except (ValueError, RecursionError):
        if _has_results(head):
            return Recognised(PHAROS_JSON, lambda: _parsed(whole, "results.item"))
        if first.endswith((b"{", b"[", b",")):
            return Recognised(PHAROS_JSON, lambda: _parsed(whole, ""))
        return Recognised(PHAROS_JSON, lambda: _json_lines(whole))
    if value.get("format") == exporting.FORMAT:
        if value.get("version") != exporting.VERSION:
            raise Unreadable(
                f"{name} is an export of version {value.get('version')!r}; this program reads version {exporting.VERSION}. "
                "Import it with the version of the program that wrote it, or a later one."
            )
        return Recognised(PHAROS_EXPORT, lambda: _export(whole))
    if isinstance(value.get("results"), list):
        return Recognised(PHAROS_JSON, lambda: _parsed(whole, "results.item"))
    return Recognised(PHAROS_JSON, lambda: _json_lines(whole))


def _has_results(head: bytes) -> bool:
    """Whether the beginning of a JSON object, over many lines, is that of a list reply."""
    try:
        return any(event == ("results", "start_array", None) for event in ijson.parse(io.BytesIO(head)))
    except ijson.JSONError:
        return False


class _Marked:
    """The same text with NOT_UTF8 for every byte that is no UTF-8: the parser would give up the whole file for one."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.decoder = codecs.getincrementaldecoder("utf-8")("workitems-mark")

    def read(self, size: int = -1) -> bytes:
        piece = self.stream.read(size)
        text = self.decoder.decode(piece, final=not piece)
        # What was decoded may be empty in the middle of a character, which the parser would take for the end.
        return text.encode() if text or not piece else self.read(size)


def _parsed(stream: BinaryIO, prefix: str) -> Iterator[Raw]:
    """The values at a place of a JSON document (or of several, one after the other)."""
    number = 0
    try:
        for number, value in enumerate(ijson.items(_Marked(stream), prefix, multiple_values=prefix != "item"), 1):
            yield Raw(number, value)
    except (ijson.JSONError, EOFError, zlib.error, gzip.BadGzipFile, RecursionError) as error:
        raise CutShort(f"it stops being JSON after item {number} ({_first_line(error)})") from error


def _first_line(error: BaseException) -> str:
    text = error.args[0] if error.args else type(error).__name__
    return (text.decode(errors="replace") if isinstance(text, bytes) else str(text)).strip().split("\n", 1)[0]


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
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CutShort(f"the compressed file is damaged after line {number} ({_first_line(error)})") from error


def _json_lines(stream: BinaryIO) -> Iterator[Raw]:
    for number, line, problem in _lines(stream):
        try:
            yield Raw(number, None if problem else json.loads(line), line, problem)
        except UnicodeDecodeError:
            yield Raw(number, None, line, "the line is not UTF-8")
        except json.JSONDecodeError as error:
            yield Raw(number, None, line, f"the line is not JSON: {error.msg} at character {error.pos + 1}")
        except (ValueError, RecursionError) as error:
            yield Raw(number, None, line, f"the line cannot be read: {_first_line(error)}")


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
        raise CutShort(f"its last line is missing, so it is not the whole export; {items} items were there")
    if end != items:
        raise CutShort(f"it says that it holds {end} items, but {items} were there")


def _recognise_csv(head: bytes, whole: io.BufferedReader, name: str) -> Recognised:
    try:
        first = next(csv.reader(io.StringIO(head.decode("utf-8", "replace"), newline="")), [])
    except csv.Error:
        first = []
    columns = [column.strip() for column in first]
    if set(columns) >= CSV_COLUMNS:
        return Recognised(REGISTRY_CSV, lambda: _csv_rows(whole))
    if {"id", "name", "action", "institution"} <= set(columns):
        raise Unreadable(
            f"{name} is a list that was saved for a spreadsheet, which cannot be read back faithfully. "
            "Save the list as JSON, or take the file of export_workitems."
        )
    if {"id", "identifier"} <= set(columns):
        raise Unreadable(f"{name} is a table of institutions: give it by --institution-map, beside the items' file.")
    raise Unreadable(
        f"{name} is none of the formats that can be imported: Pharos' API as JSON (a list reply, an array, or one object a "
        "line), a CSV dump of Registry's work_items with its header line, or a file of export_workitems. "
        f"It begins with {head[:60].decode('utf-8', 'replace')!r}."
    )


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
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CutShort(f"the compressed file is damaged after line {lines.number} ({_first_line(error)})") from error
    finally:
        csv.field_size_limit(before)
