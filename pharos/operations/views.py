from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.views import View
from prometheus_client.exposition import choose_encoder

from pharos.accounts.authorization import PUBLIC

from .callers import has_operator_key, is_on_this_machine
from .metrics import Source, build_registry

_REFUSAL = (
    "Metrics are shown to callers on this machine that use no proxy, and to service accounts and admins, over https: send "
    "your email in the header X-Pharos-API-User and your API key in X-Pharos-API-Key.\n"
)


class Metrics(View):
    """`/metrics`, for Prometheus. `sources` read numbers from the database for each scrape."""

    permission = PUBLIC  # it has no session, and checks the caller itself
    sources: Iterable[Source] = ()

    def get(self, request: HttpRequest) -> HttpResponse:
        if not (is_on_this_machine(request) or has_operator_key(request)):
            return HttpResponse(_REFUSAL, status=403, content_type="text/plain; charset=utf-8")
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        response = HttpResponse(encode(build_registry(self.sources)), content_type=content_type)
        response["Cache-Control"] = "no-store"
        return response
