"""A file as bytes of UTF-8: uncompressed, without a byte order mark, and readable as often as the detection needs.

Standard input and pipes are copied into a temporary file, because what they contain is known only after a first pass.
"""

import codecs
import contextlib
import gzip
import io
import os
import stat
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from . import foreign_files
from .raw_rows import UnreadableFile, first_line

STANDARD_INPUT = "-"
HEAD_SIZE = 65_536  # bytes examined to detect the format
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)
_PIECE = 1 << 18
_GZIP = b"\x1f\x8b"
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


class Filter(io.RawIOBase):
    """A stream of the pieces that a generator yields."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._held:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._held = memoryview(piece)
        taken = self._held[: len(buffer)]
        buffer[: len(taken)] = taken
        self._held = self._held[len(taken) :]
        return len(taken)


def buffered(pieces: Iterator[bytes]) -> io.BufferedReader:
    return io.BufferedReader(Filter(pieces), _PIECE)


def read_pieces(stream: Any) -> Iterator[bytes]:
    while piece := stream.read(_PIECE):
        yield piece


class Source:
    """One input, to be closed after use. `name`: what sentences call it. `size`: its bytes, if it is a regular file.

    Raises UnreadableFile if it can't be opened, is empty, is damaged at its start, or is of a kind that can't be
    imported.
    """

    def __init__(self, name: str, stdin: BinaryIO | None = None) -> None:
        self.name = "stdin" if name == STANDARD_INPUT else name
        self.size: int | None = None
        self._copy: Any = None
        self._broken: OSError | None = None  # what ended the copying of a pipe
        self._encoding = "utf-8"
        try:
            if name == STANDARD_INPUT:
                self._copy_pipe(stdin or sys.stdin.buffer)
            elif is_stream(name):
                with open(name, "rb") as stream:
                    self._copy_pipe(stream)
            else:
                self.size = os.stat(name).st_size
            self.head = self._find_start()
        except OSError as error:
            self.close()
            raise UnreadableFile(f"{self.name} can't be read: {error.strerror or error}.") from error
        except BaseException:
            self.close()
            raise

    def _find_start(self) -> bytes:
        """Finds the encoding, and returns the first bytes as UTF-8."""
        with self.open(decoded=False) as stream:
            head = _read_head(stream, self.name)
        if not head.strip(b"\0 \t\r\n\xef\xbb\xbf\xff\xfe"):
            raise UnreadableFile(f"{self.name} is empty.")
        self._encoding = _encoding_of(head)
        if self._encoding == "utf-8":
            foreign_files.refuse(self.name, head.removeprefix(codecs.BOM_UTF8))
        with self.open() as stream:
            return _read_head(stream, self.name)

    def close(self) -> None:
        if self._copy is not None:
            self._copy.close()

    @contextlib.contextmanager
    def open(
        self, advance: Callable[[int], object] = lambda size: None, *, decoded: bool = True
    ) -> Iterator[io.BufferedReader]:
        """Opens the contents at their start. `advance` is called with the number of bytes read from the file."""
        with contextlib.ExitStack() as stack:
            if self._copy is None:
                raw: Any = stack.enter_context(open(self.name, "rb", buffering=0))
            else:
                raw = self._copy
                raw.seek(0)
            stream = buffered(self._counted(raw, advance))
            if stream.peek(2).startswith(_GZIP):
                stream = io.BufferedReader(cast(Any, gzip.GzipFile(fileobj=stream)), _PIECE)
            yield self._decoded(stream) if decoded else stream

    def _counted(self, raw: Any, advance: Callable[[int], object]) -> Iterator[bytes]:
        for piece in read_pieces(raw):
            advance(len(piece))
            yield piece
        if self._broken:
            raise self._broken

    def _decoded(self, stream: io.BufferedReader) -> io.BufferedReader:
        if self._encoding == "utf-8":
            if stream.peek(3).startswith(codecs.BOM_UTF8):
                stream.read(3)
            return stream
        # newline="": line ends stay as they are
        text = io.TextIOWrapper(stream, self._encoding, errors="workitems-mark", newline="")
        return buffered(piece.encode("utf-8", "backslashreplace") for piece in iter(lambda: text.read(_PIECE), ""))

    def _copy_pipe(self, stream: BinaryIO) -> None:
        self._copy = tempfile.TemporaryFile()  # noqa: SIM115  open for as long as this object lives
        try:
            for piece in read_pieces(stream):
                self._copy.write(piece)
        except OSError as error:
            self._broken = error


def is_stream(name: str) -> bool:
    """Returns whether it can be read only once, like standard input or a named pipe."""
    if name == STANDARD_INPUT:
        return True
    with contextlib.suppress(OSError):
        mode = Path(name).stat().st_mode
        return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)
    return False


def _read_head(stream: io.BufferedReader, name: str) -> bytes:
    head = b""
    try:
        # A compressed stream returns what is available, which can be little.
        while len(head) < HEAD_SIZE and (piece := stream.read1(HEAD_SIZE - len(head))):
            head += piece
    except DAMAGED as error:
        if not head:
            raise UnreadableFile(f"The compressed file {name} is damaged: {first_line(error)}.") from error
    except OSError:
        if not head:
            raise
    return head


def _encoding_of(head: bytes) -> str:
    """Returns the encoding, by its mark; or UTF-16 without one, in which every second byte of English text is zero."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    pairs = head[:200]
    if len(pairs) >= 4 and not pairs[1::2].strip(b"\0") and b"\0" not in pairs[0::2]:
        return "utf-16-le"
    if len(pairs) >= 4 and not pairs[0::2].strip(b"\0") and b"\0" not in pairs[1::2]:
        return "utf-16-be"
    return "utf-8"
