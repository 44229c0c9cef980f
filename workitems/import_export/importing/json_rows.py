"""Rows of JSON lines, and what the rows of an export or of Django's dumpdata mean."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from .raw_rows import LONGEST_ROW, RawRow, TruncatedFile, describe_limit, first_line
from .sources import DAMAGED


def read_lines(stream: BinaryIO) -> Iterator[RawRow]:
    """Yields the rows of a file with one object per line."""
    for number, line, problem in _lines(stream):
        try:
            yield RawRow(number, None if problem else json.loads(line), line, problem)
        except UnicodeDecodeError:
            yield RawRow(number, None, line, "the line is not UTF-8")
        except json.JSONDecodeError as error:
            yield RawRow(number, None, line, f"the line is not JSON: {error.msg} at character {error.pos + 1}")
        except (ValueError, RecursionError) as error:
            yield RawRow(number, None, line, f"the line cannot be read: {describe_limit(error)}")


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


def read_export(rows: Iterator[RawRow]) -> Iterator[RawRow]:
    """Yields the rows of a file of `export_workitems`: a header, institutions, items, and finally the number of items."""
    next(rows)
    items, end = 0, None
    for raw in rows:
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


def is_dumped_object(value: Any) -> bool:
    """Returns whether it is an object as Django's dumpdata writes it."""
    return isinstance(value, Mapping) and isinstance(value.get("model"), str) and isinstance(value.get("fields"), dict)


def read_dumpdata(rows: Iterator[RawRow]) -> Iterator[RawRow]:
    """Yields the items and institutions of Django's dumpdata. Rows of other tables have the kind of their model."""
    for raw in rows:
        if not is_dumped_object(raw.value):
            raw.problem = raw.problem or "the object is not one of dumpdata: it has no model and fields"
            yield raw
            continue
        fields = {"id": raw.value.get("pk"), **raw.value["fields"]}
        table = raw.value["model"].lower().rpartition(".")[2].replace("_", "")
        if table == "institution":
            raw.kind, raw.value = "institution", {"institution": fields}
        elif table == "workitem":
            raw.value = fields
        else:
            raw.kind = raw.value["model"]
        yield raw
