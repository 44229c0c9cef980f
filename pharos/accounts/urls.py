"""allauth's pages. What a form there changes and the email about it are stored together, or neither is."""

from functools import wraps

from allauth.account.urls import urlpatterns as library_patterns
from django.db import transaction
from django.urls import URLPattern


def _in_one_transaction(view):
    @wraps(view)
    def run(request, *args, **kwargs):
        if request.method != "POST":
            return view(request, *args, **kwargs)
        with transaction.atomic():
            return view(request, *args, **kwargs)

    return run


urlpatterns = [
    URLPattern(one.pattern, _in_one_transaction(one.callback), one.default_args, one.name) for one in library_patterns
]
