"""The ID of the current request: in its response, on its error page, and in every log line written while it runs."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

# Letters, digits, and what UUIDs and tracing systems use. Long enough to be unique, short enough to be read out.
_SANE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}", re.ASCII)
_current: ContextVar[str] = ContextVar("request_id", default="")


def current_request_id() -> str:
    """Returns the ID of the request that this thread is answering, or an empty string."""
    return _current.get()


def choose_request_id(offered: str | None) -> str:
    """Returns the ID that a trusted proxy offers if it can be used as it is, otherwise a new one."""
    return offered if offered and _SANE.fullmatch(offered) else secrets.token_hex(8)


@contextmanager
def request_id_in_use(request_id: str) -> Iterator[None]:
    """Makes it the current one within the context."""
    token = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(token)
