"""The middleware that handles API requests separately from pages, because the callers are programs.

Some clients send back every cookie that they get, and after a redirect they turn a PUT into a GET and report success.
So the API uses no session, cookies, redirects, or HTML, whatever goes wrong.
"""

import gzip
import logging
import re

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, ResolverMatch, get_resolver
from django.utils import translation

from .bodies import drain
from .responses import error_response

URLCONF = "workitems.api.urls"
# The documentation, /api/docs/, is a page.
_API_PATH = re.compile(r"/(?:api(?!/docs(?:/|$))|member-api|admin-api)(?:/|$)", re.IGNORECASE)
_LEADING = re.compile(r"^/{2,}")
_MIN_GZIP_SIZE = 1000  # bytes; less fits into one packet anyway
_GZIP_LEVEL = 1
log = logging.getLogger(__name__)


class ApiMiddleware:
    """Only RequestMiddleware comes before it. It responds to requests for the API, and passes all others on."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # A client whose base address ends in a slash requests //api/…
        path = _LEADING.sub("/", request.path_info)
        if not _API_PATH.match(path):
            return self.get_response(request)
        request.path = request.path_info = path
        try:
            # Clients search responses for English sentences, and an earlier request of this thread can have set a
            # language.
            with translation.override(settings.LANGUAGE_CODE):
                response = _answer(request)
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            response = error_response(500, "Something went wrong on the server and has been logged. Try again later.")
        drain(request, known=response.status_code != 401)
        return _finish(request, response)


def _answer(request: HttpRequest) -> HttpResponse:
    try:
        request.get_host()
    except DisallowedHost:
        return error_response(400, "This server doesn't serve the host named in the request.")
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return error_response(403, "Use https. A key sent over plain http can be intercepted.")
    match = _resolve(request.path_info)
    if match is None:
        return error_response(404, "The API has no such address. See /api/docs/ for the addresses it has.")
    request.resolver_match = match
    return match.func(request, *match.args, **match.kwargs)


def _resolve(path: str) -> ResolverMatch | None:
    """Finds the view of an address, with or without the trailing slash."""
    for spelling in (path, path.removesuffix("/") if path.endswith("/") else f"{path}/"):
        try:
            return get_resolver(URLCONF).resolve(spelling)
        except Resolver404:
            continue
    return None


def _finish(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    response.cookies.clear()
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    response["Vary"] = "Accept-Encoding"
    if settings.SECURE_HSTS_SECONDS and request.is_secure():
        response["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
    if len(response.content) > _MIN_GZIP_SIZE and _accepts_gzip(request):
        response.content = gzip.compress(response.content, _GZIP_LEVEL, mtime=0)
        response["Content-Encoding"] = "gzip"
    response["Content-Length"] = str(len(response.content))
    if request.method == "HEAD":
        response.content = b""
    return response


def _accepts_gzip(request: HttpRequest) -> bool:
    offers = request.headers.get("Accept-Encoding", "").lower().split(",")
    names = {name.strip(): quality.strip() for name, _sep, quality in (offer.partition(";") for offer in offers)}
    return names.get("gzip", "q=0") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
