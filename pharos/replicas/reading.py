"""Pages that read from a replica, and readers who must see their own changes.

    class List(ReadsFromReplica, View): ...  # `get` reads from the database `self.using`, and doesn't write

Readers who have changed something get a cookie with the primary's position after the change, and are sent to a replica
only once it has replayed that position.
"""

from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import SimpleTemplateResponse

from .pool import PRIMARY, ReplicaChoice, replica_pool
from .servers import FAILURES, write_position

COOKIE = f"{settings.COOKIE_PREFIX}pharos_written"
SALT = "pharos.reading"
# Seconds. After MAX_LAG seconds every usable replica has replayed it anyway.
COOKIE_LIFETIME = 300
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_BEYOND_EVERY_POSITION = 2**63 - 1  # no replica reaches it, so only the primary is used


class ReadYourWrites:
    """Sets the cookie after a request that can have changed something."""

    def __init__(self, get_response):
        if not replica_pool:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if request.method not in _SAFE_METHODS and request.user.is_authenticated:
            response.set_signed_cookie(
                COOKIE,
                _position_after_write(),
                salt=SALT,
                max_age=COOKIE_LIFETIME,
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response


def _position_after_write() -> int:
    try:
        position = write_position()
    except FAILURES:  # the change has been saved, so an unknown position must not look like a failure
        position = None
    return _BEYOND_EVERY_POSITION if position is None else position


def _required_position(request: HttpRequest) -> int:
    """The position that this reader must see; 0 if the cookie is forged or too old."""
    return int(request.get_signed_cookie(COOKIE, default=None, salt=SALT, max_age=COOKIE_LIFETIME) or 0)


class ReadsFromReplica:
    """Mixin for views whose GET reads from `self.using`. If the replica fails, the primary is used instead."""

    using = DEFAULT_DB_ALIAS

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not replica_pool or request.method not in ("GET", "HEAD"):
            return self._respond(request, *args, **kwargs)
        choice = replica_pool.choose(_required_position(request))
        self.using = choice.alias
        if choice == PRIMARY:
            response = self._respond(request, *args, **kwargs)
        else:
            try:
                response = self._respond(request, *args, **kwargs)
            except FAILURES as failure:
                response = self._retry_on_primary(choice, failure, request, *args, **kwargs)
            else:
                replica_pool.report_success(choice)
        response["X-Read-From"] = self.using
        return response

    def _retry_on_primary(
        self, choice: ReplicaChoice, failure: BaseException, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Repeats the request on the primary. Only if that succeeds is the replica at fault."""
        self.using = DEFAULT_DB_ALIAS
        response = self._respond(request, *args, **kwargs)
        replica_pool.report_failure(choice, failure)
        return response

    def _respond(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        # Rendered here, because a failure during later rendering wouldn't be caught.
        return response.render() if isinstance(response, SimpleTemplateResponse) else response
