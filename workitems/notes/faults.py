"""Finds the faults that a note lists, and how many it says there are."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from .quotes import split_outside_quotes
from .structured import parse_json, parse_xml
from .unwrapping import LogLine, clean, is_verdict, split_log_line, split_verdict, strip_verdict, unwrap_traceback

_MAX_DEPTH = 4  # JSON in a quoted text in a traceback …
_IS_ERROR = re.compile(r"ERR|FATAL|CRIT|SEVERE|PANIC")
_IS_WARNING = re.compile(r"WARN")
_IS_INFO = re.compile(r"INFO|DEBUG|TRACE|NOTICE")
_BULLET = re.compile(r"^(?:[-*•–·+]|\(?\d{1,5}[.)]|\[\d{1,5}\]|#\d{1,5}:?|\d{1,5}:)\s+(?=\S)")
_WORD = re.compile(r"\S+")
# What follows "; " and isn't a fault of its own.
_GOES_ON = re.compile(r"(?:allowed|accepted|permitted|valid|expected|must|should|see|please|use|try|giving)\b")
_LONGEST_NAME = 300
# The start of a file's name at the end of a part: without a colon, a quote, or two words that could be a message.
_OPEN_NAME = re.compile(r"(?:^|[;:]\s)[^\s;]*/(?:(?!\s[a-z]+\s[a-z]+)[^:|\"“'=])*$")
# … or in the middle of a sentence, if the next part begins with the rest of a file's name.
_OPEN_PATH = re.compile(r"(?:^|\s)[^\s;]*/(?:(?!\s[a-z]+\s[a-z]+|\.[a-z]\w{1,4}\b)[^:|\"“'=])*$")
_REST_OF_NAME = re.compile(
    r"(?!bag-info|bagit|fetch\.|\w*manifest)(?:(?:[^\s/]*[.,\d]|\|)\s){0,3}[^\s/:]*\.[A-Za-z]\w{1,4}(?=[:\s])"
)
_OCFL = re.compile(r"\s*\[[EW]\d{3}[a-z]?\]")
_MAX_LENGTH = 200_000  # characters of a note that are read; more would take seconds of a worker's save
# Lines that are read in full, from the start and from the end; a big bag's note can have ten thousand alike. The others
# count as one fault each.
_MAX_READ, _LAST_READ = 1_000, 20
_HIDDEN = 0xE000  # the first character of Unicode's private use area
_LETTER = re.compile("[\\w\ue000-\uf8ff]")

_THINGS = r"(?:errors?|faults?|problems?|issues?|messages?|lines?|files?|failures?|entries|violations?)"
# A sentence about faults that aren't listed. It can follow the last fault in its line.
_MORE = re.compile(
    rf"""
    (?:^|(?<=[.;…!])\s*|\s\|\s|\s+[(\[…]?(?=and\b|plus\b|there\s(?:are|were)\s\d|\.\.\.|…))
    [\s(\[…+]*(?:\.\.\.\s*)?
    (?:(?:and|plus|there\s(?:are|were|is|was)|with|showing|only|but)\s){{0,2}}
    (?: (?P<more>\d[\d,.]*)\s(?:\w+\s){{0,2}}?(?:more|further|others?|additional|not\s(?:shown|listed))
      | (?:many|some|several|even)?\s?(?:more|further|others?|additional)\s(?:\w+\s)?{_THINGS}
      | (?:the\s)?(?:first|last)\s[\d,.]+\s(?:\w+\s)?(?:of|out\sof)\s(?P<of>\d[\d,.]*)
      | [\d,.]+\s(?:of|out\sof)\s(?P<outof>\d[\d,.]*)\s(?:\w+\s){{0,2}}?(?:shown|listed|displayed|reported|{_THINGS})
      | (?:total\s(?:number\sof\s)?{_THINGS}|{_THINGS}\sin\s(?:total|all))\s*[:=]?\s*(?P<total>\d[\d,.]*)
      | (?P<intotal>\d[\d,.]*)\s(?:\w+\s)?{_THINGS}\s(?:in\s(?:total|all)|altogether|overall)
    )
    [^|;]{{0,120}}$
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SAID = re.compile(rf"(\d[\d,]*)\s(?:\w+\s)?(?:{_THINGS}|are\slisted)\b", re.IGNORECASE)
_PATH_OR_QUOTED = re.compile(r"\S/\S|[\"“'][^\"”']+[\"”']|\w\.[a-z]\w{1,4}\b")


class Faults(NamedTuple):
    """The faults in a note, and how many the note says there are: some notes list only the first ones."""

    texts: list[str]
    number: int


def find_faults(note: str, names: Iterable[str] = ()) -> Faults:
    """Returns the faults in a note, in its order; the text of a fault can have several lines.

    `names`: names of the item, which can contain what otherwise separates faults. A note without a known form is one
    fault; an empty note has none.
    """
    hidden = sorted({name for name in names if re.search(r"\W", name)}, key=len, reverse=True)
    text = clean(note[:_MAX_LENGTH])
    for number, name in enumerate(hidden):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", chr(_HIDDEN + number), text)
    reader = _Reader()
    reader.read(text, 0)
    texts = [one.strip() for one in reader.texts if _LETTER.search(one)] or list(filter(None, [text.strip()]))
    for number, name in enumerate(hidden):
        texts = [text.replace(chr(_HIDDEN + number), name) for text in texts]
    return Faults(texts, max(len(texts), reader.said, len(texts) + reader.more) if texts else 0)


class _Reader:
    """Collects the faults of one note. `more`: how many it says aren't listed; `said`: how many it says there are."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.more = self.said = 0

    def read(self, text: str, depth: int) -> None:
        """Adds the faults in a text, which can hold another form: JSON in a traceback, for example."""
        text = text.strip()
        if depth < _MAX_DEPTH and (inner := parse_json(text) or parse_xml(text) or _split_embedded_json(text)):
            for one in inner:
                self.read(one, depth + 1)
            return
        unwrapped = unwrap_traceback(text)
        if unwrapped != text and depth < _MAX_DEPTH:
            self.read(unwrapped, depth + 1)
        else:
            self._read_lines(_select_lines(text))

    def _read_lines(self, lines: list[str]) -> None:
        joined = _join_details(lines)
        found: list[str] = []
        for number, line in enumerate(joined):
            is_read = number < _MAX_READ or number >= len(joined) - _LAST_READ
            found += self._split(line) if is_read else [line.strip()]
        faults = [one for one in found if not is_verdict(one)]
        for one in found:
            if is_verdict(one) and (said := _SAID.search(one)):
                self.said = max(self.said, _number(said[1]))
        # A verdict with nothing after it is all that is known.
        self.texts += faults or found[:1]

    def _split(self, line: str) -> list[str]:
        """The faults in one line, which can be joined by " | " or by "; "."""
        found = []
        for part in _split_pipes(_BULLET.sub("", self._cut_more(line.strip()))):
            part = _unquote(_BULLET.sub("", self._cut_more(part).strip()))
            stripped, has_verdict = split_verdict(part)
            stripped = _unquote(stripped)
            if stripped != part and (said := _SAID.search(part[: len(part) - len(stripped)])):
                self.said = max(self.said, _number(said[1]))
            found += _split_semicolons(stripped, is_list=has_verdict)
        return [one for one in map(self._cut_more, found) if one.strip()]

    def _cut_more(self, text: str) -> str:
        """The text without a sentence about faults that aren't listed, which is counted."""
        head, tail = text[:-300], text[-300:]
        found = _MORE.search(tail)
        if not found:
            return text
        self.more = max(self.more, _number(found["more"]))
        self.said = max(self.said, *(_number(found[name]) for name in ("of", "outof", "total", "intotal")))
        return (head + tail[: found.start()]).rstrip(" |;…")


def _number(text: str | None) -> int:
    digits = re.sub(r"\D", "", text or "")
    return int(digits) if 0 < len(digits) < 10 else 0


def _split_embedded_json(text: str) -> list[str] | None:
    """The faults in JSON that follows a few words."""
    start = re.match(r"[\w\s'’-]{1,80}:\s*(?=[{\[])", text)
    if not start or text[-1:] not in ("}", "]"):
        return None
    return parse_json(text[start.end() :])


def _select_lines(text: str) -> list[str]:
    """The lines of a text, without prefixes of a log. Of a log only the first error with the lines that belong to it."""
    lines = [line.rstrip() for line in text.split("\n") if line.strip()]
    logged = [split_log_line(_BULLET.sub("", line.strip())) for line in lines]
    if not any(one.level is not None for one in logged):
        return lines
    for pattern in (_IS_ERROR, _IS_WARNING):
        errors = [n for n, one in enumerate(logged) if one.level and pattern.match(one.level)]
        if errors:
            return _errors(lines, logged, errors)
    if all(one.level == "" for one in logged):
        return [one.message for one in logged]
    return [one.message if one.level is not None else line for line, one in zip(lines, logged, strict=True)]


def _errors(lines: list[str], logged: list[LogLine], errors: list[int]) -> list[str]:
    """The error messages. A list of lines that only begin with a level has all of them; of a log it is the first,
    because what a program reports next mostly follows from it.
    """
    if not any(one.is_timed or (one.level and _IS_INFO.match(one.level)) for one in logged):
        return [
            one.message if one.level is not None else line
            for n, (line, one) in enumerate(zip(lines, logged, strict=True))
            if n in set(errors) or (one.level is None and n > errors[0])
        ]
    first = errors[0]
    end = next((n for n in range(first + 1, len(lines)) if logged[n].level is not None), len(lines))
    return [logged[first].message, *lines[first + 1 : end]]


def _join_details(lines: list[str]) -> list[str]:
    """The lines, with indented ones added to the line before; but they are faults if they follow a verdict."""
    if not lines:
        return []
    indents = [len(line) - len(line.lstrip()) for line in lines]
    head, rest = lines[0].strip(), indents[1:]
    is_heading = is_verdict(head) or strip_verdict(head) != head or head.endswith(":")
    margin = min(rest) if is_heading and rest else min(indents)
    groups = [[head]]
    for line, indent in zip(map(str.strip, lines[1:]), rest, strict=True):
        is_detail = indent > margin and not _BULLET.match(line) and (len(groups) > 1 or not is_heading)
        if is_detail:
            groups[-1].append(line)
        else:
            groups.append([line])
    joined = ["\n".join(group) for group in groups]
    is_title = head.endswith(":") and not is_verdict(head) and not _PATH_OR_QUOTED.search(head)
    # "Errors in bag-info.txt:" and the like, before a list.
    return joined[1:] if is_title and len(joined) > 1 else joined


def _split_pipes(text: str) -> list[str]:
    """The parts of a text joined by " | ". The name of a file can contain it, too; what OCFL says about one file is a line."""
    if _OCFL.match(text):
        return [text]
    parts: list[str] = []
    for part in split_outside_quotes(r"\s\|\s", text):
        if parts and _is_open(parts[-1], part):
            parts[-1] += f" | {part}"
        else:
            parts.append(part)
    return parts


def _split_semicolons(text: str, *, is_list: bool) -> list[str]:
    """The faults joined by "; ". Without a verdict before them, "; " can be part of a sentence: then every part must be
    about a file or something quoted.
    """
    parts = [part for part in split_outside_quotes(r";\s+", text) if part.strip()]
    if len(parts) < 2 or _OCFL.match(text) or not (is_list or all(map(_PATH_OR_QUOTED.search, parts))):
        return [text]
    # The name of a file can contain "; ", and then a part is only a name.
    faults = parts[:1]
    for part in parts[1:]:
        if _GOES_ON.match(part) or _is_open(faults[-1], part) or _WORD.fullmatch(faults[-1]):
            faults[-1] += f"; {part}"
        else:
            faults.append(part)
    return [_unquote(fault) for fault in faults]


def _is_open(part: str, following: str) -> bool:
    """Whether a part ends within the name of a file, which then has what otherwise separates faults."""
    end = part[-_LONGEST_NAME:]
    return bool(_OPEN_NAME.search(end) or (_REST_OF_NAME.match(following) and _OPEN_PATH.search(end)))


def _unquote(text: str) -> str:
    """The text in quotes, if all of it is quoted and it is more than a name."""
    if (
        len(text.split()) > 1
        and text[0] == text[-1]
        and text[0] in "'\""
        and text[0] not in re.sub(r"\\.", "", text[1:-1])
    ):
        return (parse_json(text) or [text[1:-1]])[0]
    return text
