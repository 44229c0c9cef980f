"""Clients of other sites in the same process as the product's, so that the two can take turns."""

from collections.abc import Callable
from typing import Any

from django.test import Client, override_settings


def client(routes: str, middleware: list[str], user: Any = None) -> Client:
    """A client of a site with these routes and this middleware. The settings stay the product's: changing the routes there
    would make Django forget all of its own, and measure how long it takes to learn them again."""
    made = Client()
    if user:
        made.force_login(user)
    with override_settings(MIDDLEWARE=[f"bench.peers.beside.at_{routes.rpartition('.')[2]}", *middleware]):
        made.handler.load_middleware()
    return made


def _at(routes: str) -> Callable[[Callable], Callable]:
    def middleware(get_response):
        def answer(request):
            request.urlconf = routes
            return get_response(request)

        return answer

    return middleware


at_admin, at_bare = _at("bench.peers.admin"), _at("bench.peers.bare")
