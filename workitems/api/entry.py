"""The way in to the API, apart from the pages': its callers are programs.

They repeat every cookie that they are sent, and on a redirect turn a PUT into a GET and report success. So here is no
session, no cookie, no redirect and no page, whatever goes wrong.
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

from .bodies import read_away
from .replies import problem

URLS = "workitems.api.urls"
# The description for people, /api/docs/, is a page.
_OURS = re.compile(r"/(?:api(?!/docs(?:/|$))|member-api|admin-api)(?:/|$)", re.IGNORECASE)
_LEADING = re.compile(r"^/{2,}")
_WORTH_PACKING = 1000  # bytes; less than that fits into one packet anyway
_FAST = 1
log = logging.getLogger(__name__)


class Api:
    """Middleware, the first of all: answers what is for the API, and lets everything else pass."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        # A client whose base address ends in a slash asks for //api/…
        path = _LEADING.sub("/", request.path_info)
        if not _OURS.match(path):
            return self.get_response(request)
        request.path = request.path_info = path
        try:
            # Clients look for its sentences, and a page before may have left this thread in another language.
            with translation.override(settings.LANGUAGE_CODE):
                response = _answer(request)
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            response = problem(500, "Something went wrong on the server and has been logged. Try again later.")
        read_away(request, known=response.status_code != 401)
        return _finished(request, response)


def _answer(request: HttpRequest) -> HttpResponse:
    try:
        request.get_host()
    except DisallowedHost:
        return problem(400, "This server doesn't serve the host named in the request.")
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return problem(403, "Use https. A key sent over plain http can be intercepted.")
    match = _match(request.path_info)
    if match is None:
        return problem(404, "The API has no such address. See /api/docs/ for the addresses it has.")
    return match.func(request, *match.args, **match.kwargs)


def _match(path: str) -> ResolverMatch | None:
    """The view of an address, with or without the slash at its end."""
    for spelling in (path, path.removesuffix("/") if path.endswith("/") else f"{path}/"):
        try:
            return get_resolver(URLS).resolve(spelling)
        except Resolver404:
            continue
    return None


def _finished(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    response.cookies.clear()
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'none'"
    response["Vary"] = "Accept-Encoding"
    if settings.SECURE_HSTS_SECONDS and request.is_secure():
        response["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}"
    if len(response.content) > _WORTH_PACKING and _takes_gzip(request):
        response.content = gzip.compress(response.content, _FAST, mtime=0)
        response["Content-Encoding"] = "gzip"
    response["Content-Length"] = str(len(response.content))
    if request.method == "HEAD":
        response.content = b""
    return response


def _takes_gzip(request: HttpRequest) -> bool:
    offers = request.headers.get("Accept-Encoding", "").lower().split(",")
    names = {name.strip(): quality.strip() for name, _sep, quality in (offer.partition(";") for offer in offers)}
    return names.get("gzip", "q=0") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
