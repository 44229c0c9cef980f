"""allauth's pages, some of them with additions. What a form there changes and the email about it are stored together, or neither is."""

from functools import wraps

from allauth.account.urls import urlpatterns as library_patterns
from django.db import transaction
from django.urls import URLPattern

from .sign_in_views import NewPassword, SignIn, SignOut

OUR_VIEWS = {
    "account_login": SignIn.as_view(),
    "account_logout": SignOut.as_view(),
    "account_reset_password_from_key": NewPassword.as_view(),
}


# Checking a password takes long. In a transaction, SQLite would keep all writers waiting, and failed attempts at the same
# time would wait for each other.
ONLY_CHECKS_A_PASSWORD = {"account_login", "account_reauthenticate"}


def _in_one_transaction(view):
    @wraps(view)
    def run(request, *args, **kwargs):
        if request.method != "POST":
            return view(request, *args, **kwargs)
        with transaction.atomic():
            return view(request, *args, **kwargs)

    return run


def _view(pattern):
    view = OUR_VIEWS.get(pattern.name, pattern.callback)
    return view if pattern.name in ONLY_CHECKS_A_PASSWORD else _in_one_transaction(view)


urlpatterns = [URLPattern(one.pattern, _view(one), one.default_args, one.name) for one in library_patterns]
