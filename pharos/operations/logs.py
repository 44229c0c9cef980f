"""Formats log records as text or as JSON lines (LOG_FORMAT). Whatever is logged, links and keys that work are masked.

It must be importable without Django's settings, because the server's main process, which has none, logs in the same way.
Fields for JSON are passed as `log.info("…", extra={"fields": {"status": 200}})`.
"""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any, Final

from .request_ids import current_request_id

MASK: Final = "…"
_SLASH = r"(?:/|%2F|%252F)+"
_UNTIL_END_OF_PATH = r"[^\s\"'<>?#&]+"
# Each pattern keeps its first group and masks what follows it.
_SECRETS: Final = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(reset{_SLASH}key{_SLASH}){_UNTIL_END_OF_PATH}",  # sets a password
        rf"(digests{_SLASH}stop{_SLASH}){_UNTIL_END_OF_PATH}",  # ends somebody's emails
        r"((?:[?&;]|%3F|%26)[\w.-]*(?:key|token|secret|password|signature|session)[\w.-]*(?:=|%3D))[^\s\"'<>&;#]+",
        r"(api[-_]key[^\w\s]{0,3}\s?[^\w\s]{0,2})[\w-]{20,}",  # a header
        r"(\b\w+://[^\s:/@]*:)[^\s/@]+(?=@)",  # the password in the address of a database
    )
]
# A text without any of these has no secret; most lines have none, and this is much faster than the patterns.
_HINTS: Final = ("reset", "stop", "key", "token", "secret", "password", "signature", "session", "://")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def mask_secrets(text: str) -> str:
    """Returns the text with the secret part of links, query strings, headers, and addresses replaced by “…”."""
    lowered = text.lower()
    if not any(hint in lowered for hint in _HINTS):
        return text
    for secret in _SECRETS:
        text = secret.sub(rf"\1{MASK}", text)
    return text


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _one_line(text: str) -> str:
    """Otherwise a name with a line break could imitate a log line."""
    return _CONTROL.sub(_escape, text)


def _request_id(record: logging.LogRecord) -> str:
    """Django writes its line about a response after all middleware, but names the request."""
    return current_request_id() or getattr(getattr(record, "request", None), "request_id", "")


class TextFormatter(logging.Formatter):
    """`2026-03-04 05:06:07,089 INFO name [request ID]: message`, then the traceback if there is one."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  the library's name
        request_id = _request_id(record)
        where = f"{record.name} [{request_id}]" if request_id else record.name
        return f"{self.formatTime(record)} {record.levelname} {where}: {_one_line(record.message)}"

    def format(self, record: logging.LogRecord) -> str:
        return mask_secrets(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, request_id, the record's fields, and the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        if request_id := _request_id(record):
            entry["request_id"] = request_id
        entry |= getattr(record, "fields", {})
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        if record.stack_info:
            entry["stack"] = self.formatStack(record.stack_info)
        masked = {name: mask_secrets(value) if isinstance(value, str) else value for name, value in entry.items()}
        return json.dumps(masked, default=str)


FORMATTERS: Final = {"text": TextFormatter, "json": JsonFormatter}
