from django.http import Http404
from django.shortcuts import render
from django.utils.cache import patch_cache_control

from .outages import find_outage
from .views import outage_page


class ErrorAndCacheMiddleware:
    """Gives every 404 and every outage of the database the same page, and keeps shared caches from storing pages of signed-in users.

    The 404 page is the same while DEBUG is on, because Django's own would list every address to visitors of the demo.
    """

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        if not response.has_header("Cache-Control") and request.user.is_authenticated:
            patch_cache_control(response, private=True, no_cache=True)
        return response

    def process_exception(self, request, exception):
        if isinstance(exception, Http404):
            return render(request, "404.html", status=404)
        outage = find_outage(exception)
        return outage_page(request, outage, exception) if outage else None
