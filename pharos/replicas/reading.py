"""Pages that are read from a standby, and who has changed something and must see it.

    class List(ReadsFromStandby, View): …  its `get` reads from the database `self.using`, and only reads

Whoever has changed something carries a cookie with the primary's position after it, and is sent to a standby only once that
has replayed as much.
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse

from .standbys import FAILURES, PRIMARY, Choice, standbys, written

COOKIE = "pharos_written"
SALT = "pharos.reading"
# Seconds. After LATE seconds every standby that is read from has replayed it anyway.
LASTS = 300
_SAFE = ("GET", "HEAD", "OPTIONS")
_EVERYTHING = 2**63 - 1  # beyond every position: nothing but the primary will do


class ReadYourWrites:
    """Middleware: gives the cookie to whoever has sent what may have changed something."""

    def __init__(self, get_response):
        if not standbys:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if request.method not in _SAFE and request.user.is_authenticated:
            response.set_signed_cookie(
                COOKIE,
                _position(),
                salt=SALT,
                max_age=LASTS,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response


def _position() -> int:
    try:
        return written()
    except FAILURES:  # what was done is done: that its position is not known must not look like a failure of it
        return _EVERYTHING


def _written_by(request: HttpRequest) -> int:
    """The position that this reader must see. A cookie that is not ours, or too old, is none."""
    return int(request.get_signed_cookie(COOKIE, default=None, salt=SALT, max_age=LASTS) or 0)


class ReadsFromStandby:
    """Mixin of a class-based view: its GET reads from `self.using`, and runs once more on the primary where a standby fails."""

    using = DEFAULT_DB_ALIAS

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not standbys or request.method not in ("GET", "HEAD"):
            return self._answered(request, *args, **kwargs)
        choice = standbys.choose(_written_by(request))
        self.using = choice.alias
        if choice == PRIMARY:
            response = self._answered(request, *args, **kwargs)
        else:
            try:
                response = self._answered(request, *args, **kwargs)
            except FAILURES as failure:
                response = self._by_primary(choice, failure, request, *args, **kwargs)
            else:
                standbys.has_served(choice)
        response["X-Read-From"] = self.using
        return response

    def _by_primary(
        self, choice: Choice, failure: BaseException, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """The same again. Only where that goes well was it the standby's fault."""
        self.using = DEFAULT_DB_ALIAS
        response = self._answered(request, *args, **kwargs)
        standbys.has_failed(choice, failure)
        return response

    def _answered(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        # Else it would be rendered, and read, where nobody catches a failure.
        return response.render() if isinstance(response, SimpleTemplateResponse) else response
