"""What every answer of the API looks like: JSON, also where something is wrong."""

import json
from typing import Any

from django.http import HttpResponse

from ..lifecycle import Refused
from .status_codes import STATUS_OF


def reply(data: Any, status: int = 200) -> HttpResponse:
    body = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # An error repeats what was sent, and half a surrogate pair can be sent.
    return HttpResponse(body.encode(errors="replace"), status=status, content_type="application/json")


def problem(status: int, error: str, /, **more: Any) -> HttpResponse:
    """An error: its sentence under `error`, beside whatever else helps."""
    return reply({**more, "error": error}, status)


class Wrong(Exception):
    """A request that cannot be answered as it is: status, sentence, and what else the body says."""

    def __init__(self, status: int, error: str, /, **more: Any):
        super().__init__(error)
        self.status = status
        self.error = error
        self.more = more


def wrong_fields(status: int, fields: dict[str, list[str]]) -> Wrong:
    """Field by field, and all of it as one sentence."""
    return Wrong(status, " ".join(f"{name}: {' '.join(told)}" for name, told in fields.items()), **fields)


def status_of(refused: Refused) -> int:
    return STATUS_OF[refused.reason]
