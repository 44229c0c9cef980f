"""What every view of the API is made of: who calls, what may be sent, and errors as JSON."""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpResponse, UnreadablePostError
from rest_framework.exceptions import APIException, MethodNotAllowed, NotAuthenticated, Throttled, UnsupportedMediaType
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.views import APIView

from ..lifecycle import Refused
from .bodies import MOST_BYTES, Json
from .callers import ByKey, PerKey
from .editions import Edition
from .replies import Wrong, problem, status_of, wrong_fields

log = logging.getLogger(__name__)


class OnlyJson(BaseContentNegotiation):
    """Whatever a caller says that it accepts, it gets JSON: there is nothing else."""

    def select_parser(self, request, parsers):
        wanted = (request.content_type or "").split(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == wanted), None)

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


class ApiView(APIView):
    """A view of one edition. Whoever may not use the edition gets 403."""

    edition: Edition = None  # type: ignore[assignment]  # given where the view is mounted
    authentication_classes = [ByKey]
    throttle_classes: list[Any] = []  # see perform_authentication
    parser_classes = [Json]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = OnlyJson
    metadata_class = None
    http_method_names = ["get", "head", "post", "put"]
    most_bytes = MOST_BYTES
    takes_query = False  # whether GET has parameters
    in_address: dict[str, str] = {}  # {a part of the address: what it means}, for the description

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        if request.GET and not (self.takes_query and request.method in ("GET", "HEAD")):
            told = ["This address takes no parameters. Put values in the body."]
            raise wrong_fields(400, dict.fromkeys(request.GET, told))

    def perform_authentication(self, request):
        """Who calls, and whether too often: before anything else, so that calls which are refused count, too."""
        super().perform_authentication(request)
        pace = PerKey()
        if not pace.allow_request(request, self):
            self.throttled(request, pace.wait())

    def check_permissions(self, request):
        if not request.user.can(self.edition.permission):
            raise PermissionDenied("Your role can't use this address. Addresses for members start with /member-api/.")

    def get_exception_handler(self):
        return answer_to

    def record(self, request) -> dict[str, Any]:
        """The JSON object that was sent. Raises Wrong where there is none."""
        if request.META.get("HTTP_TRANSFER_ENCODING"):
            raise Wrong(411, "Send the body with its Content-Length, not in chunks.")
        coding = request.headers.get("Content-Encoding", "").strip().lower()
        if coding not in ("", "identity"):
            raise Wrong(
                415,
                f"The body is compressed ({coding[:20]}). Send it as plain JSON, without the header Content-Encoding.",
            )
        data = request.data
        if not isinstance(data, dict) or not (data or int(request.META.get("CONTENT_LENGTH") or 0)):
            raise Wrong(400, "Send one JSON object as the body.")
        return data


def answer_to(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """The reply for an error that says what is wrong; None for one that nobody has foreseen."""
    if isinstance(error, Wrong):
        return problem(error.status, error.error, **error.more)
    if isinstance(error, Refused):
        return refusal(error, context["view"])
    if isinstance(error, Http404):
        return problem(404, str(error) or "There is nothing at this address.")
    if isinstance(error, PermissionDenied):
        return problem(403, str(error))
    if isinstance(error, RequestDataTooBig):
        return problem(413, "This body is too large.")
    if isinstance(error, SuspiciousOperation | UnreadablePostError):
        return problem(400, "The request is malformed.")
    if isinstance(error, OperationalError):
        log.error("The database could not complete a request: %s", error)
        reply = problem(
            503, "The database did not respond in time. Try again in a moment. You can safely repeat a save."
        )
        reply["Retry-After"] = "5"
        return reply
    return _of_framework(error, context) if isinstance(error, APIException) else None


def _of_framework(error: APIException, context: dict[str, Any]) -> HttpResponse:
    if isinstance(error, Throttled):
        sentence = f"This key has reached its limit of requests per minute. Try again in {error.wait} seconds."
        reply = problem(429, sentence)
        reply["Retry-After"] = str(int(error.wait))
        return reply
    if isinstance(error, MethodNotAllowed):
        return problem(405, _which_methods(context))
    if isinstance(error, UnsupportedMediaType):
        return problem(415, _which_kinds(context))
    status = 401 if isinstance(error, NotAuthenticated) else error.status_code
    reply = problem(status, str(error.detail))
    if header := getattr(error, "auth_header", None):
        reply["WWW-Authenticate"] = header
    return reply


def _which_methods(context: dict[str, Any]) -> str:
    *rest, last = context["view"].allowed_methods
    taken = f"{', '.join(rest)} and {last}" if rest else f"{last} only"
    return f"{context['request'].method} is not supported; this address supports {taken}."


def _which_kinds(context: dict[str, Any]) -> str:
    taken = " or ".join(parser.media_type for parser in context["view"].parser_classes)
    sent = context["request"].content_type
    here = f"it is now {sent[:60]}" if sent else "it is missing"
    return f"Send {taken}, and set the header Content-Type accordingly; {here}."


def refusal(refused: Refused, view: ApiView) -> HttpResponse:
    """A refusal of the lifecycle. One that is about a value names its field, as this version spells it."""
    if refused.reason != "invalid":
        return problem(status_of(refused), refused.sentence)
    field = view.edition.record.name_of(refused.field or "record")
    return problem(422, refused.sentence, **{field: [refused.sentence]})
