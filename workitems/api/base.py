"""The base of every API view: authentication, request bodies, and errors as JSON."""

import logging
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpResponse, UnreadablePostError
from rest_framework.exceptions import APIException, MethodNotAllowed, NotAuthenticated, Throttled, UnsupportedMediaType
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.views import APIView

from pharos.outages import end_outage, find_outage

from ..lifecycle import Refused
from .authentication import ApiKeyAuthentication, ApiKeyThrottle
from .bodies import MAX_BYTES, JsonParser
from .responses import ApiError, error_response, field_errors, status_of
from .variants import ApiVariant

log = logging.getLogger(__name__)


class JsonNegotiation(BaseContentNegotiation):
    """Always responds with JSON, whatever the caller accepts."""

    def select_parser(self, request, parsers):
        sent = (request.content_type or "").split(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == sent), None)

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


class ApiView(APIView):
    """A view of one variant of the API. Callers without the variant's permission get 403."""

    variant: ApiVariant = None  # type: ignore[assignment]  # set where the view is mounted
    for_readers: ApiVariant | None = None  # how callers without the variant's permission may read here, if at all
    authentication_classes = [ApiKeyAuthentication]
    throttle_classes: list[Any] = []  # see perform_authentication
    parser_classes = [JsonParser]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = JsonNegotiation
    metadata_class = None
    http_method_names = ["get", "head", "post", "put"]
    max_bytes = MAX_BYTES
    accepts_query = False  # whether GET takes query parameters
    path_help: dict[str, str] = {}  # {part of the address: its meaning}, for the documentation

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        if request.GET and not (self.accepts_query and request.method in ("GET", "HEAD")):
            messages = ["This address takes no parameters. Put values in the body."]
            raise field_errors(400, dict.fromkeys(request.GET, messages))

    def perform_authentication(self, request):
        """Authenticates and counts the call before anything else, so that refused calls count too."""
        super().perform_authentication(request)
        throttle = ApiKeyThrottle()
        if not throttle.allow_request(request, self):
            self.throttled(request, throttle.wait())

    def check_permissions(self, request):
        if request.user.can(self.variant.permission):
            return
        if self.for_readers and request.method in ("GET", "HEAD") and request.user.can(self.for_readers.permission):
            self.variant = self.for_readers
            return
        raise PermissionDenied("Your role can't use this address. Addresses for members start with /member-api/.")

    def get_exception_handler(self):
        return handle_error

    def record(self, request) -> dict[str, Any]:
        """The JSON object (or form) in the body as a dictionary. Raises ApiError if there is none."""
        if request.META.get("HTTP_TRANSFER_ENCODING"):
            raise ApiError(411, "Send the body with its Content-Length, not in chunks.")
        encoding = request.headers.get("Content-Encoding", "").strip().lower()
        if encoding not in ("", "identity"):
            raise ApiError(
                415,
                f"The body is compressed ({encoding[:20]}). Send it as plain JSON, without the header Content-Encoding.",
            )
        data = request.data
        if not isinstance(data, dict) or not (data or int(request.META.get("CONTENT_LENGTH") or 0)):
            raise ApiError(400, "Send one JSON object as the body.")
        return data


def handle_error(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """The response for an expected error; None for an unexpected one."""
    if isinstance(error, ApiError):
        return error_response(error.status, error.error, **error.more)
    if isinstance(error, Refused):
        return refusal_response(error, context["view"])
    if isinstance(error, Http404):
        return error_response(404, str(error) or "There is nothing at this address.")
    if isinstance(error, PermissionDenied):
        return error_response(403, str(error))
    if isinstance(error, RequestDataTooBig):
        return error_response(413, "This body is too large.")
    if isinstance(error, SuspiciousOperation | UnreadablePostError):
        return error_response(400, "The request is malformed.")
    if outage := find_outage(error):
        end_outage(outage, error)
        response = error_response(503, str(outage.sentence))
        response["Retry-After"] = str(outage.retry_after)
        return response
    return _framework_error(error, context) if isinstance(error, APIException) else None


def _framework_error(error: APIException, context: dict[str, Any]) -> HttpResponse:
    if isinstance(error, Throttled):
        sentence = f"This key has reached its limit of requests per minute. Try again in {error.wait} seconds."
        response = error_response(429, sentence)
        response["Retry-After"] = str(int(error.wait))
        return response
    if isinstance(error, MethodNotAllowed):
        return error_response(405, _allowed_methods(context))
    if isinstance(error, UnsupportedMediaType):
        return error_response(415, _accepted_types(context))
    status = 401 if isinstance(error, NotAuthenticated) else error.status_code
    response = error_response(status, str(error.detail))
    if header := getattr(error, "auth_header", None):
        response["WWW-Authenticate"] = header
    return response


def _allowed_methods(context: dict[str, Any]) -> str:
    *rest, last = context["view"].allowed_methods
    supported = f"{', '.join(rest)} and {last}" if rest else f"{last} only"
    return f"{context['request'].method} is not supported; this address supports {supported}."


def _accepted_types(context: dict[str, Any]) -> str:
    accepted = " or ".join(parser.media_type for parser in context["view"].parser_classes)
    sent = context["request"].content_type
    current = f"it is now {sent[:60]}" if sent else "it is missing"
    return f"Send {accepted}, and set the header Content-Type accordingly; {current}."


def refusal_response(refused: Refused, view: ApiView) -> HttpResponse:
    """The response for a refused transition. If a value is invalid, it names the field as this version does."""
    if refused.reason != "invalid":
        return error_response(status_of(refused), refused.sentence)
    field = view.variant.record.name_of(refused.field or "record")
    return error_response(422, refused.sentence, **{field: [refused.sentence]})
