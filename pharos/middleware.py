from django.http import Http404
from django.shortcuts import render
from django.utils.cache import patch_cache_control


class ErrorAndCacheMiddleware:
    """Applies to every response: "not found" looks the same everywhere, and no shared cache stores a person's page.

    This also applies while debugging: Django's own page would list every address to whoever tries the demo.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if not response.has_header("Cache-Control") and request.user.is_authenticated:
            patch_cache_control(response, private=True, no_cache=True)
        return response

    def process_exception(self, request, exception):
        return render(request, "404.html", status=404) if isinstance(exception, Http404) else None
