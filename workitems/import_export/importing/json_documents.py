"""Reads JSON documents of any length item by item, so that an invalid item doesn't invalidate the rest of the file.

An event-based parser would also need little memory, but it rejects the document at the first number or nesting that is too
large, and silently repairs half surrogates. So the standard library's parser gets one item at a time.
"""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from typing import Any

from .raw_rows import LONGEST_ROW, RawRow, TruncatedFile, describe_limit, first_line, quote_value

DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)
_PIECE = 1 << 18
_SPACE = re.compile(r"[ \t\r\n]*")
# A complete string, a bracket, or an unclosed quote. Possessive, so that there is no backtracking in a long text.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}"]', re.DOTALL)
_WORD = re.compile(r'[^\s,:\[\]{}"]+')
_decode = JSONDecoder().raw_decode


class JsonDocument:
    """Reads the rows of one stream. `next_page`: the next page that the last list reply names, or ""."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self.next_page = ""
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("workitems-mark")
        self._text = ""
        self._at = 0
        self._is_all = False
        self._rows = 0

    # --- what a file can contain

    def elements(self) -> Iterator[RawRow]:
        """Yields the items of one or more arrays."""
        while self._peek_char():
            self._expect("[")
            yield from self._elements()

    def results(self) -> Iterator[RawRow]:
        """Yields the items of one or more list replies."""
        while self._peek_char():
            self.next_page = ""
            for key in self.keys():
                if key == "results" and self._peek_char() == "[":
                    self._expect("[")
                    yield from self._elements()
                else:
                    value = self._value().value
                    if key == "next" and value:
                        self.next_page = value if isinstance(value, str) else quote_value(value)

    def objects(self) -> Iterator[RawRow]:
        """Yields the items of a sequence of objects, each of which can span several lines."""
        while self._peek_char():
            yield self._row()

    def keys(self) -> Iterator[str]:
        """Yields the keys of the object that starts here. The caller must read each value before the next key."""
        self._expect("{")
        if self._accept("}"):
            return
        while True:
            if self._peek_char() != '"':
                raise self._syntax_error("a name in quotes")
            key = str(self._value().value)
            self._expect(":")
            yield key
            if self._accept("}"):
                return
            self._expect(",")

    def has_results(self) -> bool:
        """Returns whether this is a list reply, as far as the available text shows it."""
        try:
            for key in self.keys():
                if key == "results":
                    return self._peek_char() == "["
                self._value()
        except TruncatedFile:
            pass
        return False

    def _elements(self) -> Iterator[RawRow]:
        if self._accept("]"):
            return
        while True:
            yield self._row()
            if self._accept("]"):
                return
            self._expect(",")

    def _row(self) -> RawRow:
        raw = self._value()
        self._rows += 1
        raw.number = self._rows
        return raw

    # --- characters

    def _peek_char(self) -> str:
        """Returns the next character that isn't white space; empty at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text) or not self._read_more():
                return self._text[self._at : self._at + 1]

    def _accept(self, char: str) -> bool:
        if self._peek_char() != char:
            return False
        self._at += 1
        return True

    def _expect(self, char: str) -> None:
        if not self._accept(char):
            raise self._syntax_error(f"“{char}”")

    def _syntax_error(self, expected: str) -> TruncatedFile:
        there = quote_value(self._text[self._at : self._at + 20]) if self._peek_char() else "the end"
        return TruncatedFile(
            f"it is no longer valid JSON after item {self._rows} ({expected} should be there, but {there} is)"
        )

    def _read_more(self) -> bool:
        """At least doubles the text in memory, so that a long item isn't rescanned for every small chunk.

        Returns whether there was more text.
        """
        if self._is_all:
            return False
        held = [self._text[self._at :]]
        wanted, got = len(held[0]), 0
        try:
            while not self._is_all and (got == 0 or got < wanted):
                piece = self._stream.read1(_PIECE)
                self._is_all = not piece
                held.append(self._decoder.decode(piece, final=not piece))
                got += len(held[-1])
        except DAMAGED as error:
            raise TruncatedFile(
                f"the compressed file is damaged after item {self._rows} ({first_line(error)})"
            ) from error
        if got:
            self._text, self._at = "".join(held), 0
        return got > 0

    # --- values

    def _value(self) -> RawRow:
        """Reads the value that starts here, or what is wrong with it. Raises TruncatedFile if it has no end."""
        while True:
            self._peek_char()
            value, problem, end = self._decode_value()
            # A value at the end of the text, such as a number, can continue in the next chunk.
            if end < len(self._text) or not self._read_more():
                break
            if len(self._text) - self._at > LONGEST_ROW:
                raise TruncatedFile(f"what comes after item {self._rows} is longer than {LONGEST_ROW} characters")
        if end == self._at:
            raise self._syntax_error("a value")
        if end > len(self._text):
            raise TruncatedFile(f"it is no longer valid JSON after item {self._rows} (what starts there has no end)")
        source = self._text[self._at : end]
        self._at = end
        return RawRow(0, value, source, problem)

    def _decode_value(self) -> tuple[Any, str, int]:
        """Returns (value, what is wrong with it, where it ends); the end is beyond the text if it hasn't been read yet."""
        try:
            value, end = _decode(self._text, self._at)
        except JSONDecodeError as error:
            return (
                None,
                f"the item is not JSON: {error.msg} at its character {error.pos - self._at + 1}",
                self._find_end(),
            )
        except (ValueError, RecursionError) as error:
            return None, f"the item cannot be read: {describe_limit(error)}", self._find_end()
        return value, "", end

    def _find_end(self) -> int:
        """Returns where an invalid value ends: at its closing bracket or at the end of its word."""
        if self._text[self._at : self._at + 1] not in tuple('[{"'):
            word = _WORD.match(self._text, self._at)
            return word.end() if word else self._at
        depth = 0
        for token in _TOKEN.finditer(self._text, self._at):
            if token[0] == '"':
                break  # unclosed
            if token[0] in ("[", "{"):
                depth += 1
            elif token[0] in ("]", "}"):
                depth -= 1
            if depth == 0:
                return token.end()
        return len(self._text) + 1
