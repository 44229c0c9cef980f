"""Creates the responses of the API, which are all JSON, including errors."""

import json
from typing import Any

from django.http import HttpResponse

from ..lifecycle import Refused
from .status_codes import STATUS_OF


def json_response(data: Any, status: int = 200) -> HttpResponse:
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # Errors repeat what was sent, which can contain a lone surrogate.
    return HttpResponse(body.encode(errors="replace"), status=status, content_type="application/json")


def error_response(status: int, error: str, /, **more: Any) -> HttpResponse:
    """An error response. `error`: what is wrong, as a sentence. `more`: further members of the body."""
    return json_response({**more, "error": error}, status)


class ApiError(Exception):
    """A request that can't be fulfilled: the status, the sentence, and the other members of the response's body."""

    def __init__(self, status: int, error: str, /, **more: Any):
        super().__init__(error)
        self.status = status
        self.error = error
        self.more = more


def field_errors(status: int, fields: dict[str, list[str]]) -> ApiError:
    """An error with the messages of each field, and with all of them joined as its sentence."""
    error = " ".join(f"{name}: {' '.join(messages)}" for name, messages in fields.items())
    return ApiError(status, error, **fields)


def status_of(refused: Refused) -> int:
    return STATUS_OF[refused.reason]
