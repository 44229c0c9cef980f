import sys

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import redirect, render
from django.template.loader import get_template
from django.urls import resolve
from django.utils.cache import add_never_cache_headers
from django.utils.translation import get_language
from django.views import View, defaults
from django.views.generic import TemplateView

from pharos.accounts.authorization import PUBLIC
from pharos.accounts.roles import Permission
from pharos.outages import Outage, end_outage, find_outage


class Keys(TemplateView):
    """`/keys`: the keyboard shortcuts. keys.js shows the same content in a dialog."""

    permission = Permission.SIGN_IN
    template_name = "keys.html"


class NotFound(View):
    """Any unknown address. If only a trailing slash is missing or extra, it redirects to the page, else it is a 404."""

    permission = PUBLIC

    def dispatch(self, request, *args, **kwargs):
        path = request.path_info.removesuffix("/") if request.path_info.endswith("/") else f"{request.path_info}/"
        view_class = getattr(resolve(path or "/").func, "view_class", None)
        if request.method in ("GET", "HEAD") and view_class is not NotFound:
            query = request.META.get("QUERY_STRING", "")
            return redirect(f"{path}?{query}" if query else path)
        return render(request, "404.html", status=404)


def outage_page(request: HttpRequest, outage: Outage, error: BaseException) -> HttpResponse:
    """The page that says what is wrong with the database. It asks nothing of the database itself.

    A form that was sent can be sent again from there, so that nothing that was typed is lost; never passwords.
    """
    end_outage(outage, error)
    context = {
        "outage": outage,
        "language": get_language(),
        "address": request.get_full_path(),
        "is_form": request.method == "POST",
        "resend": _resendable_fields(request),
    }
    response = HttpResponse(get_template("503.html").render(context), status=503)
    response["Retry-After"] = str(outage.retry_after)
    add_never_cache_headers(response)
    response._has_been_logged = True  # type: ignore[attr-defined]  # Django would add a traceback
    return response


def _resendable_fields(request: HttpRequest) -> list[tuple[str, str]] | None:
    """Returns (name, value) for each field of the form that was sent, or None if it can't be sent again from a page."""
    try:
        fields = [(name, value) for name, values in request.POST.lists() for value in values]
        has_files = bool(request.FILES)
    except (SuspiciousOperation, MultiPartParserError, UnreadablePostError):
        return None  # the outage came before anybody looked at the form, which turns out to be none
    is_secret = any("password" in name for name, _value in fields)
    return None if has_files or is_secret or not fields else fields


def server_error(request: HttpRequest) -> HttpResponse:
    """What Django calls for an error that no middleware has answered, such as one of reading the session."""
    error = sys.exc_info()[1]
    outage = find_outage(error)
    if error is None or outage is None:
        return defaults.server_error(request)
    return outage_page(request, outage, error)
