"""JSON that `\\copy (select row_to_json(w) …)` wrote: COPY's text format escapes what JSON has already escaped.

It doubles each backslash, so a line break in a note (`\\n` in JSON) becomes `\\\\n`, which is still JSON, but another text.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from .raw_rows import UnreadableFile
from .right_commands import AS_JSON
from .sources import buffered, read_pieces

PLAIN, DOUBLED = "plain", "escaped"
_LONGEST_LINE = 64 * 1024 * 1024
_FIRST_LINES = 3  # one of which is complete JSON if each row has a line
_RUN = re.compile(rb"\\+")
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_MEANT = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
# What separates the rows of json_agg, which only COPY writes like this.
_BETWEEN_ROWS = re.compile(rb"\},? ?\\n ?\{")
# An API's times end with Z. PostgreSQL never writes that.
_API_TIME = re.compile(rb'"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"')


def find_escaping(stream: Any, name: str) -> str:
    """PLAIN or DOUBLED, after a look at as much of the file as it takes. Raises UnreadableFile if it could be either."""
    has_backslash = has_api_time = is_row_per_line = False
    for number, line in enumerate(iter(lambda: stream.readline(_LONGEST_LINE), b"")):
        if number < _FIRST_LINES and not is_row_per_line:
            is_row_per_line = _is_json(line) or _is_certainly_doubled(line)
        elif not is_row_per_line:
            return PLAIN  # COPY writes each value into one line
        has_api_time = has_api_time or _API_TIME.search(line) is not None
        if b"\\" not in line:
            continue
        has_backslash = True
        if _is_certainly_doubled(line):
            return DOUBLED
        if _has_single_backslash(line):
            return PLAIN
    if has_backslash and is_row_per_line and not has_api_time:
        raise UnreadableFile(
            f"{name} may have been written by \\copy (select row_to_json(…)), which doubles each backslash, but nothing in "
            f"it shows for certain whether it was. Write it again: {AS_JSON}. "
            "If you know how it was written, add --backslashes escaped (by \\copy) or --backslashes plain (by anything else)."
        )
    return PLAIN


def _is_certainly_doubled(line: bytes) -> bool:
    """Returns whether it is JSON only once COPY's escapes are undone, and each of its backslashes could be COPY's."""
    if _is_json(line) or _has_single_backslash(_BETWEEN_ROWS.sub(b"},{", line)):
        return False
    return _is_json(undo_escapes(line)) or _BETWEEN_ROWS.search(line) is not None


def _has_single_backslash(line: bytes) -> bool:
    return any(len(run) % 2 for run in _RUN.findall(line))


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def undo_escapes(text: bytes) -> bytes:
    return _ESCAPE.sub(lambda found: _MEANT.get(found[1], found[1]), text)


def undone(stream: Any) -> Any:
    """Returns the stream as it was before COPY escaped it."""
    return buffered(_undone_pieces(stream))


def _undone_pieces(stream: Any) -> Iterator[bytes]:
    rest = b""
    for piece in read_pieces(stream):
        piece = rest + piece
        # A backslash at the end belongs to what follows, unless it is the second of a pair.
        ends = len(piece) - len(piece.rstrip(b"\\"))
        keep = len(piece) - ends % 2
        yield undo_escapes(piece[:keep])
        rest = piece[keep:]
    if rest:
        yield rest
