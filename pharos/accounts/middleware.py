import zoneinfo

from django.utils import timezone, translation


class PersonMiddleware:
    """Shows pages in the reader's time zone, and in their language if they have chosen one, else in their browser's."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        if not request.user.is_authenticated:
            return self.get_response(request)
        with timezone.override(zoneinfo.ZoneInfo(request.user.time_zone)):
            if not request.user.language:
                return self.get_response(request)
            with translation.override(request.user.language):
                response = self.get_response(request)
            response.headers.setdefault("Content-Language", request.user.language)
            return response
