"""Test clients of other sites in the product's process, so that calls to both can be interleaved."""

from collections.abc import Callable
from typing import Any

from django.test import Client, override_settings


def client(routes: str, middleware: list[str], user: Any = None) -> Client:
    """A client of a site with these routes and this middleware.

    ROOT_URLCONF stays the product's: changing it would clear Django's URL caches, and filling them again would be measured.
    """
    made = Client()
    if user:
        made.force_login(user)
    with override_settings(
        MIDDLEWARE=[f"bench.baselines.in_process_clients.at_{routes.rpartition('.')[2]}", *middleware]
    ):
        made.handler.load_middleware()
    return made


def _at(routes: str) -> Callable[[Callable], Callable]:
    def middleware(get_response):
        def answer(request):
            request.urlconf = routes
            return get_response(request)

        return answer

    return middleware


at_django_admin, at_minimal_views = _at("bench.baselines.django_admin"), _at("bench.baselines.minimal_views")
