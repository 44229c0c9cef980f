"""`/healthz`, for load balancers, and with `?detail` for operators; `/metrics`, for Prometheus."""

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.cache import never_cache
from prometheus_client.exposition import choose_encoder

from pharos.accounts.authorization import PUBLIC

from . import detail, health
from .access import is_operator
from .metrics import Source, build_registry


@method_decorator(never_cache, name="dispatch")
class Health(View):
    """200 if this process can serve, else 503 with what keeps it from serving, a line each.

    With `?detail`, JSON for the machine itself and for admins' and services' keys; others get 403.
    """

    permission = PUBLIC

    def get(self, request: HttpRequest) -> HttpResponse:
        problems = health.find_problems()
        status = 503 if problems else 200
        if "detail" not in request.GET:
            text = "".join(f"{problem}\n" for problem in problems) or "ok\n"
            return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
        if not is_operator(request):
            sentence = "Only this machine itself, or an admin's or a service's API key, gets the details."
            return JsonResponse({"error": sentence}, status=403)
        return JsonResponse(detail.describe(problems), status=status)


@method_decorator(never_cache, name="dispatch")
class Metrics(View):
    """Counters of all processes, and numbers that `sources` read from the database for each scrape."""

    permission = PUBLIC
    sources: Iterable[Source] = ()

    def get(self, request: HttpRequest) -> HttpResponse:
        if not is_operator(request):
            sentence = (
                "Only this machine itself, or an admin's or a service's API key sent over https, gets the metrics. Send "
                "your email in the header X-Pharos-API-User and the key in X-Pharos-API-Key.\n"
            )
            return HttpResponse(sentence, status=403, content_type="text/plain; charset=utf-8")
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return HttpResponse(encode(build_registry(self.sources)), content_type=content_type)
