"""JSON documents of any length, item by item: a row that is not right costs that row, not the rest of the file.

A parser that reports events would be as frugal, but it gives the whole document up for one number or one level of nesting
too many, and mends half surrogates in silence. Here the parser of the standard library gets one item at a time.
"""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from typing import Any

from .raw import LONGEST_ROW, CutShort, Raw, first_line, shown, too_much

DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)
_PIECE = 1 << 18
_SPACE = re.compile(r"[ \t\r\n]*")
# A string as a whole, a bracket, or a quote that nothing closes. Possessive: nothing to go back to in a long text.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}"]', re.DOTALL)
_WORD = re.compile(r'[^\s,:\[\]{}"]+')
_decode = JSONDecoder().raw_decode


class Document:
    """Reads the rows of one stream. `next_page` is what the last list reply names as the page after it."""

    def __init__(self, stream: io.BufferedReader) -> None:
        self.next_page = ""
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder("utf-8")("workitems-mark")
        self._text = ""
        self._at = 0
        self._is_all = False
        self._rows = 0

    # --- what a file may hold

    def elements(self) -> Iterator[Raw]:
        """Those of an array, or of several."""
        while self._char():
            self._expect("[")
            yield from self._elements()

    def results(self) -> Iterator[Raw]:
        """Those of a list reply, or of several."""
        while self._char():
            self.next_page = ""
            for key in self.keys():
                if key == "results" and self._char() == "[":
                    self._expect("[")
                    yield from self._elements()
                else:
                    value = self._value().value
                    if key == "next" and value:
                        self.next_page = value if isinstance(value, str) else shown(value)

    def objects(self) -> Iterator[Raw]:
        """One object after the other, each over as many lines as it likes."""
        while self._char():
            yield self._row()

    def keys(self) -> Iterator[str]:
        """The keys of the object that begins here; who asks for the next one must have read the value."""
        self._expect("{")
        if self._taken("}"):
            return
        while True:
            if self._char() != '"':
                raise self._senseless("a name in quotes")
            key = str(self._value().value)
            self._expect(":")
            yield key
            if self._taken("}"):
                return
            self._expect(",")

    def has_results(self) -> bool:
        """Whether this is a list reply, as far as the text goes."""
        try:
            for key in self.keys():
                if key == "results":
                    return self._char() == "["
                self._value()
        except CutShort:
            pass
        return False

    def _elements(self) -> Iterator[Raw]:
        if self._taken("]"):
            return
        while True:
            yield self._row()
            if self._taken("]"):
                return
            self._expect(",")

    def _row(self) -> Raw:
        raw = self._value()
        self._rows += 1
        raw.number = self._rows
        return raw

    # --- characters

    def _char(self) -> str:
        """The next one that is no white space; nothing at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def _taken(self, char: str) -> bool:
        if self._char() != char:
            return False
        self._at += 1
        return True

    def _expect(self, char: str) -> None:
        if not self._taken(char):
            raise self._senseless(f"“{char}”")

    def _senseless(self, expected: str) -> CutShort:
        there = shown(self._text[self._at : self._at + 20]) if self._char() else "the end"
        return CutShort(
            f"it is no longer valid JSON after item {self._rows} ({expected} should be there, but {there} is)"
        )

    def _more(self) -> bool:
        """Reads on, at least as much as is held, so that a long item is not gone through again for every small piece."""
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
            raise CutShort(f"the compressed file is damaged after item {self._rows} ({first_line(error)})") from error
        if got:
            self._text, self._at = "".join(held), 0
        return got > 0

    # --- values

    def _value(self) -> Raw:
        """The value that begins here, or what is wrong with it. Raises CutShort where it has no end."""
        while True:
            self._char()
            value, problem, end = self._tried()
            # What ends with the text may go on in the next piece: a number, say.
            if end < len(self._text) or not self._more():
                break
            if len(self._text) - self._at > LONGEST_ROW:
                raise CutShort(f"what comes after item {self._rows} is longer than {LONGEST_ROW} characters")
        if end == self._at:
            raise self._senseless("a value")
        if end > len(self._text):
            raise CutShort(f"it is no longer valid JSON after item {self._rows} (what starts there has no end)")
        source = self._text[self._at : end]
        self._at = end
        return Raw(0, value, source, problem)

    def _tried(self) -> tuple[Any, str, int]:
        """The value or what is wrong with it, and where it ends: beyond the text if that is not there yet."""
        try:
            value, end = _decode(self._text, self._at)
        except JSONDecodeError as error:
            return None, f"the item is not JSON: {error.msg} at its character {error.pos - self._at + 1}", self._end()
        except (ValueError, RecursionError) as error:
            return None, f"the item cannot be read: {too_much(error)}", self._end()
        return value, "", end

    def _end(self) -> int:
        """Where the value ends that cannot be parsed: at the bracket that closes it, or with its word."""
        if self._text[self._at : self._at + 1] not in tuple('[{"'):
            word = _WORD.match(self._text, self._at)
            return word.end() if word else self._at
        depth = 0
        for token in _TOKEN.finditer(self._text, self._at):
            if token[0] == '"':
                break  # not closed
            if token[0] in ("[", "{"):
                depth += 1
            elif token[0] in ("]", "}"):
                depth -= 1
            if depth == 0:
                return token.end()
        return len(self._text) + 1
