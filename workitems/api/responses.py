"""Responses of the API: JSON, including errors."""

import json
from typing import Any

from django.http import HttpResponse

from ..lifecycle import Refused
from .status_codes import STATUS_OF


def json_response(data: Any, status: int = 200) -> HttpResponse:
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # An error repeats what was sent, which can contain half a surrogate pair.
    return HttpResponse(body.encode(errors="replace"), status=status, content_type="application/json")


def error_response(status: int, error: str, /, **more: Any) -> HttpResponse:
    """An error response: its sentence as `error`, and whatever else helps."""
    return json_response({**more, "error": error}, status)


class ApiError(Exception):
    """A request that can't be fulfilled: the status, the sentence, and the rest of the body."""

    def __init__(self, status: int, error: str, /, **more: Any):
        super().__init__(error)
        self.status = status
        self.error = error
        self.more = more


def field_errors(status: int, fields: dict[str, list[str]]) -> ApiError:
    """An error with messages by field, and all of them as one sentence."""
    return ApiError(status, " ".join(f"{name}: {' '.join(told)}" for name, told in fields.items()), **fields)


def status_of(refused: Refused) -> int:
    return STATUS_OF[refused.reason]
