"""Gives every request an ID, and when it is answered, a line in the access log and a place in the metrics."""

import logging
import time
from collections.abc import Callable, Iterator
from typing import cast
from urllib.parse import quote

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.functional import LazyObject

from . import metrics
from .request_ids import choose_request_id, request_id_in_use

HEADER = "X-Request-ID"
log = logging.getLogger("pharos.access")


class RequestMiddleware:
    """Must be the first middleware, so that it sees every answer."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        request_id = choose_request_id(request.headers.get(HEADER) if settings.TRUSTED_PROXIES else None)
        request.request_id = request_id  # type: ignore[attr-defined]
        with request_id_in_use(request_id):
            response = self.get_response(request)
            response[HEADER] = request_id
            if isinstance(response, StreamingHttpResponse) and not response.has_header("Content-Length"):
                response.streaming_content = _Streamed(response, lambda sent: _note(request, response, began, sent))
            else:
                _note(request, response, began, _size(response))
        return response


def _size(response: HttpResponseBase) -> int:
    """The bytes of the body; those of a file, which the server sends from disk, are in its header."""
    return len(response.content) if isinstance(response, HttpResponse) else int(response["Content-Length"])


class _Streamed:
    """The content of a streamed response. It is finished when all of it is sent or when the client has left."""

    def __init__(self, response: StreamingHttpResponse, finish: Callable[[int], None]):
        self._parts, self._request_id = cast(Iterator[bytes], response.streaming_content), response[HEADER]
        self._finish, self._sent, self._open = finish, 0, True

    def __iter__(self) -> "_Streamed":
        return self

    def __next__(self) -> bytes:
        with request_id_in_use(self._request_id):
            try:
                part = next(self._parts)
            except BaseException:  # the end, too
                self.close()
                raise
        self._sent += len(part)
        return part

    def close(self) -> None:
        """Called by the server after the last part, or instead of it."""
        if self._open:
            self._open = False
            with request_id_in_use(self._request_id):
                self._finish(self._sent)


def _note(request: HttpRequest, response: HttpResponseBase, began: float, size: int) -> None:
    seconds = time.perf_counter() - began
    metrics.observe(request, response.status_code, seconds)
    # Quoted again, because a decoded path can contain line breaks and spaces. Query strings can hold names and keys.
    fields = {
        "method": request.method,
        "path": quote(request.path, safe="/:@!$&'()*+,;=~-._", errors="replace"),
        "status": response.status_code,
        "ms": round(seconds * 1000),
        "bytes": size,
        "user": _user_id(request),
    }
    said = {**fields, "user": fields["user"] or "-"}
    log.info("%(method)s %(path)s %(status)s %(ms)s ms %(bytes)s bytes user %(user)s", said, extra={"fields": fields})


def _user_id(request: HttpRequest) -> int | None:
    """The user's ID as far as it is known. Nobody is looked up for the log."""
    user = getattr(request, "user", None)
    if isinstance(user, LazyObject):
        user = getattr(request, "_cached_user", None)
    return getattr(user, "pk", None)
