"""Parsers of request bodies: JSON of a limited size, and forms."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from django.http import HttpRequest, UnreadablePostError
from rest_framework.parsers import BaseParser, FormParser

from ..database import MAX_BIGINT
from .responses import ApiError, field_errors

MAX_BYTES = 16 * 1024 * 1024  # a batch of a thousand records with long notes
_MAX_DRAINED = 1024 * 1024 * 1024
_CHUNK = 64 * 1024
_DRAIN_TIMEOUT = 10  # seconds to wait for the next part of an unwanted body


class NotJson(ValueError):
    """Something that Python's parser accepts but that isn't JSON."""


class JsonParser(BaseParser):
    """Any JSON value, of a limited size."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        _check_length(parser_context)
        return decode_json(stream.read())


class FlatJsonParser(JsonParser):
    """A JSON object whose values are strings, numbers, true, false, or null.

    For bodies that can be very large. The general parser would build millions of nested lists before they could be
    rejected.
    """

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        _check_length(parser_context)
        try:
            return _parse_flat(stream.read().decode())
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ApiError(400, f"The body is not JSON: {error}.") from None


_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,4000})(?:\.[0-9]{1,4000})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_WORDS = {"true": True, "false": False, "null": None}


def _parse_flat(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    at = _skip(text, 0, "{")
    if text[at : at + 1] == "}":
        at += 1
    else:
        while True:
            name, at = scanstring(text, _skip(text, at, '"'))
            found[name], at = _parse_scalar(text, _skip(text, at, ":"), name)
            at = _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it always matches
            if text[at : at + 1] == "}":
                at += 1
                break
            at = _skip(text, at, ",")
    if _SPACE.fullmatch(text, at) is None:
        raise json.JSONDecodeError("Extra data", text, at)
    return found


def _skip(text: str, at: int, sign: str) -> int:
    """The position after this sign and the white space around it. After a quotation mark, white space is kept."""
    at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
    if text[at : at + 1] != sign:
        raise json.JSONDecodeError(f"Expecting {sign}", text, at)
    return at + 1 if sign == '"' else _SPACE.match(text, at + 1).end()  # type: ignore[union-attr]


def _parse_scalar(text: str, at: int, name: str) -> tuple[Any, int]:
    if text[at : at + 1] == '"':
        return scanstring(text, at + 1)
    if text[at : at + 1] in ("[", "{"):
        raise field_errors(422, {name: ["Use text."]})
    for word, value in _WORDS.items():
        if text.startswith(word, at):
            return value, at + len(word)
    if number := _NUMBER.match(text, at):
        return json.loads(number[0]), number.end()
    raise json.JSONDecodeError("Expecting a value", text, at)


class FlatFormParser(FormParser):
    """A form as {name: text}, each name only once."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        _check_length(parser_context)
        form = super().parse(stream, media_type, parser_context)
        if repeated := [name for name, values in form.lists() if len({*values}) > 1]:
            raise field_errors(422, {name: ["Use this only once."] for name in repeated})
        return form.dict()


def _check_length(parser_context: Any) -> None:
    limit = parser_context["view"].max_bytes
    length = int(parser_context["request"].META.get("CONTENT_LENGTH") or 0)
    if length > limit:
        raise ApiError(413, f"This body has {length:,} bytes, but at most {limit:,} are accepted here.")


def decode_json(body: bytes) -> Any:
    """Parses the JSON of a body. Raises ApiError 400 if it is invalid."""
    try:
        return json.loads(body, parse_constant=_reject_constant)
    except RecursionError:
        raise ApiError(400, "The body is nested too deeply.") from None
    except (json.JSONDecodeError, UnicodeDecodeError, NotJson) as error:
        raise ApiError(400, f"The body is not JSON: {error}.") from None
    except ValueError:
        # Python refuses numbers with thousands of digits, with a message meant for Python programmers.
        raise ApiError(400, f"A number in the body is too long; the largest is {MAX_BIGINT}.") from None


def _reject_constant(name: str) -> None:
    raise NotJson(f"{name} is not a JSON number")


def drain(request: HttpRequest, *, known: bool) -> None:
    """Reads and discards the rest of the body, up to a limit.

    Otherwise, a client that is still sending would see its connection break and never get the response. If the caller
    isn't `known`, the limit is that of an ordinary body.
    """
    with suppress(UnreadablePostError), _read_timeout(request.META.get("gunicorn.socket")):
        for _piece in range((_MAX_DRAINED if known else MAX_BYTES) // _CHUNK):
            if not request.read(_CHUNK):
                return


@contextmanager
def _read_timeout(connection: Any) -> Iterator[None]:
    """Limits how long reads wait for a caller who has stopped sending. It only has an effect under gunicorn."""
    if connection is not None:
        connection.settimeout(_DRAIN_TIMEOUT)
    try:
        yield
    finally:
        if connection is not None:
            connection.settimeout(None)
