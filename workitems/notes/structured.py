"""JSON and XML in notes, turned into texts: one for each fault."""

import ast
import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

# Keys are compared in lower case, without "_" and "-".
_LISTS = ("errors", "faults", "failures", "problems", "violations", "issues", "invalid", "results")
_MESSAGES = ("message", "msg", "errormessage", "detail", "error", "description", "reason", "fault", "cause", "details")
_CODES = ("code", "errorcode", "errortype", "type", "exception", "class", "status", "statuscode")
_LEVELS = ("level", "severity", "levelname")
_TIMES = ("time", "ts", "timestamp", "t", "asctime", "date", "eventtime")
_IS_ERROR = re.compile(r"err|fatal|crit|severe|panic", re.IGNORECASE)
# What a fault is about or when it came, but not the fault.
_CONTEXT = re.compile(
    r"bag|file|path|name|id|uuid|time|timestamp|date|at|stage|host|node|pid|logger|expected|actual|found|computed|stored"
    r"|valid|ok|success|algorithm|line|version|requestid|hostid|resource|key|bucket|url|institution|object|item"
)
_MAX_DEPTH = 20
_MAX_REPR = 200_000  # characters; Python's own parser takes much memory
_PAIR = re.compile(r'"((?:[^"\\]|\\.)*)"\s*:\s*"((?:[^"\\]|\\.)*)"')


def parse_json(text: str) -> list[str] | None:
    """Returns the texts of the faults in JSON, or in a Python list or dictionary; None if the text is neither.

    The end can be missing, because lists show only the start of a note.
    """
    if text[:1] not in ("{", "[", '"', "'") or len(text) < 2:
        return None
    value = _load(text)
    if value is None or (isinstance(value, str) and len(value.split()) < 2):  # one word in quotes is a name
        return None
    return [fault for fault in _walk(value, 0) if fault.strip()] or None


def _load(text: str) -> Any:
    for load in (json.loads, _load_lines, _load_repr):
        try:
            value = load(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
            continue
        return value if isinstance(value, dict | list | str) else None
    if text[0] == "{" and (pairs := _PAIR.findall(text)):
        return {_unescape(key): _unescape(value) for key, value in pairs}
    return None


def _load_lines(text: str) -> list[Any]:
    """One JSON object per line, as services log."""
    if text[0] != "{":
        raise ValueError(text[0])
    entries = [json.loads(line) for line in text.splitlines() if line.strip()]
    errors = [one for one in entries if _is_error(one) and any(_fold(str(key)) in _TIMES for key in one)]
    return errors[:1] or entries  # of a log the first error, because what comes next mostly follows from it


def _load_repr(text: str) -> Any:
    if len(text) > _MAX_REPR or text[-1] not in ("}", "]", '"', "'"):
        raise ValueError(text[-1])
    return ast.literal_eval(text)


def _unescape(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text


def _walk(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | tuple | set) and depth < _MAX_DEPTH:
        for one in _errors_only(value):
            yield from _walk(one, depth + 1)
    elif isinstance(value, dict) and depth < _MAX_DEPTH:
        yield from _walk_object({str(key): one for key, one in value.items()}, depth)


def _errors_only(values: Any) -> list[Any]:
    """Leaves out the entries of a log that are no errors, if any entry is one."""
    return list(filter(_is_error, values)) or list(values)


def _is_error(value: Any) -> bool:
    return isinstance(value, dict) and bool(_IS_ERROR.match(str(_pick(_folded(value), _LEVELS) or "")))


def _walk_object(value: dict[str, Any], depth: int) -> Iterator[str]:
    folded = _folded(value)
    for name in _LISTS:
        if isinstance(folded.get(name), dict | list) and folded[name]:
            yield from _walk(folded[name], depth + 1)
            return
    message, code = _pick(folded, _MESSAGES), _pick(folded, _CODES)
    if isinstance(message, str):
        yield message if message.startswith(str(code)) else _prefix(code) + message
    elif message is not None:
        yield from _walk(message, depth + 1)
    else:
        for key, one in value.items():
            if isinstance(one, dict | list) or not _CONTEXT.fullmatch(_fold(key)):
                yield from (f"“{key}”: {fault}" for fault in _walk(one, depth + 1))


def _prefix(code: Any) -> str:
    """A code before its message. A number alone would be taken for a count, not for a status."""
    if re.fullmatch(r"\d{3}", str(code)):
        return f"status {code}: "
    return (
        f"[{code}] "
        if isinstance(code, str) and re.fullmatch(r"(?:\w+\.)*[A-Z]\w*[a-z][A-Z]\w*|[A-Z]+\d+\w*", code)
        else ""
    )


def _folded(value: dict[str, Any]) -> dict[str, Any]:
    return {_fold(str(key)): one for key, one in value.items()}


def _fold(key: str) -> str:
    return re.sub(r"[\W_]", "", key).lower()


def _pick(folded: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((folded[name] for name in names if folded.get(name) not in (None, "", [], {})), None)


_MAX_XML = 20_000  # characters of an error
_XML_ERROR = re.compile(r"<Error\b[^>]*>(.*?)(?:</Error>|\Z)", re.DOTALL)
_XML_VALUE = r"<(?:\w+:)?{0}\b[^>]*>\s*(.{{0,2000}}?)\s*</(?:\w+:)?{0}>"
_XML_CODE = re.compile(_XML_VALUE.format("(?:[Cc]ode|faultcode)"), re.DOTALL)
_XML_MESSAGE = re.compile(_XML_VALUE.format("(?:[Mm]essage|faultstring|[Tt]itle)"), re.DOTALL)


def parse_xml(text: str) -> list[str] | None:
    """Returns the code and message of each error in an XML or HTML document; None if the text is none, or has neither."""
    start = re.search(r"<(?:\?xml|!DOCTYPE|html|Error\b|\w+:Envelope)", text, re.IGNORECASE)
    if not start:
        return None
    found = []
    for part in _XML_ERROR.findall(text, start.start()) or [text[start.start() :]]:
        code, message = (pattern.search(part, 0, _MAX_XML) for pattern in (_XML_CODE, _XML_MESSAGE))
        prefix = f"[{unescape(code[1])}] " if code else ""
        if text := prefix + (unescape(" ".join(message[1].split())) if message else ""):
            found.append(text)
    return found or None
