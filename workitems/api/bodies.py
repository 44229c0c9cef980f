"""What a request's body may be: JSON of a bounded size."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from django.http import HttpRequest, UnreadablePostError
from rest_framework.parsers import BaseParser, FormParser

from ..database import MAX_BIGINT
from .replies import Wrong, wrong_fields

MOST_BYTES = 16 * 1024 * 1024  # a batch of a thousand records with long notes
_READ_AWAY = 1024 * 1024 * 1024
_PIECE = 64 * 1024
_PATIENCE = 10  # seconds for the next piece of a body that nobody wants


class NotJson(ValueError):
    """What Python would read, and JSON does not have."""


class Json(BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        _check_length(parser_context)
        return decoded(stream.read())


class FlatJson(Json):
    """A JSON object of texts, numbers, true, false and null.

    For bodies that may be very large: of a million empty lists, which the general reader would build before anybody sees
    that they are not wanted, none is made.
    """

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        _check_length(parser_context)
        try:
            return _flat(stream.read().decode())
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise Wrong(400, f"The body is not JSON: {error}.") from None


_SPACE = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,4000})(?:\.[0-9]{1,4000})?(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_WORDS = {"true": True, "false": False, "null": None}


def _flat(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    at = _over(text, 0, "{")
    if text[at : at + 1] == "}":
        at += 1
    else:
        while True:
            name, at = scanstring(text, _over(text, at, '"'))
            found[name], at = _scalar(text, _over(text, at, ":"), name)
            at = _SPACE.match(text, at).end()  # type: ignore[union-attr]  # it matches everywhere
            if text[at : at + 1] == "}":
                at += 1
                break
            at = _over(text, at, ",")
    if _SPACE.fullmatch(text, at) is None:
        raise json.JSONDecodeError("Extra data", text, at)
    return found


def _over(text: str, at: int, sign: str) -> int:
    """The place after this sign, and after the space around it unless a text begins there."""
    at = _SPACE.match(text, at).end()  # type: ignore[union-attr]
    if text[at : at + 1] != sign:
        raise json.JSONDecodeError(f"Expecting {sign}", text, at)
    return at + 1 if sign == '"' else _SPACE.match(text, at + 1).end()  # type: ignore[union-attr]


def _scalar(text: str, at: int, name: str) -> tuple[Any, int]:
    if text[at : at + 1] == '"':
        return scanstring(text, at + 1)
    if text[at : at + 1] in ("[", "{"):
        raise wrong_fields(422, {name: ["Give a text."]})
    for word, value in _WORDS.items():
        if text.startswith(word, at):
            return value, at + len(word)
    if number := _NUMBER.match(text, at):
        return json.loads(number[0]), number.end()
    raise json.JSONDecodeError("Expecting a value", text, at)


class Form(FormParser):
    """A form, {name: text}."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        _check_length(parser_context)
        return super().parse(stream, media_type, parser_context).dict()


def _check_length(parser_context: Any) -> None:
    limit = parser_context["view"].most_bytes
    length = int(parser_context["request"].META.get("CONTENT_LENGTH") or 0)
    if length > limit:
        raise Wrong(413, f"This body has {length:,} bytes; at most {limit:,} are taken here.")


def decoded(body: bytes) -> Any:
    """The JSON in a body. Raises Wrong 400 where it is none."""
    try:
        return json.loads(body, parse_constant=_no_constant)
    except RecursionError:
        raise Wrong(400, "The body is nested too deeply.") from None
    except (json.JSONDecodeError, UnicodeDecodeError, NotJson) as error:
        raise Wrong(400, f"The body is not JSON: {error}.") from None
    except ValueError:
        # Python reads no number of thousands of digits, and its words on that are for its programmers.
        raise Wrong(400, f"A number in the body is too long; the largest is {MAX_BIGINT}.") from None


def _no_constant(name: str) -> None:
    raise NotJson(f"{name} is no JSON number")


def read_away(request: HttpRequest, *, known: bool) -> None:
    """Reads what nobody has read of the body, up to a bound: a client that is still sending would see its connection break,
    and never the answer. For a caller who is not `known` the bound is that of an ordinary body."""
    with suppress(UnreadablePostError), _patience(request.META.get("gunicorn.socket")):
        for _piece in range((_READ_AWAY if known else MOST_BYTES) // _PIECE):
            if not request.read(_PIECE):
                return


@contextmanager
def _patience(connection: Any) -> Iterator[None]:
    """Inside, a caller who stops sending is not waited for for ever; under another server than gunicorn, as that has it."""
    if connection is not None:
        connection.settimeout(_PATIENCE)
    try:
        yield
    finally:
        if connection is not None:
            connection.settimeout(None)
