"""What a request's body may be: JSON of a bounded size."""

import json
from typing import Any

from rest_framework.parsers import BaseParser, FormParser

from .replies import Wrong

MOST_BYTES = 16 * 1024 * 1024  # a batch of a thousand records with long notes
# A body that is too large is read to its end and thrown away, up to here: a client that is still sending would see its
# connection break, and never the answer.
_READ_AWAY = 1024 * 1024 * 1024
_PIECE = 1024 * 1024


class Json(BaseParser):
    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        limit = parser_context["view"].most_bytes
        request = parser_context["request"]
        length = int(request.META.get("CONTENT_LENGTH") or 0)
        if length > limit:
            _read_away(stream, length)
            raise Wrong(413, f"This body has {length:,} bytes; at most {limit:,} are taken here.")
        return decoded(stream.read())


class Form(FormParser):
    """A form, {name: text}."""

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        return super().parse(stream, media_type, parser_context).dict()


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


def _read_away(stream: Any, length: int) -> None:
    left = min(length, _READ_AWAY)
    while left > 0 and (piece := stream.read(min(left, _PIECE))):
        left -= len(piece)
