"""What a request's body may be: JSON of a bounded size."""

import json
from contextlib import suppress
from typing import Any

from django.http import HttpRequest, UnreadablePostError
from rest_framework.parsers import BaseParser, FormParser

from .replies import Wrong

MOST_BYTES = 16 * 1024 * 1024  # a batch of a thousand records with long notes
_READ_AWAY = 1024 * 1024 * 1024
_PIECE = 1024 * 1024


class Json(BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        _check_length(parser_context)
        return decoded(stream.read())


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
    except ValueError as error:
        raise Wrong(400, f"The body is not JSON: {error}.") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def read_away(request: HttpRequest) -> None:
    """Reads what nobody has read of the body, up to a bound: a client that is still sending would see its connection break,
    and never the answer."""
    with suppress(UnreadablePostError):
        for _piece in range(_READ_AWAY // _PIECE):
            if not request.read(_PIECE):
                return
